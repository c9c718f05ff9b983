# SPDX-License-Identifier: Apache-2.0
"""Which tar inputs are accepted and which are refused, compared with GNU tar, bsdtar and Python.
All of them can read every accepted input, and find the same entries."""
import io
import os
import random
import subprocess
import tarfile

import pytest
from wire_support import parallel

INPUT = 3
END = bytes(1024)


def checksummed(block):
    block = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def header(name, size=0, kind=b"0", link=b"", size_field=None, magic=b"ustar\0" b"00"):
    name = name if isinstance(name, bytes) else name.encode()
    field = size_field if size_field is not None else b"%011o\0" % size
    block = b"".join([name.ljust(100, b"\0"), b"0000644\0", b"0000000\0", b"0000000\0", field,
                      b"00000000000\0", b" " * 8, kind, link.ljust(100, b"\0"), magic])
    return checksummed(block.ljust(512, b"\0"))


def padded(data):
    return data + bytes(-len(data) % 512)


def entry(name, data=b"", kind=b"0", **more):
    return header(name, len(data), kind, **more) + padded(data)


def pax(*records, kind=b"x"):
    return entry("PaxHeaders/x", b"".join(records), kind)


FILE = entry("a", b"hello")
DAMAGED = bytearray(FILE)
DAMAGED[0] ^= 1

# name: (bytes, layerpipe accepts them, all three readers accept them). The test also runs the
# readers.
CASES = {
    "plain": (FILE + END, True, True),
    "nothing in it": (END, True, True),
    "padded to a record": (padded(FILE + END).ljust(10240, b"\0"), True, True),
    "a megabyte of zeros behind": (FILE + END + bytes(1 << 20), True, True),
    "zeros that are no blocks": (FILE + END + bytes(77), True, True),
    "a path twice": (FILE + FILE + END, True, True),
    "a hard link to nothing": (header("h", kind=b"1", link=b"nowhere") + END, True, True),
    "a file as a parent": (FILE + entry("a/b", b"x") + END, True, True),
    "a bare whiteout": (entry(".wh.") + END, True, True),
    "a way out": (entry("../evil", b"x") + END, True, True),
    "an absolute name": (entry("/abs", b"x") + END, True, True),
    "a symlink up": (header("l", kind=b"2", link=b"../../..") + END, True, True),
    "an old directory": (header("d/", kind=b"\0") + END, True, True),
    "before ustar": (entry("v7", b"x", magic=bytes(8)) + FILE + END, True, True),
    "a global header": (pax(b"20 comment=from git\n", kind=b"g") + FILE + END, True, True),
    "a PAX size": (pax(b"9 size=5\n") + header("p") + padded(b"hello") + FILE + END, True, True),
    "base-256": (header("b", size_field=b"\x80" + bytes(10) + b"\5") + padded(b"hello") + FILE +
                 END, True, True),
    "a volume header": (header("label", kind=b"V") + FILE + END, True, True),
    "junk in the last record": (FILE + END + b"junk" * 128, True, True),
    "a name that is no text": (entry(b"\xff\xfe", b"x") + END, True, True),
    # Refused; at least one reader refuses it, too.
    "empty": (b"", False, False),
    "text": (b"hello, world\n" * 100, False, False),
    "a wrong checksum": (bytes(DAMAGED) + END, False, False),
    "a wrong checksum later": (FILE + bytes(DAMAGED) + END, False, False),
    "a size that is none": (header("n", size_field=b"0000000z005\0") + END, False, False),
    "digits behind a blank": (header("n", size_field=b"000 0000005\0") + padded(b"hello") + FILE +
                              END, False, False),
    "records that do not add up": (pax(b"99 path=x\n") + FILE + END, False, False),
    "a header that extends nothing": (FILE + pax(b"9 path=p\n") + END, False, False),
    "cut in a header": ((FILE + FILE)[:1100], False, False),
    "cut in data": (entry("c", b"x" * 3000)[:2000], False, False),
    # Refused, although the readers accept it: they lose data, or read it in different ways.
    "no end": (FILE, False, True),
    "half an end": (FILE + bytes(512), False, True),
    "a second tar behind": (FILE + END + entry("b", b"x") + END, False, True),
    "junk behind the last record": (FILE + END + bytes(10240) + b"junk" * 128, False, True),
    "a second tar behind the record": ((FILE + END).ljust(10240, b"\0") + entry("b", b"x") + END, False,
                                       True),
    "one zero block between": (FILE + bytes(512) + entry("b", b"x") + END, False, True),
    "a size for all": (pax(b"9 size=5\n", kind=b"g") + FILE + END, False, True),
}


def gnu_tar(data):
    return subprocess.run(["tar", "-tf", "-"], input=data, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})


def gnu_tar_count(data):
    done = gnu_tar(data)
    return len(done.stdout.splitlines()) if done.returncode == 0 else None


def bsdtar_count(data):
    done = subprocess.run(["bsdtar", "-tf", "-"], input=data, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.PIPE)
    return len(done.stdout.splitlines()) if done.returncode == 0 else None


def python_count(data):
    try:
        with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as tar:
            return len(tar.getmembers())
    except (tarfile.TarError, ValueError):
        return None


@pytest.mark.parametrize("name", CASES)
def test_input_is_accepted_or_refused_as_listed(name, run, tool):
    tool("bsdtar")
    data, accepted, readable = CASES[name]
    result = run("layer", "-q", "--threads", "0", "null:", input=data)
    assert result.rc == (0 if accepted else INPUT), result
    assert (result.stdout != "") == accepted
    counts = [gnu_tar_count(data), bsdtar_count(data), python_count(data)]
    assert (None not in counts) == readable, counts


def test_sparse_files_of_gnu_tar_are_accepted(run, tmp_path, tool):
    with open(tmp_path / "sparse", "wb") as file:
        for place in range(30):
            file.seek(place * 70000)
            file.write(b"data")
    for options in (["--format=gnu"], ["--format=posix", "--sparse-version=1.0"],
                    ["--format=posix", "--sparse-version=0.1"],
                    ["--format=posix", "--sparse-version=0.0"]):
        data = subprocess.run([tool("tar"), "-C", tmp_path, *options, "-Scf", "-", "sparse"],
                              stdout=subprocess.PIPE, check=True).stdout
        assert len(data) < 1 << 20
        result = run("layer", "-q", "null:", input=data)
        assert result.rc == 0, (options, result)


def several_entries(form):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, size in (("a", 5), ("n" * 120, 600), ("dir/b", 1024), ("c", 0), ("d", 512)):
            info = tarfile.TarInfo(name)
            info.size = size
            tar.addfile(info, io.BytesIO(b"\1" * size))
    return out.getvalue()


def headers_of(tar):
    found, at = [], 0
    while any(tar[at:at + 512]):
        found.append(at)
        at += 512 + (int(tar[at + 124:at + 135], 8) + 511) // 512 * 512
    return found


SIZES = (b"00000000010\0", b"000000000000", b"        12 \0", b"\x80" + bytes(10) + b"\5", bytes(12),
         b"-0000000005\0", b"1000" + bytes(8), b"\xff" * 12, b"000 0000000\0")


def damaged_tar(seed):
    """A valid tar with one or two changes in its headers or blocks; the checksums are valid."""
    source = random.Random(seed)
    tar = bytearray(several_entries(source.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))))
    for _ in range(source.choice((1, 1, 2))):
        at = source.choice(headers_of(tar))
        kind = source.randrange(5)
        if kind == 0:
            tar[at + 124 + source.randrange(12)] = source.choice(b"01234567 \0\x80\xff-8")
        elif kind == 1:
            tar[at + 124:at + 136] = source.choice(SIZES)
        elif kind == 2:
            tar[at + 257:at + 265] = source.choice((b"ustar\0" b"00", b"ustar  \0", bytes(8)))
        elif kind == 3:
            tar[at + 512:at + 512] = bytes(512)
        elif tar[at + 156:at + 157] == b"x":
            tar[at + 512 + source.randrange(12)] = source.choice(b"0123456789= \npath")
        tar[at:at + 512] = checksummed(bytes(tar[at:at + 512]))
        if kind in (0, 1, 3):
            break  # the positions of the following headers have changed
    return bytes(tar)


def test_accepted_damaged_tar_is_read_alike_by_all(run, tool):
    tool("bsdtar")
    passed = []

    def one(seed):
        data = damaged_tar(seed)
        result = run("layer", "-q", "--threads", "0", "null:", input=data)
        assert result.rc in (0, INPUT), (seed, result)
        if result.rc == 0:
            counts = [gnu_tar_count(data), python_count(data)]
            assert counts[0] is not None and counts[0] == counts[1], (seed, counts)
            passed.append(seed)
    parallel(one, range(150))
    assert 20 < len(passed) < 140
