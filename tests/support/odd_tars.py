# SPDX-License-Identifier: Apache-2.0
"""Odd tar archives for the tests of layers with a table of contents; each lacks its end."""
from tar_random import END, base256, extension, header, padded, pax
from toc_support import noise


def file(name, data=b"body"):
    return header(name, size=len(data)) + padded(data)


BELOW = header(b"d/", b"5") + header(b"link", b"2", link=b"d") + file(b"link/x")
MISSING = header(b"hard", b"1", link=b"file") + file(b"file")
# Runtimes unpack most of these, but a program that reads the table would show other files, or would not
# pull the layer. For each the words of the notice, or None = there is a table: of zstd:chunked, eStargz, SOCI.
ODD = {
    "below a link": (BELOW, *["below a file or a link"] * 3),
    "hard link to what follows": (MISSING, *["a hard link to what is not in front"] * 3),
    "hard link to itself": (header(b"hard", b"1", link=b"hard"),
                            *["a hard link to what is not in front"] * 3),
    "hard link to a directory": (header(b"d/", b"5") + header(b"hard", b"1", link=b"d"),
                                 *["a hard link to what is not in front"] * 3),
    "hard link, written in another way": (
        file(b"./d/f") + header(b"hard", b"1", link=b"/d//f"), None, None, None),
    "way up": (file(b"d/../f"), 'a path with ".."', 'a path with ".."', None),
    "file named as a directory": (file(b"f/"), *["name of a directory"] * 2, None),
    "file that is the root": (file(b"./."), *["name of a directory"] * 2, None),
    "whiteout with contents": (file(b".wh.f"), "whiteout with contents", None, None),
    "whiteout of a file of the layer": (
        file(b"d/f") + header(b"d/.wh.f"), "whiteout of what is in the same layer", None, None),
    "whiteout of a later file": (header(b".wh.f") + file(b"f"), "same path: f", None, None),
    "whiteout of a later directory": (header(b".wh.d") + header(b"d/", b"5") + file(b"d/f"),
                                      "same path: d/", None, None),
    "opaque directory": (header(b"d/", b"5") + header(b"d/.wh..wh..opq") + file(b"d/f"),
                         None, None, None),
    "second PAX header": (pax((b"path", b"other")) + pax((b"mtime", b"5")) + file(b"f"),
                          None, None, None),
}

GNU = b"ustar  \0"
V7 = bytes(8)
LONG = b"/".join([b"n" * 199] * 20)  # 3999 bytes
TARS = {
    "prefix of a point": header(b"./", b"5") + header(b"./d/", b"5") + file(b"./d/a") +
                         header(b"./h", b"1", link=b"./d/a"),
    "absolute names": header(b"/d/", b"5") + file(b"/d/a") + header(b"/h", b"1", link=b"/d/a"),
    "slashes": header(b"d//", b"5") + file(b"d//a"),
    "long PAX name": pax((b"path", LONG)) + file(b"a"),
    "long GNU name": extension(b"L", LONG + b"\0") + file(b"a"),
    "long GNU link": extension(b"K", b"t" * 3000 + b"\0") + header(b"s", b"2", magic=GNU),
    "landmark": file(b".no.prefetch.landmark", b"\x0f") + file(b"a"),
    "landmark at the end": file(b"a") + file(b".prefetch.landmark", b"\x0f"),
    "landmark of a user": file(b".prefetch.landmark", b"hello") + file(b"a"),
    "table of a user": file(b"stargz.index.json", b"{}") + file(b"a"),
    "table of a user in a directory": file(b"d/stargz.index.json", b"{}") + file(b"a"),
    "whiteouts": header(b"d/", b"5") + header(b"d/.wh..wh..opq") + header(b"d/.wh.x") + header(b".wh.y"),
    "whiteout that is a link": header(b".wh.a", b"2", link=b"x"),
    "type 7": header(b"c", b"7"),
    "old types": header(b"d/", b"\0", magic=V7) + file(b"d/f"),
    "old links": header(b"f", b"\0", magic=V7) + header(b"h", b"1", link=b"f", magic=V7) +
                 header(b"s", b"2", link=b"x", magic=V7),
    "links of links": file(b"a") + header(b"b", b"1", link=b"a") + header(b"c", b"1", link=b"b"),
    "link to a symbolic link": header(b"s", b"2", link=b"x") + header(b"h", b"1", link=b"s"),
    "many zeros at the end": file(b"a") + END * 3000,
    "no entries": b"",
    "devices": header(b"c", b"3", major=b"0000001\0", minor=b"0000003\0") + header(b"b", b"4") +
               header(b"p", b"6"),
    "attribute said twice": pax((b"SCHILY.xattr.user.a", b"1"), (b"SCHILY.xattr.user.a", b"2")) + file(b"a"),
    "attribute that is taken back": pax((b"SCHILY.xattr.user.a", b"1"), (b"SCHILY.xattr.user.a", b"")) +
                                    file(b"a"),
    "attribute of bytes": pax((b"SCHILY.xattr.user.a", b"\0\xff\n=")) + file(b"a"),
    "times": pax((b"mtime", b"1.9999999999")) + file(b"a") + pax((b"mtime", b"-1.5")) + file(b"b"),
    "year 10000": header(b"a", mtime=base256(253402300800, 12)),
    "numbers": header(b"a", uid=base256(-1, 8)) + pax((b"uid", b"4294967296")) + header(b"b") +
               header(b"c", mode=b"0106755\0"),
    "other characters": file(bytes(range(1, 32)) + b"\x7f") + file(b"<&>\xe2\x80\xa8") + file(b"a\\b\"c"),
    "GNU times": header(b"a", magic=GNU, trailer=b"00000000001\0" b"00000000002\0" + bytes(143)),
    "GNU times that are none": header(b"a", magic=GNU, trailer=b"00000000001\0" b"\x80\x01junk" + bytes(150)) +
                               header(b"b", magic=GNU, trailer=b"prefix/of/old/Go" + bytes(151)),
    "another entry of the name": file(b"a") + header(b"a", b"3"),
    "PAX size": pax((b"size", b"4")) + header(b"a") + padded(b"body"),
    "PAX name, then GNU's": pax((b"path", b"a")) + extension(b"L", b"b\0") + header(b"c", magic=GNU),
    "empty PAX header": header(b"x", b"x") + file(b"a"),
    "link name of a file": header(b"a", link=b"other") + header(b"d/", b"5", link=b"other"),
    **{name: row[0] for name, row in ODD.items()},
}
del TARS["file that is the root"]  # the SOCI snapshotter shows the root, and no file
for size in (65536, 262144, 4 << 20):
    for more in (-1, 0, 1):
        TARS[f"file of {size}{more:+} bytes"] = file(b"f", noise(size + more)) + file(b"g")
        TARS[f"zeros of {size}{more:+} bytes"] = file(b"f", bytes(size + more)) + file(b"g")
