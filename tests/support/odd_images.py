# SPDX-License-Identifier: Apache-2.0
"""Images, real and odd ones, that are read back: IMAGES has functions that give the layers, from the
lowest up; random_layers() makes others."""
import os
import random
import subprocess
import tarfile
import tempfile

from layer_model import LayerWriter, Tree, view

LONG = "long/" * 30 + "n" * 150
RECORDS = {"SCHILY.xattr.user.key": "value", "mtime": "1000.5"}
CAPABILITY = "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"  # as Linux keeps it; below 128


def base():
    writer = LayerWriter().directory("./").directory("./bin", mode=0o755).directory("etc/")
    writer.add("bin/tool", b"x" * 5000, mode=0o4755).link("bin/same", "bin/tool")
    writer.symlink("sh", "bin/tool").add("etc/conf", b"conf", uid=7, gid=8).directory("var")
    return writer.add("var/log", b"log").end()


def linked():
    return LayerWriter().add("a", b"old", mode=0o600).link("b", "a").link("c", "a").end()


def many(seed):
    writer = LayerWriter()
    for i in range(1500):
        writer.add(f"d{i % 40}/{i * (seed + 1)}", str(i).encode())
    return writer.end()


def sparse(form):
    """GNU tar's forms of a file with holes."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "holes"), "wb") as file:
            for place in (0, 1 << 20, 3 << 20):
                file.seek(place)
                file.write(b"data" * 2000)
            file.truncate(5 << 20)
        return subprocess.run(
            ["tar", "-c", "--sparse", f"--format={form}", "--mtime=@1000", "--owner=0", "--group=0",
             "--mode=644", "-C", folder, "holes"], check=True, capture_output=True).stdout


def one(method, *arguments, **fields):
    writer = LayerWriter()
    getattr(writer, method)(*arguments, **fields)
    return writer.end()


IMAGES = {
    "one layer": lambda: [base()],
    "replaced file": lambda: [base(), one("add", "etc/conf", b"new")],
    "whiteout": lambda: [base(), one("add", "etc/.wh.conf")],
    "whiteout of a directory": lambda: [base(), one("add", ".wh.var")],
    "whiteout of nothing": lambda: [base(), one("add", "etc/.wh.none")],
    "added again": lambda: [base(), one("add", ".wh.var"),
                            LayerWriter().directory("var").add("var/new", b"1").end()],
    "whiteout and a new entry in one layer": lambda: [
        base(), LayerWriter().add(".wh.var").directory("var").add("var/new", b"1").end()],
    "new entry before the whiteout": lambda: [
        base(), LayerWriter().directory("var").add("var/new", b"1").add(".wh.var").end()],
    "opaque directory": lambda: [
        base(), LayerWriter().directory("bin").add("bin/.wh..wh..opq").add("bin/new").end()],
    "opaque at its end": lambda: [
        base(), LayerWriter().directory("bin").add("bin/new").add("bin/.wh..wh..opq").end()],
    "file in place of a directory": lambda: [base(), one("add", "var", b"file")],
    "directory in place of a file": lambda: [base(), LayerWriter().directory("sh").add(
        "sh/below", b"1").end()],
    "link in place of a directory": lambda: [base(), one("symlink", "var", "etc")],
    "file, directory, file": lambda: [one("add", "p", b"1"), one("directory", "p"),
                                      one("add", "p", b"2")],
    "metadata only": lambda: [base(), one("directory", "var", mode=0o1777, uid=5)],
    "link out": lambda: [base(), one("symlink", "out", "../../etc/passwd")],
    "long names": lambda: [base(), LayerWriter().add(LONG, b"1").symlink("l", "t" * 200).end()],
    "GNU format": lambda: [LayerWriter(tarfile.GNU_FORMAT).add(LONG, b"1").end()],
    "attributes": lambda: [one("add", "a", b"1", pax_headers=RECORDS)],
    "attributes that change": lambda: [
        one("add", "a", b"1", pax_headers=RECORDS), one("add", "a", b"1")],
    "attributes of a directory": lambda: [
        one("directory", "d", pax_headers=RECORDS), one("add", "d/a", b"1"),
        one("directory", "d", pax_headers={"SCHILY.xattr.user.other": "value"})],
    "capability": lambda: [one("add", "ping", b"1", mode=0o755, pax_headers={
        "SCHILY.xattr.security.capability": CAPABILITY})],
    "big ids": lambda: [one("add", "a", b"1", uid=5000000, gid=6000000)],
    "time before 1970": lambda: [one("add", "a", b"1", pax_headers={"mtime": "-86400.25"})],
    "devices": lambda: [LayerWriter().add("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
                        .add("pipe", type=tarfile.FIFOTYPE).end()],
    "names in bytes": lambda: [LayerWriter().add("caf\udce9", b"1").add("日本", b"2").end(),
                               one("add", "caf\udce9", b"3")],
    "dots in front": lambda: [LayerWriter().directory("./a").add("./a/b", b"1").end(),
                              LayerWriter().add("a/c", b"2").add("./a/b", b"3").end()],
    "no directories": lambda: [one("add", "a/b/c", b"1"), one("add", "a/b/d", b"2")],
    "empty layer": lambda: [base(), LayerWriter().end()],
    "large file": lambda: [one("add", "big", os.urandom(3 << 20)), base()],
    "many files": lambda: [many(0), many(1), base()],
    "twenty layers": lambda: [one("add", f"f{i % 7}", str(i).encode()) for i in range(20)],
    "several entries of a path": lambda: [
        base(), LayerWriter().add("etc/conf", b"1").add("etc/conf", b"22", mode=0o600).end()],
    "link to a lower layer": lambda: [base(), one("link", "bin/again", "bin/tool")],
    "link in a chain": lambda: [base(), one("link", "again", "bin/same"),
                                one("link", "more", "again")],
    "link to a symbolic link": lambda: [
        LayerWriter().symlink("s", "nowhere").link("t", "s").end(), one("add", "x", b"1")],
    "link to a device": lambda: [
        LayerWriter().add("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
        .link("other", "null").end(), one("add", ".wh.null")],
    "link whose target is replaced": lambda: [linked(), one("add", "a", b"new")],
    "link whose target is deleted": lambda: [linked(), one("add", ".wh.a")],
    "link to a lower layer, target deleted": lambda: [
        one("add", "a", b"old", pax_headers=RECORDS), LayerWriter().link("b", "a").link(
            "c", "a").end(), one("add", ".wh.a")],
    "links of which one is replaced": lambda: [linked(), one("add", "b", b"new", mode=0o755)],
    "sparse file, GNU": lambda: [sparse("gnu"), base()],
    "sparse file, PAX": lambda: [sparse("pax"), base()],
    "below a symbolic link": lambda: [
        LayerWriter().directory("usr").directory("usr/lib").add("usr/lib/a", b"1")
        .symlink("lib", "usr/lib").end(), one("add", "lib/b", b"2")],
}


NAMES = ["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "d/e/f", "f", "f/a"]
LEAVES = [name for name in NAMES if not any(other.startswith(name + "/") for other in NAMES)]


def write(entries):
    writer = LayerWriter()
    for method, *arguments in entries:
        getattr(writer, method)(*arguments)
    return writer.end()


def has_directory(path, layers):
    found = view(*layers).get(path)
    return path == "" or (found is not None and found[0] == tarfile.DIRTYPE)


def random_layer(source, lower, plain):
    """Hard links point to what is there when they are unpacked, and stays so in their layer.
    plain: nothing on which container runtimes differ: symbolic links have no entries below them,
    and whiteouts are in directories that exist."""
    names = source.sample(NAMES, source.randrange(1, 7))
    links = LEAVES if plain else NAMES
    own = []
    for index, name in enumerate(names):
        if any(entry[0] != "directory" and name.startswith(entry[1] + "/") for entry in own):
            continue
        is_parent = any(entry[1].startswith(name + "/") for entry in own)
        kind = source.randrange(10)
        if is_parent or 3 <= kind < 5:
            own.append(("directory", name))
        elif kind < 3 or (kind < 6 and name not in links):
            own.append(("add", name, bytes([source.randrange(97, 123)]) * 3))
        elif kind < 6:
            own.append(("symlink", name, "target"))
        elif kind < 8:
            directory, _, last = name.rpartition("/")
            if kind == 7:
                directory, last = name, ".wh..opq"
            if not plain or has_directory(directory, [*lower, write(own)]):
                own.append(("add", f"{directory}/.wh.{last}".lstrip("/")))
        else:
            files = [path for path, what in view(*lower, write(own)).items()
                     if what[0] == tarfile.REGTYPE and path not in names[index:]
                     and not any(other.startswith(path + "/") for other in names)]
            if files:
                own.append(("link", name, source.choice(sorted(files))))
    return write(own)


def random_layers(seed, plain=False):
    """An image of up to four layers."""
    source = random.Random(seed)
    layers = []
    for _ in range(source.randrange(1, 5)):
        layers.append(random_layer(source, layers, plain))
    return layers


REPEATED = ["a", "b", "c", "d/a", "e"]


def repeating_layer(source, tree):
    """A layer that may have several entries of a path, as tar -r and tar -u make them. tree: what the
    layers have so far."""
    own, fresh = [], set()
    for _ in range(source.randrange(1, 7)):
        name, kind = source.choice(REPEATED), source.random()
        files = [path for path, inode in tree.paths.items()
                 if path != name and not inode.is_directory]
        if kind < 0.45:
            own.append(("add", name, str(source.random()).encode()))
        elif kind < 0.85 and files:
            own.append(("link", name, source.choice(files)))
        elif kind >= 0.85 and name not in fresh:
            directory, _, last = name.rpartition("/")
            own.append(("add", f"{directory}/.wh.{last}".lstrip("/")))
        else:
            continue
        tree.apply(write(own[-1:]), fresh)
    return write(own)


def repeating_layers(seed):
    source, tree = random.Random(seed), Tree()
    return [repeating_layer(source, tree) for _ in range(source.randrange(2, 5))]
