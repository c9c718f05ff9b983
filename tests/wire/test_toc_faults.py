# SPDX-License-Identifier: Apache-2.0
"""Layers with a table of contents have the guarantees of plain layers: a tar that is cut off, a broken
upload, a signal and a full disk leave nothing that is tagged, and what can be repaired is repaired."""
import functools
import resource
import signal
import subprocess

import pytest
from cli_support import wait_until
from registry import Fault, Registry
from toc_support import MIB, entry, many_small, noise, tar_of
from wire_support import REPOSITORY, UNREACHABLE, assert_failed, parallel, patches

CHUNKED = ["--upload", "chunked", "--chunk-size", "1M"]
KINDS = {"zstd-chunked": ["--compress", "zstd-chunked"], "estargz": ["--compress", "estargz"],
         "soci": ["--soci", "--soci-min-size", "1"]}
TAR = tar_of([entry("first", noise(3 * MIB, 3)), *many_small()])


def push(run, server, kind, source, *arguments, **more):
    return run("push", "--created", "0", *KINDS[kind], *arguments, f"{server.host}/{REPOSITORY}:1",
               source, **more)


@pytest.mark.parametrize("kind", KINDS)
def test_cut_input_is_not_published(run, registry, kind):
    for size in (600, 512 * 1000 + 100, 3 * MIB + 4 * 512 + 7, len(TAR) - 10240):
        server = registry("d28")
        assert_failed(server, push(run, server, kind, "-", input=TAR[:size]), 3, sessions=None)


@pytest.mark.parametrize("kind", KINDS)
def test_reset_in_any_chunk_is_survived(run, tmp_path, kind):
    """d3 continues the session; with d28 the file is read again. The digest is that of a push
    without faults."""
    path = tmp_path / "in.tar"
    path.write_bytes(TAR)
    with Registry("d3") as server:
        result = push(run, server, kind, path, *CHUNKED)
        assert result.rc == 0, result
        wanted = server.tags(REPOSITORY)["1"]
        chunks = len(patches(server))
    assert chunks >= 4

    def one(item):
        number, at, profile = item
        with Registry(profile, [Fault("patch", "reset", nth=number, at=at)]) as server:
            source = path if profile == "d28" else "-"
            result = push(run, server, kind, source, *CHUNKED, input=TAR)
            assert result.rc == 0, f"{item}: {result}"
            assert server.tags(REPOSITORY)["1"] == wanted, item

    parallel(one, [(number, at, profile) for number in range(1, chunks + 1)
                   for at in (0, 1000) for profile in ("d3", "d28")], workers=4)


@pytest.mark.parametrize("kind", KINDS)
def test_lost_stream_is_not_published(run, registry, kind):
    server = registry("d28", Fault("patch", "reset", at=MIB, times=None))
    result = push(run, server, kind, "-", "--upload", "streamed", "--retry", "1", input=TAR)
    assert_failed(server, result, UNREACHABLE, sessions=None)


@pytest.mark.parametrize("kind", KINDS)
def test_failure_of_the_last_request_is_not_published(run, registry, kind):
    """The commit of the layer, and for SOCI that of the zTOC, which is the last blob."""
    for number in (1, 2, 3):
        server = registry("d28", Fault("commit", "status", nth=number, status=400, times=None))
        result = push(run, server, kind, "-", input=TAR)
        if result.rc == 0:
            assert kind != "soci" and number == 3, "two blobs: the layer and the config"
        else:
            assert result.rc in (6, 7) and server.tags() == {}, result
            assert server.storage.manifests() == []


@pytest.mark.parametrize("kind", KINDS)
def test_signal_cancels_the_upload(command, registry, kind):
    server = registry("d3")
    process = command.start("push", *KINDS[kind], *CHUNKED, f"{server.host}/{REPOSITORY}:1", "-",
                            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with process:
        process.stdin.write(TAR[:3 * MIB])
        process.stdin.flush()
        wait_until(lambda: [one for one in patches(server) if one.status], process)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT
    assert server.blobs() == [] and server.open_sessions() == [] and server.tags() == {}


@functools.cache
def many_names():
    return tar_of(entry(f"{i:06}-{'long-name/' * 18}", type=b"5") for i in range(20000))


@pytest.mark.parametrize("kind", KINDS)
def test_full_disk_of_the_spool(command, registry, tmp_path, kind):
    """The lists do not fit into memory, and a file of the spool may have 1 MiB."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
    server = registry("d28")
    spool = tmp_path / "spool"
    spool.mkdir()
    result = command.run("push", *KINDS[kind], "--upload", "streamed",
                         f"{server.host}/{REPOSITORY}:1", "-", input=many_names(),
                         env={"TMPDIR": str(spool)}, preexec_fn=limit)
    assert_failed(server, result, 8, sessions=None)
    assert str(spool) in result.stderr and list(spool.iterdir()) == []


def test_spool_is_used_and_gives_the_same_bytes(run, tmp_path):
    """More entries than fit into memory; the rest is in a file without a name."""
    spool = tmp_path / "spool"
    spool.mkdir()
    for kind, arguments in KINDS.items():
        digests = {run("push", "--json", "--created", "0", *arguments, "--threads", threads, "null:", "-",
                       input=many_names(), env={"TMPDIR": str(spool)}).json()["digest"]
                   for threads in ("0", "2")}
        assert len(digests) == 1, kind
    assert list(spool.iterdir()) == []
