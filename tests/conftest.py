# SPDX-License-Identifier: Apache-2.0
"""Fixtures for all tests: the command, inputs, registries. Each server is stopped after its
test."""
import os
import shutil
import sys
import tempfile

TESTS = os.path.dirname(os.path.abspath(__file__))
for path in (TESTS, os.path.join(TESTS, "support")):
    if path not in sys.path:
        sys.path.insert(0, path)

import pytest  # noqa: E402
from cli_support import COMMAND, Command, make_tar  # noqa: E402
from fresh_process import open_standard_descriptors, use_default_signals  # noqa: E402
from inputs import t1000  # noqa: E402
from registry import CA, Registry  # noqa: E402
from servers import ConnectProxy, DockerRegistry, find_tool  # noqa: E402

pytest_plugins = ["time_limit", "skip_summary"]
open_standard_descriptors()
use_default_signals()


@pytest.fixture
def command(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return Command(home)


@pytest.fixture
def layerpipe():
    """Path of the command."""
    return COMMAND


@pytest.fixture
def run(command):
    """run(*args, input=b"", env={}): the command's result with rc, stdout and stderr as text."""
    return command.run


@pytest.fixture
def tar_bytes():
    return make_tar({"hello.txt": b"hello\n", "data": bytes(range(256)) * 64})


@pytest.fixture
def tar_file(tmp_path, tar_bytes):
    path = tmp_path / "layer.tar"
    path.write_bytes(tar_bytes)
    return path


@pytest.fixture(scope="session")
def t1000_tar():
    """A tar of a thousand small files: the same 1025024 bytes on every machine."""
    return t1000()


@pytest.fixture
def registry(ca):
    """registry(profile="d28", *faults, **options): starts a registry.Registry. With host_name, the
    registry speaks https under that name and is reached through a proxy; pass its `arguments` and
    `environment` to the command."""
    running = []
    proxies = []

    def start(profile="d28", *faults, host_name=None, **options):
        if host_name:
            options.update(name=host_name, tls=ca.server_context(name=host_name,
                                                                 hosts=[host_name]))
        running.append(Registry(profile, faults, **options))
        if host_name:
            proxies.append(ConnectProxy({host_name: running[-1].port}))
            running[-1].proxy = proxies[-1]
            running[-1].arguments = ["--cacert", ca.cert]
            running[-1].environment = {"HTTPS_PROXY": proxies[-1].url}
        return running[-1]

    yield start
    for server in running + proxies:
        server.stop()
    for server in running:
        assert not server.failures, server.failures[0]


@pytest.fixture(scope="session")
def ca(tmp_path_factory):
    """One certificate authority for all tests of the session."""
    return CA(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def docker_registry(tmp_path, ca):
    """docker_registry(users={}, tls=False, token=None, ...): starts Debian's docker-registry."""
    running = []

    def start(binary="/usr/bin/docker-registry", **options):
        running.append(DockerRegistry(tmp_path / f"docker-registry-{len(running)}", ca, binary,
                                      **options))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def container_store():
    """Options with which podman and buildah use a store of their own. Its paths must be short."""
    if os.geteuid() != 0:
        pytest.skip("podman and buildah need root here")
    root = tempfile.mkdtemp(prefix="lp", dir="/tmp")
    yield ["--root", f"{root}/r", "--runroot", f"{root}/u", "--storage-driver", "vfs"]
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def tool():
    """tool("crane"): path of the program; skips the test when an optional program is missing."""
    return find_tool
