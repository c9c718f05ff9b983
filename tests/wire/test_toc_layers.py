# SPDX-License-Identifier: Apache-2.0
"""Layers with a table of contents: what a table cannot have, the same bytes for any number of
threads, annotations in manifests, refused combinations."""
import json
import os
import subprocess
import tarfile

from odd_tars import ODD
from tar_random import END
from toc_support import TARS, SociImage, digest_of, entry, layer_of, many_small, tar_of


def with_bytes_after_end():
    tar = tar_of([entry("a", b"x")])  # one tape record
    return tar[:9000] + b"left over" + tar[9009:]


def size_at_link():
    info = tarfile.TarInfo("link")
    info.type = tarfile.LNKTYPE
    info.linkname = "a"
    info.size = 7
    return tar_of([entry("a", b"1234567")])[:1024] + info.tobuf() + bytes(10240 - 1536)


def global_header():
    return subprocess.run(
        ["tar", "--format=pax", "--pax-option=globexthdr.name=g,comment=abc", "-cf", "-", "-C",
         os.path.dirname(__file__), os.path.basename(__file__)], stdout=subprocess.PIPE,
        check=True).stdout


# What a table cannot have, and words of the notice.
REFUSED = {
    "same path": (lambda: tar_of([entry("a", b"1"), entry("./a", b"2")]), "same path: ./a"),
    "global header": (global_header, "global PAX header"),
    "bytes after the end": (with_bytes_after_end, "after the end of the archive"),
    "not UTF-8": (lambda: tar_of([entry("caf\udce9", b"1")], tarfile.GNU_FORMAT), "not UTF-8"),
    "size at a link": (size_at_link, "has no contents"),
}


def test_odd_entries(run, tmp_path):
    for name, (entries, *wanted) in ODD.items():
        for kind, words in zip(("zstd-chunked", "estargz"), wanted):
            directory = tmp_path / name / kind
            directory.mkdir(parents=True)
            layer, _, result = layer_of(run, directory, entries + END, kind)
            assert ("annotations" in layer) == (words is None), (name, kind, result)
            assert words is None or words in result.stderr, (name, kind, result)
        result = run("push", "--json", "--soci", "--soci-min-size", "1", f"oci:{tmp_path}/soci:1", "-",
                     input=entries + END)
        assert result.rc == 0, result
        assert ("soci" in result.json()) == (wanted[2] is None), (name, result)
        assert wanted[2] is None or wanted[2] in result.stderr, (name, result)


def test_second_pax_header_replaces_the_first(run, tmp_path):
    """As archive/tar reads it, with which every runtime unpacks layers."""
    tar = ODD["second PAX header"][0] + END
    result = run("push", "--json", "--soci", "--soci-min-size", "1", f"oci:{tmp_path}/layout:1", "-",
                 input=tar)
    table = SociImage(tmp_path / "layout", result.json()).tables[0].read_bytes()
    assert b"other" not in table and b"\1\0\0\0f\0" in table


def test_entries_that_a_table_cannot_have(run, tmp_path):
    """The layer is complete, and a notice says why it has no table."""
    for name, (make, words) in REFUSED.items():
        tar = make()
        for compress in ("zstd-chunked", "estargz"):
            directory = tmp_path / name / compress
            directory.mkdir(parents=True)
            if compress == "estargz" and name == "bytes after the end":
                continue  # it keeps them
            layer, blob, result = layer_of(run, directory, tar, compress)
            assert "annotations" not in layer, (name, compress)
            assert words in result.stderr, (name, compress, result)
            assert layer["diffId"] == digest_of(tar)
            tool = "zstd" if compress.startswith("zstd") else "gzip"
            plain = subprocess.run([tool, "-dc", str(blob)], stdout=subprocess.PIPE, check=True)
            assert plain.stdout == tar


def test_same_bytes_with_any_number_of_threads(run, tmp_path):
    tar = TARS["every-kind-pax"]()
    for compress in ("zstd-chunked", "estargz"):
        digests = set()
        for threads in ("0", "1", "2", "5"):
            layer, _, _ = layer_of(run, tmp_path, tar, compress, "--threads", threads)
            digests.add(layer["digest"])
        assert len(digests) == 1


def test_image_has_the_annotations(run, tmp_path):
    """Both ways into a manifest: pushed with the image, and by the descriptor of a layer."""
    tar = tar_of(many_small())
    layout = tmp_path / "layout"
    result = run("push", "--compress", "zstd-chunked", f"oci:{layout}:a", "-", input=tar)
    assert result.rc == 0, result
    manifest = json.loads(run("inspect", "--json", f"oci:{layout}:a").stdout)["manifest"]
    keys = set(manifest["layers"][0]["annotations"])
    assert {key.rsplit(".", 1)[1] for key in keys} == {
        "manifest-checksum", "manifest-position", "tarsplit-position"}
    layer, _, _ = layer_of(run, tmp_path, tar, "zstd-chunked")
    (tmp_path / "layer.json").write_text(json.dumps(layer), encoding="utf-8")
    result = run("push", "--layer-descriptor", str(tmp_path / "layer.json"), f"oci:{layout}:b")
    assert result.rc == 0, result
    again = json.loads(run("inspect", "--json", f"oci:{layout}:b").stdout)["manifest"]
    assert again["layers"] == manifest["layers"]


def test_refused_combinations(run, tmp_path):
    tar = tar_of([entry("a", b"1")])
    for arguments in (["--format", "docker"], ["--raw"]):
        for compress in ("zstd-chunked", "estargz"):
            result = run("layer", "--compress", compress, *arguments, f"oci:{tmp_path}/l/", input=tar)
            assert result.rc == 2, result
    base = run("push", "--format", "docker", f"oci:{tmp_path}/base:1", "-", input=tar)
    assert base.rc == 0, base
    result = run("push", "--base", f"oci:{tmp_path}/base:1", "--compress", "estargz",
                 f"oci:{tmp_path}/l:1", "-", input=tar)
    assert result.rc == 2 and "needs the OCI format" in result.stderr, result
    compressed = subprocess.run(["gzip", "-c"], input=tar, stdout=subprocess.PIPE, check=True).stdout
    result = run("layer", "--compress", "estargz", f"oci:{tmp_path}/l/", input=compressed)
    assert result.rc == 3 and "decompress it first" in result.stderr, result
