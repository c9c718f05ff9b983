# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: a hanging test fails, so that a run always ends. The limit is far above the time
of the slowest test."""
import contextlib
import faulthandler
import os
import signal

import pytest

LIMIT_S = float(os.environ.get("TEST_LIMIT_S", 300))
SLOW_FACTOR = 6
# The alarm repeats, because clean-up code of the same phase may hang, too. Then the process ends.
AGAIN_S = min(30, LIMIT_S)
LAST_FACTOR = 2

_stderr = pytest.StashKey()


def pytest_configure(config):
    # pytest replaces descriptor 2 later.
    config.stash[_stderr] = os.fdopen(os.dup(2), "w")


def pytest_unconfigure(config):
    config.stash[_stderr].close()


@contextlib.contextmanager
def _limited(item):
    limit = LIMIT_S * (SLOW_FACTOR if item.get_closest_marker("slow") else 1)

    def on_alarm(_number, _frame):
        pytest.fail(f"the test hangs: this took longer than {limit:g} s")

    before = signal.signal(signal.SIGALRM, on_alarm)
    # An exception does not end a call that never returns, or a test that catches all exceptions.
    faulthandler.dump_traceback_later(limit * LAST_FACTOR, exit=True, file=item.config.stash[_stderr])
    signal.setitimer(signal.ITIMER_REAL, limit, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


# Each phase has its own limit, so that the teardown of a failed test still runs.
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    with _limited(item):
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    with _limited(item):
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    with _limited(item):
        yield
