# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of the command: running it, tar files, and waiting for what a run does."""
import array
import fcntl
import io
import json
import os
import subprocess
import tarfile
import termios
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMAND = os.environ.get("LAYERPIPE", os.path.join(ROOT, "build", "layerpipe"))
LIMIT_S = 120  # ends a command that hangs; no test depends on speed


def build_options():
    """The options with which the command was built; empty if it is not in its build directory."""
    path = os.path.join(os.path.dirname(COMMAND), "meson-info", "intro-buildoptions.json")
    try:
        with open(path, encoding="utf-8") as file:
            return {option["name"]: option["value"] for option in json.load(file)}
    except FileNotFoundError:
        return {}


def is_sanitized():
    """Whether the command was built with a sanitizer."""
    return build_options().get("b_sanitize", "none") != "none"


def environment_without_leak_check(environment):
    """The environment without the leak checker, which needs a few descriptors and no strace."""
    options = environment.get("ASAN_OPTIONS", "")
    return {**environment, "ASAN_OPTIONS": options + ":detect_leaks=0"}


def make_tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def clean_environment(home):
    keep = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                                                "TSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH")
            if name in os.environ}
    return {**keep, "HOME": str(home)}


class Result:
    """The result of a run: exit status, stdout and stderr as text."""

    def __init__(self, done):
        self.rc = done.returncode
        self.stdout = done.stdout.decode()
        self.stderr = done.stderr.decode("utf-8", "replace")

    def __repr__(self):
        return f"rc {self.rc}, stdout {self.stdout!r}, stderr {self.stderr!r}"

    def json(self):
        assert self.rc == 0, self
        return json.loads(self.stdout)


class Command:
    """Runs the command in a clean environment with its own home directory."""

    def __init__(self, home):
        self.path = COMMAND
        self.env = clean_environment(home)
        self.home = home

    def __call__(self, *args, env=None, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        if "input" in options:
            del options["stdin"]
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.run([self.path, *map(str, args)], env={**self.env, **(env or {})},
                              timeout=LIMIT_S, check=False, **options)

    def run(self, *args, **options):
        return Result(self(*args, **options))

    def start(self, *args, env=None, **options):
        return subprocess.Popen([self.path, *map(str, args)], env={**self.env, **(env or {})},
                                **options)


def wait_until(condition, process=None):
    """Polls until the condition is true; fails when the process ends or time is up."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert process is None or process.poll() is None, "the command ended too early"
        assert time.monotonic() < deadline, f"not true within {LIMIT_S} s"
        time.sleep(0.01)


def wait_drained(pipe, process):
    """Waits until the command has read everything that was written to the pipe."""
    def empty():
        left = array.array("i", [0])
        fcntl.ioctl(pipe, termios.FIONREAD, left)
        return left[0] == 0
    wait_until(empty, process)


def error_line(result):
    """The error line of a failed run; fails when stderr has more than this line."""
    lines = result.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("layerpipe: ")
    return lines[0]
