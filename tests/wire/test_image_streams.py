# SPDX-License-Identifier: Apache-2.0
"""Several streams become several layers: at any speed, with producers that die, and signals."""
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
    """A thread that writes pieces into a FIFO; between two of them it waits for the gate."""
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


def test_three_fifos_at_different_speeds(run, registry, tmp_path):
    """The last one ends first, the first one in the end."""
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
    told = run("push", "--json", "--jobs", "3", f"{server.host}/{NAME}:1", *paths).json()
    for thread in [opener, *threads]:
        thread.join()
    assert [layer["diffId"] for layer in told["layers"]] == [sha256(tar) for tar in tars]
    assert sources(told) == ["streamed"] * 3
    layers = [layer["digest"] for layer in server.manifest(NAME, "1")["layers"]]
    assert layers == [layer["digest"] for layer in told["layers"]]
    commits = [entry.query.split("digest=")[1].replace("%3A", ":")
               for entry in server.journal.entries("commit")]
    config = told["config"]["digest"]  # overtakes the last layer, or does not, but no other one
    assert [digest for digest in commits if digest != config] == layers[::-1]
    assert config in commits[2:]
    assert server.open_sessions() == []
    assert_history(server)


@pytest.mark.parametrize("backwards", [False, True])
def test_more_fifos_than_jobs_filled_one_after_the_other(run, registry, tmp_path, backwards):
    """By one producer, in any order, more than pipes hold."""
    server = registry("d28")
    tars = [make_tar({f"file{number}": random_bytes(2000000, number)}) for number in range(7)]
    paths = fifos(tmp_path, 7)
    base = Base().put(server, "streams/base", "1")

    def fill():
        for path, tar in list(zip(paths, tars))[::-1 if backwards else 1]:
            path.write_bytes(tar)

    thread = threading.Thread(target=fill)
    thread.start()
    told = run("push", "--json", "--threads", "0", "--base", base, f"{server.host}/{NAME}:1",
               *paths).json()
    thread.join()
    assert [layer["diffId"] for layer in told["layers"][2:]] == [sha256(tar) for tar in tars]


def test_few_jobs_for_many_streams_are_told(run, registry, tmp_path):
    """In the order of the command line one after the other is enough."""
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


def test_one_producer_dies(run, registry, tmp_path):
    """The others are still writing; nothing is tagged."""
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
                                  Fault("commit", "stall")], ids=["told-to-wait", "silent"])
def test_a_producer_dies_while_a_registry_is_waited_for(wait, command, registry, tmp_path, tar_file):
    """What one layer waits for is not waited for when another one has failed."""
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


def test_an_upload_fails_while_others_wait(run, registry, tmp_path):
    """A refusal of one layer ends the push, though other producers say nothing."""
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
def test_interrupted(command, registry, tmp_path, number, status):
    """Ctrl-C in the middle of three streams, seen by a shell: 128 and the signal."""
    server = registry("d28")
    paths = fifos(tmp_path, 3)
    never = threading.Event()
    tar = make_tar({"file": random_bytes(3000000)})
    threads = [feed(path, [tar[:2500000], tar[2500000:]], never) for path in paths]
    # Without threads what was read has been sent before the next read waits.
    push = [command.path, "push", "--threads", "0", "--upload", "streamed",
            f"{server.host}/{NAME}:1", *map(str, paths)]
    with subprocess.Popen(["sh", "-c", '"$@"; exit $?', "sh", *push], env=command.env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as shell:
        # A session whose address has not come back yet could not be ended.
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
    # Each session is asked to end. On a busy machine the bytes that were under way can come after
    # that, and then the registry keeps a session until it expires.
    wait_until(lambda: len(server.journal.entries("cancel")) == 3)
    assert_history(server)


def test_base_is_copied_beside_the_stream(run, registry, tmp_path):
    """A stream that waits for the base's layers to be in place: they do not wait for it."""
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
    told = run("push", "--json", "--base", base.put(source, "base", "1"),
               f"{server.host}/{NAME}:1", path).json()
    waiter.join()
    thread.join()
    assert sources(told) == ["copied", "copied", "streamed"]


def test_stdin_files_and_fifos_together(run, registry, tmp_path, tar_bytes, tar_file):
    server = registry("d28")
    path, = fifos(tmp_path, 1)
    other = make_tar({"other": b"o"})
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("packed")
    thread = feed(path, [other])
    third = make_tar({"third": b"3"})
    told = run("push", "--json", f"{server.host}/{NAME}:1", tar_file, path, "-", folder,
               input=third).json()
    thread.join()
    assert [layer["diffId"] for layer in told["layers"][:3]] == \
        [sha256(tar_bytes), sha256(other), sha256(third)]
    assert len(told["layers"]) == 4
