# SPDX-License-Identifier: Apache-2.0
"""Owner, place, permissions and left out files of a directory that becomes a layer, as GNU tar,
Python and umoci read it, and as chmod(1) sets permissions."""
import ctypes
import io
import json
import os
import stat
import subprocess
import tarfile

import pytest

IS_ROOT = os.geteuid() == 0
EPOCH = 1700000000
IN_OPEN = 0x20


@pytest.fixture
def tree(tmp_path):
    top = tmp_path / "tree"
    (top / "src" / "lib").mkdir(parents=True)
    (top / ".git" / "objects").mkdir(parents=True)
    for name in ("run", "src/a.c", "src/a.o", "src/lib/b.o", ".git/objects/1", "top.o"):
        (top / name).write_bytes(name.encode())
    (top / "run").chmod(0o755)
    (top / "link").symlink_to("run")
    (top / "src" / "same").hardlink_to(top / "src" / "a.o")
    os.utime(top, (EPOCH, EPOCH))
    return top


@pytest.fixture
def entries_of(command, tmp_path):
    """entries_of(directory, option...): the entries of the layer, and its bytes."""
    count = iter(range(1000))

    def one(top, *options, env=None):
        layout = tmp_path / f"layout-{next(count)}"
        done = subprocess.run(
            [command.path, "layer", "--json", "--compress", "none", *options, f"oci:{layout}",
             str(top)], env={**command.env, **(env or {})}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stderr
        digest = json.loads(done.stdout)["digest"].split(":")[1]
        data = (layout / "blobs" / "sha256" / digest).read_bytes()
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return tar.getmembers(), data
    return one


def names(entries):
    return [entry.name for entry in entries]


ALL = [".", ".git", ".git/objects", ".git/objects/1", "link", "run", "src", "src/a.c", "src/a.o",
       "src/lib", "src/lib/b.o", "src/same", "top.o"]


def test_owner_of_all_entries(entries_of, tree):
    entries, _ = entries_of(tree, "--owner", "1000:3000000")
    assert names(entries) == ALL
    assert {(entry.uid, entry.gid) for entry in entries} == {(1000, 3000000)}


def test_prefix_with_its_parents(entries_of, tree, tool):
    entries, data = entries_of(tree, "--prefix", "/opt/my/app/", "--owner", "5:6", "--chmod", "700")
    assert names(entries) == ["opt", "opt/my"] + [
        f"opt/my/app/{name}".removesuffix("/.") for name in ALL]
    for parent in entries[:2]:
        assert parent.isdir() and parent.mode == 0o755
        assert (parent.uid, parent.gid, parent.mtime) == (5, 6, EPOCH)
    assert entries[2].mode == 0o700
    link = next(entry for entry in entries if entry.islnk())
    assert (link.name, link.linkname) == ("opt/my/app/src/same", "opt/my/app/src/a.o")
    listed = subprocess.run([tool("tar"), "-t"], input=data, stdout=subprocess.PIPE, check=True)
    assert listed.stdout.splitlines()[:3] == [b"opt/", b"opt/my/", b"opt/my/app/"]


def test_owner_of_parents_is_that_of_directory(entries_of, tree):
    if IS_ROOT:
        os.chown(tree, 12, 34)
    info = tree.stat()
    entries, _ = entries_of(tree, "--prefix", "a/b", env={"SOURCE_DATE_EPOCH": "1000"})
    assert (entries[0].uid, entries[0].gid, entries[0].mtime) == (info.st_uid, info.st_gid, 1000)


@pytest.mark.parametrize("patterns, left_out", [
    (["*.o"], {"top.o"}),
    (["**/*.o"], {"top.o", "src/a.o", "src/lib/b.o"}),
    (["/.git"], {".git", ".git/objects", ".git/objects/1"}),
    ([".git/**"], {".git/objects", ".git/objects/1"}),
    (["**/lib", "link"], {"src/lib", "src/lib/b.o", "link"}),
    (["**"], set(ALL) - {"."}),
    (["none"], set()),
])
def test_left_out_paths(entries_of, tree, patterns, left_out):
    options = [word for pattern in patterns for word in ("--exclude", pattern)]
    entries, _ = entries_of(tree, *options)
    assert names(entries) == [name for name in ALL if name not in left_out]
    same = [entry for entry in entries if entry.name == "src/same"]
    if "src/a.o" in left_out and same:  # the first name of the file is not there
        assert same[0].isreg() and same[0].size == len("src/a.o")


def test_patterns_are_compared_with_the_path_in_the_layer(entries_of, tree):
    entries, _ = entries_of(tree, "--prefix", "opt", "--exclude", "opt/src", "--exclude", "run",
                            "--exclude", "opt")
    assert "opt/src" not in names(entries)
    assert "opt/run" in names(entries)


def test_what_is_left_out_is_not_opened(command, tree):
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert watch >= 0
    (tree / "secret").write_text("x")
    try:
        for path in (tree / "secret", tree / ".git"):
            assert libc.inotify_add_watch(watch, os.fsencode(path), IN_OPEN) >= 0
        done = command.run("layer", "--exclude", "secret", "--exclude", ".git", "null:", tree)
        assert done.rc == 0, done
        with pytest.raises(BlockingIOError):  # nothing was opened
            os.read(watch, 4096)
        assert command.run("layer", "--exclude", ".git", "null:", tree).rc == 0
        assert os.read(watch, 4096)  # the watch works
    finally:
        os.close(watch)


MODES = ["755", "0644", "2750", "00700", "go-w,u+rwX", "a+X", "u=rwx,go=rX", "g=u", "o=g-w",
         "+t,u+s", "=", "u+r-w+x", "ug=o", "-x+X", "=rw,+X", "g+s", "u-s,g-s"]


@pytest.mark.parametrize("mode", MODES)
def test_modes_are_those_of_chmod(entries_of, tmp_path, tool, mode):
    top = tmp_path / "modes"
    top.mkdir()
    for number, bits in enumerate((0o600, 0o644, 0o755, 0o4711, 0o2070, 0o7, 0o1666, 0o421)):
        (top / f"file{number}").write_text("")
        (top / f"file{number}").chmod(bits)
        (top / f"directory{number}").mkdir()
        (top / f"directory{number}").chmod(bits | 0o500)
    (top / "link").symlink_to("file0")
    entries, _ = entries_of(top, "--chmod", mode)
    paths = [path for path in sorted(top.iterdir()) if not path.is_symlink()]
    subprocess.run([tool("sh"), "-c", 'umask 0; exec chmod -- "$@"', "sh", mode,
                    *map(str, paths)], check=True)
    found = {entry.name: entry.mode for entry in entries}
    assert found.pop("link") == 0o777
    found.pop(".")
    expected = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}
    for path in paths:  # so that the directory can be removed
        path.chmod(0o700)
    assert found == expected


def test_the_same_options_give_the_same_bytes(entries_of, tree):
    options = ["--owner", "0:0", "--prefix", "a/b", "--chmod", "go-w", "--exclude", "**/*.o"]
    assert entries_of(tree, *options)[1] == entries_of(tree, *options)[1]


def test_no_options_give_the_bytes_of_the_plain_directory(entries_of, tree):
    assert entries_of(tree)[1] == entries_of(tree, "--prefix", "/")[1]


@pytest.mark.parametrize("place,prefix", [
    ("oci:out:1", ""), ("oci:new/a[b]*\\c/out:1", "./opt//app/"), ("oci-archive:img.tar", "/"),
    ("docker-archive:src/img.tar:app:1", "opt"), ("oci-archive:-", "")])
def test_the_destination_is_left_out(command, tree, place, prefix):
    """Else each push would have what the push before has written, and incomplete files."""
    written = []
    for _ in range(2):
        with open(tree / "stdout", "wb") as stdout:
            done = command("push", "--prefix", prefix, place, ".", cwd=tree, stdout=stdout)
        assert done.returncode == 0, done
        assert b"is left out, because this command writes there" in done.stderr
        os.utime(tree, (EPOCH, EPOCH))
        source = "oci-archive:stdout" if place.endswith("-") else place
        tar = command("cat", source, cwd=tree).stdout
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            written.append(names(archive.getmembers()))
    path = place.split(":")[1] if not place.endswith("-") else "stdout"
    assert written[0] == written[1] or "new/" in place
    assert not any(f"/{name}".endswith((f"/{path}", "oci-layout")) for name in written[1]), written
    assert any(name.endswith("lib/b.o") for name in written[1])
    done = command("push", place, str(tree / "src" / "lib"), cwd=tree, stdout=subprocess.DEVNULL)
    assert done.returncode == 0 and b"left out" not in done.stderr, done


def test_umoci_unpacks_the_directory(command, tree, tmp_path, tool):
    umoci = tool("umoci")
    layout, bundle = tmp_path / "layout", tmp_path / "bundle"
    done = command.run("push", "--owner", "7:8", "--prefix", "opt/app", "--exclude", "**/*.o",
                       "--chmod", "go=u", f"oci:{layout}:tree", tree)
    assert done.rc == 0, done
    extracted = subprocess.run([umoci, "unpack", *([] if IS_ROOT else ["--rootless"]), "--image",
                                f"{layout}:tree", str(bundle)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, check=False)
    assert extracted.returncode == 0, extracted.stdout
    run = bundle / "rootfs" / "opt" / "app" / "run"
    assert run.read_bytes() == b"run"
    assert stat.S_IMODE(run.stat().st_mode) == 0o777
    assert not (bundle / "rootfs" / "opt" / "app" / "top.o").exists()
    if IS_ROOT:
        assert {(path.lstat().st_uid, path.lstat().st_gid)
                for path in (bundle / "rootfs" / "opt").rglob("*")} == {(7, 8)}


@pytest.mark.parametrize("option, value, message", [
    ("--owner", "root:root", 'owner "root:root" is not UID:GID'),
    ("--prefix", "../up", 'prefix ../up: a part may not be ".."'),
    ("--chmod", "999", 'mode "999" is not an octal number'),
    ("--chmod", "rwx", 'mode "rwx" is neither octal nor like u+rwX,go-w'),
    ("--exclude", "", "a pattern to exclude is empty"),
])
def test_wrong_values_are_wrong_usage(command, tree, option, value, message):
    done = command.run("layer", option, value, "null:", tree)
    assert done.rc == 2, done
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("verb", ["layer", "push"])
@pytest.mark.parametrize("option", [["--owner", "0:0"], ["--prefix", "a"], ["--chmod", "755"],
                                    ["--exclude", "x"]])
def test_options_are_refused_without_directory(command, verb, option, tmp_path, tar_bytes):
    path = tmp_path / "layer.tar"
    path.write_bytes(tar_bytes)
    for done in (command.run(verb, *option, "null:", path),
                 command.run(verb, *option, "null:", "-", input=tar_bytes)):
        assert done.rc == 2, done
        assert f"{option[0]} is for directories" in done.stderr


def test_options_are_refused_without_input(command, tmp_path, tar_bytes):
    layout = f"oci:{tmp_path}/layout"
    described = command.run("layer", "--json", layout, input=tar_bytes)
    (tmp_path / "layer.json").write_text(described.stdout)
    assert command.run("push", f"{layout}:1", input=tar_bytes).rc == 0
    for words in (["--base", f"{layout}:1"],
                  ["--layer-descriptor", tmp_path / "layer.json", "--base", f"{layout}:1"]):
        done = command.run("push", "--owner", "0:0", *words, f"{layout}:2")
        assert done.rc == 2 and "no INPUT was named" in done.stderr, done
