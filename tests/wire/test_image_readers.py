# SPDX-License-Identifier: Apache-2.0
"""Other programs read the pushed images."""
import json
import os
import tarfile
import io

import pytest
from wire_support import check_call

NAME = "readers/image"


def files_tar(directory="etc"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        folder = tarfile.TarInfo(directory)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        for number in range(20):
            info = tarfile.TarInfo(f"{directory}/file-{number}")
            data = os.urandom(number * 999)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo(f"{directory}/link")
        link.type, link.linkname = tarfile.SYMTYPE, "file-1"
        tar.addfile(link)
    return out.getvalue()


@pytest.fixture(params=["docker-registry", "d28", "zot"])
def server(request, docker_registry, registry):
    return docker_registry() if request.param == "docker-registry" else registry(request.param)


@pytest.mark.parametrize("format_option", ["oci", "docker"])
def test_skopeo_and_umoci_accept_the_image(format_option, server, run, tmp_path, tool):
    tar = files_tar()
    target = f"{server.host}/{NAME}:one"
    pushed = run("push", "--json", "--format", format_option, "--env", "A=b", target, "-",
                 input=tar).json()
    layout = tmp_path / "layout"
    check_call(tool("skopeo"), "--insecure-policy", "copy", "--src-tls-verify=false",
               f"docker://{target}", f"oci:{layout}:one")
    inspected = json.loads(check_call(tool("skopeo"), "inspect", "--tls-verify=false",
                                      f"docker://{target}"))
    assert inspected["Digest"] == pushed["digest"]
    assert inspected["Layers"] == [layer["digest"] for layer in pushed["layers"]]
    assert "A=b" in inspected["Env"]
    bundle = tmp_path / "bundle"
    check_call(tool("umoci"), "unpack", "--rootless", "--image", f"{layout}:one", bundle)
    with tarfile.open(fileobj=io.BytesIO(tar)) as expected:
        for entry in expected:
            path = bundle / "rootfs" / entry.name
            if entry.isreg():
                assert path.read_bytes() == expected.extractfile(entry).read()
            elif entry.issym():
                assert os.readlink(path) == entry.linkname


def test_crane_accepts_the_image(server, run, tmp_path, tool):
    crane = tool("crane")
    target = f"{server.host}/{NAME}:two"
    pushed = run("push", "--json", target, "-", input=files_tar()).json()
    check_call(crane, "validate", "--insecure", "--remote", target)
    assert check_call(crane, "digest", "--insecure", target).decode().strip() == pushed["digest"]


@pytest.mark.parametrize("compress", ["zstd", "none"])
def test_skopeo_copies_zstd_and_uncompressed_layers(compress, server, run, tmp_path, tool):
    target = f"{server.host}/{NAME}:three"
    run("push", "--json", "--compress", compress, target, "-", input=files_tar()).json()
    check_call(tool("skopeo"), "--insecure-policy", "copy", "--src-tls-verify=false",
               f"docker://{target}", f"dir:{tmp_path / 'copy'}")


def test_base_pushed_by_skopeo_is_used(server, run, tmp_path, tool):
    """skopeo reads the result, too."""
    first = run("push", f"oci:{tmp_path / 'first'}:base", "-", input=files_tar("usr"))
    assert first.rc == 0, first
    base = f"{server.host}/readers/base:1"
    check_call(tool("skopeo"), "--insecure-policy", "copy", "--dest-tls-verify=false",
               f"oci:{tmp_path / 'first'}:base", f"docker://{base}")
    target = f"{server.host}/readers/base:2"
    pushed = run("push", "--json", "--base", base, target, "-", input=files_tar()).json()
    assert [layer["source"] for layer in pushed["layers"]] == ["existing", "streamed"]
    elsewhere = f"{server.host}/readers/other:2"
    pushed = run("push", "--json", "--base", base, elsewhere, "-", input=files_tar()).json()
    assert [layer["source"] for layer in pushed["layers"]] == ["mounted", "streamed"]
    for number, image in enumerate((target, elsewhere)):
        check_call(tool("skopeo"), "--insecure-policy", "copy", "--src-tls-verify=false",
                   f"docker://{image}", f"oci:{tmp_path / 'copy'}:{number}")


@pytest.mark.parametrize("name", ["d28", "d3", "zot", "ggcr", "gitea", "pulp", "quay", "olareg",
                                  "harbor", "acr", "ghcr", "gar", "ecr", "nexus", "r2",
                                  "artifactory-old"])
def test_test_registry_accepts_skopeo_in_every_profile(name, registry, tmp_path, run, tool):
    """Tests the test registry and not layerpipe: skopeo works with each profile."""
    first = run("push", f"oci:{tmp_path / 'first'}:base", "-", input=files_tar("usr"))
    assert first.rc == 0, first
    server = registry(name)
    check_call(tool("skopeo"), "--insecure-policy", "copy", "--dest-tls-verify=false",
               f"oci:{tmp_path / 'first'}:base", f"docker://{server.host}/others/image:1")
    assert list(server.tags("others/image")) == ["1"]
    assert server.open_sessions() == []
