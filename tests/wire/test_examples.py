# SPDX-License-Identifier: Apache-2.0
"""The example programs work with Debian's docker-registry."""
import gzip
import hashlib
import io
import os
import socket
import subprocess
import tarfile

import pytest
from archive_support import docker_classic, pack
from cli_support import COMMAND
from image_support import Base, encode
from registry.storage import digest_of

EXAMPLES = os.path.join(os.path.dirname(COMMAND), "examples")


@pytest.fixture
def example(command):
    def run(name, *args, **options):
        return subprocess.run([os.path.join(EXAMPLES, name), *map(str, args)], env=command.env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              **options)
    return run


def blob_of(server, repository, result):
    """The blob in the registry whose digest the example printed."""
    assert result.returncode == 0, result.stderr
    digest = result.stdout.decode().strip()
    blob = server.blob(repository, digest)
    assert blob is not None
    assert "sha256:" + hashlib.sha256(blob).hexdigest() == digest
    assert server.open_sessions(repository) == []
    return blob


def test_push_stdin_stores_the_layer(example, docker_registry, tar_bytes):
    server = docker_registry()
    result = example("push_stdin", f"{server.host}/stream", input=tar_bytes)
    assert gzip.decompress(blob_of(server, "stream", result)) == tar_bytes


def test_push_stdin_of_truncated_tar_fails(example, docker_registry, tar_bytes):
    server = docker_registry()
    result = example("push_stdin", f"{server.host}/stream", input=tar_bytes.rstrip(b"\0"))  # no end mark
    assert result.returncode == 3
    assert result.stdout == b""
    assert result.stderr.startswith(b"push_stdin: ")
    assert server.blobs("stream") == []


def test_push_archive_stores_the_files(example, docker_registry, tmp_path):
    server = docker_registry()
    files = {"one": b"1" * 100000, "two": os.urandom(300000), "empty": b""}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    result = example("push_archive", f"{server.host}/archive", *files, cwd=tmp_path)
    blob = blob_of(server, "archive", result)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob))) as tar:
        assert {info.name: tar.extractfile(info).read() for info in tar} == files


def test_push_archive_with_missing_file_stores_nothing(example, docker_registry, tmp_path):
    server = docker_registry()
    (tmp_path / "one").write_bytes(b"1" * 100000)
    result = example("push_archive", f"{server.host}/archive", "one", "missing", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout == b""
    assert b"missing cannot be read" in result.stderr
    assert server.blobs("archive") == []
    assert server.open_sessions("archive") == []


def test_custom_source_stores_the_bytes(example, docker_registry):
    server = docker_registry()
    result = example("custom_source", f"{server.host}/bytes", 1000000)
    blob_of(server, "bytes", result)
    assert b"source closed after 1000000 bytes" in result.stderr
    assert b"1000000 bytes in" in result.stderr


def test_copy_callback_copies_the_image(example, docker_registry):
    server = docker_registry()
    base = Base()
    result = example("copy_callback", f"{server.host}/copied:1", input=pack(docker_classic(base)))
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{server.host}/copied@sha256:".encode())
    assert list(server.tags("copied")) == ["1"]
    assert server.blob("copied", digest_of(encode(base.config))) == encode(base.config)


def test_push_directory_sets_owner_and_place(example, command, docker_registry, tmp_path):
    server = docker_registry()
    top = tmp_path / "top"
    top.mkdir()
    for name in ("page", "page.o"):
        (top / name).write_text("text")
        (top / name).chmod(0o666)
    pushed = example("push_directory", f"{server.host}/site:1", top)
    assert pushed.returncode == 0, pushed.stderr
    assert pushed.stdout.startswith(f"{server.host}/site@sha256:".encode())
    read = command("cat", f"{server.host}/site:1")
    assert read.returncode == 0, read.stderr
    with tarfile.open(fileobj=io.BytesIO(read.stdout)) as tar:
        assert [(info.name, info.uid, info.gid) for info in tar] == [
            ("srv", 0, 0), ("srv/page", 0, 0)]
        assert tar.getmember("srv/page").mode == 0o644
    missing = example("push_directory", f"{server.host}/site:2", tmp_path / "missing")
    assert missing.returncode == 3
    assert list(server.tags("site")) == ["1"]


def test_write_image_makes_an_image_of_a_written_layer(example, docker_registry, tar_bytes):
    server = docker_registry()
    written = example("write_image", f"{server.host}/written:1", input=tar_bytes)
    assert written.returncode == 0, written.stderr
    listed = example("list_image", f"{server.host}/written:1")
    assert listed.returncode == 0, listed.stderr
    with tarfile.open(fileobj=io.BytesIO(tar_bytes)) as tar:
        assert len(listed.stdout.splitlines()) == len(tar.getmembers())
    cut = example("write_image", f"{server.host}/written:2", input=tar_bytes.rstrip(b"\0"))
    assert cut.returncode == 3
    assert list(server.tags("written")) == ["1"]
    assert server.open_sessions("written") == []


@pytest.mark.parametrize("name", ["push_stdin", "push_archive", "custom_source",
                                  "copy_callback"])
def test_closed_port_makes_example_fail(example, name, tmp_path, tar_bytes):
    (tmp_path / "file").write_bytes(b"x")
    argument = ["10"] if name == "custom_source" else ["file"]
    data = pack(docker_classic(Base())) if name == "copy_callback" else tar_bytes
    with socket.socket() as nobody:  # reserves the port, so that no other test gets it
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        result = example(name, f"localhost:{port}/nowhere", *argument, cwd=tmp_path,
                         input=data)
    assert result.returncode == 6
    assert result.stdout == b""
    assert name.encode() in result.stderr


def test_list_image_lists_the_files(example, run, docker_registry, tar_bytes):
    server = docker_registry()
    name = f"{server.host}/list:1"
    assert run("push", name, "-", input=tar_bytes).rc == 0
    result = example("list_image", name)
    assert result.returncode == 0, result.stderr
    with tarfile.open(fileobj=io.BytesIO(tar_bytes)) as tar:
        assert result.stdout.decode().splitlines() == [f"{info.size:12} {info.name}"
                                                       for info in tar]
    assert example("list_image", f"{server.host}/list:none").returncode == 1


def test_make_index_and_copy_it(example, command, docker_registry, tar_bytes, tmp_path):
    server = docker_registry()
    names = []
    for arch in ("amd64", "arm64"):
        names.append(f"{server.host}/build:{arch}")
        assert command.run("push", "--platform", f"linux/{arch}", names[-1], "-",
                           input=tar_bytes).rc == 0
    made = example("make_index", f"{server.host}/app:1", *names)
    assert made.returncode == 0, made.stderr
    digest = made.stdout.decode().strip().partition("@")[2]
    assert server.tags("app") == {"1": digest}
    copied = example("copy_reference", f"{server.host}/app:1", f"oci:{tmp_path}/layout:1")
    assert copied.returncode == 0, copied.stderr
    assert copied.stdout.decode().splitlines() == [
        f"oci:{tmp_path}/layout@{digest}", "3 blobs sent, 0 mounted, 0 there before"]
    assert example("copy_reference", f"{server.host}/none:1", "null:").returncode == 5
