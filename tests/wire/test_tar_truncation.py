# SPDX-License-Identifier: Apache-2.0
"""A truncated tar is never stored, wherever it ends."""
import random
import subprocess

from inputs import random_bytes
from registry import Registry
from wire_support import assert_failed, parallel
from cli_support import LIMIT_S, Result, make_tar, wait_until

INPUT = 3


def small_tar():
    return make_tar({"a": b"x" * 700, "directory/b": random_bytes(1500), "c": b"",
                     "a-name-that-is-" + "long-" * 60: b"y" * 10})


def offsets(tar):
    blocks = list(range(0, len(tar), 512))
    chosen = random.Random(3).sample(range(1, len(tar)), 40)
    # The tar is complete after two zero blocks; only padding follows.
    end = tar.rstrip(b"\0")
    complete = (len(end) + 511) // 512 * 512 + 1024
    return [offset for offset in sorted(set(blocks + chosen)) if offset < complete], complete


def test_layer_cut_anywhere_stores_nothing(run):
    tar = small_tar()
    cuts, complete = offsets(tar)
    with Registry("d28") as server:
        def one(cut):
            result = run("layer", "--threads", "0", f"{server.host}/cut/r{cut}", input=tar[:cut])
            assert result.rc == INPUT, (cut, result)
            assert result.stdout == ""
        parallel(one, cuts)
        assert server.blobs() == [] and server.tags() == {} and server.open_sessions() == []
        whole = run("layer", f"{server.host}/cut/whole", input=tar[:complete])
        assert whole.rc == 0, whole
        assert not server.failures


def test_push_of_truncated_tar_does_not_change_tag(run):
    tar = small_tar()
    cuts, _ = offsets(tar)
    with Registry("d28") as server:
        def one(cut):
            result = run("push", "--threads", "0", f"{server.host}/cut/r{cut}:latest", "-",
                         input=tar[:cut])
            assert result.rc == INPUT, (cut, result)
            assert result.stdout == ""
        parallel(one, cuts[::3])
        assert server.tags() == {} and server.storage.manifests() == []
        assert server.blobs() == [] and server.open_sessions() == []
        assert not server.failures


def test_tar_truncated_after_upload_began_stores_nothing(command, registry):
    """The end of input comes after the first PATCH."""
    tar = make_tar({"big": random_bytes(5 << 20), "small": b"1"})
    for mode in ("chunked", "streamed"):
        server = registry()
        process = command.start("layer", "--upload", mode, "--chunk-size", "1M",
                                f"{server.host}/cut/big", stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(tar[:4 << 20])
        process.stdin.flush()
        wait_until(lambda: server.journal.entries("patch"), process)
        out, err = process.communicate(timeout=LIMIT_S)
        done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
        assert_failed(server, Result(done), INPUT)


def test_allow_truncated_stores_truncated_tar(run, registry):
    tar = small_tar()
    server = registry()
    result = run("layer", "--allow-truncated", f"{server.host}/cut/allowed", input=tar[:1024])
    assert result.rc == 0, result
    assert len(server.blobs()) == 1
