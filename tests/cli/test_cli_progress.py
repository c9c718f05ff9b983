# SPDX-License-Identifier: Apache-2.0
"""Progress on stderr: redrawn on a terminal, lines elsewhere, nothing with --progress none."""
import fcntl
import os
import re
import signal
import subprocess
import termios

import pytest
from cli_support import COMMAND, wait_drained
from terminal import Terminal, screen

DIGEST = r"sha256:[0-9a-f]{64}"
SHORT = r"sha256:[0-9a-f]{12}"


@pytest.fixture
def run_with_pauses(command, tar_bytes):
    """Runs layer on a stream that waits until progress was drawn; returns stderr."""
    def run(*args, terminal=None, env=None, is_drawn=False):
        stderr = subprocess.PIPE if terminal is None else terminal.theirs
        with command.start("layer", *args, "null:", "-", stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=stderr, env=env) as process:
            process.stdin.write(tar_bytes[:4096])
            process.stdin.flush()
            wait_drained(process.stdin.fileno(), process)
            if terminal and is_drawn:
                terminal.await_frame(lambda text: "total" in text)
            process.stdin.write(tar_bytes[4096:])
            process.stdin.close()
            out = process.stdout.read().decode()
            err = terminal.close() if terminal else process.stderr.read().decode()
        assert process.returncode == 0, err
        assert re.fullmatch(rf"null:@{DIGEST}\n", out)
        return err
    return run


def test_terminal_shows_the_result_at_the_end(run_with_pauses):
    text = run_with_pauses("--progress", "tty", terminal=Terminal(), is_drawn=True)
    left = screen(text)
    assert len(left) == 2
    assert re.fullmatch(rf"layerpipe: layer stdin: 2\d\.\d kB -> .*, {SHORT}, [\d.]+ s", left[0])
    assert re.match(r"layerpipe: [\d.]+ k?B made in [\d.]+ s.*, blobs: 1 new$", left[1])


def test_auto_redraws_on_a_terminal(run_with_pauses):
    assert "\x1b[" in run_with_pauses(terminal=Terminal(), env={"TERM": "xterm"}, is_drawn=True)


def test_nothing_is_drawn_in_the_background(command, tar_bytes):
    """As after "layerpipe push ... &" in a shell, which has the cursor. A run in the foreground shows that time passes."""
    terminal = Terminal()

    def control_terminal():
        os.setsid()
        fcntl.ioctl(terminal.theirs, termios.TIOCSCTTY, 0)
    with subprocess.Popen(["bash", "-c", f"set -m; {COMMAND} layer --progress tty null: - & wait $!"], env=command.env,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=terminal.theirs,
                          preexec_fn=control_terminal) as process:
        process.stdin.write(tar_bytes[:4096])
        process.stdin.flush()
        wait_drained(process.stdin.fileno(), process)
        other = Terminal()
        with command.start("layer", "--progress", "tty", "null:", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=other.theirs) as foreground:
            other.await_frame(lambda text: "0:01 elapsed" in text)
            foreground.kill()
            other.close()
        process.stdin.write(tar_bytes[4096:])
        process.stdin.close()
        assert process.stdout.read().startswith(b"null:@sha256:")
    text = terminal.close()
    assert "\x1b" not in text and text.count("layerpipe: ") == 2


@pytest.mark.parametrize("env", [{}, {"TERM": "dumb"}])
def test_auto_prints_lines_on_a_simple_terminal(run_with_pauses, env):
    text = run_with_pauses(terminal=Terminal(), env=env)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2


def test_auto_prints_lines_into_a_pipe(run_with_pauses):
    lines = run_with_pauses().splitlines()
    assert len(lines) == 2
    assert re.fullmatch(rf"layerpipe: layer stdin: 2\d\.\d kB -> .*, {SHORT}, [\d.]+ s", lines[0])


def test_digests_are_whole_with_verbose(command, tar_file):
    said = command("push", "-v", "null:", tar_file).stderr.decode()
    assert len(re.findall(rf"^layerpipe: .*: .*{DIGEST}", said, re.MULTILINE)) == 2
    assert re.search(rf"^layerpipe: manifest {DIGEST}$", said, re.MULTILINE)


def test_progress_none_and_quiet_print_nothing(run_with_pauses):
    assert run_with_pauses("--progress", "none", terminal=Terminal()) == ""
    assert run_with_pauses("-q", "--progress", "tty", terminal=Terminal()) == ""


@pytest.mark.parametrize("columns", [30, 1, 2, 12, 500])
def test_lines_fit_any_terminal(run_with_pauses, columns):
    terminal = Terminal(columns)
    run_with_pauses("--progress", "tty", terminal=terminal, is_drawn=columns > 9)
    drawn = [line for frame in terminal.frames() for line in frame]
    assert max(map(len, drawn), default=0) < max(columns, 2)


def test_names_are_shown_safely(command, tar_file):
    """Neither wide characters nor control characters of a name disturb the lines."""
    for name in ("\u5c64" * 40 + ".tar", "a\x1b[2Jb.tar", "x" * 200 + ".tar"):
        path = tar_file.parent / name
        path.write_bytes(tar_file.read_bytes())
        said = command("layer", "null:", path).stderr.decode()
        assert "\x1b" not in said
        assert max(map(len, said.splitlines())) < 80


def test_terminal_shows_only_the_error_after_a_failure(command, tmp_path, tar_bytes):
    terminal = Terminal()
    with command.start("push", "--progress", "tty", f"oci:{tmp_path}/layout:x", "-",
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                       stderr=terminal.theirs) as process:
        process.stdin.write(tar_bytes[:8192])
        process.stdin.flush()
        terminal.await_frame(lambda text: "total" in text)
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
        process.stdin.write(tar_bytes[:12288])
        process.stdin.flush()
        wait_drained(process.stdin.fileno(), process)
        if drawn:
            terminal.await_frame(lambda text: "total" in text)
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
    assert re.search(r"1 layer +[1-9]\S* MB -> [1-9]\S* MB +hashing +[1-9]\d?%  ", said)
    assert re.search(r"layer 1 layer: 21.0 MB -> 21.0 MB, sha256:", said)
    assert "hashing" not in command(*arguments[:-2], f"{server.host}/b:1", path).stderr.decode()
