# SPDX-License-Identifier: Apache-2.0
"""zTOCs, read by soci-snapshotter's library: it extracts every file by its span, and its own builder
makes the same table of the layer."""
import subprocess

import pytest

from tar_judges import build
from toc_support import TARS, soci_image


@pytest.fixture(scope="session", name="judge")
def judge_fixture():
    return build("ztocjudge", cgo=True)


@pytest.mark.parametrize("compress", ["gzip", "gzip:0", "gzip:6", "gzip:-2"])
@pytest.mark.parametrize("name", TARS)
def test_ztoc_is_read_by_its_library(run, tmp_path, judge, name, compress):
    image = soci_image(run, tmp_path, TARS[name](), "--compress", compress)
    [table] = image.tables
    answer = subprocess.run([judge, str(image.blob), str(table)], stdout=subprocess.PIPE, check=False,
                            stderr=subprocess.STDOUT).stdout.decode("utf-8", "replace").strip()
    assert answer.startswith("ok "), answer
