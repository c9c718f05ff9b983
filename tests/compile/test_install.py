# SPDX-License-Identifier: Apache-2.0
"""Which files `make install` installs, and that programs build and run against them."""
import ctypes
import io
import os
import re
import shutil
import subprocess
import tarfile

import pytest
from compile_support import ROOT
from servers import missing

EXAMPLES = {"push_stdin": [], "push_archive": ["-larchive"], "custom_source": [],
            "copy_callback": []}


def tar_bytes():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("hello")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    return out.getvalue()


def below(folder):
    return {os.path.relpath(os.path.join(path, name), folder)
            for path, _, names in os.walk(folder) for name in names}


def build_example(installed, tmp_path, name):
    if installed.sanitized:
        pytest.skip("a plain program cannot use a library with sanitizers")
    program = str(tmp_path / name)
    subprocess.run(["gcc", "-std=c99", "-D_XOPEN_SOURCE=700", "-Wall", "-Wextra", "-Werror", "-o",
                    program, os.path.join(ROOT, "examples", name + ".c"),
                    *installed.link_flags(), *EXAMPLES[name]], check=True)
    return program


def test_installed_files_are_complete(installed, options):
    files = below(installed.prefix)
    library = os.path.join(options["libdir"], "liblayerpipe.so")
    assert {"bin/layerpipe", "include/layerpipe.h", library, library + ".0",
            os.path.join(options["libdir"], "pkgconfig", "layerpipe.pc"),
            "share/bash-completion/completions/layerpipe", "share/zsh/site-functions/_layerpipe",
            "share/fish/vendor_completions.d/layerpipe.fish"} <= files
    pages = {os.path.basename(name) for name in files if "/man/" in name}
    assert {"layerpipe-layer.3", "lpipe_layer_new.3"} <= pages
    if shutil.which("scdoc"):
        assert {name for name in pages if not re.search(r"^(layerpipe-|lpipe_).*[.]3$", name)} == {
            "layerpipe.1", "layerpipe-layer.1", "layerpipe-push.1", "layerpipe-cat.1",
            "layerpipe-copy.1", "layerpipe-index.1", "layerpipe-inspect.1", "layerpipe-login.1",
            "layerpipe-logout.1", "liblayerpipe.3", "layerpipe-errors.7", "layerpipe-protocol.7"}
    # No static library: its internal symbols have no prefix.
    assert not [name for name in files if name.endswith((".a", ".la"))]


def test_installed_command_finds_its_library(installed):
    if installed.sanitized:
        pytest.skip("the sanitizer's run-time must come first")
    result = subprocess.run([os.path.join(installed.prefix, "bin", "layerpipe"), "version"],
                            env=installed.environment, stdout=subprocess.PIPE, check=True)
    assert re.match(rb"layerpipe \d+\.\d+\.\d+\n", result.stdout)


def test_default_libdir_is_a_standard_directory(tmp_path):
    """Also without dpkg-dev, which Meson uses to find its default libdir."""
    script = tmp_path / "bin" / "dpkg-architecture"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    subprocess.run(["/usr/bin/meson", "setup", tmp_path / "build", ROOT, "-Dunits=disabled"],
                   check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "PATH": f"{script.parent}:{os.environ['PATH']}"})
    with open(tmp_path / "build" / "meson-private" / "layerpipe.pc", encoding="utf-8") as pc:
        assert "libdir=${prefix}/lib\n" in pc.read()


@pytest.mark.parametrize("libdir, says", [("/usr/local/lib", []), ("{}/lib", [
    "    export PKG_CONFIG_PATH={}/lib/pkgconfig",
    "    cc ... $(pkg-config --cflags --libs layerpipe) -Wl,-rpath,{}/lib"])])
def test_install_prints_compiler_options_for_unusual_libdir(tmp_path, libdir, says):
    done = subprocess.run([os.path.join(ROOT, "tools", "after_install"),
                           libdir.format(tmp_path)], check=True, stdout=subprocess.PIPE)
    lines = [line for line in done.stdout.decode().splitlines() if line.startswith("    ")]
    assert lines == [line.format(tmp_path) for line in says]


def test_installed_files_name_no_build_directory(installed, options):
    program = os.path.join(installed.prefix, "bin", "layerpipe")
    dynamic = subprocess.run(["readelf", "-d", program], check=True,
                             stdout=subprocess.PIPE).stdout.decode()
    # The path is relative to the command.
    assert set(re.findall(r"R(?:UN)?PATH.*\[(.*)\]", dynamic)) <= {"$ORIGIN/../" + options["libdir"]}
    with open(os.path.join(installed.libdir, "pkgconfig", "layerpipe.pc"), encoding="utf-8") as pc:
        assert ROOT not in pc.read()


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_builds_with_pkg_config(installed, tmp_path, name):
    program = build_example(installed, tmp_path, name)
    result = subprocess.run([program, "localhost:1/UPPER", "x"], env=installed.environment,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False)
    assert result.returncode == 2
    assert result.stdout == b""
    assert result.stderr.startswith(name.encode() + b": ")


def test_example_runs_against_a_layout(installed, tmp_path):
    program = build_example(installed, tmp_path, "custom_source")
    result = subprocess.run([program, f"oci:{tmp_path}/layout", "300000"],
                            env=installed.environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False)
    assert result.returncode == 0, result.stderr
    assert b"source closed after 300000 bytes" in result.stderr
    assert b"300000 bytes in" in result.stderr
    digest = result.stdout.decode().strip().split(":")[1]
    assert (tmp_path / "layout" / "blobs" / "sha256" / digest).exists()


def test_library_works_without_initialisation(installed):
    """Loads the library with dlopen() and calls it without any preparation."""
    if installed.sanitized:
        pytest.skip("the sanitizer's run-time must come first")
    library = ctypes.CDLL(os.path.join(installed.libdir, "liblayerpipe.so"))
    library.lpipe_version.restype = ctypes.c_char_p
    library.lpipe_status_name.restype = ctypes.c_char_p
    assert re.fullmatch(rb"\d+\.\d+\.\d+", library.lpipe_version())
    assert library.lpipe_status_name(-15) == b"NOT_FOUND"
    assert library.lpipe_ref_free(None) is None or library.lpipe_ref_free(None) == 0


def test_manual_pages_have_no_warnings(installed):
    if shutil.which("scdoc") is None or shutil.which("man") is None:
        pytest.skip(missing("scdoc" if shutil.which("scdoc") is None else "man"))
    pages = [os.path.join(installed.prefix, name) for name in below(installed.prefix) if "/man/" in name]
    for path in pages:
        if os.path.islink(path):
            continue
        result = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path],
                                env={**os.environ, "MANROFFSEQ": "", "MANWIDTH": "80",
                                     "LC_ALL": "C.UTF-8"},
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        assert result.returncode == 0 and result.stderr == b"", (path, result.stderr)


def test_readme_program_compiles_and_runs(installed, tmp_path, registry):
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as readme:
        program = re.search(r"^    #include <layerpipe.h>\n.*?^    }\n", readme.read(),
                            re.M | re.S).group()
    server = registry()
    assert '"localhost:5000/stream"' in program
    program = program.replace("localhost:5000/", server.host + "/")
    source = tmp_path / "push.c"
    source.write_text("".join(line[4:] + "\n" for line in program.splitlines()))
    object_file = tmp_path / "push.o"
    subprocess.run(["gcc", "-std=c99", "-D_XOPEN_SOURCE=700", "-Wall", "-Wextra", "-Werror", "-c",
                    "-o", object_file, source, *installed.pkg_config("--cflags")], check=True)
    if installed.sanitized:
        pytest.skip("a plain program cannot use a library with sanitizers")
    subprocess.run(["gcc", "-o", tmp_path / "push", object_file, *installed.link_flags()], check=True)
    result = subprocess.run([tmp_path / "push"], input=tar_bytes(), env=installed.environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert result.returncode == 0, result.stderr
    assert set(server.blobs()) == {result.stdout.decode().strip()}
