# SPDX-License-Identifier: Apache-2.0
"""Python: images are read back, copied, and put into an index."""
import gzip
import io
import os
import subprocess
import tarfile

import pytest
from archive_support import docker_classic, pack
from cli_support import make_tar
from image_support import Base
from registry import Fault


@pytest.fixture
def tars():
    return [make_tar({f"file{number}": os.urandom(400000)}) for number in (1, 2)]


@pytest.fixture
def pushed(lp, registry, tars):
    server = registry()
    return server, lp.push(f"{server.host}/python:1", tars, cmd="run")


def test_cat_gives_all_files(lp, pushed, tars):
    server, result = pushed
    with lp.cat(f"{server.host}/python:1") as file:
        with tarfile.open(fileobj=file, mode="r|") as tar:
            found = {entry.name: tar.extractfile(entry).read() for entry in tar}
        assert file.read() == b""
    expected = {}
    for data in tars:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            expected.update((entry.name, tar.extractfile(entry).read()) for entry in tar)
    assert found == expected


def test_reader_is_a_file_object(lp, pushed, tars):
    server, result = pushed
    with lp.cat(f"{server.host}/python:1", layer=2) as file:
        assert file.readable() and not file.writable() and not file.seekable()
        assert file.read(10) == tars[1][:10] and file.read(0) == b""
        buffer = bytearray(100)
        assert file.readinto(buffer) == 100 and buffer == tars[1][10:110]
        assert file.read() == tars[1][110:]
        assert file.read() == b"" and file.read(5) == b""
    with pytest.raises(ValueError):
        file.read(1)
    file.close()
    with io.BufferedReader(lp.cat(f"{server.host}/python:1", layer=result.layers[0].digest)) as file:
        assert file.read() == tars[0]
    with lp.cat(f"{server.host}/python:1", layer=1, blob=True) as file:
        assert file.read() == server.blob("python", result.layers[0].digest)
    with lp.cat(f"{server.host}/python:1", layer=1, compress="gzip") as file:
        assert gzip.decompress(file.read()) == tars[0]


def test_reader_outlives_its_client(lp, pushed, tars):
    server, result = pushed
    with lp.Client() as client:
        file = lp.cat(f"{server.host}/python:1", layer=1, client=client)
    assert file.read() == tars[0]
    file.close()


@pytest.mark.parametrize("sent", [0, 1000, -1])
def test_wrong_byte_is_an_integrity_error(lp, registry, tars, sent):
    """Nothing is returned by read(), and the tar has no end."""
    base = Base([tars[0]])
    place = sent % len(tars[0])
    damaged = bytearray(tars[0])
    damaged[place] ^= 1
    server = registry("d28", Fault("blob-get", "answer", body=bytes(damaged), times=None,
                                   when=lambda request: request.path.endswith(base.manifest["layers"][0]["digest"])))
    reference = base.put(server, "python", "1")
    with lp.cat(reference, layer=1) as file:
        with pytest.raises(lp.IntegrityError) as caught:
            file.read()
        assert caught.value.exit_status == 9
        with pytest.raises(lp.IntegrityError):
            file.read(1)
    got = b""
    with lp.cat(reference, layer=1) as file, pytest.raises(lp.IntegrityError):
        for part in iter(lambda: file.read(5000), b""):
            got += part
    assert len(got) <= len(tars[0]) - 1024


def test_inspect(lp, pushed):
    server, result = pushed
    document = lp.inspect(f"{server.host}/python:1")
    assert document["digest"] == result.digest
    assert document["manifest"]["config"]["digest"] == result.config_digest
    assert document["config"]["config"]["Cmd"] == ["run"]
    with pytest.raises(lp.NotFoundError):
        lp.inspect(f"{server.host}/python:2")


def test_tables_of_contents(lp, registry, tmp_path):
    server = registry()
    path = tmp_path / "tar"
    path.write_bytes(make_tar({"late": b"1" * 1000, "first": b"2"}))
    layer = lp.Input(path, compress="estargz", prefetch=["first"])
    lp.push(f"{server.host}/python:1", [layer])
    with lp.cat(f"{server.host}/python:1") as file:
        names = tarfile.open(fileobj=file, mode="r|").getnames()
    assert names.index("first") < names.index("late")
    assert lp.inspect(f"{server.host}/python:1", tables=True)["digest"]


def test_title_of_an_artifact(lp, registry):
    server = registry()
    model = lp.Input(b"weights", raw=True, media_type="a/b", title="model.bin")
    lp.push(f"{server.host}/python:1", [model], artifact_type="a/b", compress="none")
    [layer] = server.manifest("python", "1")["layers"]
    assert layer["annotations"] == {"org.opencontainers.image.title": "model.bin"}
    with pytest.raises(lp.UsageError, match="title"):
        lp.push("null:", [lp.Input(b"weights", raw=True, title="a\nb")], artifact_type="a/b")


def test_copy(lp, pushed, tmp_path):
    server, result = pushed
    copied = lp.copy(f"{server.host}/python:1", f"oci:{tmp_path}/layout:1", tags=["2"])
    assert (copied.digest, copied.tags, copied.blobs_copied) == (result.digest, ["1", "2"], 3)
    again = lp.copy(f"oci:{tmp_path}/layout:1", f"{server.host}/other:1")
    assert again.digest == result.digest and server.manifest("other", "1")
    lp.copy(f"{server.host}/python:1", f"docker-archive:{tmp_path}/save.tar:app:1")
    with tarfile.open(tmp_path / "save.tar") as tar:
        assert "manifest.json" in tar.getnames()


@pytest.mark.parametrize("kind", ["path", "file", "pipe", "bytes", "gzip"])
def test_copy_of_an_archive(lp, registry, tmp_path, kind):
    server = registry()
    base = Base()
    path = tmp_path / "save.tar"
    path.write_bytes(pack(docker_classic(base, ("app:1.4",))))
    process = subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE)
    with open(path, "rb") as file, process.stdout as pipe:
        source = {"path": path, "file": file, "pipe": pipe, "bytes": path.read_bytes(),
                  "gzip": io.BytesIO(gzip.compress(path.read_bytes()))}[kind]
        lp.copy(source, f"{server.host}/python:1.4")
        pipe.read()
    process.wait()
    layers = server.manifest("python", "1.4")["layers"]
    assert [gzip.decompress(server.blob("python", layer["digest"])) for layer in layers] == base.layers


def test_copy_of_a_directory_is_refused(lp, tmp_path):
    with pytest.raises(IsADirectoryError, match="oci:"):
        lp.copy(tmp_path, "null:")


def test_exception_while_an_archive_is_read(lp, registry):
    def source():
        yield pack(docker_classic(Base()))[:2000]
        raise ZeroDivisionError
    server = registry()
    with pytest.raises(ZeroDivisionError):
        lp.copy(source(), f"{server.host}/python:1")
    assert server.tags() == {} and len(server.open_sessions()) == 0


def test_index(lp, registry):
    server = registry()
    for arch in ("amd64", "arm64"):
        lp.push(f"{server.host}/python:{arch}", [make_tar({arch: b"1"})], platform=f"linux/{arch}")
    result = lp.index(f"{server.host}/python:all", [f"{server.host}/python:amd64", (f"{server.host}/python:arm64", None)],
                      annotations={"a": "b"}, tags=["latest"])
    index = server.manifest("python", "all")
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    assert index["annotations"] == {"a": "b"} and result.tags == ["all", "latest"]
    with lp.cat(f"{server.host}/python:all", platform="linux/arm64") as file:
        assert tarfile.open(fileobj=file, mode="r|").getnames() == ["arm64"]
    copied = lp.copy(f"{server.host}/python:all", f"{server.host}/python:everything", all=True)
    assert copied.digest == result.digest
