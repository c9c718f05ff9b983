# SPDX-License-Identifier: Apache-2.0
"""Sizes at which an off-by-one would show."""
import pytest
from registry import profile
from wire_support import (MIB, assert_lost, assert_stored, noise, patches, upload)

CHUNK = ["--chunk-size", "1M"]
MODES = ["auto", "chunked", "streamed", "monolithic"]


@pytest.mark.parametrize("mode", MODES)
def test_T14_no_bytes_at_all(mode, run, registry):
    server = registry("d28")
    result = upload(run, server, b"", "--allow-empty", "--upload", mode)
    assert_stored(server, result, b"")


@pytest.mark.parametrize("mode", MODES)
def test_T14_empty_stream_compressed(mode, run, registry):
    server = registry("d28")
    result = run("layer", "--json", "--raw", "--allow-empty", "--upload", mode,
                 f"{server.host}/test/layer", input=b"")
    assert_stored(server, result, b"")


@pytest.mark.parametrize("status", [400, 500])
def test_T14_registry_without_empty_blobs(status, run, registry):
    server = registry(profile("d28", empty_blob_status=status))
    result = upload(run, server, b"", "--allow-empty", "--retry", "0")
    assert_lost(server, result, {6, 7}, sessions=1)


def test_nothing_is_no_layer(run, registry):
    server = registry("d28")
    assert_lost(server, upload(run, server, b""), 3)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["d28", "d3", "quay"])
def test_T15_one_byte(name, mode, run, registry):
    server = registry(name)
    assert_stored(server, upload(run, server, b"1", "--upload", mode), b"1")


@pytest.mark.parametrize("name", ["d28", "zot"])
@pytest.mark.parametrize("mode", ["auto", "chunked", "streamed"])
def test_T16_around_chunks(mode, name, run, registry):
    """assert_history() sees to it that no PATCH is empty."""
    for count in (1, 2, 3):
        for more in (-1, 0, 1):
            server = registry(name)
            data = noise(count * MIB + more)
            assert_stored(server, upload(run, server, data, *CHUNK, "--upload", mode), data)
            if mode == "chunked" and count > 1:
                assert len(patches(server)) == count + (more > 0)


@pytest.mark.parametrize("mode", ["monolithic"])
def test_spooled_for_one_request(mode, run, registry, tmp_path):
    server = registry("d28")
    data = noise(5 * MIB + 1)
    result = upload(run, server, data, "--upload", mode, "--spool", tmp_path)
    assert_stored(server, result, data)
    assert patches(server) == []
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1 << 32) - 1, 1 << 32, (1 << 32) + 1, (1 << 33) + 1])
@pytest.mark.parametrize("mode", ["streamed", "chunked"])
def test_R19_sizes_beyond_32_bits(mode, size, run, registry, tmp_path):
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.truncate(size)
    server = registry("d28", discard=True)
    told = run("layer", "--json", "--raw", "--compress", "none", "--upload", mode,
               f"{server.host}/test/layer", path).json()
    assert told["size"] == told["uncompressedSize"] == size
    assert server.blob("test/layer", told["digest"]) == size
