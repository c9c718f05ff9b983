# SPDX-License-Identifier: Apache-2.0
"""libcurl, which needs more than twenty other libraries, is loaded for requests only. What a run says that cannot
load it."""
import json
import os
import re
import shutil
import struct
import subprocess

import pytest
from cli_support import COMMAND, build_options, is_sanitized

SONAME = "libcurl.so.4"


def loads_libcurl():
    """Whether this build loads libcurl at run time: the shared library does, unless an option says otherwise."""
    options = build_options()
    return options.get("libcurl") == "loaded" or (options.get("libcurl") == "auto" and
                                                  options["default_library"] == "shared")


pytestmark = pytest.mark.skipif(not loads_libcurl(), reason="this build is linked with libcurl")


def path_of(library):
    """Where a library is that the command is linked with."""
    listed = subprocess.run(["ldd", COMMAND], check=True, stdout=subprocess.PIPE).stdout.decode()
    return re.search(rf"=> (\S*/{library}\.so\S*)", listed)[1]


@pytest.fixture
def libraries(command, tmp_path):
    """libraries(*args): runs the command, which must succeed; the names of all libraries that it has loaded."""
    def traced(*args, **options):
        trace = tmp_path / "trace"
        trace.mkdir(exist_ok=True)
        done = command(*args, env={"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(trace / "ld")}, **options)
        assert done.returncode == 0, done.stderr
        text = "".join(path.read_text(errors="replace") for path in trace.iterdir())
        shutil.rmtree(trace)
        return {os.path.basename(path) for path in re.findall(r"calling init: (\S+)", text)}
    return traced


def test_runs_without_a_registry_do_not_load_libcurl(libraries, tmp_path, tar_file, tar_bytes):
    layout, archive = f"oci:{tmp_path}/layout:1", f"oci-archive:{tmp_path}/archive.tar:1"
    for arguments, stdin in [
            (["version"], b""), (["help", "push"], b""), (["completion", "bash"], b""),
            (["layer", "null:", tar_file], b""), (["layer", "null:"], tar_bytes),
            (["push", "-q", layout, tar_file], b""), (["push", "-q", archive, tar_file], b""),
            (["copy", "-q", archive, f"oci:{tmp_path}/other:1"], b""),
            (["inspect", layout], b""), (["inspect", archive], b""),
            (["cat", "-q", layout], b""), (["index", "-q", f"oci:{tmp_path}/layout:all", layout], b"")]:
        found = libraries(*arguments, input=stdin)
        assert any(name.startswith("libcrypto.so") for name in found), (arguments, found)
        assert not any(name.startswith(("libcurl", "libssl", "libldap")) for name in found), (arguments, found)


def test_library_says_what_it_loads():
    """Tools that collect the libraries of a program read this note."""
    note = subprocess.run(["objcopy", "--dump-section", ".note.dlopen=/dev/stdout", path_of("liblayerpipe"), "/dev/null"],
                          check=True, stdout=subprocess.PIPE).stdout
    owner_size, text_size, kind = struct.unpack_from("<3I", note)
    assert (owner_size, kind, note[12:16]) == (4, 0x407c0c0a, b"FDO\0")
    assert len(note) == 16 + text_size + -text_size % 4 and note.rstrip(b"\0") == note[:16 + text_size - 1]
    [entry] = json.loads(note[16:16 + text_size - 1])
    assert entry["soname"] == [SONAME] and entry["priority"] == "required"


def test_run_with_a_registry_loads_libcurl(libraries, registry, tar_file):
    server = registry("d28")
    assert SONAME in libraries("push", "-q", f"{server.host}/a:1", tar_file)


@pytest.mark.skipif(is_sanitized(), reason="the sanitizers read every library that is loaded")
@pytest.mark.parametrize("kind, reason", [("text", "invalid ELF header"), ("another library", "undefined symbol: curl_")])
def test_libcurl_that_cannot_be_used_is_named_and_nothing_is_published(registry, run, tmp_path, tar_file, kind, reason):
    server = registry("d28")
    broken = tmp_path / "broken"
    broken.mkdir()
    if kind == "text":
        (broken / SONAME).write_text("This is no library. " * 200)
    else:
        shutil.copy(path_of("libjansson"), broken / SONAME)
    environment = {"LD_LIBRARY_PATH": f"{broken}:{os.environ.get('LD_LIBRARY_PATH', '')}"}
    for arguments in (["push", "-q"], ["layer", "-q"], ["login", "--username", "u", "--password-stdin"], ["inspect"]):
        reference = server.host + {"push": "/a:1", "layer": "/a", "inspect": "/a:1"}.get(arguments[0], "")
        inputs = [tar_file] if arguments[0] in ("push", "layer") else []
        done = run(*arguments, reference, *inputs, input=b"password", env=environment)
        assert done.rc == 10, done
        assert done.stdout == ""
        [line] = done.stderr.splitlines()
        assert "libcurl cannot be loaded" in line and reason in line and "install it" in line
        assert "password" not in line
    assert not server.blobs() and not server.journal.entries()
    # All that needs no registry goes on.
    assert run("push", "-q", f"oci:{tmp_path}/layout:1", tar_file, env=environment).rc == 0
