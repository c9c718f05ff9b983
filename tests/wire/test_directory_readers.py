# SPDX-License-Identifier: Apache-2.0
"""A directory as a layer: GNU tar, bsdtar, Python and umoci read it and find the same files."""
import grp
import io
import json
import os
import pwd
import socket
import stat
import subprocess
import tarfile
import time

import pytest
from cli_support import is_sanitized

EPOCH = 1700000000
IS_ROOT = os.geteuid() == 0


def can_set_xattr(path):
    try:
        os.setxattr(path, "user.test", b"1")
        os.removexattr(path, "user.test")
        return True
    except OSError:
        return False


def make_tree(top):
    """Makes every kind of file that this user can make."""
    (top / "bin").mkdir()
    (top / "bin" / "tool").write_bytes(b"#!/bin/sh\n")
    (top / "bin" / "tool").chmod(0o4755)
    (top / "bin" / "same").hardlink_to(top / "bin" / "tool")
    (top / "bin" / "to-nowhere").symlink_to("../nowhere/at all")
    (top / "empty").mkdir(mode=0o700)
    (top / "shared").mkdir()
    (top / "shared").chmod(0o1777)
    (top / "nothing").write_bytes(b"")
    (top / "big").write_bytes(os.urandom(700001))
    os.mkfifo(top / "pipe", 0o600)
    (top / ".wh.removed").write_bytes(b"")
    (top / "opaque").mkdir()
    (top / "opaque" / ".wh..wh..opq").write_bytes(b"")
    (top / "na\u00efve \u4e2d\u6587").write_bytes(b"utf-8")
    (top / "new\nline\\ and \"quotes\"").write_bytes(b"text")
    with open(top / "holes", "wb") as file:
        file.truncate(3 << 20)
        file.seek(1 << 20)
        file.write(b"data")
    deep = top / ("a" * 90) / ("b" * 90) / ("c" * 120)
    deep.mkdir(parents=True)
    (deep / ("d" * 250)).write_bytes(b"far down")
    (top / "long-link").symlink_to("x/" * 150)
    (deep / "hard").hardlink_to(deep / ("d" * 250))
    (top / "zz-hard").hardlink_to(deep / ("d" * 250))
    if can_set_xattr(top / "nothing"):
        os.setxattr(top / "nothing", "user.comment", b"with\0zero\n")
        os.setxattr(top / "nothing", "user.a name \u00e4", b"kept")
        os.setxattr(top / "empty", "user.on.directory", b"d")
    if IS_ROOT:
        os.mknod(top / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(top / "disk", stat.S_IFBLK | 0o640, os.makedev(259, 70000))
        os.chown(top / "nothing", 3000000, 4000000000)
        os.chown(top / "bin" / "to-nowhere", 12, 34, follow_symlinks=False)
        os.setxattr(top / "big", "security.capability",
                    bytes.fromhex("0100000200040000000000000000000000000000"))
    os.utime(top / "big", ns=(EPOCH * 10**9, (EPOCH - 5) * 10**9 + 999_999_999))
    os.utime(top / "nothing", (0, -100))


@pytest.fixture
def tree(tmp_path):
    top = tmp_path / "tree"
    top.mkdir(mode=0o750)
    make_tree(top)
    return top


@pytest.fixture
def layer_of(command, tmp_path):
    """layer_of(directory, ...): runs layer; returns (the uncompressed tar, the JSON output)."""
    def one(top, *options, env=None, prefix=()):
        layout = tmp_path / f"layout-{time.monotonic_ns()}"
        done = subprocess.run(
            [*prefix, command.path, "layer", "--json", "--compress", "none", *options,
             f"oci:{layout}", str(top)],
            env={**command.env, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            check=False)
        assert done.returncode == 0, done.stderr
        output = json.loads(done.stdout)
        assert output["digest"] == output["diffId"]
        blob = layout / "blobs" / "sha256" / output["digest"].split(":")[1]
        return blob.read_bytes(), output
    return one


def walk(top):
    """Every path in the order of the tar: the names of a directory are sorted by their bytes."""
    def below(path):
        for name in sorted(os.listdir(os.fsencode(path))):
            full = os.path.join(os.fsencode(path), name)
            yield full
            if stat.S_ISDIR(os.lstat(full).st_mode):
                yield from below(full)
    base = os.fsencode(top)
    yield b"./", os.lstat(base), base
    for full in below(base):
        info = os.lstat(full)
        name = full[len(base) + 1:]
        yield name + (b"/" if stat.S_ISDIR(info.st_mode) else b""), info, full


def python_name(name):
    return os.fsdecode(name.rstrip(b"/") if name != b"./" else b".")


def test_python_reads_all_entries(layer_of, tree):
    data, _ = layer_of(tree)
    types = {stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFREG: tarfile.REGTYPE,
             stat.S_IFLNK: tarfile.SYMTYPE, stat.S_IFIFO: tarfile.FIFOTYPE,
             stat.S_IFCHR: tarfile.CHRTYPE, stat.S_IFBLK: tarfile.BLKTYPE}
    seen = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        entries = tar.getmembers()
        expected = list(walk(tree))
        assert [entry.name for entry in entries] == [python_name(name) for name, _, _ in expected]
        for entry, (name, info, full) in zip(entries, expected):
            assert stat.S_IMODE(entry.mode) == stat.S_IMODE(info.st_mode), name
            assert (entry.uid, entry.gid) == (info.st_uid, info.st_gid), name
            assert entry.mtime == info.st_mtime_ns // 10**9, name
            assert (entry.uname, entry.gname) == ("", ""), name
            if not stat.S_ISDIR(info.st_mode) and info.st_ino in seen:
                assert entry.type == tarfile.LNKTYPE and entry.linkname == seen[info.st_ino]
                continue
            seen[info.st_ino] = entry.name
            assert entry.type == types[stat.S_IFMT(info.st_mode)], name
            if stat.S_ISLNK(info.st_mode):
                assert os.fsencode(entry.linkname) == os.readlink(full)
            if stat.S_ISREG(info.st_mode):
                with open(full, "rb") as file:
                    assert tar.extractfile(entry).read() == file.read(), name
            if stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
                assert os.makedev(entry.devmajor, entry.devminor) == info.st_rdev
            for key in os.listxattr(full, follow_symlinks=False):
                assert os.fsencode(entry.pax_headers[f"SCHILY.xattr.{key}"]) == \
                    os.getxattr(full, key, follow_symlinks=False)
    assert data.endswith(bytes(1024)) and not data[:-1024].endswith(bytes(1024 + 511))


def test_pax_headers_only_where_needed(layer_of, tree):
    data, _ = layer_of(tree)
    allowed = {"path", "linkpath", "size", "uid", "gid", "mtime"}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for entry in tar:
            keys = {key for key in entry.pax_headers if not key.startswith("SCHILY.xattr.")}
            assert keys <= allowed, entry.name
            if keys:
                long = "/" in entry.name and len(os.fsencode(entry.name)) > 100
                odd = entry.uid > 0o7777777 or entry.gid > 0o7777777 or entry.mtime < 0
                assert long or odd or len(entry.linkname) > 100, (entry.name, keys)
    for wrong in (b"atime=", b"ctime=", b"hdrcharset", b"LIBARCHIVE", b"GNU.sparse"):
        assert wrong not in data


def compare_trees(expected, found, owners):
    """Both trees are the same. owners: also compare owners and devices, which only root can set."""
    one, two = list(walk(expected)), list(walk(found))
    assert [name for name, _, _ in one] == [name for name, _, _ in two]
    for (name, info, full), (_, info2, full2) in zip(one, two):
        assert info.st_mode == info2.st_mode, name
        if not stat.S_ISDIR(info.st_mode):
            assert info.st_nlink == info2.st_nlink, name
            assert info.st_mtime_ns // 10**9 == info2.st_mtime_ns // 10**9, name
        if owners:
            assert (info.st_uid, info.st_gid) == (info2.st_uid, info2.st_gid), name
            assert info.st_rdev == info2.st_rdev, name
        if stat.S_ISLNK(info.st_mode):
            assert os.readlink(full) == os.readlink(full2)
        if stat.S_ISREG(info.st_mode):
            with open(full, "rb") as left, open(full2, "rb") as right:
                assert left.read() == right.read(), name
        wanted = [key for key in os.listxattr(full, follow_symlinks=False)]
        assert {key: os.getxattr(full, key, follow_symlinks=False) for key in wanted} == \
            {key: os.getxattr(full2, key, follow_symlinks=False)
             for key in os.listxattr(full2, follow_symlinks=False)}, name


@pytest.mark.parametrize("reader", ["tar", "bsdtar"])
def test_tar_and_bsdtar_extract_the_same_tree(reader, layer_of, tree, tmp_path, tool):
    data, _ = layer_of(tree)
    found = tmp_path / "extracted"
    found.mkdir()
    options = {"tar": ["--xattrs", "--xattrs-include=*", "--numeric-owner", "-p"],
               "bsdtar": ["--xattrs", "--numeric-owner", "-p"]}[reader]
    done = subprocess.run([tool(reader), *options, "-C", str(found), "-xf", "-"], input=data,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    warnings = [line for line in done.stderr.decode().splitlines()
                if "implausibly old" not in line]
    assert done.returncode == 0 and not warnings, done.stderr
    compare_trees(tree, found, IS_ROOT)


def test_gnu_tar_finds_no_difference(layer_of, tree, tool):
    data, _ = layer_of(tree)
    done = subprocess.run([tool("tar"), "--compare", "--numeric-owner", "-C", str(tree), "-f",
                           "-"], input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    # Times are whole seconds in the tar.
    lines = [line for line in done.stdout.decode().splitlines()
             if not line.endswith("Mod time differs") and "implausibly old" not in line]
    assert lines == []


def test_umoci_extracts_the_same_tree(command, tree, tmp_path, tool):
    umoci = tool("umoci")
    layout, bundle = tmp_path / "layout", tmp_path / "bundle"
    (tree / ".wh.removed").unlink()  # it would remove a file of a lower layer, and there is none
    done = command.run("push", "--json", f"oci:{layout}:tree", tree)
    assert done.rc == 0, done
    extracted = subprocess.run([umoci, "unpack", *([] if IS_ROOT else ["--rootless"]), "--image",
                                f"{layout}:tree", str(bundle)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, check=False)
    assert extracted.returncode == 0, extracted.stdout
    (tree / "opaque" / ".wh..wh..opq").unlink()
    compare_trees(tree, bundle / "rootfs", IS_ROOT)


def test_names_that_are_not_utf8_are_kept(layer_of, tmp_path):
    top = tmp_path / "names"
    top.mkdir()
    names = [b"\xff\xfe short", b"\xe4" * 120, b"dir\x80/" + b"\xfc" * 200, b"plain",
             b"\xed\xa0\xbd\xed\xb8\x80", b"\xed\xa0\xbd\xed\xb8\x80" * 20]
    for name in names:
        full = os.path.join(os.fsencode(top), name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(name)
    data, _ = layer_of(top)
    for reader in ("tar", "bsdtar"):
        found = tmp_path / reader
        found.mkdir()
        done = subprocess.run([reader, "-C", str(found), "-xf", "-"], input=data, check=False,
                              stderr=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
        assert done.returncode == 0, done.stderr
        for name in names:
            with open(os.path.join(os.fsencode(found), name), "rb") as file:
                assert file.read() == name
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as tar:
        assert {os.fsencode(entry.name) for entry in tar if entry.isreg()} == set(names)


def test_locale_time_zone_and_umask_do_not_change_tar(layer_of, tree):
    plain, _ = layer_of(tree)
    for env, prefix in (({"LC_ALL": "C"}, ()), ({"LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"}, ()),
                        ({}, ("sh", "-c", 'umask 0; exec "$@"', "sh")),
                        ({}, ("sh", "-c", 'umask 777; exec "$@"', "sh"))):
        if "umask 777" in prefix and not IS_ROOT:
            continue
        data, _ = layer_of(tree, env=env, prefix=prefix)
        assert data == plain


def test_times_are_limited_by_source_date_epoch(layer_of, tree):
    data, _ = layer_of(tree, env={"SOURCE_DATE_EPOCH": str(EPOCH - 10)})
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        times = {entry.name: entry.mtime for entry in tar}
    assert times["big"] == EPOCH - 10
    assert times["nothing"] == -100
    assert set(times.values()) == {EPOCH - 10, -100}


@pytest.mark.parametrize("epoch", ["yesterday", "-1", "1.5", "2024-01-01T00:00:00Z",
                                   "99999999999999999999"])
@pytest.mark.parametrize("verb", ["layer", "push"])
def test_malformed_source_date_epoch_is_wrong_usage(verb, epoch, command, tmp_path):
    (tmp_path / "top").mkdir()
    result = command.run(verb, "null:", tmp_path / "top", env={"SOURCE_DATE_EPOCH": epoch})
    assert result.rc == 2
    assert "SOURCE_DATE_EPOCH" in result.stderr and epoch in result.stderr


def test_number_of_threads_does_not_change_layer(command, tree):
    output = [command.run("layer", "--json", "--threads", threads, "null:", tree).json()
            for threads in (0, 1, 3)]
    assert output[0] == output[1] == output[2]


@pytest.mark.slow
def test_file_over_8_gib_has_pax_size(command, tmp_path):
    top = tmp_path / "huge"
    top.mkdir()
    with open(top / "huge", "wb") as file:
        file.truncate((8 << 30) + 5)
    output = command.run("layer", "--json", "null:", top).json()
    # "./", a PAX header with the size, the file, two zero blocks
    assert output["uncompressedSize"] == 512 + 1024 + 512 + (8 << 30) + 512 + 1024


def test_sockets_are_skipped_with_a_warning(command, tree):
    with socket.socket(socket.AF_UNIX) as server:
        previous = os.getcwd()
        os.chdir(tree / "empty")
        try:
            server.bind("control")
        finally:
            os.chdir(previous)
        result = command.run("layer", "null:", tree)
    assert result.rc == 0, result
    assert "empty/control" in result.stderr
    assert " 1 socket " in result.stderr


def test_notices_name_the_layer(command, tmp_path):
    for name in ("plain", "marks"):
        (tmp_path / name).mkdir()
    (tmp_path / "marks" / ".wh.x").touch()
    result = command.run("push", "null:", tmp_path / "plain", tmp_path / "marks")
    assert result.rc == 0 and f"layer 2: {tmp_path}/marks: files named .wh.*" in result.stderr, result


def test_only_symlink_named_as_input_is_followed(layer_of, tmp_path):
    top, outside = tmp_path / "top", tmp_path / "outside"
    top.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("not to be seen")
    (top / "link").symlink_to(outside)
    (top / "file-link").symlink_to(outside / "secret")
    data, _ = layer_of(top)
    assert b"not to be seen" not in data
    (tmp_path / "top-link").symlink_to(top)
    again, _ = layer_of(tmp_path / "top-link")  # the input itself may be a symlink
    assert again == data


@pytest.mark.skipif(IS_ROOT, reason="root may read everything")
def test_unreadable_file_fails_and_error_names_it(command, tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    (top / "secret").write_text("x")
    (top / "secret").chmod(0)
    result = command.run("layer", "null:", top)
    assert result.rc == 3
    assert result.stdout == ""
    assert "secret: Permission denied" in result.stderr


@pytest.mark.skipif(not IS_ROOT, reason="mounts need root")
def test_mounted_directory_is_entered_and_loop_refused(command, tmp_path, tool):
    """The loop is a directory that is mounted inside of itself."""
    top = tmp_path / "top"
    (top / "mount" / "sub").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("mounted")
    unshare = [tool("unshare"), "--mount", "--propagation", "private", "sh", "-c"]
    probe = subprocess.run([*unshare, f"mount --bind {tmp_path}/elsewhere {top}/mount"],
                           check=False, stderr=subprocess.PIPE)
    if probe.returncode != 0:
        pytest.skip("this machine allows no mounts")
    script = f'mount --bind "$1" {top}/mount && exec "$2" layer --json null: {top}'
    good = subprocess.run([*unshare, script, "sh", str(tmp_path / "elsewhere"), command.path],
                          env=command.env, stdout=subprocess.PIPE, check=False)
    assert good.returncode == 0
    # headers of ./, mount/ and mount/file, one block of data, two blocks at the end
    assert json.loads(good.stdout)["uncompressedSize"] == 512 * 6
    loop = subprocess.run([*unshare, script, "sh", str(top), command.path], env=command.env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert loop.returncode == 3
    assert b"mount is mounted inside of itself" in loop.stderr


def test_owner_names_are_not_in_tar(layer_of, tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    data, _ = layer_of(top)
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    assert user.encode() not in data and group.encode() not in data


@pytest.mark.slow
def test_memory_does_not_grow_with_million_files(command, tool, tmp_path):
    """Memory depends only on the largest directory."""
    top = tmp_path / "many"
    for outer in range(1000):
        folder = top / str(outer)
        folder.mkdir(parents=True)
        for inner in range(1000):
            (folder / str(inner)).touch()
    # The kernel also counts the memory before exec, so the small program `time` starts the command.
    report = tmp_path / "peak"
    done = subprocess.run([tool("time"), "-f", "%M", "-o", report, command.path, "layer", "--json",
                           "null:", top], env=command.env, stdout=subprocess.PIPE, check=True)
    assert json.loads(done.stdout)["uncompressedSize"] == 512 * (1 + 1000 + 1000000 + 2)
    if not is_sanitized():
        assert int(report.read_text()) < 40 << 10
