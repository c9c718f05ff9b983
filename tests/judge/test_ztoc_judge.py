# SPDX-License-Identifier: Apache-2.0
"""zTOCs, read by soci-snapshotter's library: it extracts every file by its span, and its own builder
makes the same table of the layer. SOCI indexes, found in a registry as the snapshotter finds them."""
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


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("server", ["docker-registry", "zot"])
def test_index_is_found_in_a_registry(run, registry, docker_registry, tmp_path, judge, version, server):
    """By the annotation, by the referrers API, and by the referrers tag: docker-registry has no API."""
    host = docker_registry().host if server == "docker-registry" else registry("zot").host
    (tmp_path / "a.tar").write_bytes(TARS["small-files"]())
    (tmp_path / "b.tar").write_bytes(TARS["one-empty-file"]())
    options = [f"--soci={version}", "--soci-min-size", "1"]
    pushed = run("push", *options, f"{host}/soci:pushed", tmp_path / "a.tar", tmp_path / "b.tar")
    assert pushed.rc == 0, pushed
    plain = run("push", f"oci:{tmp_path}/layout:1", tmp_path / "a.tar", tmp_path / "b.tar")
    copied = run("copy", *options, f"oci:{tmp_path}/layout:1", f"{host}/soci:copied")
    assert plain.rc == copied.rc == 0, copied
    based = run("push", *options, "--base", f"{host}/soci:pushed", f"{host}/soci:based", tmp_path / "b.tar")
    assert based.rc == 0, based
    for tag, count in (("pushed", 2), ("copied", 2), ("based", 3)):
        answer = subprocess.run([judge, "registry", f"{host}/soci", tag], stdout=subprocess.PIPE,
                                check=False, stderr=subprocess.STDOUT).stdout.decode().strip()
        assert answer == f"ok {version} {count}", (tag, answer)
