# SPDX-License-Identifier: Apache-2.0
"""layerpipe inspect: what layers offer to programs that pull them lazily; of their tables of contents
only the bytes that are needed are fetched, and they are verified."""
import json

import pytest
from cli_support import make_tar
from inputs import random_bytes
from registry import Fault
from toc_support import MIB, entry, many_small, noise, tar_of

REPOSITORY = "to/image"
FORMATS = {"zstd-chunked": "zstd:chunked", "estargz": "eStargz"}


def tar():
    """A layer in which the table is a small part."""
    return tar_of([*many_small(), entry("large", noise(9 * MIB)), entry("dir", type=b"5"),
                   entry("empty")])


def push(run, target, data, *arguments):
    result = run("push", "--json", *arguments, target, "-", input=data)
    assert result.rc == 0, result
    return result.json()


def inspect(run, reference, *arguments):
    result = run("inspect", "--json", *arguments, reference)
    assert result.rc == 0, result
    return result.json()


@pytest.mark.parametrize("compress", FORMATS)
def test_table_of_a_layer_in_a_registry(run, registry, compress):
    server = registry("d28")
    reference = f"{server.host}/{REPOSITORY}:1"
    layer = push(run, reference, tar(), "--compress", compress)["layers"][0]
    [shown] = inspect(run, reference)["lazyPull"]
    assert shown["kind"] == FORMATS[compress] and shown["layer"] == layer["digest"]
    assert "entries" not in shown and server.journal.entries("blob-get")[-1].path.endswith(
        inspect(run, reference)["manifest"]["config"]["digest"]), "only the config is fetched"
    [shown] = inspect(run, reference, "--tables")["lazyPull"]
    assert shown["entries"] == 3003
    files = sum(i % 700 > 0 for i in range(3000))
    if compress == "estargz":
        assert shown["chunks"] == files + 3  # of 4 MiB
    else:
        assert files + 50 < shown["chunks"] < files + 500
    assert 10000 < shown["indexSize"] < 2 * MIB
    ranges = [item.headers.get("range") for item in server.journal.entries("blob-get")
              if layer["digest"] in item.path]
    assert ranges and None not in ranges, "not from its first byte"
    text = run("inspect", "--tables", reference).stdout
    assert f"lazy pull       {shown['kind']}; {shown['entries']} entries, {shown['chunks']} chunks, " \
        f"{shown['indexSize']} bytes\n" in text


@pytest.mark.parametrize("compress", FORMATS)
def test_table_of_a_layer_in_a_layout(run, tmp_path, compress):
    push(run, f"oci:{tmp_path}/l:1", tar(), "--compress", compress)
    [shown] = inspect(run, f"oci:{tmp_path}/l:1", "--tables")["lazyPull"]
    assert shown["entries"] == 3003


def test_ztoc(run, registry):
    server = registry("d28")
    reference = f"{server.host}/{REPOSITORY}:1"
    push(run, reference, tar(), "--soci", "--soci-min-size", "1")
    [shown] = inspect(run, reference, "--platform", "linux/amd64", "--tables")["lazyPull"]
    assert shown["kind"] == "SOCI" and shown["entries"] == 3003 and shown["spans"] == 3
    assert shown["indexSize"] > 3 * 32768


def test_plain_layers_have_no_line(run, tmp_path):
    push(run, f"oci:{tmp_path}/l:1", make_tar({"a": random_bytes(1000)}))
    assert "lazyPull" not in inspect(run, f"oci:{tmp_path}/l:1", "--tables")
    assert "lazy pull" not in run("inspect", f"oci:{tmp_path}/l:1").stdout


def blob_path(layout, digest):
    return layout / "blobs" / "sha256" / digest.split(":")[1]


@pytest.mark.parametrize("compress", FORMATS)
def test_damaged_table_is_found(run, tmp_path, compress):
    layout = tmp_path / "l"
    digest = push(run, f"oci:{layout}:1", tar(), "--compress", compress)["layers"][0]["digest"]
    data = bytearray(blob_path(layout, digest).read_bytes())
    for place in (len(data) - 30, len(data) - 2000, len(data) - 20000):
        damaged = bytearray(data)
        damaged[place] ^= 0x20
        blob_path(layout, digest).write_bytes(damaged)
        result = run("inspect", "--tables", f"oci:{layout}:1")
        assert result.rc in (0, 9), result
        if result.rc != 0:  # a byte that is not a part of the table does not matter
            assert "table of contents of " + digest in result.stderr, result
    blob_path(layout, digest).write_bytes(data[:-100])
    result = run("inspect", "--tables", f"oci:{layout}:1")
    if compress == "estargz":
        assert result.rc == 9, result


def test_annotations_that_are_wrong(run, registry):
    """They are no failure: the layer is a layer without a table then; a place outside of the blob is
    one."""
    server = registry("d28")
    reference = f"{server.host}/{REPOSITORY}:1"
    digest = push(run, reference, tar(), "--compress", "zstd-chunked")["digest"]
    _, kind, data = server.storage.manifest(REPOSITORY, digest)
    key = "io.github.containers.zstd-chunked.manifest-position"
    for value, code in (("1:2:3", 0), ("1:2:3:2", 0), ("x", 0), ("99999999999:10:10:1", 9),
                        ("0:99999999:10:1", 9), ("18446744073709551616:1:1:1", 0),
                        ("0:100:100:1", 9)):
        manifest = json.loads(data)
        manifest["layers"][0]["annotations"][key] = value
        server.storage.put_manifest(REPOSITORY, "2", json.dumps(manifest).encode(), kind)
        result = run("inspect", "--tables", f"{server.host}/{REPOSITORY}:2")
        assert (result.rc == 0) == (code == 0) and result.rc in (0, 9), (value, result)


def test_broken_connection_is_repaired(run, registry):
    server = registry("d28")
    reference = f"{server.host}/{REPOSITORY}:1"
    push(run, reference, tar(), "--compress", "estargz")
    server.faults.add(Fault("blob-get", "reset", at="answer", sent=3000, nth=3))
    [shown] = inspect(run, reference, "--tables")["lazyPull"]
    assert shown["entries"] == 3003


def test_missing_soci_index_is_no_failure(run, tmp_path):
    pushed = push(run, f"oci:{tmp_path}/l:1", tar(), "--soci", "--soci-min-size", "1")
    blob_path(tmp_path / "l", pushed["soci"]["digest"]).unlink()
    image = f"oci:{tmp_path}/l@{pushed['soci']['image']}"
    assert "lazyPull" not in inspect(run, image, "--tables")


def test_index_of_a_push_with_a_soci_index(run, tmp_path):
    """Its tag names an index, so a platform is needed; a notice says so."""
    result = run("push", "--soci", "--soci-min-size", "1", f"oci:{tmp_path}/layout:1", "-",
                 input=tar_of(many_small()))
    assert result.rc == 0, result
    shown = run("inspect", "--tables", f"oci:{tmp_path}/layout:1")
    assert shown.rc == 0 and "lazy pull" not in shown.stdout, shown
    assert "is an index, which has no layers; --platform shows one" in shown.stderr, shown
    archive = run("copy", "--all", f"oci:{tmp_path}/layout:1", f"oci-archive:{tmp_path}/image.tar:1")
    assert archive.rc == 0, archive
    for name in (f"oci:{tmp_path}/layout:1", f"oci-archive:{tmp_path}/image.tar:1"):
        shown = run("inspect", "--tables", "--platform", "linux/amd64", name)
        assert "SOCI; " in shown.stdout and "is an index" not in shown.stderr, shown
