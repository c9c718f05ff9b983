# SPDX-License-Identifier: Apache-2.0
"""Which changes of the public headers tools/check_abi accepts."""
import os
import re
import shutil
import subprocess

import pytest
from compile_support import ROOT
from servers import missing

MEMBER = r"(struct lpipe_push_options \{.*?)(\n\};)"
CHANGES = {
    "nothing": ("push.h", r"^", "", True),
    "a new function": ("push.h", r"(?=\n#ifdef __cplusplus\n\})",
                       "\nLPIPE_API int lpipe_new_function(int number);\n", True),
    "a new enumerator": ("image.h", r"(LPIPE_SOCI_V2 = 2)", r"\1, LPIPE_SOCI_V3 = 3", True),
    "a new option at the end": ("push.h", MEMBER, r"\1\n    uint64_t more;\2", True),
    "a new option before others": ("push.h", r"(struct lpipe_push_options \{\n    size_t struct_size;)",
                                   r"\1\n    uint64_t more;", False),
    "an option of another type": ("push.h", r"uint64_t soci_bytes_min;", "const char *soci_bytes_min;", False),
    "another value": ("image.h", r"LPIPE_SOCI_V2 = 2", "LPIPE_SOCI_V2 = 3", False),
    "a function that is gone": ("push.h", r"LPIPE_API LPIPE_CHECK int lpipe_inspect[^;]*;", "", False),
    "a parameter more": ("push.h", r"const char \*platform, bool as_json,", "bool as_json, int more,", False),
    "a larger error value": ("error.h", r"(char message\[512\];)", r"\1\n    char more[512];", False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_check_abi_accepts_what_old_programs_survive(change, tmp_path):
    if shutil.which("abidiff") is None:
        pytest.skip(missing("abidiff"))
    include = tmp_path / "include"
    shutil.copytree(os.path.join(ROOT, "include"), include)
    name, pattern, new, compatible = CHANGES[change]
    header = include / "layerpipe" / name
    text, count = re.subn(pattern, new, header.read_text(), count=1, flags=re.S)
    assert count == 1
    header.write_text(text)
    result = subprocess.run([os.path.join(ROOT, "tools", "check_abi"), include],
                            stdout=subprocess.PIPE, check=False)
    assert (result.returncode == 0) == compatible, result.stdout.decode()
