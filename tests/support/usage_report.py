# SPDX-License-Identifier: Apache-2.0
"""usage_report.py REPORT PROGRAM [ARGUMENT...] runs a program and writes what it used as JSON.

The peak memory of a process includes that of its parent when it was started. This program is small,
and a process of pytest that has run other tests is not."""
import json
import os
import sys


def wrapped(report, command):
    """The command, run by this program."""
    return [sys.executable, "-I", "-S", __file__, str(report), *map(str, command)]


def read(report):
    """The peak in bytes, and the blocks that were written to file systems."""
    with open(report, encoding="ascii") as file:
        return json.load(file)


def main():
    report, *command = sys.argv[1:]
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    with open(report, "w", encoding="ascii") as file:
        json.dump({"peak": usage.ru_maxrss * 1024, "blocks": usage.ru_oublock}, file)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(abs(main()))
