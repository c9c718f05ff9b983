# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: prints at the end of a run how many tests were skipped, why, and which packages
to install to run them."""
import collections
import re
import shlex


def _reason(report):
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def summary(reports):
    """One line with the most frequent reason first; "" when no test was skipped."""
    reasons = collections.Counter(_reason(report) for report in reports)
    if not reasons:
        return ""
    # .ci/run adds up the numbers before the word "skipped", so this line has none there.
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
