# SPDX-License-Identifier: Apache-2.0
"""Layers with a table of contents of inputs that are large in some way: many files, one large file, the
files of this machine, a git archive. Read by the libraries that pull them, or counted and hashed."""
import hashlib
import json
import os
import re
import subprocess
import tempfile

import pytest

import usage_report
from cli_support import ROOT
from test_toc_judges import TAGS, ask
from tar_judges import build
from toc_support import digest_of, layer_of, noise, soci_image, SociImage

KINDS = {"zstd-chunked": ["zstd", "-dcq"], "estargz": ["gzip", "-dc"]}
GIB = 1 << 30


@pytest.fixture(scope="session", name="judge")
def judge_fixture():
    return build("tocjudge", TAGS)


@pytest.fixture(scope="session", name="ztoc_judge")
def ztoc_judge_fixture():
    return build("ztocjudge", cgo=True)


def header(name, size=0):
    """A ustar header; faster than tarfile's."""
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108] = b"0000644\0"
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = b"0"
    block[257:265] = b"ustar\00000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def judged(judge, kind, layer, blob, scratch):
    """The judge reads everything; podman's storage needs root."""
    if kind == "estargz":
        return ask(judge, "estargz", blob, layer["annotations"][
            "containerd.io/snapshot/stargz/toc.digest"])
    if os.getuid() != 0:
        pytest.skip("podman's storage needs root here")
    return ask(judge, "zstd-chunked", blob, json.dumps(layer["annotations"]), scratch / "store")


def stream(command, words, pieces):
    """Gives a stream to the command; returns the result, the notices, and the peak memory in bytes."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as notices, \
            tempfile.NamedTemporaryFile() as report:
        words = [command.path, words[0], "--json", "-v", *words[1:]]
        with subprocess.Popen(usage_report.wrapped(report.name, words), env=command.env,
                              stdin=subprocess.PIPE, stdout=out, stderr=notices) as process:
            for piece in pieces:
                process.stdin.write(piece)
        out.seek(0)
        notices.seek(0)
        text = notices.read().decode()
        assert process.returncode == 0, text
        return json.loads(out.read()), text, usage_report.read(report.name)["peak"]


def small_files():
    data = noise(100)
    return b"".join(header(b"d%d/file-%d" % (i % 500, i), i % 97) +
                    (data[:i % 97] + bytes(512 - i % 97) if i % 97 else b"")
                    for i in range(50000)) + bytes(1024)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_fifty_thousand_small_files(run, tmp_path, judge, kind):
    layer, blob, _ = layer_of(run, tmp_path, small_files(), kind)
    assert judged(judge, kind, layer, blob, tmp_path).startswith("ok ")


@pytest.mark.slow
def test_ztoc_of_fifty_thousand_small_files(run, tmp_path, ztoc_judge):
    image = soci_image(run, tmp_path, small_files())
    assert ask(ztoc_judge, image.blob, image.tables[0]).startswith(f"ok {50000 - 50000 // 97 - 1} ")


def files_of_this_machine(path):
    """A tar with hard links, symbolic links, programs."""
    made = subprocess.run(["tar", "--format=pax", "--xattrs", "-cf", path, "-C", "/usr",
                           "share/zoneinfo", "share/perl", "sbin"], check=False,
                          stderr=subprocess.PIPE)
    assert made.returncode == 0, made.stderr


@pytest.mark.slow
def test_ztoc_of_files_of_this_machine(run, tmp_path, ztoc_judge):
    files_of_this_machine(tmp_path / "in.tar")
    result = run("push", "--json", "--soci", "--soci-min-size", "1", f"oci:{tmp_path}/layout:1",
                 tmp_path / "in.tar")
    assert result.rc == 0, result
    image = SociImage(tmp_path / "layout", result.json())
    assert ask(ztoc_judge, image.blob, image.tables[0]).startswith("ok ")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_files_of_this_machine(run, tmp_path, judge, kind):
    files_of_this_machine(tmp_path / "in.tar")
    result = run("layer", "--json", "--compress", kind, f"oci:{tmp_path}/layout/", tmp_path / "in.tar")
    assert result.rc == 0, result
    layer = json.loads(result.stdout)
    blob = tmp_path / "layout" / "blobs" / "sha256" / layer["digest"].split(":")[1]
    assert judged(judge, kind, layer, blob, tmp_path).startswith("ok ")


LARGE_BYTES = 5 * GIB


def large_file():
    """A tar in pieces."""
    block = noise(1 << 20) + bytes(3 << 20)
    return (header(b"large", LARGE_BYTES), *[block] * (LARGE_BYTES // len(block)), bytes(1024))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_one_file_of_five_gib(command, tmp_path, kind):
    """The size does not fit into 32 bits, as do offsets in the tar."""
    size = LARGE_BYTES
    tar_hash = hashlib.sha256()

    def pieces():
        for piece in large_file():
            tar_hash.update(piece)
            yield piece
    layer, _, peak = stream(command, ["layer", "--compress", kind, f"oci:{tmp_path}/layout/", "-"],
                            pieces())
    blob = tmp_path / "layout" / "blobs" / "sha256" / layer["digest"].split(":")[1]
    assert peak < 64 << 20
    with subprocess.Popen([*KINDS[kind], blob], stdout=subprocess.PIPE) as plain:
        plain_hash, first, left = hashlib.sha256(), hashlib.sha256(), size + 1536
        for piece in iter(lambda: plain.stdout.read(1 << 20), b""):
            plain_hash.update(piece)
            first.update(piece[:left])
            left -= len(piece[:left])
    assert "sha256:" + plain_hash.hexdigest() == layer["diffId"]
    assert first.hexdigest() == tar_hash.hexdigest(), "it begins with the tar"


@pytest.mark.slow
def test_ztoc_of_one_file_of_five_gib(command, tmp_path, ztoc_judge):
    pushed, _, peak = stream(command, ["push", "--soci", f"oci:{tmp_path}/layout:1", "-"], large_file())
    assert peak < 64 << 20
    image = SociImage(tmp_path / "layout", pushed)
    answer = ask(ztoc_judge, image.blob, image.tables[0])
    assert answer.startswith("ok 1 "), answer
    assert int(answer.split()[2]) > LARGE_BYTES // (5 << 20), "spans of 4 MiB and a little"


def million_files():
    """A tar of empty files in pieces."""
    for i in range(1000):
        yield b"".join(header(b"directory-%d/file-%d" % (i, k)) for k in range(1000))
    yield bytes(1024)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_memory_of_a_million_empty_files(command, kind):
    """16 to 32 bytes for each entry and the lists that are kept, as layerpipe-layer(1) says."""
    layer, notices, peak = stream(command, ["layer", "--compress", kind, "null:", "-"], million_files())
    assert layer["annotations"], notices
    assert peak < (32 << 20) + 4 * (4 << 20) + (64 << 20), (peak, notices)


@pytest.mark.slow
def test_ztoc_of_a_million_empty_files(command, tmp_path, ztoc_judge):
    """In the snapshotter's database the files would take minutes, so this is the table alone."""
    words = ["push", "--soci", "--soci-min-size", "1", f"oci:{tmp_path}/layout:1", "-"]
    pushed, notices, peak = stream(command, words, million_files())
    assert peak < (32 << 20) + (32 << 20), (peak, notices)
    image = SociImage(tmp_path / "layout", pushed)
    answer = ask(ztoc_judge, "table", image.blob, image.tables[0])
    assert answer.startswith("ok 1000000 "), answer


@pytest.mark.parametrize("kind", KINDS)
def test_git_archive_is_an_ordinary_layer(run, tmp_path, kind):
    """Its global header has no place in a table."""
    if subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], stdout=subprocess.PIPE, check=False,
                      stderr=subprocess.PIPE).returncode != 0:
        pytest.skip("no git repository")
    tar = subprocess.run(["git", "-C", ROOT, "archive", "HEAD", "docs"], stdout=subprocess.PIPE,
                         check=True).stdout
    layer, blob, result = layer_of(run, tmp_path, tar, kind)
    assert "annotations" not in layer and re.search("global PAX header", result.stderr)
    plain = subprocess.run([*KINDS[kind], blob], stdout=subprocess.PIPE, check=True).stdout
    assert digest_of(plain) == layer["diffId"] == digest_of(tar)


@pytest.mark.parametrize("kind", KINDS)
def test_sparse_file_is_an_ordinary_layer(run, tmp_path, kind):
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(1 << 20)
        file.seek(500000)
        file.write(b"data")
    for form in ("pax", "gnu"):
        (tmp_path / form).mkdir()
        tar = subprocess.run(["tar", "--sparse", f"--format={form}", "-cf", "-", "-C", tmp_path,
                              "sparse"], stdout=subprocess.PIPE, check=True).stdout
        layer, _, result = layer_of(run, tmp_path / form, tar, kind)
        assert "annotations" not in layer and layer["diffId"] == digest_of(tar)
        assert "sparse file" in result.stderr or "a type that the format" in result.stderr, result


def test_no_ztoc_of_a_git_archive(run):
    tar = subprocess.run(["git", "-C", ROOT, "archive", "HEAD", "docs"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False).stdout
    if tar == b"":
        pytest.skip("no git repository")
    result = run("push", "--json", "--soci", "--soci-min-size", "1", "null:", "-", input=tar)
    assert result.rc == 0 and "soci" not in result.json(), result
    assert "no zTOC: it has a global PAX header" in result.stderr, result
