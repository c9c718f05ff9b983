# SPDX-License-Identifier: Apache-2.0
"""Python: every kind of input, images, progress, failures."""
import datetime
import gzip
import hashlib
import io
import json
import os
import pickle
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading

import pytest
from cli_support import LIMIT_S, make_tar, wait_until
from image_support import Base
from registry import Auth, Fault
from servers import free_port


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def content(server, digest, repository="python"):
    data = server.blob(repository, digest)
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


class Inputs:
    """Each method gives an input with the bytes of `data`."""

    def __init__(self, folder, data):
        self.data = data
        self.path = folder / "input.tar"
        self.path.write_bytes(data)
        self._running = []

    def text_path(self):
        return str(self.path)

    def path_object(self):
        return self.path

    def descriptor(self):
        self._running.append(open(self.path, "rb"))
        return self._running[-1].fileno()

    def raw_file(self):
        self._running.append(open(self.path, "rb", buffering=0))
        return self._running[-1]

    def file_at_a_position(self):
        self.path.write_bytes(b"before" + self.data)
        self._running.append(open(self.path, "rb"))
        assert self._running[-1].read(6) == b"before"
        return self._running[-1]

    def file_for_update(self):
        file = tempfile.TemporaryFile()
        file.write(self.data)
        file.seek(0)
        self._running.append(file)
        return file

    def pipe(self):
        process = subprocess.Popen(["cat", str(self.path)], stdout=subprocess.PIPE)
        self._running.append(process)
        return process.stdout

    def pipe_that_was_read(self):
        process = subprocess.Popen(["cat", "/dev/stdin", str(self.path)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        self._running.append(process)
        process.stdin.write(b"line\n")
        process.stdin.close()
        assert process.stdout.readline() == b"line\n"
        return process.stdout

    def socket_file(self):
        one, other = socket.socketpair()
        self._running += [one, other]

        def send():
            other.sendall(self.data)
            other.close()
        threading.Thread(target=send, daemon=True).start()
        return one.makefile("rb")

    def gzip_file(self):
        compressed = self.path.with_suffix(".gz")
        compressed.write_bytes(gzip.compress(self.data))
        self._running.append(gzip.open(compressed))
        return self._running[-1]

    def memory(self):
        return io.BytesIO(self.data)

    def only_read(self):
        class Reads:
            read = io.BytesIO(self.data).read
        return Reads()

    def buffer(self):
        return memoryview(self.data)

    def generator(self):
        return (self.data[at:at + 1000] for at in range(0, len(self.data), 1000))

    def fifo(self):
        path = self.path.with_suffix(".fifo")
        os.mkfifo(path)
        self._running.append(subprocess.Popen(["cp", str(self.path), str(path)]))
        return path

    def end(self):
        for item in self._running:
            if isinstance(item, subprocess.Popen):
                if item.stdout:
                    item.stdout.close()
                item.wait(LIMIT_S)
            else:
                item.close()


KINDS = [name for name in vars(Inputs) if not name.startswith("_") and name != "end"]


@pytest.mark.parametrize("kind", KINDS)
def test_input(lp, registry, tmp_path, kind):
    server = registry()
    data = make_tar({"data": os.urandom(700000)})
    inputs = Inputs(tmp_path, data)
    try:
        result = lp.push(f"{server.host}/python:1", [getattr(inputs, kind)()])
    finally:
        inputs.end()
    assert [layer.diff_id for layer in result.layers] == [sha256(data)]
    assert content(server, result.layers[0].digest) == data


def test_position_of_a_file_object_stays(lp, tmp_path):
    path = tmp_path / "tar"
    path.write_bytes(b"before" + make_tar({"a": b"1"}))
    with open(path, "rb") as file:
        file.read(6)
        lp.push("null:", [file])
        assert file.tell() == 6


def test_regular_file_is_sent_again_after_a_lost_upload(lp, registry, tmp_path):
    """The library reads it by its descriptor, so it can read it twice."""
    server = registry("d28", Fault("patch", "reset", at=300000))
    path = tmp_path / "tar"
    path.write_bytes(make_tar({"data": os.urandom(3 << 20)}))
    with lp.Client(upload="streamed") as client, open(path, "rb") as file:
        result = lp.push(f"{server.host}/python:1", file, client=client)
    assert content(server, result.layers[0].digest) == path.read_bytes()


def test_look_first_sends_nothing_twice(lp, registry, tmp_path):
    server = registry()
    path = tmp_path / "tar"
    path.write_bytes(make_tar({"data": os.urandom(300000)}))
    lp.push(f"{server.host}/python:1", [path])
    server.journal.clear()
    result = lp.push(f"{server.host}/python:2", [path], look_first=True)
    assert [layer.origin for layer in result.layers] == ["existing"]
    assert len(server.journal.entries("open")) == 1  # of the config


def test_image_is_what_skopeo_reads(lp, docker_registry, tmp_path, tool):
    server = docker_registry()
    (tmp_path / "app").mkdir()
    (tmp_path / "app/run").write_bytes(b"1")
    (tmp_path / "app/run.o").write_bytes(b"2")
    base = lp.push(f"{server.host}/python:base", [make_tar({"base": b"1"})], env={"PATH": "/bin"},
                   platform="linux/arm64")
    layer = lp.write_layer(f"{server.host}/python", io.BytesIO(make_tar({"early": b"1"})))
    result = lp.push(
        f"{server.host}/python:1",
        [layer, lp.Input(tmp_path / "app", prefix="opt/app", owner="7:8", mode="0755",
                         excludes=["**/*.o"], compress="zstd", history="the application")],
        base=base.reference, env=["LANG=C"], entrypoint=["/opt/app/run", "it's"], cmd="a b",
        user="7", workdir="/opt", labels={"a.b": "c=d"}, ports=[80, "53/udp"], volumes=["/data"],
        stop_signal="SIGINT", author="me", annotations={"x": "y"}, tags=["2", "latest"],
        history="early", created=datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc))
    assert result.tags == ["1", "2", "latest"] and set(server.tags("python")) == {"base", *result.tags}
    assert result.reference == f"{server.host}/python@{result.digest}"
    assert [layer.origin for layer in result.layers] == ["existing", "existing", "streamed"]
    assert result.layers[1].digest == layer.digest and result.layers[2].media_type.endswith("zstd")

    def skopeo(*args):
        return json.loads(subprocess.run([tool("skopeo"), "inspect", "--tls-verify=false", *args,
                                          f"docker://{server.host}/python:latest"], check=True,
                                         stdout=subprocess.PIPE).stdout)
    assert skopeo("--raw")["annotations"]["x"] == "y"
    config = skopeo("--config")
    assert config["created"] == "2020-01-02T00:00:00Z" and config["author"] == "me"
    assert config["architecture"] == "arm64"
    assert config["config"] == {
        "Env": ["PATH=/bin", "LANG=C"], "Entrypoint": ["/opt/app/run", "it's"], "Cmd": ["a", "b"],
        "User": "7", "WorkingDir": "/opt", "Labels": {"a.b": "c=d"},
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "Volumes": {"/data": {}}, "StopSignal": "SIGINT"}
    assert [entry.get("created_by") for entry in config["history"]][-2:] == ["early", "the application"]
    with lp.cat(result.reference) as file, tarfile.open(fileobj=file, mode="r|") as tar:
        entries = {entry.name: entry for entry in tar}
    assert {"base", "early", "opt/app/run"} <= set(entries) and "opt/app/run.o" not in entries
    assert (entries["opt/app/run"].uid, entries["opt/app/run"].gid) == (7, 8)


def test_config_is_replaced(lp, registry):
    server = registry()
    config = {"architecture": "amd64", "os": "linux", "config": {"Env": ["A=1"], "User": "5"},
              "rootfs": {"type": "layers", "diff_ids": []}}
    result = lp.push(f"{server.host}/python:1", [make_tar({"a": b""})], config=config, env={"A": "2"},
                     platform="linux/amd64")
    stored = json.loads(server.blob("python", result.config_digest))["config"]
    assert (stored["Env"], stored["User"]) == (["A=2"], "5")


def test_artifact(lp, registry):
    server = registry()
    data = os.urandom(5000)
    model = lp.Input(data, raw=True, media_type="application/x-model", compress="none")
    result = lp.push(f"{server.host}/python:1", [model], artifact_type="application/x-model")
    assert server.blob("python", result.layers[0].digest) == data
    referrer = lp.push(f"{server.host}/python", artifact_type="application/x-note",
                       subject=f"{server.host}/python:1")
    assert referrer.tags == []
    assert server.manifest("python", referrer.digest)["subject"]["digest"] == result.digest


def test_raw_bytes_are_no_layer_of_an_image(lp):
    with pytest.raises(lp.UsageError, match="artifact_type"):
        lp.push("null:", [b"raw"], raw=True)


def test_exception_of_an_input_comes_out(lp, registry):
    server = registry()

    def source():
        yield make_tar({"a": os.urandom(100000)})[:60000]
        raise ZeroDivisionError("in the generator")

    with pytest.raises(ZeroDivisionError, match="in the generator"):
        lp.push(f"{server.host}/python:1", [source()])
    with pytest.raises(ZeroDivisionError):
        lp.write_layer(f"{server.host}/python", source())
    assert server.tags() == {} and server.blobs() == [] and len(server.open_sessions()) == 0


@pytest.mark.parametrize("source, kind", [
    (io.StringIO("text"), TypeError), ("no such file", FileNotFoundError), (3.5, TypeError),
    ([1, 2], TypeError), (["a", "b"], TypeError)])
def test_wrong_input(lp, source, kind):
    with pytest.raises(kind):
        lp.push("null:", [source])


@pytest.mark.parametrize("options, kind", [
    ({"format": "x"}, ValueError), ({"soci": "v3"}, ValueError), ({"threads": 1 << 40}, OverflowError),
    ({"tags": [1]}, TypeError), ({"env": ["A"]}, None), ({"created": "yesterday"}, None),
    ({"history": ["a", "b"]}, None), ({"compress": "gzip:99"}, None), ({"base": "a:b:c"}, None),
    ({"user": "a\0b"}, ValueError)])
def test_wrong_option(lp, options, kind):
    with pytest.raises(kind or lp.UsageError):
        lp.push("null:", [make_tar({"a": b""})], **options)


def test_progress_has_the_facts(lp, registry, tmp_path):
    server = registry()
    path = tmp_path / "named.tar"
    path.write_bytes(make_tar({"data": os.urandom(3 << 20)}))
    events, lines = [], []
    with lp.Client(progress=events.append, log=lambda level, line: lines.append((level, line))) as client:
        result = lp.push(f"{server.host}/python:1", [path], client=client)
    done = [event for event in events if event.kind == "blob_done" and event.input]
    assert len(done) == 1 and done[0].input == str(path)
    assert done[0].digest == result.layers[0].digest and done[0].origin == "streamed"
    assert done[0].bytes_in == path.stat().st_size and done[0].bytes_out == result.layers[0].size
    assert done[0].bytes_acked == result.layers[0].size <= done[0].bytes_sent
    assert [event.text for event in events if event.kind == "tag"] == ["1"]
    assert {"blob_start", "tag"} <= {event.kind for event in events}
    assert any("/v2/python/blobs/uploads" in line for level, line in lines if level == 1)


def test_callback_that_raises_ends_the_call(lp, registry):
    server = registry("d28", Fault("commit", "stall", times=None))

    def fail(event):
        raise LookupError(event.kind)

    with lp.Client(progress=fail) as client:
        with pytest.raises(LookupError):
            lp.push(f"{server.host}/python:1", [make_tar({"data": os.urandom(1 << 20)})], client=client)
        with pytest.raises(lp.Cancelled):
            lp.inspect(f"{server.host}/python:1", client=client)
    assert server.tags() == {} and server.blobs() == []


def test_cancel_from_another_thread(lp, registry):
    stall = Fault("commit", "stall", times=None)
    server = registry("d28", stall)
    with lp.Client(jobs=1) as client:
        def cancel():
            stall.reached.wait(LIMIT_S)
            client.cancel()
        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(lp.Cancelled) as caught:
            lp.push(f"{server.host}/python:1", [make_tar({"data": os.urandom(1 << 20)})], client=client)
        thread.join()
    assert caught.value.status == "CANCELLED"
    wait_until(lambda: len(server.open_sessions()) == 0)


@pytest.mark.parametrize("faults, name, status", [
    ([Fault("commit", "status", status=403, times=None)], "AuthenticationError", "DENIED"),
    ([Fault("open", "status", status=404, times=None)], "NotFoundError", "NOT_FOUND"),
    ([Fault("open", "status", status=500, times=None)], "NetworkError", "SERVER"),
    ([Fault("open", "status", status=415, times=None)], "RefusedError", "REFUSED")])
def test_answer_of_a_registry_is_an_exception(lp, registry, faults, name, status):
    server = registry("d28", *faults)
    with lp.Client(retry=0) as client, pytest.raises(getattr(lp, name)) as caught:
        lp.push(f"{server.host}/python:1", [make_tar({"a": b"1"})], client=client)
    error = caught.value
    assert error.status == status and error.http_status == faults[0].status
    assert isinstance(error, lp.Error) and error.message
    copied = pickle.loads(pickle.dumps(error))
    assert type(copied) is type(error) and vars(copied) == vars(error) and str(copied) == str(error)


def test_other_failures_are_exceptions(lp, registry, tmp_path):
    server = registry()
    with pytest.raises(lp.NotFoundError):
        lp.push(f"{server.host}/python:1", base=f"{server.host}/python:none")
    with lp.Client(retry=0) as client, pytest.raises(lp.NetworkError) as caught:
        lp.inspect(f"127.0.0.1:{free_port()}/python:1", client=client)
    assert caught.value.retryable and caught.value.sys_errno
    (tmp_path / "file").write_text("no layout")
    with pytest.raises(lp.LocalOutputError):
        lp.push(f"oci:{tmp_path}/file/layout:1", [make_tar({"a": b"1"})])
    with pytest.raises(lp.InputError) as caught:
        lp.push("null:", [b"x" * 2000])
    assert caught.value.offset is not None or "byte" in caught.value.message


def test_credentials(lp, registry, tmp_path):
    server = registry(auth=Auth("basic", users={"ci": "secret"}))
    image = f"{server.host}/python:1"
    layer = [make_tar({"a": b"1"})]
    with lp.Client(username="ci", password="secret") as client:
        lp.push(image, layer, client=client)
    with pytest.raises(lp.AuthenticationError) as caught:
        lp.inspect(image)
    assert f"try layerpipe.login() {server.host}" in str(caught.value)
    with lp.Client(username="ci", password="other") as client, pytest.raises(lp.AuthenticationError) as caught:
        lp.inspect(image, client=client)
    assert "other" not in str(caught.value)
    with pytest.raises(lp.AuthenticationError):
        lp.login(server.host, "ci", "wrong")
    lp.login(server.host, "ci", "secret")
    assert lp.inspect(image)["digest"]
    with lp.Client(anonymous=True) as client, pytest.raises(lp.AuthenticationError):
        lp.inspect(image, client=client)
    lp.logout(server.host)
    with pytest.raises(lp.NotFoundError):
        lp.logout(server.host)
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {server.host: {"auth": "Y2k6c2VjcmV0"}}}))
    with lp.Client(authfile=file) as client:
        assert lp.inspect(image, client=client)["digest"]
        assert client.login_realm(server.host) is None


def test_tls(lp, registry, ca):
    server = registry(tls=ca.server_context())
    image = f"{server.host}/python:1"
    with lp.Client(https=True, retry=0) as client, pytest.raises(lp.NetworkError) as caught:
        lp.push(image, [make_tar({"a": b"1"})], client=client)
    assert caught.value.status == "TLS"
    for options in ({"cacert": ca.cert}, {"tls_verify": False}):
        with lp.Client(https=True, **options) as client:
            assert lp.push(image, [make_tar({"a": b"1"})], client=client).tags == ["1"]


def test_closed_client(lp):
    client = lp.Client()
    client.close()
    client.close()
    client.cancel()
    with pytest.raises(ValueError, match="closed"):
        lp.push("null:", [make_tar({"a": b"1"})], client=client)


def test_several_threads_use_one_client(lp, registry):
    server = registry()
    results = {}
    with lp.Client() as client:
        def push(number):
            data = make_tar({str(number): os.urandom(500000)})
            result = lp.push(f"{server.host}/python:{number}", [data], client=client)
            results[number] = content(server, result.layers[0].digest) == data
        threads = [threading.Thread(target=push, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == {number: True for number in range(6)}


def test_version(lp):
    assert lp.__version__.count(".") == 2 and "gzip" in lp.build_info()
    assert lp.parse_reference("debian:12").name == "index.docker.io/library/debian:12"
    assert lp.parse_reference("localhost/a").scheme == "http"
    assert lp.parse_reference("oci:dir:1").kind == "layout"


def test_base_of_the_registry(lp, registry):
    """An image that was not made by this library."""
    server = registry()
    base = Base().put(server, "python", "base")
    result = lp.push(f"{server.host}/python:1", base=base, cmd=["x"], history=["one", "two"])
    history = json.loads(server.blob("python", result.config_digest))["history"]
    assert [entry["created_by"] for entry in history[-2:]] == ["one", "two"]
    assert sys.getrefcount(result) == 2


def test_names_that_are_not_utf8_come_back(lp, tmp_path):
    """They have surrogates, as all file names of Python, so that results can be used again."""
    source = tmp_path / "input.tar"
    source.write_bytes(make_tar({"a": b"abc"}))
    name = os.path.join(tmp_path, os.fsdecode(b"\xff\xfe"))
    pushed = lp.push(f"oci:{name}:1", source)
    assert pushed.reference.startswith(f"oci:{name}@sha256:")
    assert lp.inspect(pushed.reference)["digest"] == pushed.digest
    copied = lp.copy(pushed.reference, f"oci:{name}-copy:1")
    assert copied.reference == f"oci:{name}-copy@{pushed.digest}"
    assert lp.parse_reference(copied.reference).repository == f"{name}-copy"
    assert os.path.isfile(os.path.join(f"{name}-copy", "index.json"))
