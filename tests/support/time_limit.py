# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: a test that hangs fails, so that a run always ends. No test is judged by how long
it takes: the limit is far above what the slowest one needs."""
import contextlib
import faulthandler
import os
import signal

import pytest

LIMIT_S = float(os.environ.get("TEST_LIMIT_S", 300))
SLOW_FACTOR = 6
# One more alarm for each further step of the same phase that hangs; then the process ends.
AGAIN_S = min(30, LIMIT_S)
LAST_FACTOR = 2

_stderr = pytest.StashKey()


def pytest_configure(config):
    # Before pytest puts its own in place of descriptor 2.
    config.stash[_stderr] = os.fdopen(os.dup(2), "w")


def pytest_unconfigure(config):
    config.stash[_stderr].close()


@contextlib.contextmanager
def _limited(item):
    limit = LIMIT_S * (SLOW_FACTOR if item.get_closest_marker("slow") else 1)

    def ring(_number, _frame):
        pytest.fail(f"the test hangs: this took longer than {limit:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    # For what no exception reaches: a call that does not return, or a test that catches all.
    faulthandler.dump_traceback_later(limit * LAST_FACTOR, exit=True, file=item.config.stash[_stderr])
    signal.setitimer(signal.ITIMER_REAL, limit, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


# Each phase separately, so that what a test started is stopped after it failed.
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
