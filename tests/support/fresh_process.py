# SPDX-License-Identifier: Apache-2.0
"""What a process inherits must not decide about a test: `nohup make test &` ignores signals, a
service manager may block them, and stdin may be closed. Programs that tests start get the defaults."""
import os
import signal
import threading

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
           signal.SIGUSR2, signal.SIGCHLD, signal.SIGALRM)


def stay(_number, _frame):
    """This process ignores the signal as before; a program that it starts does not inherit this."""


def use_default_signals():
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, stay)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def open_standard_descriptors():
    """Else a pipe or a log gets one of their numbers."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        os.set_inheritable(descriptor, True)
        descriptor = os.dup(descriptor)
    os.close(descriptor)
