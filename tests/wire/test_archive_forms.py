# SPDX-License-Identifier: Apache-2.0
"""Image archives in every form that programs write: archive, registry, archive, and read by others.
Config and layers stay what they were; so do manifests that come with compressed layers."""
import gzip
import io
import json
import subprocess
import tarfile

import pytest
from archive_forms import COMPRESSED, FORMS, WITH_MANIFEST, attested
from archive_support import compressed, pack
from cli_support import make_tar
from image_support import Base, encode
from inputs import random_bytes, sha256

IMAGE = "round/trip"


def image():
    """The third layer is the first one again."""
    first = make_tar({"a": random_bytes(40000, "a"), "bin/sh": b"#!\n"})
    return Base([first, make_tar({"b": random_bytes(20000, "b")}), first], Env=["A=b"])


def members(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive
                if member.isreg()}


def inflate(data):
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def push(run, server, data, *options):
    result = run("copy", "--json", *options, "-", f"{server.host}/{IMAGE}:1", input=data)
    assert result.rc == 0, result
    return result.json()


@pytest.mark.parametrize("form", FORMS)
def test_into_a_registry_and_out_again(run, command, docker_registry, form):
    """What the registry has, and the archives that are made of it, have the config and the layers of
    the first archive."""
    server, base = docker_registry(), image()
    pushed = push(run, server, pack(FORMS[form](base)))
    if form in WITH_MANIFEST:
        kept = compressed(base) if form in COMPRESSED else base
        assert pushed["digest"] == kept.digest
    reference = pushed["reference"]
    for kind in ("docker-archive", "oci-archive"):
        out = command("copy", reference, f"{kind}:-:app:1")
        assert out.returncode == 0, out.stderr
        found = members(out.stdout)
        manifest = json.loads(found["blobs/sha256/" + pushed["digest"][7:]])
        config = found["blobs/sha256/" + manifest["config"]["digest"][7:]]
        layers = [found["blobs/sha256/" + layer["digest"][7:]] for layer in manifest["layers"]]
        assert config == encode(base.config)
        assert [inflate(layer) for layer in layers] == base.layers
        again = push(run, server, out.stdout, *(["--compress", "none"] if form == "oci" else []))
        assert (again["digest"], again["blobs"]["copied"]) == (pushed["digest"], 0)


@pytest.mark.parametrize("form", FORMS)
def test_straight_into_another_archive(command, form):
    """Without a registry in between, through pipes only."""
    base, data = image(), pack(FORMS[form](image()))
    out = command("copy", "-", "docker-archive:-:app:1", input=data)
    if form == "oci":  # known at its end only: the layers must then be written again as they were
        assert out.returncode == 1 and b"set --compress to none" in out.stderr
        out = command("copy", "oci-archive:-", "docker-archive:-:app:1", input=data)
    assert out.returncode == 0, out.stderr
    found = members(out.stdout)
    (listed,) = json.loads(found["manifest.json"])
    assert found[listed["Config"]] == encode(base.config)
    assert [inflate(found[name]) for name in listed["Layers"]] == base.layers


@pytest.mark.parametrize("form", FORMS)
def test_skopeo_reads_both_ends_as_one_image(run, command, docker_registry, tool, tmp_path, form):
    """The archive as it came and as it left: skopeo sees the same config."""
    skopeo, server, base = tool("skopeo"), docker_registry(), image()
    source = tmp_path / "in.tar"
    source.write_bytes(pack(FORMS[form](base)))
    kind = "oci-archive" if form in ("oci", "buildkit-oci") else "docker-archive"
    reference = push(run, server, source.read_bytes())["reference"]
    for end in ("docker-archive", "oci-archive"):
        assert run("copy", reference, f"{end}:{tmp_path}/{end}.tar:app:1").rc == 0
    shown = [subprocess.run([skopeo, "inspect", "--config", "--raw", name], check=True,
                            capture_output=True).stdout
             for name in (f"{kind}:{source}", f"docker-archive:{tmp_path}/docker-archive.tar",
                          f"oci-archive:{tmp_path}/oci-archive.tar")]
    assert [sha256(text) for text in shown] == [sha256(encode(base.config))] * 3


def test_attestations_travel_with_all(run, docker_registry):
    server, base = docker_registry(), image()
    entries, (child, proof, index) = attested(base)
    result = run("copy", "--json", "--all", "-", f"{server.host}/{IMAGE}:all", input=pack(entries))
    assert result.rc == 0 and result.json()["digest"] == sha256(index), result
    assert result.json()["manifests"] == 3
    shown = run("inspect", "--json", f"{server.host}/{IMAGE}@{proof.digest}").json()
    assert shown["digest"] == proof.digest
    result = run("copy", "--json", "--platform", "linux/amd64", "-", f"{server.host}/{IMAGE}:one",
                 input=pack(entries))
    assert result.rc == 0 and result.json()["digest"] == child.digest, result


def test_platforms_that_are_not_in_the_archive(run, docker_registry):
    """docker save with containerd names all platforms of the index and has one of them."""
    server, base = docker_registry(), image()
    data = pack(FORMS["docker-containerd"](base))
    result = run("copy", "--all", "-", f"{server.host}/{IMAGE}:1", input=data)
    assert result.rc == 5 and "the image archive has no manifest" in result.stderr, result
    assert not server.tags(IMAGE)
    result = run("copy", "--json", "--platform", "linux/amd64", "-", f"{server.host}/{IMAGE}:1",
                 input=data)
    assert result.rc == 0 and result.json()["digest"] == compressed(base).digest, result
