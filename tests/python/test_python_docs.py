# SPDX-License-Identifier: Apache-2.0
"""The Python code in docs/python.md and README.md runs."""
import inspect
import os
import re
import textwrap

import pytest
from archive_support import docker_classic, pack
from cli_support import LIMIT_S, ROOT, make_tar
from image_support import Base

BLOCKS = 7


def page(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def blocks():
    return re.findall(r"^```python\n(.*?)^```$", page("docs/python.md"), re.M | re.S)


@pytest.fixture
def run_code(script, registry, tmp_path):
    """Runs code in a directory that has the files of the pages; returns what it prints."""
    folder = tmp_path / "page"
    (folder / "rootfs/etc").mkdir(parents=True)
    (folder / "rootfs/etc/hostname").write_text("host")
    (folder / "results").write_text("1")
    (folder / "rootfs.tar").write_bytes(make_tar({"etc/hostname": b"x" * 1000}))
    (folder / "save.tar").write_bytes(pack(docker_classic(Base(), ("app:1.4",))))
    (folder / "model.safetensors").write_bytes(os.urandom(3000))
    server = registry()

    def run(code):
        code = code.replace("localhost:5000", server.host)
        process = script(f"import os; os.chdir({str(folder)!r})\n{code}")
        out, err = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, err
        return out

    return run


@pytest.mark.parametrize("number", range(BLOCKS))
def test_block_runs(run_code, number):
    assert len(blocks()) == BLOCKS
    run_code(blocks()[number])


def test_readme_block_runs(run_code):
    text = re.search(r"^## In Python\n(.*?)^`pip", page("README.md"), re.M | re.S)[1]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", run_code(textwrap.dedent(text)))


def test_table_of_exceptions_is_complete(lp):
    listed = re.findall(r"^\| `(\w+)` \| (\d+) \|", page("docs/python.md"), re.M)
    kinds = {name: kind.exit_status for name, kind in vars(lp).items()
             if isinstance(kind, type) and issubclass(kind, lp.Error) and kind is not lp.Error}
    assert {name: int(status) for name, status in listed} == kinds


def test_each_parameter_of_the_client_is_listed(lp):
    text = page("docs/python.md")
    names = set(inspect.signature(lp.Client).parameters)
    assert not [name for name in names if f"`{name}`" not in text and f"{name}=" not in text]
