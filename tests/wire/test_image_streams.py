# SPDX-License-Identifier: Apache-2.0
"""Several streams become several layers: streams of different speed, truncated streams, signals."""
import os
import signal
import subprocess
import threading

import pytest
from cli_support import make_tar, wait_until
from image_support import Base, sources
from inputs import random_bytes, sha256
from registry import Fault
from wire_support import assert_history, patches

NAME = "streams/image"


def fifos(tmp_path, count):
    paths = [tmp_path / f"fifo{number}" for number in range(count)]
    for path in paths:
        os.mkfifo(path)
    return paths


def feed(path, pieces, gate=None):
    """Starts a thread that writes pieces into a FIFO. After each piece it waits for the gate."""
    def run():
        try:
            with open(path, "wb", buffering=0) as file:
                for piece in pieces:
                    file.write(piece)
                    if gate is not None:
                        gate.wait()
        except BrokenPipeError:
            pass
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_layers_keep_their_order_when_streams_end_in_another(run, registry, tmp_path):
    """The last stream ends first, and the first stream ends last."""
    server = registry("d28")
    tars = [make_tar({f"file{number}": random_bytes(300000, number)}) for number in range(3)]
    paths = fifos(tmp_path, 3)
    gates = [threading.Event() for _ in paths]
    gates[2].set()
    threads = [feed(path, [tar[:100000], tar[100000:]], gate)
               for path, tar, gate in zip(paths, tars, gates)]

    def stored(count):
        return lambda: len(server.journal.entries("commit")) >= count

    def open_gates():
        wait_until(stored(1))
        gates[1].set()
        wait_until(stored(2))
        gates[0].set()

    opener = threading.Thread(target=open_gates)
    opener.start()
    output = run("push", "--json", "--jobs", "3", f"{server.host}/{NAME}:1", *paths).json()
    for thread in [opener, *threads]:
        thread.join()
    assert [layer["diffId"] for layer in output["layers"]] == [sha256(tar) for tar in tars]
    assert sources(output) == ["streamed"] * 3
    layers = [layer["digest"] for layer in server.manifest(NAME, "1")["layers"]]
    assert layers == [layer["digest"] for layer in output["layers"]]
    commits = [entry.query.split("digest=")[1].replace("%3A", ":")
               for entry in server.journal.entries("commit")]
    config = output["config"]["digest"]  # committed before or after the last layer
    assert [digest for digest in commits if digest != config] == layers[::-1]
    assert config in commits[2:]
    assert server.open_sessions() == []
    assert_history(server)


@pytest.mark.parametrize("backwards", [False, True])
def test_more_fifos_than_jobs_are_read_in_any_order(run, registry, tmp_path, backwards):
    """One producer writes the FIFOs one after the other; each stream is larger than a pipe."""
    server = registry("d28")
    tars = [make_tar({f"file{number}": random_bytes(2000000, number)}) for number in range(7)]
    paths = fifos(tmp_path, 7)
    base = Base().put(server, "streams/base", "1")

    def fill():
        for path, tar in list(zip(paths, tars))[::-1 if backwards else 1]:
            path.write_bytes(tar)

    thread = threading.Thread(target=fill)
    thread.start()
    output = run("push", "--json", "--threads", "0", "--base", base, f"{server.host}/{NAME}:1",
                 *paths).json()
    thread.join()
    assert [layer["diffId"] for layer in output["layers"][2:]] == [sha256(tar) for tar in tars]


def test_fewer_jobs_than_streams_is_a_warning(run, registry, tmp_path):
    """One job is enough, because the producer writes in the order of the command line."""
    server = registry("d28")
    tars = [make_tar({f"file{number}": random_bytes(2000000, number)}) for number in range(3)]
    paths = fifos(tmp_path, 3)

    def fill():
        for path, tar in zip(paths, tars):
            path.write_bytes(tar)

    thread = threading.Thread(target=fill)
    thread.start()
    result = run("push", "--json", "--jobs", "1", f"{server.host}/{NAME}:1", *paths)
    thread.join()
    assert [layer["diffId"] for layer in result.json()["layers"]] == [sha256(tar) for tar in tars]
    assert "jobs is 1, but there are 3 input streams" in result.stderr


def test_truncated_stream_ends_push_without_tag(run, registry, tmp_path):
    """The other producers have not finished."""
    server = registry("d28")
    tars = [make_tar({f"file{number}": random_bytes(300000, number)}) for number in range(3)]
    paths = fifos(tmp_path, 3)
    never = threading.Event()
    threads = [feed(paths[0], [tars[0][:200000], tars[0][200000:]], never),
               feed(paths[1], [tars[1][:100000]]),
               feed(paths[2], [tars[2][:200000], tars[2][200000:]], never)]
    result = run("push", f"{server.host}/{NAME}:1", *paths)
    never.set()
    for thread in threads:
        thread.join()
    assert result.rc == 3, result
    assert "layer 2: " in result.stderr and "--allow-truncated" in result.stderr
    assert result.stdout == ""
    assert server.tags() == {} and server.storage.manifests() == []
    assert server.open_sessions() == []
    assert_history(server)


@pytest.mark.parametrize("wait", [Fault("commit", "status", status=429, times=None, close=True,
                                        headers={"Retry-After": "250"}),
                                  Fault("commit", "stall")], ids=["retry-after", "silent"])
def test_truncated_stream_ends_wait_for_registry(wait, command, registry, tmp_path, tar_file):
    """The push ends at once, although another layer waits for the registry."""
    server = registry("d28", wait)
    [path] = fifos(tmp_path, 1)
    process = command.start("push", f"{server.host}/{NAME}:v1", str(tar_file), str(path),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with open(path, "wb", buffering=0) as fifo:
        fifo.write(make_tar({"cut": random_bytes(5000, 3)})[:3000])
        wait_until(lambda: server.journal.entries("commit"), process)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert out == b"" and b"layer 2" in err
    assert server.tags() == {}
    server.faults.release()


def test_refused_layer_ends_push_while_streams_are_open(run, registry, tmp_path):
    """The other producers write nothing and do not close their FIFOs."""
    refused = make_tar({"refused": random_bytes(3000000)})
    server = registry("d28", Fault("commit", "status", status=403, times=None))
    paths = fifos(tmp_path, 3)
    never = threading.Event()
    threads = [feed(paths[0], [b""], never), feed(paths[1], [refused]),
               feed(paths[2], [b""], never)]
    result = run("push", f"{server.host}/{NAME}:1", *paths)
    never.set()
    for thread in threads:
        thread.join()
    assert result.rc == 4, result
    assert "layer 2: " in result.stderr
    assert server.tags() == {} and server.open_sessions() == []


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_push_of_three_streams_and_cancels_sessions(command, registry, tmp_path, number,
                                                                status):
    """A shell sees the exit status 128 + signal."""
    server = registry("d28")
    paths = fifos(tmp_path, 3)
    never = threading.Event()
    tar = make_tar({"file": random_bytes(3000000)})
    threads = [feed(path, [tar[:2500000], tar[2500000:]], never) for path in paths]
    # With --threads 0, everything that was read is sent before the next read.
    push = [command.path, "push", "--threads", "0", "--upload", "streamed",
            f"{server.host}/{NAME}:1", *map(str, paths)]
    with subprocess.Popen(["sh", "-c", '"$@"; exit $?', "sh", *push], env=command.env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as shell:
        # A session can be cancelled only after the client has its Location.
        wait_until(lambda: len({entry.path for entry in patches(server)}) == 3, shell)
        child = int(open(f"/proc/{shell.pid}/task/{shell.pid}/children",
                         encoding="ascii").read().split()[0])
        os.kill(child, number)
        out, errors = shell.communicate()
        assert shell.returncode == status, errors
    never.set()
    for thread in threads:
        thread.join()
    assert out == b""
    assert b"interrupted by " + signal.Signals(number).name.encode() in errors
    assert server.tags() == {} and server.blobs() == []
    # Each session gets a DELETE. On a busy machine, bytes that were sent before can arrive after
    # it; then the registry keeps the session until it expires.
    wait_until(lambda: len(server.journal.entries("cancel")) == 3)
    assert_history(server)


def test_base_is_copied_while_stream_is_open(run, registry, tmp_path):
    """The stream ends only after the base's layers are stored, so they must not wait for it."""
    source, server = registry("d28"), registry("d28")
    base = Base()
    path, = fifos(tmp_path, 1)
    tar = make_tar({"late": b"x" * 100000})
    gate = threading.Event()
    thread = feed(path, [tar[:1000], tar[1000:]], gate)

    def copied():
        wait_until(lambda: all(server.blob(NAME, sha256(layer)) for layer in base.layers))
        gate.set()

    waiter = threading.Thread(target=copied)
    waiter.start()
    output = run("push", "--json", "--base", base.put(source, "base", "1"),
                 f"{server.host}/{NAME}:1", path).json()
    waiter.join()
    thread.join()
    assert sources(output) == ["copied", "copied", "streamed"]


def test_file_fifo_stdin_and_directory_in_one_push(run, registry, tmp_path, tar_bytes, tar_file):
    server = registry("d28")
    path, = fifos(tmp_path, 1)
    other = make_tar({"other": b"o"})
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("content")
    thread = feed(path, [other])
    third = make_tar({"third": b"3"})
    output = run("push", "--json", f"{server.host}/{NAME}:1", tar_file, path, "-", folder,
                 input=third).json()
    thread.join()
    assert [layer["diffId"] for layer in output["layers"][:3]] == \
        [sha256(tar_bytes), sha256(other), sha256(third)]
    assert len(output["layers"]) == 4
