# SPDX-License-Identifier: Apache-2.0
"""Tar archives with random headers: valid and invalid values in the fields that container runtimes
read. The same seed makes the same archives."""
import random

END = bytes(1024)
MAGICS = [b"ustar\00000"] * 6 + [b"ustar  \0"] * 3 + [b"ustar\0\0\0", b"ustar 00", b"ustar   ",
                                                     bytes(8), b"tar\0\0\0\0\0"]
TYPES = b"000000000000" + b"\0\0\0\0" + b"11222355556" + b"47SVDMNXZ\xffA"


def padded(data):
    return data + bytes(-len(data) % 512)


def base256(number, width):
    number &= (1 << 8 * width) - 1
    return (number | 0x80 << 8 * (width - 1)).to_bytes(width, "big")


def octal(number, width):
    return b"%0*o\0" % (width - 1, number)


def record(key, value):
    """A PAX record; its length field includes itself."""
    rest = b" " + key + b"=" + value + b"\n"
    size = len(rest) + 1
    while len(str(size)) + len(rest) != size:
        size = len(str(size)) + len(rest)
    return b"%d" % size + rest


def header(name=b"file", kind=b"0", size=0, checksum=None, **fields):
    """fields: any of mode, uid, gid, size_field, mtime, link, magic, major, minor, prefix, trailer
    (the last 167 bytes), as bytes."""
    block = bytearray(512)

    def put(offset, width, data):
        block[offset:offset + width] = data[:width].ljust(width, b"\0")

    put(0, 100, name)
    put(100, 8, fields.get("mode", b"0000644\0"))
    put(108, 8, fields.get("uid", b"0000000\0"))
    put(116, 8, fields.get("gid", b"0000000\0"))
    put(124, 12, fields.get("size_field", octal(size, 12)))
    put(136, 12, fields.get("mtime", b"00000000000\0"))
    put(148, 8, b" " * 8)
    put(156, 1, kind)
    put(157, 100, fields.get("link", b""))
    put(257, 8, fields.get("magic", b"ustar\00000"))
    put(329, 8, fields.get("major", b"0000000\0"))
    put(337, 8, fields.get("minor", b"0000000\0"))
    if "trailer" in fields:
        put(345, 167, fields["trailer"])
    else:
        put(345, 155, fields.get("prefix", b""))
    total = sum(block)
    if checksum == "signed":
        total -= 256 * sum(byte >> 7 for byte in block)
    text = octal(total & 0o777777, 7) + b" " if checksum in (None, "signed") else checksum(total)
    put(148, 8, text)
    return bytes(block)


def extension(kind, body, **fields):
    return header(b"extension", kind, len(body), **fields) + padded(body)


def pax(*records, kind=b"x"):
    return extension(kind, b"".join(record(*pair) for pair in records))


class Maker:
    """Makes one archive after the other."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, percent):
        return self.random.random() * 100 < percent

    def number(self, width):
        """A numeric field, valid or not."""
        pick = self.random.choice
        good = self.random.randrange(8 ** self.random.randrange(1, width))
        text = b"%o" % good
        return pick([
            octal(good, width), text, text.rjust(width), b" " * width, bytes(width),
            text.ljust(width), b"\0" + text, b" \0 " + text, text + b"\0junk", text + b" \0junk",
            text + b" 7", b"0x" + text, b"-" + text, b"+" + text, text + b"8", b"9", b"garbage",
            b"1_0", b"\x80", b"\xff" * width, b"\xfe" + bytes(width - 1), b"\xc0", b"\xbf",
            base256(good, width), base256(-good, width), base256(2 ** 32, width),
            base256(2 ** 31 - 1, width), b"\x80\0\0\0\xff" + b"\xfb" * 7, b"\x80\0\0\0\x7f" +
            b"\xfb" * 7, b"\x81" + bytes(width - 1), b"\xff\xff\xff\xff\0" + bytes(7),
            b"\xff\xff\xff\xff\x80" + bytes(7), b"7" * width, self.random.randbytes(width)])

    def decimal(self, most=2 ** 32):
        number = self.random.choice([0, 1, 5, 511, 512, 1000, 65534, 2 ** 32 - 1, 2 ** 32])
        number = min(number, most)
        return self.random.choice([
            b"%d" % number, b"%d" % number, b"-%d" % number, b"+%d" % number, b"", b" 5", b"5 ",
            b"x", b"0x10", b"1_0", b"00012", b"99999999999999999999", b"18446744073709551616",
            b"-", b"+", b"--1", b"5\0", b"\0", b"1e3", b"-9223372036854775808",
            b"-9223372036854775809"])

    def time(self):
        return self.decimal() + self.random.choice([b"", b"", b".", b".5", b".123456789012", b".x",
                                                    b".-1", b"..1", b".1.2", b".\0"])

    def text(self):
        return self.random.choice([b"a", b"dir/", b"a/b", b"n" * 120, b"\xff\xfe", b"a\0b", b"",
                                   b"../a", b"/a", b"a/../b", b"./", b"x" * 256, b".wh.x", b".wh."])

    def regions(self):
        """A map of a sparse file and the size of its stored data; both are mostly valid."""
        at = 0
        numbers = []
        stored = 0
        for _ in range(self.random.randrange(4)):
            at += self.random.choice([0, 1, 512, 1000])
            length = self.random.choice([0, 1, 5, 512, 700])
            numbers += [at, length]
            at += length
            stored += length
        words = [b"%d" % number for number in numbers]
        if words and self.chance(25):
            words[self.random.randrange(len(words))] = self.decimal()
        if self.chance(5):
            words = words[:-1] if words else [b""]
        return words, at + self.random.choice([0, 0, 1, 512]), stored

    def sparse(self):
        """Records of a sparse file, and its body."""
        words, real, stored = self.regions()
        count = b"%d" % (len(words) // 2) if self.chance(93) else self.decimal()
        size = b"%d" % real if self.chance(93) else self.decimal(65534)  # judges read it all
        size_key = self.random.choice([b"GNU.sparse.size", b"GNU.sparse.realsize"])
        body = bytes(stored)
        if self.chance(6):
            body += b"more"
        version = self.random.choice(["0.0", "0.1", "0.1", "1.0", "1.0"])
        records = [(size_key, size)] if self.chance(95) else []
        if version == "1.0":
            text = b"".join(word + b"\n" for word in [count] + words)
            if self.chance(5):
                text = text[:-1] or b"1"
            body = padded(text) + body if self.chance(96) else text + body
            records += [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")]
        else:
            records.append((b"GNU.sparse.numblocks", count))
            if version == "0.1":
                records.append((b"GNU.sparse.map", b",".join(words)))
            else:
                names = [b"GNU.sparse.offset", b"GNU.sparse.numbytes"]
                records += [(names[i % 2], word) for i, word in enumerate(words)]
            if self.chance(40):
                records += [(b"GNU.sparse.major", b"0"),
                            (b"GNU.sparse.minor", version[-1].encode())]
        if self.chance(10):
            records.append((self.random.choice([b"GNU.sparse.major", b"GNU.sparse.minor"]),
                            self.random.choice([b"", b"0", b"1", b"2", b"01"])))
        if self.chance(30):
            records.append((b"GNU.sparse.name", self.text()))
        if self.chance(5):
            self.random.shuffle(records)
        return records, body

    def plain_record(self, size):
        key = self.random.choice([b"path", b"linkpath", b"uname", b"gname", b"uid", b"gid", b"mtime",
                                  b"atime", b"ctime", b"size", b"comment", b"SCHILY.xattr.",
                                  b"SCHILY.xattr.user.a", b"LIBARCHIVE.xattr.user.a", b"k", b"\0",
                                  b"SCHILY.xattr." + b"n" * 256, b"GNU.sparse.offset",
                                  b"GNU.sparse.map", b"sizes", b"si", b"hdrcharset"])
        if key in (b"uid", b"gid"):
            return key, self.decimal()
        if key in (b"mtime", b"atime", b"ctime"):
            return key, self.time()
        if key == b"size":
            return key, b"%d" % size if self.chance(80) else self.decimal()
        return key, self.text()

    def records(self, size):
        text = b""
        for _ in range(self.random.randrange(4)):
            text += record(*self.plain_record(size))
        if self.chance(5):
            text += self.random.choice([b"5 k=\n", b"4 k=\n", b"6 k=v", b"9 k=v\n", b"6 =vv\n", b"\0",
                                        b"6 kkv\n", b"+6 k=v\n"[:7], b"06 k=v\n", b" 6 k=v\n", b"6\n",
                                        b"000000011 k=v\n"[:14], b"7 k==v\n", b"k=v\n", b"-6 k=v\n",
                                        b"+8 k=v\n\n"[:8]])
        return text

    def fields(self):
        fields = {"magic": self.random.choice(MAGICS)}
        for name, width in (("mode", 8), ("uid", 8), ("gid", 8), ("mtime", 12), ("major", 8),
                            ("minor", 8)):
            if self.chance(4):
                fields[name] = self.number(width)
        if self.chance(5):
            fields["prefix"] = self.random.choice([b"p", b"p/", b"p" * 155, b"\xff", b"..", b"777"])
        if self.chance(5):
            fields["trailer"] = bytes(131) + (self.number(12).ljust(12) + self.number(12))[:24].ljust(
                32, b"\0") + b"tar\0"
        elif self.chance(3):
            fields["trailer"] = self.number(12)[:12].ljust(12, b"\0") + self.number(12)
        if self.chance(3):
            fields["size_field"] = self.number(12)
        if self.chance(3):
            fields["checksum"] = self.random.choice([
                "signed", lambda total: b"%o" % total, lambda total: b"%08o" % total,
                lambda total: b"%7o " % total, lambda total: b"\0" + b"%06o" % total,
                lambda total: base256(total, 8), lambda total: b"%06o" % (total + 1)])
        return fields

    def extension(self, kind, body):
        return extension(kind, body, **(self.fields() if self.chance(10) else {}))

    def group(self):
        """An entry with the extension headers before it."""
        parts = []
        body = bytes(self.random.choice([0, 0, 1, 5, 512, 600]))
        records = b""
        if self.chance(25):
            found, body = self.sparse()
            records = b"".join(record(*pair) for pair in found)
        if self.chance(40):
            records += self.records(len(body))
        if self.chance(10):
            parts.append(self.extension(b"g", self.records(5) if self.chance(80) else b""))
        if records or self.chance(3):
            parts.append(self.extension(b"x", records))
        if self.chance(12):
            parts.append(self.extension(b"L", self.text() + b"\0"))
        if self.chance(6):
            parts.append(self.extension(b"K", self.text() + b"\0"))
        if self.chance(3):
            parts.append(self.extension(b"x", self.records(len(body))))
        if self.chance(5):
            self.random.shuffle(parts)
        kind = bytes([self.random.choice(TYPES)]) if self.chance(50) else b"0"
        fields = self.fields()
        if kind in b"123456" and self.chance(90):
            body = b""
        name = self.text() if self.chance(20) else b"file"
        link = self.text() if kind in b"12" else b""
        return b"".join(parts) + header(name, kind, len(body), link=link, **fields) + padded(body)

    def archive(self):
        tar = self.group()
        if self.chance(25):
            tar += self.group()
        if self.chance(4):
            return tar + self.random.choice([b"", bytes(512), END + b"junk", END + bytes(1024) + tar,
                                             END + bytes(20480) + b"junk", END + tar])
        return tar + END
