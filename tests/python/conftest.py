# SPDX-License-Identifier: Apache-2.0
"""The Python package of the build that is tested."""
import os
import subprocess
import sys

import pytest
from cli_support import COMMAND, LIMIT_S, is_sanitized

PACKAGE = os.path.join(os.path.dirname(os.path.abspath(COMMAND)), "python")


@pytest.fixture
def package_path():
    """The directory that has the package."""
    if is_sanitized():
        pytest.skip("Python cannot load an extension with a sanitizer")
    if not os.path.exists(os.path.join(PACKAGE, "layerpipe", "_layerpipe.abi3.so")):
        pytest.skip("the build has no Python package (package python3-dev)")
    return PACKAGE


@pytest.fixture
def lp(package_path, tmp_path, monkeypatch):
    """The package, with an empty home directory."""
    home = tmp_path / "python-home"
    home.mkdir()
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "SOURCE_DATE_EPOCH",
                 "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    if package_path not in sys.path:
        sys.path.insert(0, package_path)
    import layerpipe
    assert layerpipe.__file__.startswith(package_path)
    return layerpipe


@pytest.fixture
def script(package_path, command, tmp_path):
    """script(text, *args): starts an interpreter with the package. Its stdin and stdout are pipes."""
    running = []

    def start(text, *args):
        path = tmp_path / f"script{len(running)}.py"
        path.write_text(text)
        running.append(subprocess.Popen(
            [sys.executable, str(path), *map(str, args)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**command.env, "PYTHONPATH": package_path}))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=LIMIT_S)
