# SPDX-License-Identifier: Apache-2.0
"""Signals stop the work cleanly: nothing is tagged, nothing stays behind, and the command dies by
the same signal."""
import os
import signal
import socket
import subprocess

import pytest
from cli_support import error_line, wait_drained, wait_until


@pytest.fixture
def held(command, tmp_path, tar_bytes):
    """A push in the middle of its stream."""
    started = []

    def start(*args, preexec=None, data=tar_bytes[:5000]):
        process = command.start(*args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, preexec_fn=preexec)
        started.append(process)
        process.stdin.write(data)
        process.stdin.flush()
        wait_drained(process.stdin.fileno(), process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


class Ended:
    def __init__(self, process):
        # stdin stays open on purpose: the signal alone must end the command.
        self.stdout = process.stdout.read()
        self.stderr = process.stderr.read()
        self.returncode = process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_dies_by_the_signal_and_leaves_nothing(held, tmp_path, number):
    layout = tmp_path / "layout"
    process = held("push", "-q", "--digest-file", tmp_path / "digest", f"oci:{layout}:x", "-")
    process.send_signal(number)
    ended = Ended(process)
    assert ended.returncode == -number
    assert ended.stdout == b""
    assert "interrupted by " + signal.Signals(number).name in error_line(ended)
    assert not (tmp_path / "digest").exists()
    files = [name for _, _, names in os.walk(layout) for name in names]
    assert set(files) <= {"oci-layout", "index.json"}
    if "index.json" in files:
        assert '"x"' not in (layout / "index.json").read_text()


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143),
                                            (signal.SIGHUP, 129)])
def test_shell_sees_128_and_the_number(command, tmp_path, tar_bytes, number, status):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # A child in the background of a shell would ignore SIGINT, so it is in the foreground here.
    script = '"$@"; exit $?'
    with subprocess.Popen(["sh", "-c", script, "sh", command.path, "layer", "-q", "null:",
                           str(fifo)], env=command.env, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as shell:
        writer = os.open(fifo, os.O_WRONLY)
        os.write(writer, tar_bytes[:600])
        wait_drained(writer, shell)
        with open(f"/proc/{shell.pid}/task/{shell.pid}/children", encoding="ascii") as children:
            os.kill(int(children.read().split()[0]), number)
        shell.wait()
        os.close(writer)
    assert shell.returncode == status


def test_ignored_signal_stays_ignored(held, tar_bytes):
    """As under nohup."""
    process = held("layer", "-q", "null:", "-",
                   preexec=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(tar_bytes[5000:])
    assert process.returncode == 0, err
    assert out.startswith(b"null:@sha256:")


def test_stop_and_continue(held, tar_bytes):
    process = held("layer", "-q", "null:", "-")
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: state_of(process.pid) == "T", process)
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGWINCH)
    out, err = process.communicate(tar_bytes[5000:])
    assert process.returncode == 0, err
    assert out.startswith(b"null:@sha256:")


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def test_workers_block_all_signals(held):
    # Threads are started for a stream of several blocks only.
    process = held("layer", "-q", "--raw", "--threads", "2", "null:", "-", data=bytes(4 << 20))
    wanted = sum(1 << (number - 1) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                                                  signal.SIGPIPE, signal.SIGCHLD))
    blocked = {}
    for task in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{task}/status", encoding="ascii") as status:
            masks = [line.split()[1] for line in status if line.startswith("SigBlk")]
        blocked[int(task)] = int(masks[0], 16)
    assert blocked.pop(process.pid) & wanted == 0
    assert blocked, "there are worker threads"
    for mask in blocked.values():
        assert mask & wanted == wanted


def test_signal_while_waiting_for_a_fifo(command, tmp_path):
    """The writer never comes."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with command.start("layer", "-q", "null:", fifo, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE) as process:
        wait_until(lambda: has_open(process.pid, fifo), process)
        process.send_signal(signal.SIGTERM)
        ended = Ended(process)
    assert ended.returncode == -signal.SIGTERM
    assert ended.stdout == b""


def has_open(pid, path):
    folder = f"/proc/{pid}/fd"
    places = []
    for name in os.listdir(folder):
        try:
            places.append(os.readlink(os.path.join(folder, name)))
        except FileNotFoundError:
            pass
    return str(path) in places


def test_second_signal_ends_at_once(command, tmp_path, tar_bytes):
    """The first one waits for a registry that takes its time to forget the upload."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = f"localhost:{silent.getsockname()[1]}/a/b"
        with command.start("layer", "-q", name, "-", stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdin.write(tar_bytes)
            process.stdin.close()
            connection, _ = silent.accept()  # and never an answer
            with connection:
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGINT)
                ended = Ended(process)
    assert ended.returncode in (-signal.SIGTERM, -signal.SIGINT)
    assert ended.stdout == b""
