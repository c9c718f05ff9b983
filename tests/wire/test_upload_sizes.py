# SPDX-License-Identifier: Apache-2.0
"""Sizes at limits: empty, one byte, around the chunk size, over 32 bits."""
import pytest
from registry import profile
from wire_support import (MIB, assert_failed, assert_stored, noise, patches, upload)

CHUNK = ["--chunk-size", "1M"]
MODES = ["auto", "chunked", "streamed", "monolithic"]


@pytest.mark.parametrize("mode", MODES)
def test_empty_uncompressed_blob_is_stored(mode, run, registry):
    server = registry("d28")
    result = upload(run, server, b"", "--allow-empty", "--upload", mode)
    assert_stored(server, result, b"")


@pytest.mark.parametrize("mode", MODES)
def test_empty_compressed_stream_is_stored(mode, run, registry):
    server = registry("d28")
    result = run("layer", "--json", "--raw", "--allow-empty", "--upload", mode,
                 f"{server.host}/test/layer", input=b"")
    assert_stored(server, result, b"")


@pytest.mark.parametrize("status", [400, 500])
def test_registry_that_refuses_empty_blob_fails(status, run, registry):
    server = registry(profile("d28", empty_blob_status=status))
    result = upload(run, server, b"", "--allow-empty", "--retry", "0")
    assert_failed(server, result, {6, 7}, sessions=1)


def test_empty_input_without_option_fails(run, registry):
    server = registry("d28")
    assert_failed(server, upload(run, server, b""), 3)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["d28", "d3", "quay"])
def test_one_byte_blob_is_stored(name, mode, run, registry):
    server = registry(name)
    assert_stored(server, upload(run, server, b"1", "--upload", mode), b"1")


@pytest.mark.parametrize("name", ["d28", "zot"])
@pytest.mark.parametrize("mode", ["auto", "chunked", "streamed"])
def test_sizes_around_chunk_limit_are_stored(mode, name, run, registry):
    """assert_history() checks that no PATCH is empty."""
    for count in (1, 2, 3):
        for more in (-1, 0, 1):
            server = registry(name)
            data = noise(count * MIB + more)
            assert_stored(server, upload(run, server, data, *CHUNK, "--upload", mode), data)
            if mode == "chunked" and count > 1:
                assert len(patches(server)) == count + (more > 0)


@pytest.mark.parametrize("mode", ["monolithic"])
def test_monolithic_upload_from_spool_has_no_patch(mode, run, registry, tmp_path):
    server = registry("d28")
    data = noise(5 * MIB + 1)
    result = upload(run, server, data, "--upload", mode, "--spool", tmp_path)
    assert_stored(server, result, data)
    assert patches(server) == []
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1 << 32) - 1, 1 << 32, (1 << 32) + 1, (1 << 33) + 1])
@pytest.mark.parametrize("mode", ["streamed", "chunked"])
def test_sizes_over_32_bits_are_stored(mode, size, run, registry, tmp_path):
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.truncate(size)
    server = registry("d28", discard=True)
    output = run("layer", "--json", "--raw", "--compress", "none", "--upload", mode,
                 f"{server.host}/test/layer", path).json()
    assert output["size"] == output["uncompressedSize"] == size
    assert server.blob("test/layer", output["digest"]) == size
