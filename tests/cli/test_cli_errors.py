# SPDX-License-Identifier: Apache-2.0
"""A failure prints one line that says what failed, where, and what to try."""
import gzip
import os

import pytest
from cli_support import error_line, make_tar
from servers import free_port

REFERENCES = {
    "localhost:5000/UPPER": "at character 16: upper-case letter in the repository name, which must "
                            "be lower-case",
    "localhost:5000": "at character 15: this names a registry only: add '/' and a repository",
    "https://localhost:5000/a": "a reference has no scheme",
    "localhost:99999/a": "at character 11: the port must be a number from 1 to 65535",
    "": "empty; write [REGISTRY/]REPOSITORY[:TAG]",
    "oci:": "the directory is missing: write oci:DIR[:TAG]",
}


@pytest.mark.parametrize("reference", REFERENCES)
def test_malformed_reference_error_names_the_fault(command, tar_file, reference):
    result = command("push", reference, tar_file)
    assert result.returncode == 2
    assert result.stdout == b""
    line = error_line(result)
    assert line.startswith(f"layerpipe: reference '{reference}': ")
    assert line.endswith(REFERENCES[reference]) or REFERENCES[reference] in line


@pytest.mark.parametrize("verb", ["layer", "push"])
def test_truncated_tar_error_names_offset_and_option(command, tmp_path, tar_bytes, verb):
    """The tar ends inside of a file, at a header, and before its end mark."""
    whole = len(tar_bytes.rstrip(b"\0"))
    for size in (100, 512, 700, whole):
        result = command(verb, "-q", f"oci:{tmp_path}/layout", "-", input=tar_bytes[:size])
        assert result.returncode == 3, size
        assert result.stdout == b""
        line = error_line(result)
        assert f"byte {size}" in line or str(size) in line
        # Less than one header is probably not a tar. The line has one hint only.
        assert ("--raw" in line) == (size < 512)
        assert ("--allow-truncated" in line) == (size >= 512)
    blobs = tmp_path / "layout" / "blobs" / "sha256"
    assert not blobs.exists() or os.listdir(blobs) == []


def test_truncated_gzip_error_names_gzip(command, tar_bytes):
    compressed = gzip.compress(tar_bytes)
    result = command("layer", "-q", "null:", "-", input=compressed[:len(compressed) // 2])
    assert result.returncode == 3
    assert "gzip" in error_line(result)


def test_input_without_tar_header_error_suggests_raw(command):
    result = command("layer", "-q", "null:", "-", input=b"this is no tar at all\n" * 100)
    assert result.returncode == 3
    line = error_line(result)
    assert "it does not begin with a tar header" in line
    assert "--raw" in line


def test_damaged_header_error_names_its_offset(command):
    data = bytearray(make_tar({"a": b"a" * 1000, "b": b"b" * 1000}))
    second = data.index(b"b\0\0\0\0")
    data[second + 3] ^= 0x20
    result = command("layer", "-q", "null:", "-", input=bytes(data))
    assert result.returncode == 3
    assert str(second) in error_line(result)


@pytest.mark.parametrize("magic, name", [(b"\xfd7zXZ\0", "xz"), (b"BZh91AY&SY", "bzip2")])
def test_unsupported_compression_error_names_it(command, magic, name):
    result = command("layer", "-q", "null:", "-", input=magic + os.urandom(1000))
    assert result.returncode == 3
    line = error_line(result)
    assert name in line and "decompress" in line and "--raw" not in line


def test_empty_stdin_error_suggests_allow_empty(command):
    result = command("layer", "-q", "null:", "-", input=b"")
    assert result.returncode == 3
    line = error_line(result)
    assert "--allow-empty" in line and "--allow-truncated" not in line
    assert line.index("check the program") < line.index("--allow-empty") and "at byte" not in line


@pytest.mark.parametrize("verb", ["layer", "push"])
def test_closed_port_error_names_registry(command, tar_file, verb):
    name = f"localhost:{free_port()}/a/b"
    result = command(verb, "-q", "--retry", "0", name, tar_file)
    assert result.returncode == 6
    assert result.stdout == b""
    line = error_line(result)
    assert name.split("/")[0] in line
    assert "no server listens there" in line


@pytest.mark.slow
def test_inspect_of_closed_port_fails_after_retries(command):
    """Makes all attempts; they take half a minute."""
    name = f"localhost:{free_port()}/a/b"
    result = command("inspect", "-q", name)
    assert result.returncode == 6
    assert name.split("/")[0] in error_line(result)


def test_unknown_host_error_names_it(command, tar_file):
    result = command("layer", "-q", "--retry", "0", "nowhere.invalid/a", tar_file)
    assert result.returncode == 6
    assert "nowhere.invalid" in error_line(result)


def test_https_to_http_server_fails_with_one_line(command, tar_file, registry):
    """layerpipe does not recognise 0177.0.0.1 as a loopback address, so it uses https."""
    server = registry()
    result = command("layer", "-q", "--retry", "0", f"0177.0.0.1:{server.port}/a", tar_file)
    assert result.returncode in (2, 6)
    error_line(result)


def test_inspect_of_missing_image_error_names_it(command, registry):
    server = registry()
    result = command("inspect", f"{server.host}/no/such:image")
    assert result.returncode == 5
    assert "no/such" in error_line(result)


def test_missing_input_error_names_path_and_reason(command, tmp_path):
    result = command("layer", "null:", tmp_path / "missing.tar")
    assert result.returncode == 3
    assert error_line(result) == (f"layerpipe: cannot open input {tmp_path}/missing.tar: "
                                  "No such file or directory")


def test_layout_path_that_is_a_file_error_names_it(command, tar_file, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = command("push", "-q", f"oci:{tmp_path}/file:x", tar_file)
    assert result.returncode == 8
    assert f"{tmp_path}/file" in error_line(result)


def test_memory_limit_too_small_error_names_minimum(command, tar_file):
    result = command("layer", "-q", "--memory", "4K", "null:", tar_file)
    assert result.returncode == 2
    line = error_line(result)
    assert "memory limit" in line and "at least" in line
