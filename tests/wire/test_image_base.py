# SPDX-License-Identifier: Apache-2.0
"""Base images: what is copied, verified and refused. Also the inspect command."""
import gzip
import json
import re

import pytest
from cli_support import make_tar
from image_support import (DOCKER, INDEX_TYPE, OCI, Base, descriptor, encode, put_index, sources,
                           stored_config)
from inputs import sha256
from registry import Auth, Fault
from wire_support import assert_history

BASE = "some/base"
NAME = "some/image"
LINUX = {"os": "linux", "architecture": "amd64"}
ARM = {"os": "linux", "architecture": "arm64", "variant": "v8"}


def push(run, server, base, *options, tar=None):
    arguments = ["-"] if tar is not None else []
    given = {"input": tar} if tar is not None else {}
    return run("push", "--json", "--base", base, *options, f"{server.host}/{NAME}:1", *arguments,
               **given)


def test_base_layers_are_mounted_or_copied_once(run, registry, tar_bytes):
    """From the same registry no layer is read; from another registry each layer is read once."""
    server = registry("d28")
    push(run, server, Base().put(server, BASE, "1"), tar=tar_bytes).json()
    assert len(server.journal.entries("manifest-get")) == 1
    assert len(server.journal.entries("blob-get")) == 1
    source, server = registry("d28"), registry("d28")
    output = push(run, server, Base().put(source, BASE, "1"), tar=tar_bytes).json()
    assert sources(output) == ["copied", "copied", "streamed"]
    assert len(source.journal.entries("blob-get")) == 3
    assert_history(server)


@pytest.mark.parametrize("platform, arch", [("linux/arm64", "arm64"), ("linux/amd64", "amd64")])
def test_platform_option_selects_manifest_of_index(run, registry, tar_bytes, platform, arch):
    server = registry("d28")
    children = [(Base([make_tar({kind["architecture"]: b"x"})], arch=kind["architecture"]), kind)
                for kind in (LINUX, ARM)]
    for child, _ in children:
        child.put(server, BASE, child.digest)
    base = put_index(server, BASE, "1", children)
    push(run, server, base, "--platform", platform, tar=tar_bytes).json()
    manifest = server.manifest(NAME, "1")
    assert stored_config(server, NAME, manifest)["architecture"] == arch
    chosen = {kind["architecture"]: child for child, kind in children}[arch]
    assert manifest["annotations"]["org.opencontainers.image.base.digest"] == chosen.digest
    result = push(run, server, base, "--platform", "linux/s390x", tar=tar_bytes)
    assert result.rc == 5, result
    assert "linux/arm64" in result.stderr and "linux/amd64" in result.stderr


def test_base_for_another_platform_fails(run, registry, tar_bytes):
    server = registry("d28")
    result = push(run, server, Base().put(server, BASE, "1"), "--platform", "linux/riscv64",
                  tar=tar_bytes)
    assert result.rc == 5, result
    assert "linux/amd64" in result.stderr and server.tags(NAME) == {}


def test_repeated_layer_is_copied_once(run, registry):
    """The base has the same layer three times."""
    source, server = registry("d28"), registry("d28")
    layer = make_tar({"same": b"x" * 1000})
    output = push(run, server, Base([layer] * 3).put(source, BASE, "1")).json()
    assert sources(output) == ["copied"] * 3
    assert len(source.journal.entries("blob-get")) == 2
    assert len(stored_config(server, NAME, server.manifest(NAME, "1"))["rootfs"]["diff_ids"]) == 3


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_nondistributable_layer_is_not_read_or_sent(run, registry, tar_bytes, family):
    """The new manifest has the same descriptor, with its URLs."""
    source, server = registry("d28"), registry("d28")
    base = Base(family=family)
    kind = (OCI + "layer.nondistributable.v1.tar" if family == "oci"
            else DOCKER + "image.rootfs.foreign.diff.tar")
    foreign = base.manifest["layers"][0]
    foreign.update(mediaType=kind, urls=["https://example.invalid/layer"])
    name = base.put(source, BASE, "1")
    source.storage.blob_remove(BASE, foreign["digest"])
    result = push(run, server, name, tar=tar_bytes)
    assert sources(result.json()) == ["existing", "copied", "streamed"]
    assert "is not distributable" in result.stderr
    assert server.manifest(NAME, "1")["layers"][0] == foreign
    assert not [entry for entry in server.journal if foreign["digest"][7:] in entry.path]


# Wrong and malformed bases.

def flipped(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def test_base_layer_with_wrong_bytes_fails(run, registry):
    source, server = registry("d28"), registry("d28")
    base = Base()
    name = base.put(source, BASE, "1")
    layer = base.layers[1]
    source.storage.blob_add(BASE, sha256(layer), len(layer), flipped(layer))
    result = push(run, server, name)
    assert result.rc == 9, result
    assert "layer 2" in result.stderr and sha256(layer) in result.stderr
    assert server.tags() == {} and server.open_sessions() == []


@pytest.mark.parametrize("change", [-1, 1])
def test_base_layer_of_wrong_size_fails(run, registry, change):
    source, server = registry("d28"), registry("d28")
    base = Base()
    base.manifest["layers"][0]["size"] += change
    result = push(run, server, base.put(source, BASE, "1"))
    assert result.rc == 9, result
    assert server.tags() == {} and server.open_sessions() == []


def test_missing_base_layer_fails(run, registry):
    source, server = registry("d28"), registry("d28")
    base = Base()
    name = base.put(source, BASE, "1")
    source.storage.blob_remove(BASE, sha256(base.layers[0]))
    result = push(run, server, name)
    assert result.rc == 5, result
    assert server.tags() == {}


def test_base_config_with_wrong_bytes_fails(run, registry):
    server = registry("d28")
    base = Base()
    name = base.put(server, BASE, "1")
    config = encode(base.config)
    server.storage.blob_add(BASE, sha256(config), len(config), flipped(config))
    result = push(run, server, name)
    assert result.rc == 9, result
    assert "config" in result.stderr


def test_base_manifest_with_other_digest_fails(run, registry):
    server = registry("d28", Fault("manifest-get", "answer", times=None, headers={
        "Docker-Content-Digest": None}, body=encode(Base(arch="arm64").manifest)))
    base = Base()
    base.put(server, BASE, "1")
    result = push(run, server, f"{server.host}/{BASE}@{base.digest}")
    assert result.rc in (7, 9), result


def broken(change):
    base = Base()
    change(base)
    return base


BROKEN = {
    "manifest and index at once": lambda b: b.manifest.update(manifests=[]),
    "another type inside": lambda b: b.manifest.update(mediaType=INDEX_TYPE),
    "schema 1": lambda b: b.manifest.update(schemaVersion=1),
    "negative size": lambda b: b.manifest["layers"][0].update(size=-1),
    "digest that is none": lambda b: b.manifest["layers"][0].update(digest="sha256:../../etc"),
    "fewer diff IDs": lambda b: b.config["rootfs"]["diff_ids"].pop(),
    "diff ID that is none": lambda b: b.config["rootfs"].update(diff_ids=["x", "y"]),
    "two spellings of a key": lambda b: b.config.update(Config={}),
    "platform that is no string": lambda b: b.config.update(os=1 << 70),
    "environment that is no list": lambda b: b.config["config"].update(Env={"A": "b"}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_malformed_base_fails_and_error_names_it(run, registry, what):
    server = registry("d28")
    base = broken(BROKEN[what])
    base.manifest["config"]["size"] = 0
    name = base.put(server, BASE, "1")
    server.storage.put_manifest(BASE, "1", encode(base.manifest), OCI + "manifest.v1+json")
    result = push(run, server, name)
    assert result.rc in (1, 7), result
    assert name in result.stderr
    assert server.tags(NAME) == {}


def renamed(name, new_name):
    def change(config):
        config[new_name] = config.pop(name)
    return change


# What base images of other tools have, and Go programs read.
ODD = {
    "history of too few": lambda c: c.update(history=[{"created_by": "last"}]),
    "history of too many": lambda c: c.update(history=[{}] * 5),
    "history of empty layers alone": lambda c: c.update(history=[{"empty_layer": True}]),
    "no history": lambda c: c.pop("history", None),
    "history null": lambda c: c.update(history=None),
    "settings null": lambda c: c["config"].update(Env=None, Labels=None, Cmd=None),
    "large integer": lambda c: c.update(x=1 << 70),
    "NUL in a label": lambda c: c["config"].update(Labels={"a": "x\0y"}),
    "Architecture": renamed("architecture", "Architecture"),
    "OS": renamed("os", "OS"),
}


@pytest.mark.parametrize("what", ODD)
def test_base_of_another_tool(run, registry, tar_bytes, what):
    """With a layer and with an edit alone. Every layer has a history entry then."""
    server = registry("d28")
    base = Base()
    ODD[what](base.config)
    name = base.put(server, BASE, "1")
    push(run, server, name, "--env", "A=b").json()
    push(run, server, name, tar=tar_bytes).json()
    config = stored_config(server, NAME, server.manifest(NAME, "1"))
    with_layer = [entry for entry in config["history"] if not entry.get("empty_layer")]
    assert len(config["rootfs"]["diff_ids"]) == 3 and len(with_layer) >= 3
    assert (config["architecture"], config["os"]) == ("amd64", "linux")
    assert config.get("x", 1 << 70) == 1 << 70


def test_nulls_of_go(run, registry, tar_bytes):
    """An image without layers, and an index without images: their lists are null."""
    server = registry("d28")
    base = Base([])
    base.manifest["layers"] = base.config["rootfs"]["diff_ids"] = None
    name = base.put(server, BASE, "1")
    assert sources(push(run, server, name, tar=tar_bytes).json()) == ["streamed"]
    index = encode({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": None})
    server.storage.put_manifest(BASE, "2", index, INDEX_TYPE)
    assert run("inspect", "--json", f"{server.host}/{BASE}:2").json()["manifest"]["manifests"] is None
    result = push(run, server, f"{server.host}/{BASE}:2", tar=tar_bytes)
    assert result.rc == 5 and "it has none" in result.stderr


def test_many_small_values(run, registry):
    """They would need a hundred times the memory of their text."""
    server = registry("d28")
    data = b'{"schemaVersion":2,"x":[' + b"{}," * 1000000 + b"{}]}"
    server.storage.put_manifest(BASE, "1", data, OCI + "manifest.v1+json")
    result = push(run, server, f"{server.host}/{BASE}:1")
    assert result.rc == 7 and "200000 values" in result.stderr


def test_base_manifest_with_duplicate_keys_fails(run, registry):
    server = registry("d28")
    base = Base()
    name = base.put(server, BASE, "1")
    data = encode(base.manifest).replace(b'"schemaVersion": 2', b'"schemaVersion": 2, '
                                         b'"schemaVersion": 2')
    server.storage.put_manifest(BASE, "1", data, base.manifest["mediaType"])
    result = push(run, server, name)
    assert result.rc == 7, result
    assert "schemaVersion" in result.stderr or "duplicate" in result.stderr


def test_base_manifest_nested_too_deep_fails(run, registry):
    server = registry("d28")
    data = b'{"schemaVersion":2,"x":' + b"[" * 1000 + b"]" * 1000 + b"}"
    server.storage.put_manifest(BASE, "1", data, OCI + "manifest.v1+json")
    result = push(run, server, f"{server.host}/{BASE}:1")
    assert result.rc == 7, result


def test_base_manifest_too_large_fails(run, registry):
    server = registry("d28")
    base = Base()
    base.manifest["annotations"] = {"a": "x" * (5 << 20)}
    result = push(run, server, base.put(server, BASE, "1"))
    assert result.rc == 7, result


def test_index_nested_too_deep_fails(run, registry):
    server = registry("d28")
    inner = encode({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []})
    for _ in range(6):
        server.storage.put_manifest(BASE, "1", inner, INDEX_TYPE)
        inner = encode({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [
            {**descriptor(INDEX_TYPE, inner), "platform": LINUX}]})
    server.storage.put_manifest(BASE, "1", inner, INDEX_TYPE)
    result = push(run, server, f"{server.host}/{BASE}:1", "--platform", "linux/amd64")
    assert result.rc == 7, result
    assert "deep" in result.stderr


def test_artifact_as_base_fails(run, registry):
    server = registry("d28")
    assert run("push", "--artifact-type", "text/x-note", "--raw", f"{server.host}/{BASE}:1", "-",
               input=b"note").rc == 0
    result = push(run, server, f"{server.host}/{BASE}:1")
    assert result.rc != 0 and "artifact" in result.stderr


def test_missing_base_fails_before_upload(run, registry, tar_bytes):
    server = registry("d28")
    result = push(run, server, f"{server.host}/{BASE}:1", tar=tar_bytes)
    assert result.rc == 5, result
    assert f"{BASE}:1" in result.stderr
    assert "open" not in server.journal.steps()


def test_base_registry_and_target_get_only_their_own_credentials(run, registry, tar_bytes,
                                                                 tmp_path):
    """The two registries need different passwords."""
    source = registry("d28", auth=Auth("basic", users={"a": "one"}))
    server = registry("d28", auth=Auth("basic", users={"b": "two"}))
    base = Base().put(source, BASE, "1")
    authfile = tmp_path / "auth.json"
    authfile.write_text(json.dumps({"auths": {
        source.host: {"auth": "YTpvbmU="}, server.host: {"auth": "Yjp0d28="}}}))
    output = push(run, server, base, "--authfile", authfile, tar=tar_bytes).json()
    assert sources(output) == ["copied", "copied", "streamed"]
    assert {entry.headers.get("authorization") for entry in source.journal} <= {
        None, "Basic YTpvbmU="}
    assert {entry.headers.get("authorization") for entry in server.journal} <= {
        None, "Basic Yjp0d28="}


def test_image_from_registry_to_layout_to_registry_is_the_same(run, registry, tmp_path, tar_bytes):
    """The layers have the same bytes, and the annotation names the base."""
    server = registry("d28")
    layout = f"oci:{tmp_path / 'layout'}:one"
    base = Base()
    output = run("push", "--json", "--base", base.put(server, BASE, "1"), layout, "-",
                 input=tar_bytes).json()
    assert sources(output) == ["copied", "copied", "streamed"]
    other = registry("d28")
    again = push(run, other, layout).json()
    assert sources(again) == ["copied"] * 3
    for layer, data in zip(again["layers"], [*base.layers, tar_bytes]):
        blob = other.blob(NAME, layer["digest"])
        assert (blob if layer["digest"] == layer["diffId"] else gzip.decompress(blob)) == data
        assert "uncompressedSize" not in layer
    annotations = other.manifest(NAME, "1")["annotations"]
    assert annotations["org.opencontainers.image.base.digest"] == output["digest"]


# Inspect.

def test_inspect_shows_image(run, registry, tar_bytes):
    server = registry("d28")
    base = Base(Env=["A=b"], Entrypoint=["/bin/x", "a b"], Labels={"evil": "\x1b[31m\nred"})
    output = push(run, server, base.put(server, BASE, "1"), tar=tar_bytes).json()
    shown = run("inspect", "--json", f"{server.host}/{NAME}:1").json()
    assert list(shown) == ["reference", "mediaType", "digest", "size", "manifest", "config"]
    assert shown["reference"] == output["reference"] and shown["size"] == output["size"]
    assert shown["manifest"] == server.manifest(NAME, "1")
    assert shown["config"] == stored_config(server, NAME, shown["manifest"])
    people = run("inspect", f"{server.host}/{NAME}:1")
    assert people.rc == 0
    for layer in output["layers"]:
        assert layer["digest"] in people.stdout
    assert "linux/amd64" in people.stdout and '"/bin/x" "a b"' in people.stdout
    assert "\x1b" not in people.stdout and "evil=?[31m red" in people.stdout


HISTORIES = {
    "one for each": (["one", None, "two", None], ["one", "two"]),
    "first without": ([None, "two"], [None, "two"]),
    "no history": ([], [None, None]),
    "too many": (["one", "two", "three"], [None, None]),
}


@pytest.mark.parametrize("what", HISTORIES)
def test_inspect_shows_what_has_made_each_layer(run, registry, what):
    entries, shown = HISTORIES[what]
    server = registry("d28")
    base = Base(Env=["A=b"])
    base.config["history"] = [{"created_by": "ENV A=b", "empty_layer": True} if text is None else {"created_by": text}
                              for text in entries]
    result = run("inspect", base.put(server, BASE, "1"))
    layers = result.stdout.split("\nlayer ")[1:]
    assert [layer.split()[0] for layer in layers] == ["1", "2"]
    for layer, text in zip(layers, shown):
        assert re.findall("^created by +(.*)$", layer, re.M) == ([text] if text else [])


def test_inspect_shows_variant_of_platform(run, registry, tar_bytes):
    server = registry("d28")
    assert run("push", "--platform", "linux/arm/v7", f"{server.host}/{NAME}:1", "-", input=tar_bytes).rc == 0
    assert re.search("^platform +linux/arm/v7$", run("inspect", f"{server.host}/{NAME}:1").stdout, re.M)


def test_inspect_shows_index_and_platform_selects_image(run, registry):
    server = registry("d28")
    children = [(Base(arch=kind["architecture"]), kind) for kind in (LINUX, ARM)]
    for child, _ in children:
        child.put(server, BASE, child.digest)
    name = put_index(server, BASE, "1", children)
    shown = run("inspect", "--json", name).json()
    assert "config" not in shown
    assert [entry["digest"] for entry in shown["manifest"]["manifests"]] == \
        [child.digest for child, _ in children]
    people = run("inspect", name)
    for child, _ in children:
        assert child.digest in people.stdout
    assert "linux/arm64" in people.stdout
    chosen = run("inspect", "--json", "--platform", "linux/arm64", name).json()
    assert chosen["digest"] == children[1][0].digest
    assert chosen["config"]["architecture"] == "arm64"


def test_inspect_shows_artifact(run, registry):
    server = registry("d28")
    assert run("push", "--artifact-type", "text/x-note", "--raw", f"{server.host}/{NAME}:1", "-",
               input=b"note").rc == 0
    shown = run("inspect", "--json", f"{server.host}/{NAME}:1").json()
    assert "config" not in shown and shown["manifest"]["artifactType"] == "text/x-note"
    assert "text/x-note" in run("inspect", f"{server.host}/{NAME}:1").stdout
