# SPDX-License-Identifier: Apache-2.0
import pytest
from cli_support import Command, make_tar


@pytest.fixture
def command(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return Command(home)


@pytest.fixture
def tar_bytes():
    return make_tar({"hello.txt": b"hello\n", "data": bytes(range(256)) * 64})


@pytest.fixture
def tar_file(tmp_path, tar_bytes):
    path = tmp_path / "layer.tar"
    path.write_bytes(tar_bytes)
    return path
