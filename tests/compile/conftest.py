# SPDX-License-Identifier: Apache-2.0
import pytest
from compile_support import build_options, install


@pytest.fixture(scope="session")
def options():
    return build_options()


@pytest.fixture(scope="session")
def installed(tmp_path_factory, options):
    return install(str(tmp_path_factory.mktemp("root")), options)
