# SPDX-License-Identifier: Apache-2.0
"""Tests the plugins of the test run: inherited signals and descriptors, hanging tests, and the
summary of skipped tests."""
import os
import signal
import subprocess
import sys

import pytest
from cli_support import LIMIT_S, ROOT

SUPPORT = os.path.join(ROOT, "tests", "support")
INHERITED = """
import signal, subprocess, sys
sys.path.insert(0, {support!r})
import fresh_process
fresh_process.open_standard_descriptors()
fresh_process.use_default_signals()
child = "import signal; print(int(signal.getsignal({number}) == signal.SIG_IGN), \\
{number} in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
print(subprocess.run([sys.executable, "-c", child], check=True, stdout=subprocess.PIPE).stdout)
"""


def pytest_run(tmp_path, text, *args, **environment):
    """Runs `text` as a test file, with the project's plugins and a time limit of 1 s."""
    path = tmp_path / "test_text.py"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "time_limit", "-p",
         "skip_summary", "-q", "-c", os.devnull, *args, path], check=False, timeout=LIMIT_S,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": SUPPORT, "TEST_LIMIT_S": "1", **environment})
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD])
@pytest.mark.parametrize("how", ["ignored", "blocked"])
def test_children_get_default_signals(number, how):
    def inherit():
        if how == "ignored":
            signal.signal(number, signal.SIG_IGN)
        else:
            signal.pthread_sigmask(signal.SIG_BLOCK, [number])

    script = INHERITED.format(support=SUPPORT, number=int(number))
    done = subprocess.run([sys.executable, "-c", script], preexec_fn=inherit, check=True,
                          timeout=LIMIT_S, stdout=subprocess.PIPE)
    assert b"0 False" in done.stdout


def test_ignored_signal_does_not_end_the_run():
    """Under nohup, pytest itself still ignores SIGHUP; only the programs that tests start do
    not."""
    script = INHERITED.format(support=SUPPORT, number=1) + "import os; os.kill(os.getpid(), 1)\n"
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, timeout=LIMIT_S, stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert done.returncode == 0


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
def test_closed_descriptors_are_not_used_for_other_files(closed):
    script = (f"import os, sys; sys.path.insert(0, {SUPPORT!r}); import fresh_process\n"
              "fresh_process.open_standard_descriptors()\n"
              "sys.exit(0 if min(os.pipe()) > 2 else 'a pipe is a standard descriptor')")

    def close():
        for descriptor in closed:
            os.close(descriptor)

    done = subprocess.run([sys.executable, "-c", script], preexec_fn=close, check=False,
                          timeout=LIMIT_S)
    assert done.returncode == 0


def test_hanging_test_fails_and_the_next_one_runs(tmp_path):
    status, output = pytest_run(tmp_path, """
import subprocess, threading, pytest

@pytest.fixture
def hanging():
    yield
    threading.Event().wait()

def test_waits():
    threading.Event().wait()

def test_reads():
    with subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE) as process:
        try:
            process.stdout.read()
        finally:
            process.kill()

def test_ends_badly(hanging):
    pass

def test_good():
    pass
""")
    assert status == 1
    assert "2 failed, 2 passed, 1 error" in output
    assert output.count("the test hangs: this took longer than 1 s") >= 3


def test_hanging_test_without_exceptions_ends_the_run(tmp_path):
    status, output = pytest_run(tmp_path, """
import signal

def test_deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    signal.sigwait([signal.SIGUSR1])
""")
    assert status == 1
    assert "Timeout" in output and "test_deaf" in output


def test_skip_summary_counts_reasons_and_names_packages(tmp_path):
    status, output = pytest_run(tmp_path, """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_tool(number):
    pytest.skip("tool is not installed (package tool-of)")

@pytest.mark.skipif(True, reason="other is not installed (package a-package)")
def test_other():
    pass

def test_place():
    pytest.skip("this machine allows no mounts")
""")
    assert status == 0
    assert ("tests skipped: 5: 3 tool is not installed (package tool-of), 1 other is not installed "
            "(package a-package), 1 this machine allows no mounts; to run more of them: apt-get "
            "install a-package tool-of\n") in output
