# SPDX-License-Identifier: Apache-2.0
"""What other programs say about tar archives: Go's archive/tar, and the unpackers of containerd,
Docker and podman as libraries. They are built in a cache directory when a test needs them first."""
import fcntl
import hashlib
import os
import shutil
import stat
import struct
import subprocess

import pytest

from cli_support import COMMAND

SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "judge")
SCAN = os.path.join(os.path.dirname(COMMAND), "tests", "tar_verdicts")
# Leaves out what unpackers do not need.
UNPACKER_TAGS = ("exclude_graphdriver_btrfs,exclude_graphdriver_devicemapper,"
                 "containers_image_openpgp")
BUILD_S = 900  # ends a build whose download hangs


def cache_directory(name):
    """The cache directory; its name contains a digest of the source, so an old program is not
    used."""
    digest = hashlib.sha256()
    for file in sorted(os.listdir(os.path.join(SOURCES, name))):
        with open(os.path.join(SOURCES, name, file), "rb") as source:
            digest.update(file.encode() + b"\0" + source.read())
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "layerpipe-tests", name + "-" + digest.hexdigest()[:16])


def build(name, tags="", cgo=False):
    """Builds a judge program; returns its path. Skips the test when it cannot be built. cgo: it is
    built with a C compiler and C libraries."""
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if go is None:
        pytest.skip("go is not installed")
    directory = cache_directory(name)
    os.makedirs(directory, exist_ok=True)
    program = os.path.join(directory, name)
    with open(os.path.join(directory, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(program):
            done = subprocess.run(
                [go, "build", "-mod=readonly", "-trimpath", "-tags", tags, "-o", program + ".new",
                 "."], cwd=os.path.join(SOURCES, name), stdout=subprocess.PIPE, check=False,
                env={**os.environ, "CGO_ENABLED": "01"[cgo], "GOTOOLCHAIN": "local"},
                stderr=subprocess.STDOUT, timeout=BUILD_S)
            if done.returncode != 0:
                lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
                pytest.skip(f"{name} cannot be built: {lines[-1] if lines else done.returncode}")
            os.rename(program + ".new", program)
    return program


def ask(program, archives, *arguments):
    """Returns the lines that a judge prints, one for each archive."""
    framed = b"".join(struct.pack("<I", len(tar)) + tar for tar in archives)
    done = subprocess.run([program, *arguments], input=framed, stdout=subprocess.PIPE, check=True)
    lines = done.stdout.decode("utf-8", "replace").split("\n")
    assert len(lines) == len(archives) + 1
    return lines[:-1]


def scan_judge(archives):
    return ask(SCAN, archives)


def go_judge():
    program = build("tarjudge")
    return lambda archives: ask(program, archives)


def check_root(scratch):
    """Skips the test where files cannot be given away. Unpackers do that, and make devices."""
    try:
        os.mknod(os.path.join(scratch, "device"), 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        os.chown(os.path.join(scratch, "device"), 1, 1)
    except PermissionError:
        pytest.skip("unpackers make devices and give files their owners: this needs root")


def unpack_judge(scratch):
    """Returns a function that gives three verdicts for each archive."""
    check_root(scratch)
    program = build("unpackjudge", UNPACKER_TAGS)
    return lambda archives: [line.split("\t") for line in ask(program, archives, str(scratch))]
