# SPDX-License-Identifier: Apache-2.0
"""Makes the inputs of the benchmark in its scratch directory."""
import io
import os
import random
import shutil
import subprocess
import tarfile


def rootfs(scratch):
    """Tar of a Debian root file system, about 270 MB, without package lists and caches. If debootstrap
    cannot run: tar of a part of /usr."""
    path = os.path.join(scratch, "rootfs.tar")
    tree = os.path.join(scratch, "rootfs")
    if os.geteuid() == 0 and shutil.which("debootstrap"):
        done = subprocess.run(["debootstrap", "--variant=minbase",
                               "--include=python3,git,ca-certificates", "bookworm", tree],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            subprocess.run(["tar", "-C", tree, "--exclude=./var/lib/apt/lists/*",
                            "--exclude=./var/cache/*", "-cf", path, "."], check=True)
            shutil.rmtree(tree)
            return path
    subprocess.run(["tar", "-C", "/usr", "-cf", path, "bin", "share/doc"], check=False,
                   stderr=subprocess.DEVNULL)
    return path


def _filled(scratch, name, make_bytes):
    path = os.path.join(scratch, name)
    with open(path, "wb") as file:
        for _ in range(1024):
            file.write(make_bytes(1 << 20))
    return path


def random_gib(scratch):
    return _filled(scratch, "random", os.urandom)


def zeros_gib(scratch):
    return _filled(scratch, "zeros", bytes)


def small_files(scratch):
    """Tar of 50,000 files of up to 8 KiB of random words."""
    path = os.path.join(scratch, "small.tar")
    source = random.Random(1)
    words = [bytes(source.choices(b"abcdefghijklmnopqrstuvwxyz", k=source.randint(2, 10)))
             for _ in range(4000)]
    with tarfile.open(path, "w") as archive:
        for number in range(50000):
            body = b" ".join(source.choices(words, k=source.randint(1, 1000)))
            entry = tarfile.TarInfo(f"tree/{number % 100}/file-{number}.txt")
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return path


def small(scratch):
    """A tar of one 8 KiB file: 10,240 bytes."""
    path = os.path.join(scratch, "tiny.tar")
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("hello.txt")
        entry.size = 8192
        archive.addfile(entry, io.BytesIO(b"hello world\n" * 682 + b"12345678"))
    return path


SHAPES = {"1 GiB random": random_gib, "1 GiB zeros": zeros_gib, "50,000 small files": small_files}
