# SPDX-License-Identifier: Apache-2.0
"""Python: layers that are written through a file object."""
import array
import contextlib
import gc
import gzip
import hashlib
import io
import os
import tarfile
import threading

import pytest
from cli_support import make_tar, wait_until
from registry import Fault


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def test_tarfile_writes_a_layer(lp, docker_registry):
    server = docker_registry()
    content = os.urandom(1 << 20)
    with lp.Layer(f"{server.host}/python") as layer:
        with tarfile.open(fileobj=layer, mode="w|") as tar:
            entry = tarfile.TarInfo("data")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        written = layer.tell()
    result = layer.result
    blob = server.blob("python", result.digest)
    read = gzip.decompress(blob)
    assert (result.size, result.uncompressed_size) == (len(blob), len(read)) and written == len(read)
    assert (result.digest, result.diff_id) == (sha256(blob), sha256(read))
    assert result.reference == f"{server.host}/python@{result.digest}"
    assert result.media_type == "application/vnd.oci.image.layer.v1.tar+gzip"
    with tarfile.open(fileobj=io.BytesIO(read)) as tar:
        assert tar.extractfile("data").read() == content
    assert server.open_sessions("python") == []


@pytest.mark.parametrize("data", [
    bytes(range(256)) * 4, bytearray(b"abc" * 100000), memoryview(b"0123456789")[::3],
    array.array("I", range(100000)), memoryview(array.array("d", range(12))).cast("B").cast("d", [3, 4])],
    ids=["bytes", "bytearray", "strided", "array", "matrix"])
def test_any_buffer_is_written(lp, registry, data):
    server = registry()
    with lp.Layer(f"{server.host}/python", raw=True, compress="none", media_type="text/plain") as layer:
        assert layer.write(data) == memoryview(data).nbytes
        assert layer.write(b"") == 0
    assert server.blob("python", layer.result.digest) == memoryview(data).tobytes()


def test_options_reach_the_library(lp, registry):
    server = registry()
    data = make_tar({"a": b"1" * 1000})
    with lp.Layer(f"{server.host}/python", compress="zstd:5", threads=0, memory=256 << 20) as layer:
        layer.write(data)
    assert layer.result.media_type.endswith("+zstd") and layer.result.diff_id == sha256(data)
    with lp.Layer(f"{server.host}/python", compress="zstd-chunked") as layer:
        layer.write(data)
    assert layer.result.annotations
    with lp.Layer("null:", allow_empty=True) as layer:
        pass
    assert layer.result.uncompressed_size == 0 and layer.result.reference.startswith("null:@")


def test_layer_of_a_layout(lp, tmp_path):
    with lp.Layer(f"oci:{tmp_path}/layout") as layer:
        layer.write(make_tar({"a": b"1"}))
    assert (tmp_path / "layout/blobs/sha256" / layer.result.digest[7:]).exists()
    assert layer.result.reference == f"oci:{tmp_path}/layout@{layer.result.digest}"


def test_exception_abandons_the_layer(lp, registry):
    server = registry()
    with pytest.raises(KeyError):
        with lp.Layer(f"{server.host}/python") as layer:
            layer.write(make_tar({"a": b"1"}))
            raise KeyError
    assert server.blobs() == [] and len(server.open_sessions()) == 0
    assert layer.closed
    for call in (lambda: layer.write(b"x"), layer.flush, layer.finish):
        with pytest.raises(ValueError, match="closed"):
            call()
    with pytest.raises(lp.Error, match="not finished") as caught:
        assert layer.result
    assert caught.value.status == "NOT_COMPUTED"


def test_close_and_garbage_collection_publish_nothing(lp, registry):
    server = registry()
    layer = lp.Layer(f"{server.host}/python", raw=True)
    layer.write(os.urandom(1 << 20))
    layer.close()
    layer.close()
    layer = lp.Layer(f"{server.host}/python", raw=True)
    layer.write(os.urandom(1 << 20))
    del layer
    gc.collect()
    assert server.blobs() == [] and len(server.open_sessions()) == 0


def test_finish_without_a_block(lp, registry):
    server = registry()
    layer = lp.Layer(f"{server.host}/python")
    layer.write(make_tar({"a": b"1"}))
    assert layer.finish() is layer.result and layer.closed
    assert server.blobs() == [layer.result.digest]


def test_truncated_tar_is_an_input_error(lp, registry):
    server = registry()
    with pytest.raises(lp.InputError) as caught:
        with lp.Layer(f"{server.host}/python") as layer:
            layer.write(make_tar({"a": b"1" * 2000})[:1500])
    error = caught.value
    assert (error.status, error.exit_status) == ("TRUNCATED", 3) and "cut off" in error.message
    assert "allow_truncated=True" in error.hint and str(error) == f"{error.message}; {error.hint}"
    assert server.blobs() == [] and len(server.open_sessions()) == 0


def test_tag_is_refused(lp):
    with pytest.raises(lp.UsageError, match='drop "1"'):
        lp.Layer("oci:somewhere:1")
    with pytest.raises(lp.UsageError):
        lp.Layer("registry.example/a:1")
    with pytest.raises(lp.UsageError) as caught:
        lp.Layer("null:", compress="bzip2")
    assert caught.value.status == "INVALID_ARGUMENT" and "bzip2" in caught.value.message


def test_other_threads_run_while_write_waits(lp, registry):
    """The GIL is free while the buffers are full, and a second thread cannot use the layer."""
    stall = Fault("patch", "stall", at=0)
    server = registry("d28", stall)
    with lp.Client(upload="streamed") as client:
        layer = lp.Layer(f"{server.host}/python", raw=True, compress="none", client=client, memory=4 << 20)
        writing = threading.Event()

        def write():
            for _ in range(40):
                with contextlib.suppress(RuntimeError):
                    layer.write(os.urandom(1 << 20))
                writing.set()

        thread = threading.Thread(target=write)
        thread.start()
        assert stall.reached.wait(60) and writing.wait(60)
        seen = []

        def is_refused():
            try:
                lp._layerpipe.writer_write(layer._handle, bytearray(), 0)
            except RuntimeError as error:
                seen.append(str(error))
            return bool(seen)

        wait_until(is_refused)
        assert seen == ["another thread uses this layer"]
        stall.release()
        thread.join()
        layer.abort()
    assert server.blobs() == []
