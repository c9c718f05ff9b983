# SPDX-License-Identifier: Apache-2.0
"""What a container sees of an image's layers: a model that applies them from the lowest one up, as
container runtimes do, to compare with what layerpipe cat makes of them from the highest one
down."""
import io
import tarfile


class Inode:
    """A file, directory or link; several paths may have the same one."""

    def __init__(self, member, data):
        self.type = member.type if member is not None else tarfile.DIRTYPE
        self.meta = None
        self.data = data
        self.link = member.linkname if member is not None and member.issym() else None
        if member is not None:
            self.take_meta(member)

    def take_meta(self, member):
        records = {key: value for key, value in member.pax_headers.items()
                   if key not in ("path", "linkpath")}
        self.meta = (member.mode, member.uid, member.gid, int(member.mtime), member.devmajor,
                     member.devminor, tuple(sorted(records.items())))

    @property
    def is_directory(self):
        return self.type == tarfile.DIRTYPE


def clean(name):
    parts = []
    for part in name.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def parents(path):
    parts = path.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]


class Tree:
    def __init__(self):
        self.paths = {"": Inode(None, b"")}

    def remove_below(self, path, spared=()):
        prefix = path + "/" if path else ""
        for other in [p for p in self.paths if p and p.startswith(prefix) and p != path]:
            if other not in spared:
                del self.paths[other]

    def remove(self, path):
        self.remove_below(path)
        self.paths.pop(path, None)

    def whiteout(self, path, fresh):
        directory, _, name = path.rpartition("/")
        if name == ".wh..wh..opq":
            self.remove_below(directory, fresh)
        elif not name.startswith(".wh..wh."):
            target = f"{directory}/{name[4:]}" if directory else name[4:]
            self.remove_below(target, fresh)
            if target not in fresh:
                kept = any(p.startswith(target + "/") for p in self.paths)
                self.paths.pop(target, None)
                if kept:
                    self.paths[target] = Inode(None, b"")

    def add(self, member, data, fresh):
        path = clean(member.name)
        for parent in parents(path):
            if parent not in self.paths or not self.paths[parent].is_directory:
                self.remove(parent)
                self.paths[parent] = Inode(None, b"")
            fresh.add(parent)
        fresh.add(path)
        old = self.paths.get(path)
        if member.isdir() and old is not None and old.is_directory:
            old.take_meta(member)
            return
        if member.islnk():
            target = self.paths[clean(member.linkname)]
            self.remove(path)
            self.paths[path] = target
            return
        self.remove(path)
        self.paths[path] = Inode(member, data)

    def apply(self, tar, fresh=None):
        """fresh: paths of earlier entries of this layer, if the tar is a part of it."""
        fresh = set() if fresh is None else fresh
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            for member in archive:
                data = archive.extractfile(member).read() if member.isreg() else b""
                if clean(member.name).rpartition("/")[2].startswith(".wh."):
                    self.whiteout(clean(member.name), fresh)
                else:
                    self.add(member, data, fresh)

    def view(self):
        """Path -> what it is. Directories that no layer has an entry of are left out."""
        groups = {}
        for path, inode in sorted(self.paths.items()):
            groups.setdefault(id(inode), []).append(path)
        return {path: (inode.type, inode.meta, inode.data, inode.link, groups[id(inode)])
                for path, inode in self.paths.items() if inode.meta is not None}


def view(*layers):
    tree = Tree()
    for layer in layers:
        tree.apply(layer)
    return tree.view()


class LayerWriter:
    """Writes a layer's tar, entry by entry."""

    def __init__(self, format=tarfile.PAX_FORMAT):
        self.file = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.file, mode="w", format=format)

    def add(self, name, data=b"", type=tarfile.REGTYPE, link="", **fields):
        member = tarfile.TarInfo(name)
        member.type = type
        member.linkname = link
        member.size = len(data)
        member.mode = 0o755 if type == tarfile.DIRTYPE else 0o644
        member.mtime = 1000
        for key, value in fields.items():
            setattr(member, key, value)
        self.tar.addfile(member, io.BytesIO(data))
        return self

    def directory(self, name, **fields):
        return self.add(name, type=tarfile.DIRTYPE, **fields)

    def link(self, name, target, **fields):
        return self.add(name, type=tarfile.LNKTYPE, link=target, **fields)

    def symlink(self, name, target, **fields):
        return self.add(name, type=tarfile.SYMTYPE, link=target, **fields)

    def end(self):
        self.tar.close()
        return self.file.getvalue()
