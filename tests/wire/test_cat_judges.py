# SPDX-License-Identifier: Apache-2.0
"""layerpipe cat against other people's tools: crane export, umoci unpack, and a database that starts
from what was restored."""
import io
import itertools
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tarfile
import tempfile

import pytest
from cli_support import wait_until
from layer_model import clean
from odd_images import IMAGES
from servers import missing

# Where crane export does not give what runtimes unpack (tests/judge/test_flatten_judges.py).
CRANE_DIFFERS = {
    "whiteout and a new entry in one layer",  # it leaves the new entry out
    "link out",  # it leaves such a link out
    "several entries of a path",  # it takes the first one
    "link to a device",  # a link without its target
    "link whose target is replaced",  # the link becomes one to the new file
    "link whose target is deleted",  # a link without its target
    "link to a lower layer, target deleted",
    "sparse file, GNU",  # its map of the holes is empty
    "below a symbolic link"}  # it gives a file below a link

# umoci puts the file where the link points to.
UMOCI_DIFFERS = {"below a symbolic link"}
UMOCI_CANNOT = {"names in bytes", "empty layer", "sparse file, GNU"}


def listing(tar):
    """Path -> all that tar says of it; of several entries of a path the last one."""
    result = {}
    with tarfile.open(fileobj=io.BytesIO(tar), errors="surrogateescape") as archive:
        for member in archive:
            data = archive.extractfile(member).read() if member.isreg() else b""
            records = {key: value for key, value in member.pax_headers.items()
                       if key.startswith("SCHILY.xattr.")}
            link = clean(member.linkname) if member.islnk() else member.linkname
            path = clean(member.name)
            if path:
                result[path] = (member.type, member.mode & 0o7777, member.uid, member.gid,
                                int(member.mtime), member.devmajor, member.devminor, link,
                                data, records)
    return result


@pytest.fixture
def server(docker_registry):
    return docker_registry()


def push(run, server, layers, tmp_path, *options):
    files = []
    for index, layer in enumerate(layers):
        files.append(tmp_path / f"{index}.tar")
        files[-1].write_bytes(layer)
    name = f"{server.host}/cat/judged:1"
    result = run("push", "--plain-http", *options, name, *files)
    assert result.rc == 0, result
    return name


@pytest.mark.parametrize("codec", ["gzip", "zstd", "none"])
def test_layer_without_an_image_in_docker_registry(run, command, server, tmp_path, codec):
    """The digest that `layer` prints. docker-registry answers 500 when it is asked for as a
    manifest."""
    tar = next(iter(IMAGES.values()))()[0]
    for place in (f"{server.host}/cat/bare", f"oci:{tmp_path}/layout"):
        printed = run("layer", "--compress", codec, place, input=tar)
        assert printed.rc == 0, printed
        result = command("cat", printed.stdout.strip())
        assert result.returncode == 0 and result.stdout == tar, result.stderr


def test_crane_exports_the_same(run, command, server, tool, tmp_path):
    """Each codec in turn."""
    crane = tool("crane")
    different = {}
    for (kind, layers), codec in zip(IMAGES.items(), itertools.cycle(["gzip", "zstd", "none"])):
        name = push(run, server, layers(), tmp_path, "--compress", codec, "--allow-odd-entries")
        ours = command("cat", "--plain-http", name)
        assert ours.returncode == 0, (kind, ours.stderr)
        theirs = subprocess.run([crane, "export", "--insecure", name, "-"], capture_output=True,
                                check=True).stdout
        if listing(ours.stdout) != listing(theirs):
            different[kind] = (listing(ours.stdout), listing(theirs))
    assert different.keys() == CRANE_DIFFERS, different


def unpacked(folder):
    """Path -> mode, owner, content or target, attributes, time, and which paths are one file."""
    found, inodes = {}, {}
    for root, directories, files in os.walk(folder):
        for name in directories + files:
            path = os.path.join(root, name)
            info = os.lstat(path)
            relative = os.path.relpath(path, folder)
            inodes.setdefault(info.st_ino, set()).add(relative)
            content = os.readlink(path) if os.path.islink(path) else \
                open(path, "rb").read() if os.path.isfile(path) else info.st_rdev
            records = {key: os.getxattr(path, key, follow_symlinks=False)
                       for key in os.listxattr(path, follow_symlinks=False)}
            found[relative] = (info.st_mode, info.st_uid, info.st_gid, content, records)
            if not stat.S_ISDIR(info.st_mode):
                found[relative] += (info.st_mtime_ns, inodes[info.st_ino])
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="unpacking with owners and devices needs root")
def test_umoci_unpacks_the_same(run, command, tool, tmp_path):
    umoci = tool("umoci")
    different = {}
    for number, (kind, layers) in enumerate(IMAGES.items()):
        if kind in UMOCI_CANNOT:
            continue
        files = []
        for index, layer in enumerate(layers()):
            files.append(tmp_path / f"{index}.tar")
            files[-1].write_bytes(layer)
        layout = tmp_path / f"layout{number}"
        assert run("push", "--allow-odd-entries", f"oci:{layout}:1", *files).rc == 0
        bundle, ours = tmp_path / f"bundle{number}", tmp_path / f"ours{number}"
        done = subprocess.run([umoci, "unpack", "--image", f"{layout}:1", bundle],
                              capture_output=True, check=False)
        assert done.returncode == 0, (kind, done.stderr)
        ours.mkdir()
        tar = command("cat", f"oci:{layout}:1")
        assert tar.returncode == 0
        subprocess.run(["tar", "-x", "-p", "--numeric-owner", "--xattrs", "--xattrs-include=*",
                        "-C", ours],
                       input=tar.stdout, check=True, capture_output=True)
        if unpacked(ours) != unpacked(bundle / "rootfs"):
            different[kind] = (unpacked(ours), unpacked(bundle / "rootfs"))
    assert different.keys() == UMOCI_DIFFERS, different


def postgres_program(name):
    found = shutil.which(name)
    if found is None:
        for version in sorted(os.listdir("/usr/lib/postgresql"), reverse=True) \
                if os.path.isdir("/usr/lib/postgresql") else []:
            path = f"/usr/lib/postgresql/{version}/bin/{name}"
            if os.path.exists(path):
                return path
    return found


class Postgres:
    """A database server on a socket in its own folder, run by a user that is not root."""

    def __init__(self, folder, user):
        self.data, self.folder, self.user, self.process = folder / "data", folder, user, None

    def command(self, program, *arguments):
        return [*self.user, postgres_program(program), *map(str, arguments)]

    def run(self, program, *arguments):
        return subprocess.run(self.command(program, *arguments), capture_output=True, check=True,
                              cwd="/").stdout

    def start(self):
        self.process = subprocess.Popen(
            [*self.user, postgres_program("postgres"), "-D", self.data, "-k", self.folder,
             "-c", "listen_addresses=", "-c", "max_wal_senders=3"], cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, self.process)

    def answers(self):
        try:
            return self.ask("SELECT 1") == b"1"
        except subprocess.CalledProcessError:
            return False

    def ask(self, sql):
        return self.run("psql", "-X", "-A", "-t", "-h", self.folder, "-d", "postgres", "-c",
                        sql).strip()

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)  # ends sessions that still run
            self.process.wait()
            self.process = None


@pytest.fixture
def databases(tmp_path_factory):
    """Two folders for database servers, below /tmp, as a socket's path is short."""
    for program in ("initdb", "postgres", "psql", "pg_basebackup"):
        if postgres_program(program) is None:
            pytest.skip(missing(program))
    user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] \
        if os.geteuid() == 0 else []
    servers = []
    with tempfile.TemporaryDirectory(prefix="lp-pg-", dir="/tmp") as top:
        os.chmod(top, 0o755)
        for name in ("a", "b"):
            folder = pathlib.Path(top) / name
            folder.mkdir()
            if user:
                shutil.chown(folder, "nobody", "nogroup")
            servers.append(Postgres(folder, user))
        yield servers
        for one in servers:
            one.stop()


def pipeline(first, second, environment):
    """first | second; both must succeed. Returns what the second one printed."""
    options = {"cwd": "/", "env": environment}
    with subprocess.Popen(first, stdout=subprocess.PIPE, **options) as left:
        right = subprocess.run(second, stdin=left.stdout, capture_output=True, check=False,
                               **options)
    assert (left.returncode, right.returncode) == (0, 0), right.stderr
    return right.stdout.decode().strip()


def test_database_is_backed_up_and_restored(command, server, databases):
    """pg_basebackup | push while the database is written to, and cat | tar -x, all in pipes: the
    restored server starts, and has the rows."""
    source, target = databases
    source.run("initdb", "-D", source.data, "-A", "trust", "--no-sync")
    source.start()
    source.ask("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
    source.ask("CREATE TABLE written (n int)")
    writer = subprocess.Popen(source.command(
        "psql", "-X", "-q", "-h", source.folder, "-d", "postgres", "-c",
        "DO 'BEGIN LOOP INSERT INTO written VALUES (1); COMMIT; PERFORM pg_sleep(0.001);"
        " END LOOP; END'"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    wait_until(lambda: source.ask("SELECT count(*) FROM written") != b"0", writer)
    backup = source.command("pg_basebackup", "-h", source.folder, "-D", "-", "-F", "t", "-X",
                            "fetch", "-c", "fast")
    name = f"{server.host}/backup/database:monday"
    printed = pipeline(backup, [command.path, "push", "--plain-http", name], command.env)
    writer.terminate()
    writer.wait()
    source.stop()
    target.data.mkdir(mode=0o700)
    if target.user:
        shutil.chown(target.data, "nobody", "nogroup")
    pipeline([command.path, "cat", "--plain-http", "--layer", "1", printed],
             [*target.user, "tar", "-x", "-C", target.data], command.env)
    target.start()
    assert target.ask("SELECT count(*), sum(n) FROM t") == b"1000|500500"
    assert int(target.ask("SELECT count(*) FROM written")) > 0
