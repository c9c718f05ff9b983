# SPDX-License-Identifier: Apache-2.0
"""docs/field-reports.md names tests; they exist."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_named_tests_exist():
    report = (ROOT / "docs" / "field-reports.md").read_text()
    files = [*ROOT.glob("tests/*/*.py"), *ROOT.glob("tests/unit/*.c")]
    known = {name for file in files for name in re.findall(r"\btest_\w+", file.read_text())}
    known |= {file.stem for file in files}
    named = re.findall(r"\b(test_\w+)(\*?)", report)
    missing = [name for name, star in named
               if name not in known and not (star and any(k.startswith(name) for k in known))]
    assert not missing
