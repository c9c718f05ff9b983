# SPDX-License-Identifier: Apache-2.0
"""Reads and writes that take a part of the bytes, and those that a signal interrupts: the results are
the same as without them."""
import gzip
import os

import pytest
from archive_support import pack
from archive_forms import FORMS
from cli_support import COMMAND, is_sanitized, make_tar
from image_support import Base
from inputs import random_bytes

SHORT = os.path.join(os.path.dirname(COMMAND), "tests", "short_calls.so")
TAR = make_tar({"a": random_bytes(300_000, "a"), "b": b"b" * 200_000})

pytestmark = pytest.mark.skipif(is_sanitized() or not os.path.exists(SHORT),
                                reason="short_calls.so cannot be loaded into this command")


@pytest.fixture
def same(run):
    """Runs the command with and without short calls."""
    def start(*args, code=0, **options):
        usual = run(*args, **options)
        short = run(*args, env={"LD_PRELOAD": SHORT}, **options)
        assert usual.rc == short.rc == code, (usual, short)
        assert usual.stdout == short.stdout
        return short
    return start


@pytest.mark.parametrize("options", [["--threads", "0"], ["--compress", "zstd-chunked"],
                                     ["--compress", "estargz", "--spool"], ["--soci"]])
def test_push_into_layouts_and_archives(same, command, tmp_path, options):
    options = [*options, str(tmp_path)] if "--spool" in options else options
    for dest in ["oci:{}/layout:1", "oci-archive:{}/a.tar:1", "docker-archive:{}/b.tar:app:1"]:
        dest = dest.format(tmp_path)
        if dest.startswith("docker") and "--soci" in options:
            continue
        result = same("push", "-q", "--created", "0", *options, dest, "-", input=TAR)
        assert "sha256:" in result.stdout
        usual, short = command("cat", dest), command("cat", dest, env={"LD_PRELOAD": SHORT})
        assert usual.returncode == short.returncode == 0, short.stderr
        assert usual.stdout == short.stdout


def test_upload_from_a_spool(same, registry, tmp_path):
    server = registry("d28")
    same("layer", "--json", "--spool", str(tmp_path), "--upload", "chunked", "--chunk-size", "1M",
         "--compress", "none", f"{server.host}/a", "-", input=TAR)


def test_copy_of_archives(same, tmp_path):
    data = pack(FORMS["docker-24"](Base([TAR])))
    (tmp_path / "a.tar").write_bytes(data)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(data))
    same("copy", "-q", f"docker-archive:{tmp_path}/a.tar", f"oci:{tmp_path}/layout:1")
    same("copy", "-q", "-", f"oci:{tmp_path}/layout:2", input=data)
    same("inspect", f"docker-archive:{tmp_path}/a.tar")
    for _ in range(8):  # the first bytes are read in several parts sooner or later
        same("inspect", f"docker-archive:{tmp_path}/a.tar.gz", code=1)


@pytest.mark.parametrize("target", ["file", "/dev/stdout"])
def test_digest_file(same, tmp_path, target):
    path = tmp_path / "digest" if target == "file" else target
    for _ in range(4):
        digest = same("push", "-q", "--created", "0", "--digest-file", path, "null:", "-", input=TAR).stdout
        assert "sha256:" in digest
