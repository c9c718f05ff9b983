# SPDX-License-Identifier: Apache-2.0
"""SOCI indexes: what a push makes with --soci, what it refuses, what is left after a failure."""
import json
import subprocess

import pytest

from cli_support import make_tar
from inputs import random_bytes
from layout_fsck import check as check_layout
from toc_support import entry, many_small, soci_image, tar_of

PREFIX = "com.amazon.soci."
V1 = "application/vnd.amazon.soci.index.v1+json"
V2 = "application/vnd.amazon.soci.index.v2+json"


def test_tags_name_an_index_of_image_and_soci_index(run, tmp_path):
    image = soci_image(run, tmp_path, tar_of(many_small()), "--tag", "latest")
    first, second = image.index["manifests"]
    assert first["digest"] == image.pushed["soci"]["image"]
    assert second["digest"] == image.pushed["soci"]["digest"]
    assert second["artifactType"] == V2 and second["platform"] == first["platform"]
    assert second["annotations"] == {PREFIX + "image-manifest-digest": first["digest"]}
    assert image.image["annotations"] == {PREFIX + "index-digest": second["digest"]}
    assert image.soci["config"]["mediaType"] == V2 and "subject" not in image.soci
    [table] = image.soci["layers"]
    assert table["annotations"][PREFIX + "image-layer-digest"] == \
        image.pushed["layers"][0]["digest"]
    assert check_layout(str(image.layout)) == []
    plain = run("push", "--json", "null:", "-", input=tar_of(many_small())).json()
    assert plain["layers"][0]["digest"] == image.pushed["layers"][0]["digest"], "same blob"


def test_same_index_with_any_number_of_threads(run, tmp_path):
    tar = tar_of(many_small())
    digests = set()
    for threads in ("0", "1", "3"):
        (tmp_path / threads).mkdir()
        image = soci_image(run, tmp_path / threads, tar, "--threads", threads, "--created", "0")
        digests.add(image.pushed["digest"])
    assert len(digests) == 1


def test_version_1_is_a_referrer(run, registry):
    server = registry("d28")
    result = run("push", "--json", "--soci=v1", "--soci-min-size", "1", f"{server.host}/app:1", "-",
                 input=make_tar({"a": random_bytes(30000)}))
    pushed = result.json()
    assert pushed["digest"] == pushed["soci"]["image"] == server.tags("app")["1"]
    document = json.loads(server.storage.manifest("app", pushed["soci"]["digest"])[2])
    assert document["subject"]["digest"] == pushed["digest"]
    assert document["config"]["mediaType"] == V1
    listed = server.tags("app")[pushed["digest"].replace(":", "-")]
    [item] = json.loads(server.storage.manifest("app", listed)[2])["manifests"]
    assert item["digest"] == pushed["soci"]["digest"] and item["artifactType"] == V1


def test_layers_of_a_base_keep_their_ztocs(run, tmp_path):
    base = soci_image(run, tmp_path, tar_of(many_small()))
    result = run("push", "--json", "--soci", "--soci-min-size", "1", "--base",
                 f"oci:{base.layout}@{base.pushed['soci']['image']}", f"oci:{tmp_path}/two:2", "-",
                 input=make_tar({"more": random_bytes(50000)}))
    assert result.rc == 0, result
    path = tmp_path / "two" / "blobs" / "sha256"
    soci = json.loads((path / result.json()["soci"]["digest"].split(":")[1]).read_bytes())
    assert soci["layers"][0] == base.soci["layers"][0] and len(soci["layers"]) == 2
    assert check_layout(str(tmp_path / "two")) == []


def test_an_image_on_a_base_does_not_name_the_index_of_the_base(run, tmp_path):
    """That index is about the layers of the base only, and it is not in the destination."""
    base = soci_image(run, tmp_path, tar_of(many_small()))
    result = run("push", "--base", f"oci:{base.layout}@{base.pushed['soci']['image']}",
                 "--annotation", "a=b", f"oci:{tmp_path}/two:2", "-", input=make_tar({"more": b"x"}))
    assert result.rc == 0, result
    image = run("inspect", "--json", f"oci:{tmp_path}/two:2").json()["manifest"]
    assert set(image["annotations"]) == {"a", "org.opencontainers.image.base.digest"}


def test_layers_of_a_base_with_an_index_of_version_1(run, registry):
    """It is found among what refers to the base. inspect finds it, too, when it reads tables."""
    server = registry("d28")
    base = f"{server.host}/base:1"
    run("push", "--soci=v1", "--soci-min-size", "1", base, "-", input=tar_of(many_small()))
    result = run("push", "--json", "--soci", "--soci-min-size", "1", "--base", base,
                 f"{server.host}/app:1", "-", input=make_tar({"more": random_bytes(50000)}))
    assert result.rc == 0, result
    soci = json.loads(server.storage.manifest("app", result.json()["soci"]["digest"])[2])
    layers = [layer["digest"] for layer in result.json()["layers"]]
    assert [table["annotations"][PREFIX + "image-layer-digest"] for table in soci["layers"]] == layers
    assert "SOCI" in run("inspect", "--tables", base).stdout
    assert "SOCI" not in run("inspect", base).stdout, "no further requests"


def test_layers_without_a_ztoc(run, tmp_path):
    """A notice says why, and the image is pushed as usual when no layer is left."""
    small = make_tar({"a": b"1"})
    compressed = subprocess.run(["gzip", "-nc"], input=small, stdout=subprocess.PIPE, check=True).stdout
    wrong_size = entry("link", linkname="a")
    wrong_size[0].type, wrong_size[0].size = b"1", 7
    linked = tar_of([entry("a", b"1234567")])[:1024] + wrong_size[0].tobuf() + bytes(10240 - 1536)
    cases = [(small, [], "10485760 bytes has a zTOC (--soci-min-size sets"),
             (compressed, ["--soci-min-size", "1"], "it is not gzip that was compressed here"),
             (small, ["--soci-min-size", "1", "--compress", "zstd"], "it is not gzip"),
             (linked, ["--soci-min-size", "1"], "a size at an entry without contents")]
    for tar, arguments, words in cases:
        result = run("push", "--json", "--soci", *arguments, f"oci:{tmp_path}/l:1", "-", input=tar)
        assert "soci" not in result.json(), result
        assert words in result.stderr and "no SOCI index is made" in result.stderr, result
        assert result.json()["mediaType"].endswith("manifest.v1+json")


@pytest.mark.parametrize("arguments", [["--format", "docker"],
                                       ["--artifact-type", "application/x-test"]])
def test_only_for_images_in_the_oci_format(run, tmp_path, arguments):
    result = run("push", "--soci", *arguments, f"oci:{tmp_path}/l:1", "-",
                 input=make_tar({"a": b"1"}))
    assert result.rc == 2 and "SOCI index" in result.stderr, result


def test_nothing_is_tagged_after_a_failure(run, registry, tmp_path):
    """A tar that is cut off, and a spool directory that does not exist."""
    server = registry("d28")
    tar = make_tar({f"file-{i}": b"x" * 100 for i in range(3000)})
    result = run("push", "--soci", "--soci-min-size", "1", f"{server.host}/app:1", "-",
                 input=tar[:300000])
    assert result.rc == 3, result
    assert server.tags() == {} and server.storage.manifests() == []
    names = make_tar({("long-name/" * 20) + str(i): b"" for i in range(40000)})
    result = run("push", "--soci", "--soci-min-size", "1", "--spool", tmp_path / "missing",
                 f"oci:{tmp_path}/l:1", "-", input=names)
    assert result.rc == 8 and "missing" in result.stderr, result
    assert not (tmp_path / "l" / "index.json").exists() or \
        json.loads((tmp_path / "l" / "index.json").read_text())["manifests"] == []
