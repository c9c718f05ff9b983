# SPDX-License-Identifier: Apache-2.0
"""The table in docs/upload.md equals the rules of the upload machine."""
import os
import subprocess

from cli_support import COMMAND, ROOT

TABLE = os.environ.get("UPLOAD_TABLE",
                       os.path.join(os.path.dirname(COMMAND), "tests", "upload_table"))


def test_table_in_docs_equals_machine_rules():
    printed = subprocess.run([TABLE], check=True, stdout=subprocess.PIPE, text=True).stdout
    with open(os.path.join(ROOT, "docs", "upload.md"), encoding="utf-8") as file:
        shown = file.read().partition("<!-- rules -->\n")[2].partition("<!-- end of rules -->")[0]
    assert shown == printed, "run tools/upload_table build"
