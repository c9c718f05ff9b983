# SPDX-License-Identifier: Apache-2.0
"""Signals stop the command: no tag is written, no file is left, and the command ends by the same
signal."""
import os
import signal
import socket
import subprocess

import pytest
from cli_support import error_line, wait_drained, wait_until


@pytest.fixture
def blocked_command(command, tmp_path, tar_bytes):
    """Starts the command; it has read the first bytes of stdin and waits for more."""
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


class EndedProcess:
    def __init__(self, process):
        # stdin stays open, so that only the signal can end the command.
        self.stdout = process.stdout.read()
        self.stderr = process.stderr.read()
        self.returncode = process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_push_and_leaves_no_files(blocked_command, tmp_path, number):
    layout = tmp_path / "layout"
    process = blocked_command("push", "-q", "--digest-file", tmp_path / "digest",
                              f"oci:{layout}:x", "-")
    process.send_signal(number)
    ended = EndedProcess(process)
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
def test_shell_exit_status_is_128_plus_signal(command, tmp_path, tar_bytes, number, status):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # A shell's background child ignores SIGINT, so the command runs in the foreground.
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


def test_ignored_signal_stays_ignored(blocked_command, tar_bytes):
    """SIGHUP was ignored at the start, as nohup does it."""
    process = blocked_command("layer", "-q", "null:", "-",
                              preexec=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(tar_bytes[5000:])
    assert process.returncode == 0, err
    assert out.startswith(b"null:@sha256:")


def test_stopped_and_continued_command_succeeds(blocked_command, tar_bytes):
    process = blocked_command("layer", "-q", "null:", "-")
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


def test_worker_threads_block_signals(blocked_command):
    # Worker threads start only when a stream has several blocks.
    process = blocked_command("layer", "-q", "--raw", "--threads", "2", "null:", "-",
                              data=bytes(4 << 20))
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


def test_signal_ends_wait_for_fifo_writer(command, tmp_path):
    """No writer ever opens the FIFO."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with command.start("layer", "-q", "null:", fifo, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE) as process:
        wait_until(lambda: has_open(process.pid, fifo), process)
        process.send_signal(signal.SIGTERM)
        ended = EndedProcess(process)
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


def test_second_signal_ends_command_without_waiting(command, tmp_path, tar_bytes):
    """After the first signal the command waits for a registry that does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = f"localhost:{silent.getsockname()[1]}/a/b"
        with command.start("layer", "-q", name, "-", stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdin.write(tar_bytes)
            process.stdin.close()
            connection, _ = silent.accept()  # the server never answers
            with connection:
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGINT)
                ended = EndedProcess(process)
    assert ended.returncode in (-signal.SIGTERM, -signal.SIGINT)
    assert ended.stdout == b""
