# SPDX-License-Identifier: Apache-2.0
"""Resets what the test run inherits, so that it does not change results: `nohup make test &`
ignores signals, a service manager may block them, and stdin may be closed. Programs that tests
start get the default signals and open descriptors."""
import os
import signal
import threading

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
           signal.SIGUSR2, signal.SIGCHLD, signal.SIGALRM)


def ignore_signal(_number, _frame):
    """This process still ignores the signal. Its children do not inherit a handler, so they get the
    default."""


def use_default_signals():
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, ignore_signal)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def open_standard_descriptors():
    """Opens closed descriptors among 0, 1 and 2. Otherwise a pipe or a log would get their
    numbers."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        os.set_inheritable(descriptor, True)
        descriptor = os.dup(descriptor)
    os.close(descriptor)
