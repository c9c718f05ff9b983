# SPDX-License-Identifier: Apache-2.0
"""layerpipe copy -: an image archive from a pipe, of any form and in any order, into a registry."""
import gzip
import itertools
import json
import os
import random
import subprocess
import sys
import tarfile

import large_archive
import pytest
import usage_report
from archive_support import (NAME_KEY, OCI_LAYOUT, TAG_KEY, blob_name, compressed, docker_classic,
                             docker_with_oci, entry, go_tarball, gzipped, hex_of, index_entry,
                             index_of, manifest_list, oci_archive, oci_blobs, pack)
from cli_support import COMMAND, clean_environment, make_tar
from image_support import INDEX_TYPE, MANIFEST_TYPES, Base, descriptor, encode
from inputs import random_bytes, sha256
from registry import Fault
from wire_support import steps

TARGET = "to/image"
FORMS = {"classic": docker_classic, "with-oci": docker_with_oci, "oci": oci_archive,
         "go": go_tarball}


def image(seed="a", **more):
    return Base([make_tar({seed: random_bytes(30000, seed)}), make_tar({"same": b"for all"})], **more)


def copy(run, server, data, *options, source="-", tag="1", **more):
    return run("copy", "--json", *options, source, f"{server.host}/{TARGET}:{tag}", input=data,
               **more)


def error_line(result):
    """The last line: lines about the blobs that were sent are before it."""
    return result.stderr.splitlines()[-1]


def stored(server, reference="1", repository=TARGET):
    """The parsed manifest; all that it names has the right bytes."""
    manifest = json.loads(server.storage.manifest(repository, reference)[2])
    for blob in [manifest["config"], *manifest["layers"]]:
        data = server.blob(repository, blob["digest"])
        assert sha256(data) == blob["digest"] and len(data) == blob["size"]
    return manifest


def layers(server, manifest):
    """The uncompressed layers."""
    kept = [server.blob(TARGET, layer["digest"]) for layer in manifest["layers"]]
    return [gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data for data in kept]


def assert_image(server, base, output, **expected):
    manifest = stored(server)
    assert server.blob(TARGET, manifest["config"]["digest"]) == encode(base.config)
    assert layers(server, manifest) == base.layers
    assert output["digest"] == sha256(server.storage.manifest(TARGET, "1")[2])
    for key, value in expected.items():
        assert [layer[key] for layer in manifest["layers"]] == [value] * len(base.layers)


def assert_nothing_tagged(server):
    assert not server.tags(TARGET)


# Every form, and what it does to the layers.


@pytest.mark.parametrize("form", ["classic", "with-oci"])
def test_layers_of_docker_save_are_compressed(run, registry, form):
    server, base = registry("d28"), image()
    result = copy(run, server, pack(FORMS[form](base)))
    assert result.rc == 0, result
    assert_image(server, base, result.json(),
                 mediaType="application/vnd.oci.image.layer.v1.tar+gzip")


def test_compressed_layers_keep_their_bytes(run, registry):
    server, base = registry("d28"), image()
    result = copy(run, server, pack(go_tarball(base)))
    assert_image(server, base, result.json())
    assert [layer["digest"] for layer in stored(server)["layers"]] == \
        [sha256(gzipped(layer)) for layer in base.layers]


@pytest.mark.parametrize("form", ["oci", "with-oci"])
def test_manifest_keeps_its_bytes(run, registry, form):
    server, base = registry("d28"), compressed(image())
    result = copy(run, server, pack(FORMS[form](base)))
    assert result.rc == 0 and result.json()["digest"] == sha256(encode(base.manifest)), result
    assert stored(server) == base.manifest


def test_compress_none_keeps_the_manifest_of_docker_save(run, registry):
    server, base = registry("d28"), image()
    result = copy(run, server, pack(docker_with_oci(base)), "--compress", "none")
    assert result.json()["digest"] == sha256(encode(base.manifest))
    assert stored(server) == base.manifest


def test_oci_archive_with_uncompressed_layers_keeps_its_bytes(run, registry):
    server, base = registry("d28"), image()
    result = copy(run, server, pack(oci_archive(base)))
    assert result.rc == 0 and result.json()["digest"] == sha256(encode(base.manifest)), result
    assert stored(server) == base.manifest
    assert "that the image does not name were sent, too: 2 (" in result.stderr


@pytest.mark.parametrize("options,suffix", [(["--compress", "zstd"], "+zstd"),
                                            (["--compress", "none"], ""),
                                            (["--threads", "0"], "+gzip")])
def test_compress(run, registry, options, suffix):
    server, base = registry("d28"), image()
    assert copy(run, server, pack(docker_classic(base)), *options).rc == 0
    kinds = {layer["mediaType"] for layer in stored(server)["layers"]}
    assert kinds == {"application/vnd.oci.image.layer.v1.tar" + suffix}


@pytest.mark.parametrize("form", ["classic", "with-oci"])
def test_format_docker(run, registry, form):
    server, base = registry("d28"), image()
    result = copy(run, server, pack(FORMS[form](base)), "--format", "docker")
    assert_image(server, base, result.json(),
                 mediaType="application/vnd.docker.image.rootfs.diff.tar.gzip")
    assert result.json()["mediaType"] == MANIFEST_TYPES["docker"]
    assert copy(run, server, b"", "--format", "docker", "--compress", "zstd").rc == 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_any_order(run, registry, form, order):
    server, base = registry("d28"), image()
    entries = list(FORMS[form](base))
    if order == "reversed":
        entries.reverse()
    else:
        random.Random(form).shuffle(entries)
    assert_image(server, base, copy(run, server, pack(entries)).json())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_compressed_as_a_whole(run, registry, form, codec):
    server, base = registry("d28"), image()
    data = pack(FORMS[form](base))
    data = gzip.compress(data) if codec == "gzip" else \
        subprocess.run(["zstd", "-q"], input=data, check=True, capture_output=True).stdout
    assert_image(server, base, copy(run, server, data).json())


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_of_every_tar_format(run, registry, form):
    server, base = registry("d28"), image()
    entries = docker_classic(base)
    long = "x" * 90 + "/" + "y" * 60 if form == tarfile.USTAR_FORMAT else "x/" + "y" * 300
    config = encode(base.config)
    entries = [e for e in entries if e[0] not in (hex_of(config) + ".json", "manifest.json")]
    names = [name for name, _ in entries if isinstance(name, str) and name.endswith("layer.tar")]
    entries = [("./" + e[0], e[1]) if isinstance(e[0], str) else e for e in entries]
    entries += [("./" + long, config), ("./manifest.json", manifest_list([(long, None, names)]))]
    assert_image(server, base, copy(run, server, pack(entries, form)).json())


def test_existing_blobs_are_not_sent(run, registry):
    server, base = registry("d28"), compressed(image())
    data = pack(oci_archive(base))
    assert copy(run, server, data).json()["blobs"] == {"copied": 3, "mounted": 0, "existing": 0}
    sent = len(steps(server, "open"))
    assert copy(run, server, data).json()["blobs"] == {"copied": 0, "mounted": 0, "existing": 3}
    assert len(steps(server, "open")) == sent


def test_blobs_are_mounted(run, registry):
    server, base = registry("d28"), compressed(image())
    for layer in base.layers:
        server.storage.put_blob("other/image", layer)
    result = copy(run, server, pack(oci_archive(base)), "--mount-from", "other/image")
    assert result.json()["blobs"] == {"copied": 1, "mounted": 2, "existing": 0}


# Links, repeated layers, several images, indexes.


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_layers_that_are_links(run, registry, kind):
    server, base = registry("d28"), image()
    base = Base([base.layers[0], base.layers[1], base.layers[0]])
    first, second = "a" * 64, "b" * 64
    config = encode(base.config)
    link = f"../{first}/layer.tar" if kind == tarfile.SYMTYPE else f"{first}/layer.tar"
    names = [f"{folder}/layer.tar" for folder in (first, "c" * 64, second)]
    entries = [entry(names[2], kind=kind, link=link), (names[0], base.layers[0]),
               (names[1], base.layers[1]), ("c.json", config),
               ("manifest.json", manifest_list([("c.json", ["app:1"], names)]))]
    assert_image(server, base, copy(run, server, pack(entries)).json())
    assert len({layer["digest"] for layer in stored(server)["layers"]}) == 2


def test_repeated_layer_has_one_member(run, registry):
    server, base = registry("d28"), image()
    base = Base([base.layers[0], base.layers[1], base.layers[0]])
    config = encode(base.config)
    names = ["one.tar", "two.tar", "one.tar"]
    entries = [("one.tar", base.layers[0]), ("two.tar", base.layers[1]), ("c.json", config),
               ("manifest.json", manifest_list([("c.json", None, names)]))]
    assert_image(server, base, copy(run, server, pack(entries)).json())


def several(form):
    one, two = image("one"), image("two")
    if form == "oci":
        blobs = dict(oci_blobs(one) + oci_blobs(two))
        return [*blobs.items(), ("oci-layout", OCI_LAYOUT),
                ("index.json", index_of([index_entry(one, **{TAG_KEY: "one"}),
                                         index_entry(two, **{TAG_KEY: "two"})]))]
    entries = {}
    listed = []
    for base, tag in ((one, "app:one"), (two, "app:two")):
        entries.update((e[0] if isinstance(e[0], str) else e[0].name, e)
                       for e in docker_classic(base, [tag]))
        listed += json.loads(entries["manifest.json"][1])
    return [*(e for name, e in entries.items() if name != "manifest.json"),
            ("manifest.json", encode(listed))]


@pytest.mark.parametrize("form,names", [("oci", ["one", "two"]),
                                        ("classic", ["app:one", "app:two"])])
def test_several_images_are_listed(run, registry, form, names):
    server = registry("d28")
    result = copy(run, server, pack(several(form)))
    assert result.rc == 5 and all(name in error_line(result) for name in names), result
    assert_nothing_tagged(server)


def platforms_archive(nested=True):
    """An OCI archive with an index of two platforms and an attestation."""
    kinds = [{"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "s390x"}]
    children = [compressed(image(kind["architecture"], arch=kind["architecture"])) for kind in kinds]
    blobs = dict(itertools.chain(*(oci_blobs(child) for child in children)))
    entries = [{**index_entry(child), "platform": kind} for child, kind in zip(children, kinds)]
    index = encode({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries})
    top = index_of(entries)
    if nested:
        blobs[blob_name(index)] = index
        top = index_of([{"mediaType": INDEX_TYPE, "digest": sha256(index), "size": len(index)}])
    return [*blobs.items(), ("index.json", top), ("oci-layout", OCI_LAYOUT)], children, \
        index if nested else top


@pytest.mark.parametrize("nested", [True, False])
def test_index(run, registry, nested):
    server = registry("d28")
    entries, children, index = platforms_archive(nested)
    result = copy(run, server, pack(entries), "--all")
    assert result.rc == 0 and result.json()["digest"] == sha256(index), result
    assert server.storage.manifest(TARGET, "1")[2] == index
    for child in children:
        assert stored(server, child.digest) == child.manifest
    one = copy(run, server, pack(entries), "--platform", "linux/s390x", tag="2")
    assert one.json()["digest"] == children[1].digest
    assert copy(run, server, pack(entries), "--platform", "linux/riscv64", tag="3").rc == 5


# What is refused.


def replaced(entries, name, data):
    return [(name, data) if e[0] == name else e for e in entries]


def wrong_config(base):
    base.config["rootfs"]["diff_ids"][1] = "sha256:" + "0" * 64
    return docker_classic(base)


def wrong_size(base):
    base = compressed(base)
    base.manifest["layers"][0]["size"] += 1
    return oci_archive(base)


def lost(entries, part):
    return [e for e in entries if part not in (e[0] if isinstance(e[0], str) else e[0].name)]


REFUSED = {
    "diff-id": (wrong_config, 9, "the config says"),
    "digest": (lambda b: replaced(oci_archive(compressed(b)), blob_name(compressed(b).layers[0]),
                                  compressed(b).layers[1]), 9, "digest"),
    "digest-of-a-tar": (lambda b: replaced(docker_with_oci(b), blob_name(b.layers[0]), b.layers[1]),
                        9, "digest"),
    "digest-of-json": (lambda b: replaced(oci_archive(b), blob_name(encode(b.config)), b"{}"), 9,
                       "digest"),
    "name-of-config": (lambda b: replaced(docker_classic(b), hex_of(encode(b.config)) + ".json",
                                          b'{"rootfs":{}}'), 9, "digest"),
    "size": (wrong_size, 9, "bytes"),
    "no-layer": (lambda b: lost(docker_classic(b), hex_of(b"layer 1 of " + encode(b.config))), 5,
                 "does not have"),
    "no-blob": (lambda b: lost(oci_archive(compressed(b)), hex_of(compressed(b).layers[1])), 5,
                "no blob"),
    "no-config": (lambda b: lost(docker_classic(b), hex_of(encode(b.config))), 5, "config"),
    "no-manifest": (lambda b: lost(oci_archive(b), hex_of(encode(b.manifest))), 5, "manifest"),
    "absolute": (lambda b: [*docker_classic(b), ("/etc/passwd", b"x")], 3, "absolute"),
    "parent": (lambda b: [*docker_classic(b), ("a/../../x", b"x")], 3, "\"..\""),
    "link-out": (lambda b: [*docker_classic(b), entry("l", kind=tarfile.SYMTYPE, link="../../x")], 3,
                 "leads out"),
    "link-absolute": (lambda b: [*docker_classic(b),
                                 entry("l", kind=tarfile.SYMTYPE, link="/etc/passwd")], 3, "leads out"),
    "device": (lambda b: [*docker_classic(b), entry("dev", kind=tarfile.CHRTYPE)], 3, "neither"),
    "duplicate": (lambda b: [*docker_classic(b), ("manifest.json", b"[]")], 3, "two members"),
    "file-system": (lambda b: [("etc/passwd", b"x"), entry("usr/bin/", kind=tarfile.DIRTYPE),
                               ("usr/bin/x", b"x")], 3, "layerpipe push"),
    "small-file-system": (lambda b: [("hello", b"x")], 3, "layerpipe push"),
    "large-manifest": (lambda b: [("manifest.json", b" " * (100 << 20))], 7, "at most"),
    "members": (lambda b: [(f"{n:x}", b"") for n in range(100000)], 7, "20000 members"),
    "empty-list": (lambda b: replaced(docker_classic(b), "manifest.json", b"[]"), 3, "no image"),
    "not-json": (lambda b: replaced(docker_classic(b), "manifest.json", b"[{]"), 3, "manifest.json"),
    "other-types": (lambda b: replaced(docker_classic(b), "manifest.json",
                                       b'[{"Config":1,"Layers":{}}]'), 3, "must be"),
    "before-1.10": (lambda b: lost(docker_classic(b), "manifest.json"), 1, "save it again"),
    "no-images": (lambda b: [("index.json", b'{"schemaVersion":2,"manifests":[]}')], 5, "no images"),
    "large-config": (lambda b: replaced(docker_classic(b), hex_of(encode(b.config)) + ".json",
                                        encode(b.config) + b" " * (5 << 20)), 7,
                     "bytes; at most 4194304 are read"),
    "config-is-text": (lambda b: replaced(docker_classic(b), hex_of(encode(b.config)) + ".json",
                                          b"text"), 3, "is not a JSON object"),
    "list-leads-out": (lambda b: listed_as(b, "../{}"), 5, "names the layer ../"),
}


def listed_as(base, form):
    """docker save whose manifest.json writes the names of layers in another form."""
    entries = docker_classic(base)
    images = json.loads(dict(item for item in entries if item[0] == "manifest.json")["manifest.json"])
    images[0]["Layers"] = [form.format(name) for name in images[0]["Layers"]]
    return replaced(entries, "manifest.json", encode(images))


def test_names_in_the_list_are_cleaned(run, registry):
    """Docker takes them."""
    server, base = registry("d28"), image()
    plain = copy(run, server, pack(docker_classic(base))).json()
    assert copy(run, server, pack(listed_as(base, ".//{}"))).json()["digest"] == plain["digest"]


def test_many_json_layers(run, registry):
    """They need not be kept; the lists of images, which are last, always fit."""
    server, base = registry("d28"), image()
    base.layers = [encode({"sbom": number, "text": "x" * 3000000}) for number in range(12)]
    base.manifest["layers"] = [descriptor("application/vnd.in-toto+json", layer)
                               for layer in base.layers]
    result = copy(run, server, pack(oci_archive(base)))
    assert result.rc == 0 and result.json()["digest"] == base.digest, result
    assert stored(server) == base.manifest


def test_too_many_json_members(run, registry):
    server = registry("d28")
    entries = [(f"{number}.json", b"{" + b" " * 3000000) for number in range(10)]
    result = copy(run, server, pack(entries))
    assert result.rc == 7 and "more than 25165824 bytes" in error_line(result), result


@pytest.mark.parametrize("case", REFUSED)
def test_refused(run, registry, case):
    make, code, words = REFUSED[case]
    server = registry("d28")
    result = copy(run, server, pack(make(image())))
    assert result.rc == code and words in error_line(result), result
    assert_nothing_tagged(server)


def test_cycle_of_links(run, registry):
    server, base = registry("d28"), image()
    config = encode(base.config)
    entries = [entry("a", kind=tarfile.SYMTYPE, link="b"), entry("b", kind=tarfile.SYMTYPE, link="a"),
               ("c.json", config), ("manifest.json", manifest_list([("c.json", None, ["a", "b"])]))]
    result = copy(run, server, pack(entries))
    assert result.rc == 5 and "layer a" in error_line(result), result
    assert_nothing_tagged(server)


@pytest.mark.parametrize("form", FORMS)
def test_cut_stream(run, registry, form):
    server = registry("d28")
    data = pack(FORMS[form](image()))
    end = len(data.rstrip(b"\0"))
    for size in [0, 100, 512, 1000, 20000, end // 2, end - 600, end]:
        result = copy(run, server, data[:size])
        assert result.rc == 3, (size, result)
    assert_nothing_tagged(server)


def test_rest_after_the_archive(run, registry):
    server = registry("d28")
    data = pack(docker_classic(image()))
    result = copy(run, server, data + bytes(10240) + b"more")
    assert result.rc == 3 and "follows its end-of-archive mark" in error_line(result), result
    assert_nothing_tagged(server)


def test_advice_is_about_archives(run, registry):
    """A layer that is no tar, and a cut archive: the options of push do not help."""
    server, base = registry("d28"), image()
    entries = replaced(docker_classic(base), hex_of(encode(base.config)) + ".json", encode(base.config))
    entries = [(name, b"no tar at all") if isinstance(name, str) and name.endswith("layer.tar")
               else (name, data) for name, data in entries]
    for data in (pack(entries), pack(docker_classic(base))[:3000]):
        result = copy(run, server, data)
        assert result.rc == 3 and "push" not in result.stderr and "--allow" not in result.stderr, result


@pytest.mark.parametrize("data,words", [
    (b"\xfd7zXZ\0" + bytes(600), "xz -dc"), (b"PK\x03\x04" + bytes(600), "zip"), (b"", "is empty"),
    (b"x" * 100, "too short to be an image archive"), (b"x" * 600, "not an image archive")],
    ids=["xz", "zip", "empty", "short", "text"])
def test_other_input(run, registry, data, words):
    result = copy(run, registry("d28"), data)
    assert result.rc == 3 and words in error_line(result), result


def test_lost_upload_tags_nothing(run, registry):
    server = registry("d28", Fault("commit", "status", status=500, times=None))
    result = copy(run, server, pack(docker_classic(image())), "--retry", "0")
    assert result.rc in (6, 7), result
    assert_nothing_tagged(server)


def test_usage(run, registry):
    server, base = registry("d28"), image()
    reference = base.put(server, "from/image", "1")
    result = run("copy", "--threads", "1", reference, f"{server.host}/{TARGET}:1")
    assert result.rc == 2 and "image archive" in error_line(result)
    result = run("copy", "--password-stdin", "--username", "u", "-", f"{server.host}/{TARGET}:1",
                 input=b"")
    assert result.rc == 2


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_archive_of_skopeo(run, docker_registry, tmp_path, tool, kind):
    skopeo, server = tool("skopeo"), docker_registry()
    layout = f"oci:{tmp_path}/layout:1"
    base = tmp_path / "base.tar"
    base.write_bytes(make_tar({"a": random_bytes(100000, "a")}))
    assert run("push", layout, str(base), input=b"").rc == 0
    archive = tmp_path / "archive"
    subprocess.run([skopeo, "copy", "-q", layout, f"{kind}:{archive}:app:1"], check=True)
    result = copy(run, server, archive.read_bytes())
    assert result.rc == 0, result
    shown = subprocess.run([skopeo, "inspect", "--config", "--raw", layout], check=True,
                           capture_output=True).stdout
    got = run("inspect", "--json", result.json()["reference"]).json()
    assert got["config"] == json.loads(shown)
    if kind == "oci-archive":
        raw = subprocess.run([skopeo, "inspect", "--raw", layout], check=True,
                             capture_output=True).stdout
        assert result.json()["digest"] == sha256(raw)


def test_names_of_containerd(run, registry):
    """Two names of one image are one image."""
    server, base = registry("d28"), compressed(image())
    entries = lost(docker_with_oci(base, ("app:1", "app:2")), "manifest.json")
    assert NAME_KEY.encode() in dict(e for e in entries if e[0] == "index.json")["index.json"]
    assert copy(run, server, pack(entries)).json()["digest"] == base.digest


# References.


@pytest.mark.parametrize("form,source,which", [
    ("oci", "oci-archive:{}:two", "two"), ("classic", "docker-archive:{}:app:two", "two"),
    ("classic", "docker-archive:{}:docker.io/library/app:one", "one"),
    ("oci", "oci-archive:-:one", "one"), ("classic", "docker-archive:-:app:two", "two")])
def test_reference_names_an_image(run, registry, tmp_path, form, source, which):
    server = registry("d28")
    archive = tmp_path / "archive.tar"
    archive.write_bytes(pack(several(form)))
    result = copy(run, server, archive.read_bytes() if "-:" in source[5:] else b"",
                  source=source.format(archive))
    assert result.rc == 0, result
    assert server.blob(TARGET, stored(server)["config"]["digest"]) == encode(image(which).config)


@pytest.mark.parametrize("form", ["oci", "classic"])
def test_reference_names_no_image(run, registry, tmp_path, form):
    server = registry("d28")
    archive = tmp_path / "archive.tar"
    archive.write_bytes(pack(several(form)))
    kind = "oci-archive" if form == "oci" else "docker-archive"
    other = "docker-archive" if form == "oci" else "oci-archive"
    result = copy(run, server, b"", source=f"{kind}:{archive}:app:three")
    assert result.rc == 5 and "one" in error_line(result) and "two" in error_line(result), result
    result = copy(run, server, b"", source=f"{other}:{archive}:one")
    assert result.rc == 3 and f"use {kind}:" in error_line(result), result
    result = copy(run, server, b"", source=f"{kind}:{tmp_path}/none.tar")
    assert result.rc == 3 and "none.tar: No such file" in error_line(result), result
    assert_nothing_tagged(server)


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_reference_says_the_list_of_images(run, registry, tmp_path, kind):
    """Since Docker 25 an archive has both."""
    server, base = registry("d28"), image()
    archive = tmp_path / "archive.tar"
    archive.write_bytes(pack(docker_with_oci(base)))
    result = copy(run, server, b"", source=f"{kind}:{archive}")
    assert result.rc == 0, result
    assert (result.json()["digest"] == base.digest) == (kind == "oci-archive")
    assert_image(server, base, result.json())


@pytest.mark.slow
@pytest.mark.parametrize("form", ["classic", "with-oci"])
def test_5_gb_need_little_memory_and_no_disk(docker_registry, tmp_path, form):
    server = docker_registry()
    folder = tmp_path / "empty"
    folder.mkdir()
    with subprocess.Popen([sys.executable, large_archive.__file__, form, str(5 << 30)],
                          stdout=subprocess.PIPE) as source:
        command = [COMMAND, "copy", "--progress", "none", "-", f"{server.host}/{TARGET}:{form}"]
        command = usage_report.wrapped(tmp_path / "usage", command)
        env = {**clean_environment(folder), "TMPDIR": str(folder)}
        done = subprocess.Popen(command, stdin=source.stdout, stdout=subprocess.PIPE, env=env,
                                cwd=folder)
        source.stdout.close()
        assert done.wait() == 0
    usage = usage_report.read(tmp_path / "usage")
    assert source.returncode == 0 and usage["peak"] <= 64 << 20, usage
    assert usage["blocks"] == 0, "nothing is written to a file system"
    assert os.listdir(folder) == [] and list(server.tags(TARGET)) == [form]


# Archives and judges of other tools.


def pushed_image(run, server, tmp_path, layers=3):
    """An image in the registry; returns its reference and config."""
    inputs = []
    for number in range(layers):
        path = tmp_path / f"layer{number}.tar"
        path.write_bytes(make_tar({f"file{number}": random_bytes(50000, str(number))}))
        inputs.append(str(path))
    result = run("push", "--json", "--env", "A=b", f"{server.host}/from/image:1", *inputs)
    return f"{server.host}/from/image:1", result.json()


@pytest.mark.parametrize("kind", ["tarball", "oci"])
def test_archive_of_crane(run, docker_registry, tmp_path, tool, kind):
    """The tarball of Go's tarball package, and its layout as a tar."""
    crane, server = tool("crane"), docker_registry()
    reference, pushed = pushed_image(run, server, tmp_path)
    path = tmp_path / "pulled"
    subprocess.run([crane, "pull", "--format", kind, reference, path], check=True)
    data = path.read_bytes() if kind == "tarball" else \
        subprocess.run(["tar", "-C", path, "-c", "."], check=True, capture_output=True).stdout
    result = copy(run, server, data)
    assert result.rc == 0, result
    shown = run("inspect", "--json", result.json()["reference"]).json()
    assert shown["manifest"]["config"]["digest"] == pushed["config"]["digest"]
    assert [layer["digest"] for layer in shown["manifest"]["layers"]] == \
        [layer["digest"] for layer in pushed["layers"]]
    subprocess.run([crane, "validate", "--remote", f"{server.host}/{TARGET}:1"], check=True)
    if kind == "oci":
        assert result.json()["digest"] == pushed["digest"]


def test_archive_of_umoci(run, docker_registry, tmp_path, tool):
    umoci, server = tool("umoci"), docker_registry()
    layout, files = tmp_path / "layout", tmp_path / "files"
    files.mkdir()
    (files / "a").write_bytes(random_bytes(10000, "a"))
    for words in (["init", "--layout", layout], ["new", "--image", f"{layout}:1"],
                  ["insert", "--rootless", "--image", f"{layout}:1", files, "/data"]):
        subprocess.run([umoci, *words], check=True, capture_output=True)
    data = subprocess.run(["tar", "-C", layout, "-c", "."], check=True, capture_output=True).stdout
    result = copy(run, server, data)
    assert result.rc == 0, result
    entry_of = json.loads((layout / "index.json").read_bytes())["manifests"][0]
    assert result.json()["digest"] == entry_of["digest"]


@pytest.mark.parametrize("form", FORMS)
def test_skopeo_reads_what_was_copied(run, docker_registry, tmp_path, tool, form):
    skopeo, server, base = tool("skopeo"), docker_registry(), image()
    assert copy(run, server, pack(FORMS[form](base))).rc == 0
    layout = tmp_path / "layout"
    subprocess.run([skopeo, "copy", "-q", "--src-tls-verify=false",
                    f"docker://{server.host}/{TARGET}:1", f"oci:{layout}:1"], check=True)
    assert (layout / blob_name(encode(base.config))).read_bytes() == encode(base.config)
