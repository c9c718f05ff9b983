# SPDX-License-Identifier: Apache-2.0
"""Progress on stderr: redrawn on a terminal, lines elsewhere, nothing with --progress none."""
import os
import pty
import re
import signal
import subprocess
import threading
import time

import pytest
from cli_support import wait_drained

DIGEST = r"sha256:[0-9a-f]{64}"


class Terminal:
    """A pseudo-terminal for stderr; `text` is everything that was written to it."""

    def __init__(self):
        self.ours, self.theirs = pty.openpty()
        self.text = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        while True:
            try:
                data = os.read(self.ours, 65536)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            self.text += data

    def close(self):
        os.close(self.theirs)
        self._thread.join()
        os.close(self.ours)
        return self.text.decode()


@pytest.fixture
def run_with_pauses(command, tar_bytes):
    """Runs layer on a stream with pauses, so that progress is drawn; returns stderr."""
    def run(*args, terminal=None, env=None):
        stderr = subprocess.PIPE if terminal is None else terminal.theirs
        with command.start("layer", *args, "null:", "-", stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=stderr, env=env) as process:
            for at in range(0, len(tar_bytes), 4096):
                process.stdin.write(tar_bytes[at:at + 4096])
                process.stdin.flush()
                wait_drained(process.stdin.fileno(), process)
                time.sleep(0.12)
            process.stdin.close()
            out = process.stdout.read().decode()
            err = terminal.close() if terminal else process.stderr.read().decode()
        assert process.returncode == 0, err
        assert re.fullmatch(rf"null:@{DIGEST}\n", out)
        return err
    return run


def screen(text):
    """What a terminal shows in the end: lines; cursor movements and clear-to-end are obeyed."""
    lines, row, column = [""], 0, 0
    for part in re.split(r"(\x1b\[\d+A|\x1b\[J|\r|\n)", text):
        up = re.fullmatch(r"\x1b\[(\d+)A", part)
        if up:
            row -= int(up.group(1))
            assert row >= 0, "the cursor left what was drawn"
        elif part == "\x1b[J":
            lines = lines[:row] + [lines[row][:column]]
        elif part == "\r":
            column = 0
        elif part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        else:
            assert "\x1b" not in part
            lines[row] = lines[row][:column] + part + lines[row][column + len(part):]
            column += len(part)
    return [line for line in lines if line]


def test_terminal_shows_one_line_at_the_end(run_with_pauses):
    text = run_with_pauses("--progress", "tty", terminal=Terminal())
    assert "\x1b[1A" in text
    left = screen(text)
    assert len(left) == 1
    assert re.search(DIGEST, left[0])


def test_auto_redraws_on_a_terminal(run_with_pauses):
    assert "\x1b[" in run_with_pauses(terminal=Terminal(), env={"TERM": "xterm"})


@pytest.mark.parametrize("env", [{}, {"TERM": "dumb"}])
def test_auto_prints_lines_on_a_simple_terminal(run_with_pauses, env):
    text = run_with_pauses(terminal=Terminal(), env=env)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 1


def test_auto_prints_lines_into_a_pipe(run_with_pauses):
    lines = run_with_pauses().splitlines()
    assert len(lines) == 1
    assert re.fullmatch(rf"layerpipe: .*: 2\d\.\d kB in, .* out, done {DIGEST}", lines[0])


def test_progress_none_and_quiet_print_nothing(run_with_pauses):
    assert run_with_pauses("--progress", "none", terminal=Terminal()) == ""
    assert run_with_pauses("-q", "--progress", "tty", terminal=Terminal()) == ""


def test_lines_fit_a_narrow_terminal(run_with_pauses):
    terminal = Terminal()
    subprocess.run(["stty", "cols", "30"], stdin=terminal.theirs, check=True)
    text = run_with_pauses("--progress", "tty", terminal=terminal)
    drawn = [line for line in re.split(r"\r?\n|\x1b\[\d*[AJ]", text)
             if line and not line.startswith("layerpipe: ")]
    assert drawn
    assert max(map(len, drawn)) < 30


def test_terminal_shows_only_the_error_after_a_failure(command, tmp_path, tar_bytes):
    terminal = Terminal()
    with command.start("push", "--progress", "tty", f"oci:{tmp_path}/layout:x", "-",
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                       stderr=terminal.theirs) as process:
        for at in range(0, 8192, 2048):
            process.stdin.write(tar_bytes[at:at + 2048])
            process.stdin.flush()
            wait_drained(process.stdin.fileno(), process)
            time.sleep(0.12)
        process.stdin.close()
        assert process.stdout.read() == b""
    left = screen(terminal.close())
    assert process.returncode == 3
    assert len(left) == 1
    assert left[0].startswith("layerpipe: ")


@pytest.mark.parametrize("drawn", [True, False])
def test_interrupt_leaves_nothing_of_the_drawn_line(command, tar_bytes, drawn):
    """The terminal shows "^C" where the cursor stands, before the signal arrives."""
    terminal = Terminal()
    with command.start("layer", "--progress", "tty" if drawn else "none", "null:", "-",
                       stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                       stderr=terminal.theirs) as process:
        for at in range(0, 12288, 4096):
            process.stdin.write(tar_bytes[at:at + 4096])
            process.stdin.flush()
            wait_drained(process.stdin.fileno(), process)
            time.sleep(0.12)
        os.write(terminal.theirs, b"^C")
        process.send_signal(signal.SIGINT)
        process.wait()
    assert screen(terminal.close()) == ["layerpipe: interrupted by SIGINT"]


def test_hashing_is_shown(command, registry, tmp_path):
    """The phase before the upload has its own name; afterwards the counters begin again."""
    path = tmp_path / "layer"
    path.write_bytes(os.urandom(20 << 20))
    server = registry("d28")
    arguments = ["push", "--progress", "tty", "--raw", "--media-type", "a/b", "--compress", "gzip:9", "--threads", "1",
                 f"{server.host}/a:1", path]
    said = command(*arguments, "--look-first").stderr.decode()
    assert re.search(r"layer 1: hashing, [1-9]\S* MB in, ", said)
    assert re.search(r"layer 1: \S+ \SB in, ", said)
    assert "hashing" not in command(*arguments[:-2], f"{server.host}/b:1", path).stderr.decode()
