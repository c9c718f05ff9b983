# SPDX-License-Identifier: Apache-2.0
"""The checks in a bare Debian say their result in any case. debootstrap and rm are programs that fail here."""
import os
import subprocess

import pytest
from compile_support import ROOT


@pytest.fixture
def check(tmp_path):
    """check(name, failing=[...]): runs a check with these programs failing; returns status and lines."""
    if os.geteuid() != 0:
        pytest.skip("the check needs root")
    folder = tmp_path / "bin"
    folder.mkdir()

    def run(name, *failing):
        for program in failing:
            (folder / program).write_text(f"#!/bin/sh\necho {program} cannot work >&2\nexit 1\n")
            (folder / program).chmod(0o755)
        done = subprocess.run(["bash", os.path.join(ROOT, "tools", name), "12"], cwd=tmp_path,
                              env={"PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": str(tmp_path),
                                   "MIRROR": "http://localhost:1/"},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode().splitlines()
    return run


@pytest.mark.parametrize("name", ["check_install", "check_packages"])
def test_result_is_printed_though_nothing_can_be_removed(check, name):
    status, lines = check(name, "debootstrap", "rm")
    if any("unshare" in line for line in lines):
        pytest.skip("no mount namespaces here")
    assert status == 1
    assert any(line.startswith(f"{name}: Debian 12: FAILED, ") for line in lines), lines
    assert "    debootstrap cannot work" in lines
    assert lines[-1].endswith("could not be removed")


def test_nothing_is_left(check, tmp_path):
    check("check_packages", "debootstrap")
    assert os.listdir(tmp_path) == ["bin"]


def test_wrong_arguments():
    done = subprocess.run([os.path.join(ROOT, "tools", "check_install"), "11"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 2
    assert done.stdout.startswith(b"usage: check_install 12|13")
