# SPDX-License-Identifier: Apache-2.0
"""Optional compression libraries: a build without them works, passes the unit tests, and `version`
lists the libraries in use."""
import gzip
import os
import re
import subprocess

import pytest
from compile_support import ROOT

pytestmark = pytest.mark.slow
UNITS = ["codec", "golden", "splice", "flow", "layer"]
# What `layerpipe version` prints about gzip.
CHOICES = {
    ("enabled", "enabled"): ["gzip 1, 2: ISA-L", "gzip -1, 3 to 12: libdeflate", "gzip -2: zlib"],
    ("disabled", "enabled"): ["gzip 1, 2: libdeflate", "gzip -1, 3 to 12: libdeflate",
                              "gzip -2: zlib"],
    ("enabled", "disabled"): ["gzip 1, 2: ISA-L", "gzip, other levels: zlib"],
    ("disabled", "disabled"): ["gzip, other levels: zlib"],
}


@pytest.mark.parametrize("isal, libdeflate", CHOICES)
def test_build_without_optional_library_works_and_lists_codecs(isal, libdeflate, tmp_path):
    build = str(tmp_path)
    subprocess.run(["/usr/bin/meson", "setup", build, ROOT, f"-Disal={isal}", "-Dunits=enabled",
                    f"-Dlibdeflate={libdeflate}", "-Dwerror=true"], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", build, "layerpipe",
                    *(f"tests/t_{name}" for name in UNITS)], check=True)
    for name in UNITS:
        subprocess.run([f"{build}/tests/t_{name}"], check=True, stdout=subprocess.DEVNULL)
    command = f"{build}/layerpipe"
    said = subprocess.run([command, "version"], check=True, stdout=subprocess.PIPE).stdout.decode()
    lines = [re.sub(r" [\d.]+$", "", line) for line in said.splitlines()]
    assert [line for line in lines if line.startswith("gzip")] == CHOICES[isal, libdeflate]
    stream = os.urandom(300000) + bytes(300000)
    for level in (-2, 0, 1, 6, 12):
        layout = tmp_path / f"layout{level}"
        done = subprocess.run([command, "layer", "-q", "--raw", "--compress", f"gzip:{level}",
                               f"oci:{layout}"], check=True, input=stream, stdout=subprocess.PIPE)
        digest = done.stdout.decode().strip().rpartition("@sha256:")[2]
        blob = (layout / "blobs" / "sha256" / digest).read_bytes()
        assert gzip.decompress(blob) == stream
