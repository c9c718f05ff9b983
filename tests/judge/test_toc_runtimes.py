# SPDX-License-Identifier: Apache-2.0
"""Layers that can be pulled lazily, as ordinary layers: podman pulls them, and the unpackers of
containerd, Docker and podman make the same files of them as of the tar."""
import io
import os
import subprocess
import tarfile

import pytest

from tar_judges import unpack_judge
from toc_support import MIB, entry, layer_of, many_small, noise, tar_of

KINDS = {"zstd-chunked": ["--compress", "zstd-chunked"], "estargz": ["--compress", "estargz"],
         "estargz:9": ["--compress", "estargz:9"],
         "soci": ["--soci", "--soci-min-size", "1"]}
PLAIN = {"gzip": ["gzip", "-dc"], "zstd": ["zstd", "-dcq"]}


def tar():
    return tar_of([entry("etc/", type=tarfile.DIRTYPE, mode=0o755), entry("etc/one", b"1"),
                   entry("etc/link", type=tarfile.SYMTYPE, linkname="one"),
                   entry("etc/hard", type=tarfile.LNKTYPE, linkname="etc/one"),
                   entry("large", noise(5 * MIB)), entry("empty"), *many_small()])


def files_of(directory):
    found = {}
    for parent, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(parent, name)
            key = os.path.relpath(path, directory)
            found[key] = os.readlink(path) if os.path.islink(path) else open(path, "rb").read()
    return found


def files_in(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {item.name: item.linkname if item.issym() else archive.extractfile(item).read()
                for item in archive if not item.isdir()}


@pytest.mark.parametrize("kind", KINDS)
def test_podman_pulls_it(run, docker_registry, container_store, tool, kind):
    server = docker_registry()
    name = f"{server.host}/lazy:{kind.replace(':', '-')}"
    result = run("push", *KINDS[kind], name, "-", input=tar())
    assert result.rc == 0, result
    podman = [tool("podman"), *container_store, "--events-backend", "none"]
    done = subprocess.run([*podman, "pull", "-q", "--tls-verify=false", name], capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([*podman, "image", "mount", name], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"podman cannot mount an image here: {done.stderr.decode()}")
    try:
        assert files_of(done.stdout.decode().strip()) == files_in(tar())
    finally:
        subprocess.run([*podman, "image", "unmount", name], stdout=subprocess.PIPE, check=True)


@pytest.mark.parametrize("kind", ["zstd-chunked", "estargz"])
def test_unpackers_accept_it(run, tmp_path, kind):
    _, blob, _ = layer_of(run, tmp_path, tar(), kind)
    tool = PLAIN["zstd" if kind.startswith("zstd") else "gzip"]
    plain = subprocess.run([*tool, blob], stdout=subprocess.PIPE, check=True).stdout
    assert unpack_judge(tmp_path)([plain]) == [["ok", "ok", "ok"]]
