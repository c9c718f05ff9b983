# SPDX-License-Identifier: Apache-2.0
"""The tar check against the programs that will read the layers: Go's archive/tar and the unpackers
of containerd, Docker and podman. docs/tar.md has what differs."""
import io
import os
import re
import subprocess
import tarfile

import pytest

from tar_judges import SOURCES, go_judge, scan_judge, unpack_judge
from tar_random import END, Maker, base256, extension, header, padded, pax, record

DOCUMENT = os.path.join(os.path.dirname(os.path.dirname(SOURCES)), "docs", "tar.md")
ARCHIVES = 20000  # with each seed

# enum tar_odd_reason. archive/tar itself refuses the second to the fourth, unpackers all.
TYPE, FIELD, RECORD, SPARSE, DEVICE, PATH, LINK, XATTR = (1 << bit for bit in range(1, 9))
GO_REFUSES = FIELD | RECORD | SPARSE

# What the check refuses and archive/tar may take.
STRICTER = [
    "it does not begin with a tar header",
    "a header's checksum is wrong",
    "an entry's size is malformed",
    "a PAX record has a malformed length",
    "a PAX record is not of the form key=value",
    "a PAX size record is not a number",
    "a global header sets a size",
    "a global header stands within the headers of an entry",
    "an entry has two PAX headers and a size in the first",
    "extension headers are followed by no entry",
    "an extension header is larger than any real one",
    "the tar archive ends without its end-of-archive mark",
    "the tar archive ends within its end-of-archive mark",
    "data follows its end-of-archive mark",
    "another archive follows its end-of-archive mark",
]
KNOWN_TYPES = "30 31 32 33 34 35 36 67".split()  # in hexadecimal digits


class Verdict:
    """A line of the scan judge."""

    def __init__(self, line):
        words = line.split(" ")
        self.line = line
        self.refused = words[0] == "refused"
        self.reasons = int(words[1]) if words[0] == "odd" else 0
        self.count = int(words[2]) if words[0] == "odd" else 0
        self.name = re.search(r'"(.*)":', line).group(1) if words[0] == "odd" else None

    def stricter(self):
        return next((words for words in STRICTER if self.refused and words in self.line), None)


def go_problem(scan, go):
    """What is wrong with the scan's verdict, given that of archive/tar; None: nothing."""
    types = go.split(" ")[1:]
    if go.startswith("error"):
        # Types S and X are refused for what they are, whatever follows from their headers.
        good = scan.refused or scan.reasons & GO_REFUSES or \
            (scan.reasons & TYPE and re.search("its type is [SX]", scan.line)) or scan.count > 1
        return None if good else "archive/tar refuses it"
    if scan.refused:
        return None if scan.stricter() else "archive/tar takes it"
    if scan.reasons & GO_REFUSES:
        return "archive/tar takes its fields"
    if bool(scan.reasons & TYPE) != any(kind not in KNOWN_TYPES for kind in types):
        return "the types differ"
    return None


@pytest.mark.parametrize("seed", range(1, 6))
def test_go_agrees(seed):
    """100,000 archives of random headers in all."""
    go = go_judge()
    maker = Maker(seed)
    archives = [maker.archive() for _ in range(ARCHIVES)]
    stricter = set()
    taken = 0
    for number, (line, answer) in enumerate(zip(scan_judge(archives), go(archives))):
        scan = Verdict(line)
        problem = go_problem(scan, answer)
        assert problem is None, f"seed {seed}, archive {number}: {problem}: {line} / {answer}"
        taken += line == "ok"
        if answer.startswith("ok") and scan.refused:
            stricter.add(scan.stricter())
    assert taken > ARCHIVES // 4
    print(f"seed {seed}: {taken} of {ARCHIVES} without a fault, stricter: {sorted(stricter)}")


def test_what_differs_is_documented():
    with open(DOCUMENT, encoding="utf-8") as file:
        text = " ".join(file.read().split())
    assert [words for words in STRICTER if words not in text] == []


FILE = header(size=4) + padded(b"body")
DEVICE_NUMBERS = {"32 bits": 2 ** 32 - 1, "33 bits": 2 ** 32, "negative": -1}

# name: (archive without its end, the scan's reasons, who refuses it: containerd, Docker, podman)
ROWS = {
    "a file": (FILE, 0, "---"),
    "a file of old tar": (header(kind=b"\0", size=4) + padded(b"body"), 0, "---"),
    "a hard link": (FILE + header(b"h", b"1", link=b"file"), 0, "---"),
    "a symbolic link": (header(kind=b"2", link=b"target"), 0, "---"),
    "a character device": (header(kind=b"3"), 0, "---"),
    "a block device": (header(kind=b"4"), 0, "---"),
    "a directory": (header(b"d/", b"5"), 0, "---"),
    "a fifo": (header(kind=b"6"), 0, "---"),
    "a global header": (pax((b"comment", b"x"), (b"mtime", b"x"), kind=b"g") + FILE, 0, "---"),
    "PAX sparse 0.0": (pax((b"GNU.sparse.size", b"8"), (b"GNU.sparse.numblocks", b"1"),
                           (b"GNU.sparse.offset", b"4"), (b"GNU.sparse.numbytes", b"4")) + FILE,
                       0, "---"),
    "PAX sparse 0.1": (pax((b"GNU.sparse.size", b"8"), (b"GNU.sparse.numblocks", b"1"),
                           (b"GNU.sparse.map", b"4,4")) + FILE, 0, "---"),
    "PAX sparse 1.0": (pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"),
                           (b"GNU.sparse.realsize", b"8")) + header(size=516) +
                       padded(b"1\n4\n4\n") + padded(b"body"), 0, "---"),
    "a map out of the file": (pax((b"GNU.sparse.size", b"7"), (b"GNU.sparse.numblocks", b"1"),
                                  (b"GNU.sparse.map", b"4,4")) + FILE, SPARSE, "xxx"),
    "a sparse name with a NUL": (pax((b"GNU.sparse.size", b"4"), (b"GNU.sparse.numblocks", b"1"),
                                     (b"GNU.sparse.map", b"0,4"), (b"GNU.sparse.name", b"a\0b")) +
                                 FILE, PATH, "xxx"),
    "an offset alone": (pax((b"GNU.sparse.numbytes", b"4")) + FILE, SPARSE, "xxx"),
    "an offset alone for all": (pax((b"GNU.sparse.numbytes", b"4"), kind=b"g") + FILE, SPARSE,
                                "xxx"),
    "a mtime of 0x80 0 0 0": (header(mtime=b"\x80\0\0\0" + b"\xff" * 8), FIELD, "xxx"),
    "a mtime before 1970": (header(mtime=base256(-5, 12)), 0, "---"),
    "a mtime beyond all clocks": (header(mtime=base256(2 ** 62, 12)), 0, "---"),
    "a uid of 33 bits": (header(uid=base256(2 ** 32, 8)), 0, "---"),
    "a negative uid": (header(uid=base256(-1, 8)), 0, "---"),
    "a mode of another program": (header(mode=b"0100644\0"), 0, "---"),
    "devmajor before ustar": (header(major=b"garbage", magic=bytes(8)), 0, "---"),
    "a PAX mtime with a fraction": (pax((b"mtime", b"-1.123456789012")) + FILE, 0, "---"),
    "a PAX mtime that is none": (pax((b"mtime", b"now")) + FILE, RECORD, "xxx"),
    "a PAX mtime said again": (pax((b"mtime", b"now"), (b"mtime", b"5")) + FILE, 0, "---"),
    "a PAX uid that is none": (pax((b"uid", b"root")) + FILE, RECORD, "xxx"),
    "a NUL in path": (pax((b"path", b"a\0b")) + FILE, RECORD | PATH, "xxx"),
    "a NUL in linkpath": (pax((b"linkpath", b"a\0b")) + FILE, RECORD, "xxx"),
    "a NUL in uname for all": (pax((b"uname", b"a\0b"), kind=b"g") + FILE, RECORD, "xxx"),
    "a NUL in a comment": (pax((b"comment", b"a\0b")) + FILE, 0, "---"),
    "a way out": (header(b"../evil"), PATH, "-xx"),
    "a way out and in": (header(b"a/../../b"), PATH, "-xx"),
    "a way up and down": (header(b"a/../b"), 0, "---"),
    "an absolute name": (header(b"/abs"), 0, "---"),
    "a part of 255 bytes": (pax((b"path", b"n" * 255)) + FILE, 0, "---"),
    "a part of 256 bytes": (pax((b"path", b"d/" + b"n" * 256 + b"/f")) + FILE, PATH, "xxx"),
    "a part that .. takes away": (pax((b"path", b"n" * 256 + b"/../f")) + FILE, 0, "---"),
    "a path of 4096 bytes": (pax((b"path", b"dir/" * 1023 + b"file")) + FILE, PATH, "xxx"),
    "a long name of 4096 bytes": (extension(b"L", b"dir/" * 1023 + b"file\0") + FILE, PATH, "xxx"),
    "a deletion mark": (header(b"d/.wh.x"), 0, "---"),
    "a deletion mark of no name": (header(b".wh."), PATH, "xxx"),
    "a deletion mark of no name in a directory": (header(b"d/.wh."), PATH, "x-x"),
    "a deletion mark of the directory": (header(b"d/.wh.."), PATH, "x-x"),
    "a deletion mark of the parent": (header(b"d/.wh.../"), PATH, "xxx"),
    "a symbolic link to nothing": (header(kind=b"2"), LINK, "xxx"),
    "a symbolic link of 4095 bytes": (pax((b"linkpath", b"t" * 4095)) + header(kind=b"2"), 0, "---"),
    "a symbolic link of 4096 bytes": (extension(b"K", b"t" * 4096) + header(kind=b"2"), LINK, "xxx"),
    "a symbolic link out": (header(kind=b"2", link=b"../../../etc"), 0, "---"),
    "a hard link to the root": (header(kind=b"1", link=b"./"), LINK, "xxx"),
    "an attribute without a name": (pax((b"SCHILY.xattr.", b"x")) + FILE, XATTR, "xxx"),
    "an attribute of a long name": (pax((b"SCHILY.xattr.user." + b"n" * 251, b"x")) + FILE, XATTR,
                                    "xxx"),
    "an attribute of a long value": (pax((b"SCHILY.xattr.user.x", b"v" * 65537)) + FILE, XATTR,
                                     "xxx"),
    "type 58": (pax((b"path", b"p"), kind=b"X") + FILE, TYPE, "xxx"),
    "a global header's way out": (pax((b"path", b"../a"), kind=b"g") + FILE, PATH, "-xx"),
    "a global header named so": (header(b"../a", b"g") + FILE, PATH, "-xx"),
    "junk behind the mark": (FILE + END + b"junk" * 1000, 0, "---"),
}
for letter in b"7ADIMNSVZE\xff":
    ROWS[f"type {letter:02x}"] = (header(kind=bytes([letter]), size=4, magic=b"ustar  \0") +
                                  padded(b"body"), TYPE, "xxx")
for field, width in (("mode", 8), ("uid", 8), ("gid", 8), ("mtime", 12), ("major", 8), ("minor", 8)):
    ROWS[f"{field} that is no number"] = (header(**{field: b"garbage"}), FIELD, "xxx")
    ROWS[f"{field} of blanks"] = (header(**{field: b" " * width}), 0, "---")
for kind in b"346":
    for text, value in DEVICE_NUMBERS.items():
        for field in ("major", "minor"):
            fits = text == "32 bits"
            ROWS[f"type {kind:02x}, {field} {text}"] = (
                header(kind=bytes([kind]), **{field: base256(value, 8)}), 0 if fits else DEVICE,
                "---" if fits else "xx-")


def test_unpackers_agree_on_rows(tmp_path):
    archives = [row[0] + (name != "junk behind the mark") * END for name, row in ROWS.items()]
    found = {}
    for name, line, verdicts in zip(ROWS, scan_judge(archives), unpack_judge(tmp_path)(archives)):
        scan = Verdict(line)
        assert not scan.refused, (name, line)
        found[name] = (scan.reasons, "".join("-" if verdict == "ok" else "x" for verdict in verdicts))
    assert found == {name: row[1:] for name, row in ROWS.items()}


# Unpackers' errors that depend on what else is there: other entries, layers, the file system.
NOT_JUDGED = [
    r"^link.* no such file or directory",  # a hard link to what the layers below may have
    r"^no such file or directory",
    r"not a directory$",  # an entry below a file
    r"(Utimes|chtimes).* no such file or directory",  # a directory that a later entry took away
    r"refusing to act on a non-directory entry as the archive root",  # podman alone
    r"^lsetxattr .*(no such file|operation not permitted)",  # an attribute of a link or a fifo
]
# Entries of these names are not made, so that nothing else of them is looked at.
NOT_MADE = ("", "./", ".wh.x")


def test_unpackers_take_what_has_no_fault(tmp_path):
    seed = 6
    maker = Maker(seed)
    archives = [maker.archive() for _ in range(1500)]
    for number, (line, verdicts) in enumerate(zip(scan_judge(archives),
                                                  unpack_judge(tmp_path)(archives))):
        scan = Verdict(line)
        where = f"seed {seed}, archive {number}: {line} / {verdicts}"
        if line == "ok":
            for verdict in verdicts:
                assert verdict == "ok" or any(re.search(rule, verdict) for rule in NOT_JUDGED), where
        elif not scan.refused:
            refusals = sum(verdict != "ok" for verdict in verdicts)
            assert refusals >= 2 or scan.name in NOT_MADE, where


@pytest.fixture
def tree(tmp_path):
    """A directory with an entry of every kind that needs no privilege."""
    root = tmp_path / "tree"
    deep = root / ("d" * 90) / ("e" * 90) / ("f" * 200)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"deep")
    (root / "file").write_bytes(b"x" * 1000)
    os.link(root / "file", root / "hard link")
    os.symlink("t" * 200, root / "symbolic link")
    os.symlink("../" * 40, root / "way out")
    os.mkfifo(root / "fifo")
    (root / ".wh.gone").write_bytes(b"")
    os.utime(root / "file", (-1000.5, -1000.5))
    with open(root / "sparse", "wb") as file:
        for place in range(30):
            file.seek(place * 70000)
            file.write(b"data")
        file.truncate(5000000)
    return root


def gnu_tar(tree, *options):
    return subprocess.run(["tar", "-C", tree, *options, "-cf", "-", "."], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False).stdout


def test_archives_of_writers_have_no_fault(tree, tool):
    """Nothing that people's tools write every day is odd."""
    archives = {}
    for form in ("v7", "oldgnu", "gnu", "ustar", "posix"):
        archives["tar", form] = gnu_tar(tree, "--format=" + form)
    for version in ("0.0", "0.1", "1.0"):
        archives["tar -S", version] = gnu_tar(tree, "--format=posix", "-S",
                                              "--sparse-version=" + version)
    for form in ("ustar", "pax", "gnutar", "v7"):
        archives["bsdtar", form] = subprocess.run(
            [tool("bsdtar"), "-C", tree, "--format", form, "-cf", "-", "."],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as tar:
            tar.add(tree, ".")
        archives["python", form] = out.getvalue()
    lines = dict(zip(archives, scan_judge(archives.values())))
    assert {name: line for name, line in lines.items() if line != "ok"} == {}


def test_cures(tree, tmp_path):
    """What the message advises makes the archive good."""
    for options, letter, cure in [
            (["--format=gnu", "--sparse"], "S", ["--format=posix", "--sparse"]),
            (["--format=gnu", "--label=x"], "V", ["--format=gnu"]),
            (["--format=gnu", f"--listed-incremental={tmp_path}/list"], "D", ["--format=gnu"])]:
        first, second = scan_judge([gnu_tar(tree, *options), gnu_tar(tree, *cure)])
        assert f"its type is {letter} (" in first
        assert second == "ok"


def test_a_record_counts_itself():
    for size in range(1, 200):
        text = record(b"k", b"v" * size)
        assert int(text.split(b" ")[0]) == len(text)
