# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: says at the end of a run which tests were skipped, why, and what to
install to run them."""
import collections
import re
import shlex


def _reason(report):
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def summary(reports):
    """One line, the most frequent reason first; "" for none."""
    reasons = collections.Counter(_reason(report) for report in reports)
    if not reasons:
        return ""
    # .ci/run adds up all numbers before the word "skipped": none stands there.
    line = f"tests skipped: {reasons.total()}: " + ", ".join(
        f"{count} {reason}" for reason, count in reasons.most_common())
    packages = {name for reason in reasons for name in re.findall(r"\(package ([^)]+)\)", reason)}
    if packages:
        line += "; to run more of them: apt-get install " + shlex.join(sorted(packages))
    return line


def pytest_terminal_summary(terminalreporter):
    line = summary(terminalreporter.stats.get("skipped", []))
    if line:
        terminalreporter.write_line(line)
