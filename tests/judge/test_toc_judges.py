# SPDX-License-Identifier: Apache-2.0
"""Layers with a table of contents, read by the libraries of the programs that pull them lazily:
stargz-snapshotter's estargz, and podman's storage, which makes the tar again and compares it."""
import json
import os
import subprocess

import pytest

from tar_judges import build
from toc_support import TARS, digest_of, layer_of

TAGS = "exclude_graphdriver_btrfs,exclude_graphdriver_devicemapper,containers_image_openpgp"


@pytest.fixture(scope="session", name="judge")
def judge_fixture():
    return build("tocjudge", TAGS)


def ask(judge, *arguments):
    done = subprocess.run([judge, *map(str, arguments)], stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.STDOUT)
    return done.stdout.decode("utf-8", "replace").strip()


@pytest.mark.parametrize("name", TARS)
@pytest.mark.parametrize("compress", ["estargz", "estargz:6"])
def test_estargz_is_verified_by_its_library(run, tmp_path, judge, name, compress):
    tar = TARS[name]()
    layer, blob, _ = layer_of(run, tmp_path, tar, compress)
    toc = layer["annotations"]["containerd.io/snapshot/stargz/toc.digest"]
    answer = ask(judge, "estargz", blob, toc)
    assert answer.split()[0] == "ok" and answer.split()[2] == digest_of(tar), answer
    plain = subprocess.run(["gzip", "-dc", str(blob)], stdout=subprocess.PIPE, check=True).stdout
    assert plain.startswith(tar) and digest_of(plain) == layer["diffId"]
    size = int(layer["annotations"]["io.containers.estargz.uncompressed-size"])
    assert size == len(plain) == layer["uncompressedSize"]


@pytest.mark.parametrize("compress", ["estargz", "zstd-chunked"])
def test_directory(run, tmp_path, judge, compress):
    files = tmp_path / "files"
    (files / "sub").mkdir(parents=True)
    for i in range(300):
        (files / "sub" / f"file-{i}").write_bytes(bytes([i % 256]) * i * 50)
    os.link(files / "sub" / "file-7", files / "again")
    os.symlink("again", files / "link")
    result = run("layer", "--json", "--compress", compress, f"oci:{tmp_path}/layout/", files)
    assert result.rc == 0, result
    layer = json.loads(result.stdout)
    blob = tmp_path / "layout" / "blobs" / "sha256" / layer["digest"].split(":")[1]
    if compress == "estargz":
        words = ["estargz", blob, layer["annotations"]["containerd.io/snapshot/stargz/toc.digest"]]
    else:
        words = ["zstd-chunked", blob, json.dumps(layer["annotations"]), tmp_path / "store"]
    answer = ask(judge, *words)
    if "not supported" in answer:
        pytest.skip(answer)
    assert answer.startswith("ok "), answer


@pytest.mark.parametrize("paths", ["", "large\netc/hard\nzeros\n"])
def test_estargz_with_a_list_of_files_to_prefetch(run, tmp_path, judge, paths):
    """The landmark is where the format wants it: what is before it is what the list names."""
    tar = TARS["every-kind-pax"]()
    (tmp_path / "in.tar").write_bytes(tar)
    (tmp_path / "list").write_text(paths, encoding="utf-8")
    result = run("layer", "--json", "--compress", "estargz", "--prefetch", tmp_path / "list",
                 f"oci:{tmp_path}/layout/", tmp_path / "in.tar")
    assert result.rc == 0, result
    layer = json.loads(result.stdout)
    blob = tmp_path / "layout" / "blobs" / "sha256" / layer["digest"].split(":")[1]
    toc = layer["annotations"]["containerd.io/snapshot/stargz/toc.digest"]
    assert ask(judge, "estargz", blob, toc).split()[0] == "ok"
    answer = ask(judge, "estargz-landmark", blob).splitlines()
    assert answer == (["large", "etc/one", "zeros", ".prefetch.landmark"] if paths
                      else [".no.prefetch.landmark true"])


@pytest.mark.parametrize("name", TARS)
@pytest.mark.parametrize("compress", ["zstd-chunked", "zstd-chunked:1"])
def test_zstd_chunked_is_staged_by_podmans_storage(run, tmp_path, judge, name, compress):
    if os.getuid() != 0:
        pytest.skip("podman's storage needs root here")
    tar = TARS[name]()
    layer, blob, _ = layer_of(run, tmp_path, tar, compress)
    assert layer["diffId"] == digest_of(tar)
    answer = ask(judge, "zstd-chunked", blob, json.dumps(layer["annotations"]), tmp_path / "store")
    if "not supported" in answer:
        pytest.skip(answer)
    assert answer == f"ok {len(tar)} {layer['diffId']}"
    plain = subprocess.run(["zstd", "-dcq", str(blob)], stdout=subprocess.PIPE, check=True).stdout
    assert plain == tar
