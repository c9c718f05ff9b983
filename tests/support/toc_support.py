# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of layers with a table of contents: tar files, and a layer made of one."""
import hashlib
import io
import json
import random
import tarfile

MIB = 1 << 20


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def entry(name, data=b"", **members):
    info = tarfile.TarInfo(name)
    for key, value in members.items():
        setattr(info, key, value)
    info.size = len(data)
    return info, data


def tar_of(entries, tar_format=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def many_kinds():
    """Entries of every type, with values that need PAX records, and contents of many shapes."""
    yield entry("./", type=tarfile.DIRTYPE, mode=0o755)
    yield entry("etc/", type=tarfile.DIRTYPE, mode=0o1777, mtime=1234567890)
    yield entry("etc/empty", mtime=1.5)
    yield entry("etc/one", b"x", uid=70000, gid=3000000, uname="me", gname="us")
    yield entry("etc/xattr", b"data", pax_headers={"SCHILY.xattr.user.a": "v=1 \n\u00e4",
                                                   "atime": "12.25", "ctime": "13.000000001"})
    yield entry("etc/capability", b"program", mode=0o4755, pax_headers={
        "SCHILY.xattr.security.capability": "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"})
    yield entry("etc/" + "long/" * 60 + "name", b"deep")
    yield entry("etc/link", type=tarfile.SYMTYPE, linkname="one")
    yield entry("etc/hard", type=tarfile.LNKTYPE, linkname="etc/one")
    yield entry("etc/" + "l" * 90, type=tarfile.SYMTYPE, linkname="t" * 200)
    yield entry("dev-null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    yield entry("block", type=tarfile.BLKTYPE, devmajor=259, devminor=70000)
    yield entry("fifo", type=tarfile.FIFOTYPE)
    yield entry("quote\"back\\slash\tand\u2028more", b"odd name")
    yield entry("negative", b"old", mtime=-5)
    for size in (511, 512, 513, 262143 - 512, 262144, 262145, 4 * MIB, 4 * MIB + 1):
        yield entry(f"noise-{size}", noise(size, size))
    yield entry("zeros", bytes(3 * MIB))
    yield entry("zeros-at-end", noise(100000) + bytes(5000))
    yield entry("zeros-at-start", bytes(300000) + noise(1000))
    yield entry("holes", b"".join(noise(5000, i) + bytes(i * 37 % 2500) for i in range(400)))
    yield entry("large", noise(9 * MIB + 12345, 9))


def many_small():
    for i in range(3000):
        yield entry(f"d{i % 50}/file-{i}", noise(i % 700, i), mode=0o600 + i % 64)


TARS = {
    "every-kind-pax": lambda: tar_of(many_kinds()),
    "every-kind-gnu": lambda: tar_of(many_kinds(), tarfile.GNU_FORMAT),
    "small-files": lambda: tar_of(many_small()),
    "one-empty-file": lambda: tar_of([entry("a")]),
    "only-zeros-after": lambda: tar_of([entry("a", b"x")]) + bytes(700000 // 512 * 512),
}


def layer_of(run, tmp_path, tar, compress, *arguments):
    """The result of the layer, and the path of its blob."""
    layout = tmp_path / "layout"
    result = run("layer", "--json", "--compress", compress, *arguments, f"oci:{layout}/", input=tar)
    assert result.rc == 0, result
    layer = json.loads(result.stdout)
    return layer, layout / "blobs" / "sha256" / layer["digest"].split(":")[1], result


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class SociImage:
    """An image in a layout that was pushed with a SOCI index of version 2."""

    def __init__(self, layout, pushed):
        self.layout = layout
        self.pushed = pushed
        self.index = self.document(pushed["digest"])
        self.soci = self.document(pushed["soci"]["digest"])
        self.image = self.document(pushed["soci"]["image"])
        self.blob = self.path(pushed["layers"][-1]["digest"])
        self.tables = [self.path(item["digest"]) for item in self.soci["layers"]]

    def path(self, digest):
        return self.layout / "blobs" / "sha256" / digest.split(":")[1]

    def document(self, digest):
        return json.loads(self.path(digest).read_bytes())


def soci_image(run, tmp_path, tar, *arguments):
    layout = tmp_path / "layout"
    result = run("push", "--json", "--soci", "--soci-min-size", "1", *arguments, f"oci:{layout}:1",
                 "-", input=tar)
    assert result.rc == 0, result
    return SociImage(layout, json.loads(result.stdout))
