# SPDX-License-Identifier: Apache-2.0
"""layer --prefetch: entries of a list come first in an eStargz, before the file that marks their end."""
import io
import json
import subprocess
import tarfile

import pytest

from toc_support import digest_of, entry, layer_of, noise, tar_of

LANDMARK = ".prefetch.landmark"


def entries():
    yield entry("./", type=tarfile.DIRTYPE)
    yield entry("./bin/", type=tarfile.DIRTYPE, mode=0o711)
    yield entry("./bin/tool", noise(100000, 1), mode=0o755)
    yield entry("./etc/", type=tarfile.DIRTYPE)
    yield entry("./etc/a", b"a")
    yield entry("./etc/deep/", type=tarfile.DIRTYPE)
    yield entry("./etc/deep/b", noise(700, 2), pax_headers={"SCHILY.xattr.user.a": "v"})
    yield entry("./etc/link", type=tarfile.LNKTYPE, linkname="./bin/tool")
    yield entry("./etc/symlink", type=tarfile.SYMTYPE, linkname="a")
    yield entry("./last", b"z")


def members(tar):
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return [(item.name, item.type, item.mode, item.linkname, dict(item.pax_headers),
                 archive.extractfile(item).read() if item.isreg() else b"") for item in archive]


def names(tar):
    return [item[0].removeprefix("./") for item in members(tar)]


@pytest.fixture(name="inputs")
def inputs_fixture(tmp_path):
    """The same files as a tar and as a directory, and a way to write a list."""
    path = tmp_path / "in.tar"
    path.write_bytes(tar_of(entries()))
    directory = tmp_path / "directory"
    directory.mkdir()
    subprocess.run(["tar", "-C", directory, "-xf", path], check=True)

    def write_list(*paths):
        file = tmp_path / "list"
        file.write_text("".join(path + "\n" for path in paths), encoding="utf-8")
        return str(file)
    return str(path), str(directory), write_list


def layer(run, tmp_path, source, *arguments):
    layout = tmp_path / "layout"
    result = run("layer", "--json", "--compress", "estargz", *arguments, f"oci:{layout}/", source)
    assert result.rc == 0, result
    values = json.loads(result.stdout)
    blob = layout / "blobs" / "sha256" / values["digest"].split(":")[1]
    plain = subprocess.run(["gzip", "-dc", blob], stdout=subprocess.PIPE, check=True).stdout
    assert digest_of(plain) == values["diffId"] and values["annotations"]
    return plain, values


@pytest.mark.parametrize("kind", [0, 1])
def test_listed_entries_come_first(run, tmp_path, inputs, kind):
    listed = inputs[2]("last", "/etc/deep/b", "./etc/link", "etc/deep/b", "")
    plain, _ = layer(run, tmp_path, inputs[kind], "--prefetch", listed)
    first = ["last", "etc", "etc/deep", "etc/deep/b", "bin", "bin/tool", "etc/link", LANDMARK]
    if kind == 1:  # in a directory the first name of a file is the file
        first = ["last", "etc", "etc/deep", "etc/deep/b"] + names(plain)[4:7] + [LANDMARK]
        assert set(names(plain)[4:7]) <= {"bin", "bin/tool", "etc/link"}
    assert names(plain)[:8] == first
    without, _ = layer(run, tmp_path, inputs[kind])
    assert sorted(members(plain)) == sorted(members(without) + [item for item in members(plain)
                                                               if item[0] == LANDMARK])
    assert [item[5] for item in members(plain) if item[0] == LANDMARK] == [b"\x0f"]


def test_same_bytes_each_time(run, tmp_path, inputs):
    listed = inputs[2]("last", "etc/link")
    digests = {layer(run, tmp_path, inputs[0], "--prefetch", listed, "--threads", threads,
                     "--spool", tmp_path)[1]["digest"] for threads in ("0", "1", "3")}
    assert len(digests) == 1


def test_empty_list(run, tmp_path, inputs):
    """Any input, a stream too: the tar follows as it is."""
    tar = open(inputs[0], "rb").read()
    values, blob, _ = layer_of(run, tmp_path, tar, "estargz", "--prefetch", "/dev/null")
    plain = subprocess.run(["gzip", "-dc", blob], stdout=subprocess.PIPE, check=True).stdout
    assert plain[1024:1024 + len(tar)] == tar and digest_of(plain) == values["diffId"]
    assert names(plain)[0] == ".no.prefetch.landmark" and plain[512] == 0x0f


def test_old_landmarks_are_replaced(run, tmp_path, inputs):
    path = tmp_path / "old.tar"
    path.write_bytes(tar_of([entry(".no.prefetch.landmark", b"\x0f"), *entries(),
                             entry("./" + LANDMARK, b"\x0f")]))
    plain, _ = layer(run, tmp_path, str(path), "--prefetch", inputs[2]("etc/a"))
    assert names(plain)[:3] == ["etc", "etc/a", LANDMARK]
    assert [name for name in names(plain) if "landmark" in name] == [LANDMARK]


def test_registry_gets_it_again_after_a_lost_upload(run, registry, inputs):
    from registry import Fault
    server = registry("d28", Fault("patch", "reset", at=20000))
    result = run("layer", "--json", "--compress", "estargz", "--upload", "streamed", "--prefetch",
                 inputs[2]("etc/a"), f"{server.host}/a/b", inputs[0])
    assert result.rc == 0, result
    assert digest_of(server.blob("a/b", result.json()["digest"])) == result.json()["digest"]


def test_refusals(run, tmp_path, inputs):
    tar = open(inputs[0], "rb").read()
    listed = inputs[2]("etc/a")
    target = f"oci:{tmp_path}/refused/"
    cases = [(["--compress", "estargz", "--prefetch", listed, target], "can be read again"),
             (["--compress", "gzip", "--prefetch", listed, target, inputs[0]], "eStargz"),
             (["--compress", "zstd-chunked", "--prefetch", "/dev/null", target], "eStargz"),
             (["--compress", "estargz", "--prefetch", inputs[2]("etc/none"), target, inputs[0]],
              "does not have: etc/none")]
    for arguments, words in cases:
        result = run("layer", *arguments, input=tar)
        assert result.rc == 2 and words in result.stderr, result
    result = run("layer", "--compress", "estargz", "--prefetch", tmp_path / "missing", target,
                 inputs[0])
    assert result.rc == 3 and "--prefetch" in result.stderr, result
    (tmp_path / "cut.tar").write_bytes(tar[:len(tar) // 2])
    for path in ("bin/tool", "last"):
        result = run("layer", "--compress", "estargz", "--prefetch", inputs[2](path), target,
                     tmp_path / "cut.tar")
        assert result.rc == 3, result
    assert not list((tmp_path / "refused").glob("blobs/sha256/*"))
    result = run("push", "--compress", "estargz", "--prefetch", listed, f"oci:{tmp_path}/p:1",
                 inputs[0], inputs[1])
    assert result.rc == 2 and "one INPUT" in result.stderr, result
