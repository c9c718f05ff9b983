# SPDX-License-Identifier: Apache-2.0
"""layerpipe copy --compress and --soci: the layers of an image are compressed in another way while
they are copied, from an archive, a registry or a layout."""
import itertools
import json
import subprocess

import pytest
from archive_support import compressed, docker_classic, docker_with_oci, oci_archive, pack
from cli_support import make_tar
from image_support import Base, encode, put_index, stored_config
from inputs import sha256
from layout_fsck import check as check_layout
from registry import Fault
from toc_support import entry, many_small, tar_of

SOURCE = "from/image"
TARGET = "to/image"
ZSTD_KEY = "io.github.containers.zstd-chunked.manifest-checksum"
ESTARGZ_KEY = "containerd.io/snapshot/stargz/toc.digest"
SOCI_KEY = "com.amazon.soci.index-digest"
TOOLS = {"gzip": ["gzip", "-dc"], "zstd": ["zstd", "-dcq"]}


def image(**more):
    return Base([tar_of(many_small()), make_tar({"same": b"for all"})], **more)


def plain(layer, data):
    tool = TOOLS.get(layer["mediaType"][-4:])
    return data if tool is None else subprocess.run(tool, input=data, stdout=subprocess.PIPE,
                                                    check=True).stdout


def assert_layers(server, base, key, compression, repository=TARGET, reference="1"):
    """Each layer has the annotation and begins with the tar; the config has its diff ID. Returns the
    manifest and the config."""
    manifest = json.loads(server.storage.manifest(repository, reference)[2])
    config = stored_config(server, repository, manifest)
    for layer, tar, diff_id in zip(manifest["layers"], base.layers,
                                   config["rootfs"]["diff_ids"], strict=True):
        data = server.blob(repository, layer["digest"])
        assert sha256(data) == layer["digest"] and len(data) == layer["size"]
        assert layer["mediaType"].endswith(compression)
        assert key is None or key in layer["annotations"]
        bytes_of = plain(layer, data)
        assert bytes_of.startswith(tar) and sha256(bytes_of) == diff_id
    return manifest, config


@pytest.mark.parametrize("make", [docker_classic, docker_with_oci])
def test_archive_becomes_zstd_chunked(run, registry, make):
    """The config keeps its bytes."""
    server, base = registry("d28"), image()
    result = run("copy", "--compress", "zstd-chunked", "-", f"{server.host}/{TARGET}:1",
                 input=pack(make(base)))
    assert result.rc == 0, result
    manifest, _ = assert_layers(server, base, ZSTD_KEY, "zstd")
    assert manifest["config"]["digest"] == sha256(encode(base.config))


@pytest.mark.parametrize("make", [docker_classic, docker_with_oci])
def test_archive_becomes_estargz(run, registry, make):
    """The config gets other diff IDs and is the same apart from that."""
    server, base = registry("d28"), image()
    result = run("copy", "--compress", "estargz", "-", f"{server.host}/{TARGET}:1",
                 input=pack(make(base)))
    assert result.rc == 0, result
    _, config = assert_layers(server, base, ESTARGZ_KEY, "gzip")
    assert {**config, "rootfs": base.config["rootfs"]} == base.config


def test_wrong_diff_id_in_an_archive(run, registry):
    server, base = registry("d28"), image()
    base.config["rootfs"]["diff_ids"][0] = "sha256:" + "1" * 64
    result = run("copy", "--compress", "estargz", "-", f"{server.host}/{TARGET}:1",
                 input=pack(docker_classic(base)))
    assert result.rc == 9 and "the config says" in result.stderr, result
    assert server.tags() == {}


def test_oci_archive_on_stdin_keeps_its_bytes(run, registry):
    """Its kind is known at the end; the tar is read back out of an eStargz, too."""
    server, base = registry("d28"), image()
    for compress in ("estargz", "zstd-chunked"):
        result = run("copy", "--json", "--compress", compress, "-", f"{server.host}/{TARGET}:1",
                     input=pack(oci_archive(base)))
        assert result.rc == 0 and result.json()["digest"] == base.digest, result
        for layer in base.layers:
            assert server.blob(TARGET, sha256(layer)) == layer


def test_no_table_is_a_notice(run, registry):
    server = registry("d28")
    base = Base([tar_of([entry("a", b"1"), entry("./a", b"2")])])
    result = run("copy", "--compress", "zstd-chunked", "-", f"{server.host}/{TARGET}:1",
                 input=pack(docker_classic(base)))
    assert result.rc == 0 and "same path: ./a" in result.stderr, result
    assert_layers(server, base, None, "zstd")


@pytest.mark.parametrize("compress, key, compression", [
    ("zstd-chunked", ZSTD_KEY, "zstd"), ("estargz", ESTARGZ_KEY, "gzip"),
    ("gzip:6", None, "gzip"), ("zstd:3", None, "zstd")])
@pytest.mark.parametrize("family", ["oci", "docker"])
def test_registry_image_is_compressed_again(run, registry, compress, key, compression, family):
    source, target, base = registry("d28"), registry("d28"), image(family=family)
    if family == "oci":
        base.manifest["annotations"] = {"a": "b", SOCI_KEY: "sha256:" + "1" * 64}
    reference = base.put(source, SOURCE, "1")
    result = run("copy", "--json", "--compress", compress, reference, f"{target.host}/{TARGET}:1",
                 "--tag", "more")
    assert result.rc == 0, result
    manifest, config = assert_layers(target, base, key, compression)
    assert manifest.get("annotations", {"a": "b"}) == {"a": "b"}
    assert set(target.tags(TARGET)) == {"1", "more"}
    if compress == "estargz":
        assert {**config, "rootfs": base.config["rootfs"]} == base.config
    else:
        assert manifest["config"]["digest"] == sha256(encode(base.config)), "the same bytes"
    again = run("copy", "--json", "--compress", compress, f"{target.host}/{TARGET}:1",
                f"{target.host}/{TARGET}:2").json()
    assert again["digest"] == result.json()["digest"], "what is compressed so keeps its bytes"
    assert again["blobs"] == {"copied": 0, "mounted": 0, "existing": 2}


def test_soci_index_of_a_copy(run, registry, tmp_path):
    source, base = registry("d28"), image()
    reference = base.put(source, SOURCE, "1")
    result = run("copy", "--json", "--soci", "--soci-min-size", "10000", reference,
                 f"oci:{tmp_path}/l:1")
    assert result.rc == 0 and result.json()["manifests"] == 3, result
    assert check_layout(str(tmp_path / "l")) == []
    blobs = tmp_path / "l" / "blobs" / "sha256"
    index = json.loads((blobs / result.json()["digest"].split(":")[1]).read_bytes())
    first, second = index["manifests"]
    soci = json.loads((blobs / second["digest"].split(":")[1]).read_bytes())
    copied = json.loads((blobs / first["digest"].split(":")[1]).read_bytes())
    assert copied["config"]["digest"] == sha256(encode(base.config))
    assert [item["annotations"]["com.amazon.soci.image-layer-digest"] for item in soci["layers"]] \
        == [copied["layers"][0]["digest"]], "the second layer is too small"


def soci_layers(layout, digest):
    """The manifest of the image, and the digests of the layers that its SOCI index has."""
    blobs = layout / "blobs" / "sha256"

    def read(name):
        return json.loads((blobs / name.split(":")[1]).read_bytes())

    first, second = read(digest)["manifests"]
    return read(first["digest"]), [item["annotations"]["com.amazon.soci.image-layer-digest"]
                                   for item in read(second["digest"])["layers"]]


@pytest.mark.parametrize("make", [docker_classic, docker_with_oci])
def test_soci_index_of_an_archive_on_stdin(run, tmp_path, make):
    """Of what docker save writes: the layers are compressed, their zTOCs made in the same pass."""
    base = image()
    result = run("copy", "--json", "--soci", "--soci-min-size", "10000", "-",
                 f"oci:{tmp_path}/l:1", "--tag", "2", input=pack(make(base)))
    assert result.rc == 0 and result.json()["manifests"] == 3, result
    assert check_layout(str(tmp_path / "l")) == []
    copied, layers = soci_layers(tmp_path / "l", result.json()["digest"])
    assert layers == [copied["layers"][0]["digest"]], "the second layer is too small"
    assert copied["config"]["digest"] == sha256(encode(base.config))
    assert copied["annotations"][SOCI_KEY]
    again = run("copy", "--json", "--soci", "--soci-min-size", "10000", "-", "null:",
                input=pack(make(base)))
    assert again.json()["digest"] == result.json()["digest"], again


def test_soci_index_of_an_archive_in_a_registry(run, registry):
    """Of version 1: a referrer of the image, which is the one that a copy without it makes."""
    server, base = registry("d28"), image()
    result = run("copy", "--json", "--soci=v1", "--soci-min-size", "10000", "-",
                 f"{server.host}/{TARGET}:1", input=pack(docker_classic(base)))
    assert result.rc == 0 and result.json()["manifests"] == 2, result
    plain_copy = run("copy", "--json", "-", "null:", input=pack(docker_classic(base)))
    assert result.json()["digest"] == plain_copy.json()["digest"] == server.tags(TARGET)["1"]
    shown = run("inspect", "--tables", f"{server.host}/{TARGET}:1")
    assert "SOCI" in shown.stdout, shown


def test_soci_index_of_compressed_layers_in_an_archive(run, tmp_path):
    """On stdin they keep their bytes, and a notice says so; in a file they are compressed again."""
    archive = tmp_path / "image.tar"
    archive.write_bytes(pack(oci_archive(compressed(image()))))
    result = run("copy", "--json", "--soci", "--soci-min-size", "1", "-", f"oci:{tmp_path}/a:1",
                 input=archive.read_bytes())
    assert result.rc == 0 and result.json()["manifests"] == 1, result
    assert "no SOCI index is made" in result.stderr, result
    result = run("copy", "--json", "--soci", "--soci-min-size", "1", f"oci-archive:{archive}",
                 f"oci:{tmp_path}/b:1")
    assert result.rc == 0 and result.json()["manifests"] == 3, result
    copied, layers = soci_layers(tmp_path / "b", result.json()["digest"])
    assert layers == [layer["digest"] for layer in copied["layers"]]


def test_any_failure_of_a_soci_copy_from_an_archive_leaves_no_tag(run, registry):
    """Each commit in turn is refused: those of layers, config, zTOCs and the config of the index."""
    for number in itertools.count(1):
        server = registry("d28", Fault("commit", "status", nth=number, status=400, times=None))
        result = run("copy", "--soci", "--soci-min-size", "1", "-", f"{server.host}/{TARGET}:1",
                     input=pack(docker_classic(image())))
        if result.rc == 0:
            assert number == 7, "six blobs"
            return
        assert result.rc in (6, 7) and server.tags() == {}, result
        assert server.storage.manifests() == [] and server.open_sessions() == []


def test_soci_copy_of_an_archive_that_is_cut_off(run, registry):
    server = registry("d28")
    result = run("copy", "--soci", "--soci-min-size", "1", "-", f"{server.host}/{TARGET}:1",
                 input=pack(docker_classic(image()))[:-20000])
    assert result.rc in (3, 9), result
    assert server.tags() == {} and server.storage.manifests() == []


def test_platform_of_an_index(run, registry):
    source, target = registry("d28"), registry("d28")
    children = [(image(arch=arch), {"os": "linux", "architecture": arch})
                for arch in ("amd64", "s390x")]
    for child, _ in children:
        child.put(source, SOURCE, child.digest)
    reference = put_index(source, SOURCE, "all", children)
    result = run("copy", "--compress", "zstd-chunked", "--platform", "linux/s390x", reference,
                 f"{target.host}/{TARGET}:1")
    assert result.rc == 0, result
    _, config = assert_layers(target, children[1][0], ZSTD_KEY, "zstd")
    assert config["architecture"] == "s390x"


ATTESTED = {"vnd.docker.reference.type": "attestation-manifest"}


def attestation(of):
    """As BuildKit makes it: a manifest with a config, whose layer is JSON."""
    made = Base([b'{"_type": "https://in-toto.io/Statement/v0.1"}'])
    made.manifest["layers"][0]["mediaType"] = "application/vnd.in-toto+json"
    entry_of = {"annotations": {**ATTESTED, "vnd.docker.reference.digest": of.digest}}
    return made, {"os": "unknown", "architecture": "unknown"}, entry_of


def whole_index(server, family="oci"):
    """Two platforms, an attestation in front of its image, annotations at entries and at the index."""
    images = [image(arch="amd64", family=family), image(arch="arm64", family=family)]
    children = [(images[0], {"os": "linux", "architecture": "amd64"}, {}),
                (images[1], {"os": "linux", "architecture": "arm64", "variant": "v8"}, {})]
    if family == "oci":
        children[0][2]["annotations"] = {"entry": "first"}
        children.insert(0, attestation(images[1]))
    document = {"schemaVersion": 2, "mediaType": INDEX_TYPES[family], "manifests": []}
    if family == "oci":
        document["annotations"] = {"whole": "index"}
    for child, platform, more in children:
        child.put(server, SOURCE, child.digest)
        document["manifests"].append({"mediaType": child.manifest["mediaType"], "digest": child.digest,
                                      "size": len(encode(child.manifest)), "platform": platform, **more})
    data = encode(document)
    server.storage.put_manifest(SOURCE, "all", data, INDEX_TYPES[family])
    return f"{server.host}/{SOURCE}:all", document, images


INDEX_TYPES = {"oci": "application/vnd.oci.image.index.v1+json",
               "docker": "application/vnd.docker.distribution.manifest.list.v2+json"}


@pytest.mark.parametrize("family", ["oci", "docker"])
@pytest.mark.parametrize("compress, key, compression", [
    ("zstd-chunked", ZSTD_KEY, "zstd"), ("estargz", ESTARGZ_KEY, "gzip"), ("gzip:6", None, "gzip")])
def test_whole_index(run, registry, compress, key, compression, family):
    """Order, platforms and annotations stay; an attestation names the new image."""
    source, target = registry("d28"), registry("d28")
    reference, old, images = whole_index(source, family)
    result = run("copy", "--json", "--all", "--compress", compress, reference,
                 f"{target.host}/{TARGET}:1")
    assert result.rc == 0, result
    assert result.json()["manifests"] == len(old["manifests"]) + 1
    new = json.loads(target.storage.manifest(TARGET, "1")[2])
    assert new.get("annotations") == old.get("annotations")
    assert [item.get("platform") for item in new["manifests"]] == \
        [item["platform"] for item in old["manifests"]]
    rows = list(zip(new["manifests"], old["manifests"], strict=True))
    if family == "oci":
        item, was = rows.pop(0)
        assert "are no images" in result.stderr, result
        assert item["digest"] == was["digest"] and item["annotations"] == {
            **ATTESTED, "vnd.docker.reference.digest": new["manifests"][2]["digest"]}
    for (item, was), base in zip(rows, images, strict=True):
        assert item["digest"] != was["digest"] and item.get("annotations") == was.get("annotations")
        assert_layers(target, base, key, compression, reference=item["digest"])
    again = run("copy", "--json", "--all", "--compress", compress, f"{target.host}/{TARGET}:1",
                f"{target.host}/{TARGET}:2").json()
    assert again["digest"] == result.json()["digest"], "what is compressed so keeps its bytes"


def test_soci_indexes_of_a_whole_index(run, registry, tmp_path):
    """They are the last entries; those of the old images are left out."""
    source = registry("d28")
    reference, old, _ = whole_index(source)
    result = run("copy", "--json", "--all", "--soci", "--soci-min-size", "10000", reference,
                 f"oci:{tmp_path}/l:1")
    assert result.rc == 0 and result.json()["manifests"] == 6, result
    assert check_layout(str(tmp_path / "l")) == []
    blobs = tmp_path / "l" / "blobs" / "sha256"
    new = json.loads((blobs / result.json()["digest"].split(":")[1]).read_bytes())["manifests"]
    assert len(new) == 5
    for item, soci in zip(new[1:3], new[3:], strict=True):
        manifest = json.loads((blobs / item["digest"].split(":")[1]).read_bytes())
        assert soci["annotations"] == {"com.amazon.soci.image-manifest-digest": item["digest"]}
        assert manifest["annotations"][SOCI_KEY] == soci["digest"]
        assert soci["artifactType"] == "application/vnd.amazon.soci.index.v2+json"
        assert soci["platform"]["architecture"] == item["platform"]["architecture"]
    for destination in (f"oci:{tmp_path}/again:1", f"oci-archive:{tmp_path}/image.tar:1"):
        again = run("copy", "--json", "--all", "--soci", "--soci-min-size", "10000",
                    f"oci:{tmp_path}/l:1", destination)
        assert again.rc == 0 and again.json()["manifests"] == 6, again
    plain_copy = run("copy", "--json", "--all", "--compress", "zstd", f"oci-archive:{tmp_path}/image.tar",
                     f"oci:{tmp_path}/b:1")
    assert plain_copy.rc == 0, plain_copy


def test_soci_indexes_of_version_1_of_a_whole_index(run, registry):
    """They are referrers of the images, which are the same as without them."""
    source, target = registry("d28"), registry("d28")
    reference, _, _ = whole_index(source)
    result = run("copy", "--json", "--all", "--soci=v1", "--soci-min-size", "10000", reference,
                 f"{target.host}/{TARGET}:1")
    assert result.rc == 0, result
    new = json.loads(target.storage.manifest(TARGET, "1")[2])["manifests"]
    assert len(new) == 3
    for item in new[1:]:
        shown = run("inspect", "--tables", f"{target.host}/{TARGET}@{item['digest']}")
        assert "SOCI" in shown.stdout, shown


def test_all_of_a_single_image(run, registry):
    source, target, base = registry("d28"), registry("d28"), image()
    result = run("copy", "--all", "--compress", "estargz", base.put(source, SOURCE, "1"),
                 f"{target.host}/{TARGET}:1")
    assert result.rc == 0, result
    assert_layers(target, base, ESTARGZ_KEY, "gzip")


def test_any_failure_of_a_whole_index_leaves_no_tag(run, registry):
    """Each commit in turn is refused."""
    for number in itertools.count(1):
        source = registry("d28")
        target = registry("d28", Fault("commit", "status", nth=number, status=400, times=None))
        reference, _, _ = whole_index(source)
        result = run("copy", "--all", "--soci", "--soci-min-size", "1", reference,
                     f"{target.host}/{TARGET}:1")
        if result.rc == 0:
            assert number > 8
            return
        assert result.rc in (6, 7) and target.tags() == {}, result
        assert target.open_sessions() == []


def test_index_into_a_docker_archive(run, registry, tmp_path):
    """It is refused before anything is read."""
    reference, _, _ = whole_index(registry("d28"))
    result = run("copy", "--all", "--compress", "gzip:6", reference, f"docker-archive:{tmp_path}/a.tar:a:1")
    assert result.rc == 1 and "oci-archive:" in result.stderr, result
    assert not (tmp_path / "a.tar").exists()


def test_other_programs_read_a_whole_index(run, registry, docker_registry, tool, tmp_path):
    reference, old, _ = whole_index(registry("d28"))
    name = f"{docker_registry().host}/{TARGET}:1"
    for option in (["--compress", "zstd-chunked"], ["--soci", "--soci-min-size", "1"]):
        result = run("copy", "--all", *option, reference, name)
        assert result.rc == 0, result
        copied = tmp_path / option[0].strip("-")
        done = subprocess.run([tool("skopeo"), "copy", "--all", "--src-tls-verify=false",
                               f"docker://{name}", f"dir:{copied}"], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        index = json.loads((copied / "manifest.json").read_bytes())
        assert len(index["manifests"]) == len(old["manifests"]) + 2 * ("--soci" in option)


@pytest.mark.parametrize("compress", ["zstd", "zstd-chunked", "none", "soci"])
def test_estargz_becomes_something_else(run, command, tmp_path, compress):
    """Its table follows the end of the tar and is left out, so the image is the one that it was made of."""
    tar = tar_of(many_small())
    (tmp_path / "in.tar").write_bytes(tar)
    for kind in ("gzip", "estargz"):
        result = run("push", "--created", "0", "--compress", kind, f"oci:{tmp_path}/{kind}:1",
                     tmp_path / "in.tar")
        assert result.rc == 0, result
    words = ["--soci", "--soci-min-size", "1"] if compress == "soci" else ["--compress", compress]
    shown = []
    for kind in ("gzip", "estargz"):
        result = run("copy", "--json", *words, f"oci:{tmp_path}/{kind}:1", f"oci:{tmp_path}/new:{kind}")
        assert result.rc == 0, result
        shown.append(result.json()["digest"])
    assert shown[0] == shown[1]
    back = subprocess.run([command.path, "cat", "--layer", "1", "--platform", "linux/amd64",
                           f"oci:{tmp_path}/new:estargz"], stdout=subprocess.PIPE, check=True)
    assert back.stdout == tar


def test_docker_format_of_zstd_layers(run, registry):
    """They become gzip first."""
    server, base = registry("d28"), image()
    name = f"{server.host}/{TARGET}"
    assert run("copy", "--compress", "zstd", base.put(server, SOURCE, "1"), f"{name}:zstd").rc == 0
    result = run("copy", "--format", "docker", "--compress", "gzip", f"{name}:zstd", f"{name}:docker")
    assert result.rc == 0, result
    assert_layers(server, base, None, "gzip", reference="docker")
    result = run("copy", "--format", "docker", "--compress", "zstd", f"{name}:zstd", f"{name}:2")
    assert result.rc == 2 and "OCI format" in result.stderr, result


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_no_soci_index_in_a_docker_archive(run, tmp_path, version):
    result = run("push", f"--soci={version}", f"docker-archive:{tmp_path}/a.tar:a:1", "-",
                 input=tar_of([entry("a", b"1")]))
    assert result.rc == 2 and "without a SOCI index; use oci-archive:" in result.stderr, result


def test_lost_upload_is_repeated_from_the_source(run, registry):
    """The layer is read from the source's registry once more."""
    source, target, base = registry("d28"), registry("d28"), image()
    target.faults.add(Fault("patch", "reset", at=100000))
    result = run("copy", "--compress", "estargz", "--upload", "streamed",
                 base.put(source, SOURCE, "1"), f"{target.host}/{TARGET}:1")
    assert result.rc == 0, result
    assert_layers(target, base, ESTARGZ_KEY, "gzip")


@pytest.mark.parametrize("compress", ["zstd-chunked", "estargz", "gzip:9"])
def test_damaged_source_is_not_published(run, registry, compress):
    """A blob with other bytes than its digest says, and one that is cut off."""
    source, target, base = registry("d28"), registry("d28"), image()
    reference = base.put(source, SOURCE, "1")
    damaged = bytearray(base.layers[0])
    damaged[len(damaged) // 2] ^= 1
    for data in (bytes(damaged), base.layers[0][:-10240]):
        source.storage.blob_add(SOURCE, sha256(base.layers[0]), len(data), data)
        result = run("copy", "--compress", compress, reference, f"{target.host}/{TARGET}:1")
        assert result.rc in (6, 9), result
        assert target.tags() == {} and target.storage.manifests() == []


def test_refused_combinations(run, registry, tmp_path):
    server, base = registry("d28"), image()
    reference = base.put(server, SOURCE, "1")
    cases = [(["--referrers", "--compress", "zstd"], "has another digest"),
             (["--format", "docker", "--compress", "estargz"], "needs the OCI format"),
             (["--format", "docker", "--soci"], "OCI format"),
             (["--compress", "estargz", "--soci"], "made for gzip layers"),
             (["--compress", "lzma"], "lzma"),
             (["--threads", "1"], "--compress or --soci")]
    for arguments, words in cases:
        result = run("copy", *arguments, reference, f"oci:{tmp_path}/l:1")
        assert result.rc == 2 and words in result.stderr, result
    for arguments, words in [(["--all"], "oci-archive:FILE"), (["--format", "docker"], "OCI format"),
                             (["--compress", "zstd"], "made for gzip layers")]:
        result = run("copy", "--soci", *arguments, "-", f"oci:{tmp_path}/l:1",
                     input=pack(docker_classic(base)))
        assert result.rc == 2 and words in result.stderr, result
