# SPDX-License-Identifier: Apache-2.0
"""The build backend of the Python package, as pip runs it."""
import os
import sys

import pytest
from cli_support import ROOT


@pytest.fixture
def backend(monkeypatch):
    monkeypatch.syspath_prepend(os.path.join(ROOT, "python"))
    import build_backend
    return build_backend


def test_programs_find_their_modules(backend, monkeypatch, tmp_path):
    """pip hides the system's packages with a sitecustomize; meson is a program in Python."""
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('hidden')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    backend.run(sys.executable, "-c", "")
    backend.run(backend.program("meson"), "--version")


def test_program_that_fails_ends_the_build(backend, capfd):
    with pytest.raises(SystemExit, match="failed"):
        backend.run(sys.executable, "-c", "print('why'); raise SystemExit(3)")
    assert "why" in capfd.readouterr().err
    with pytest.raises(SystemExit, match="is missing"):
        backend.program("no-such-program")


def test_metadata(backend, tmp_path):
    folder = tmp_path / backend.prepare_metadata_for_build_wheel(str(tmp_path))
    text = (folder / "METADATA").read_text()
    assert "Name: layerpipe\n" in text and f"Version: {backend.project_version()}\n" in text
    assert "Tag: cp39-abi3-linux" in (folder / "WHEEL").read_text()


def test_source_package_is_refused(backend, tmp_path):
    with pytest.raises(SystemExit, match="make a wheel"):
        backend.build_sdist(str(tmp_path))
