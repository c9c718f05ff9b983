# SPDX-License-Identifier: Apache-2.0
"""The config needs the layers' diff IDs, but not the stored layers. So it is uploaded while the
last layer is still being committed. The manifest waits for both."""
import os
import subprocess
import urllib.parse

import pytest
from cli_support import make_tar, wait_until
from image_support import sources, stored_config
from inputs import sha256
from registry import Fault
from wire_support import assert_history

NAME = "config/image"


def layer_digest(run, path):
    return run("layer", "--json", "null:", path).json()["digest"]


def names_blob(digest, yes=True):
    """For Fault(when=): requests that name the blob; with yes=False all other requests."""
    def when(request):
        named = digest in request.path or digest in urllib.parse.unquote(request.query)
        return named == yes
    return when


def start(command, server, *arguments, stdin=subprocess.DEVNULL):
    return command.start("push", "--json", "--created", "1", f"{server.host}/{NAME}:1",
                         *map(str, arguments), stdin=stdin, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)


def stored(server):
    return [entry for entry in server.journal.entries("commit") if entry.status == 201]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "file"])
def test_config_is_stored_while_layer_commit_waits(command, run, registry, tar_file, stream):
    stall = Fault("commit", "stall", when=names_blob(layer_digest(run, tar_file)))
    server = registry("d28", stall)
    with open(tar_file, "rb") as file:
        process = start(command, server, *([] if stream else ["--look-first", tar_file]),
                        stdin=file if stream else subprocess.DEVNULL)
    wait_until(lambda: stall.reached.is_set() and stored(server), process)
    [config] = stored(server)
    assert not server.journal.entries("manifest-head", "manifest-put")
    stall.release()
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert server.tags(NAME)["1"] in out.decode()
    layer, = [entry for entry in server.journal.entries("commit") if entry.number != config.number]
    [manifest] = server.journal.entries("manifest-put")
    assert layer.status == 201 and manifest.number > max(layer.number, config.number)
    assert stored_config(server, NAME, server.manifest(NAME, "1"))["rootfs"]["diff_ids"] == \
        [sha256(tar_file.read_bytes())]
    assert server.open_sessions() == []
    assert_history(server)


def test_config_waits_until_every_layer_is_read(command, registry, tar_file, tmp_path):
    """One layer is stored, the other one is not completely read. No request names the config
    yet."""
    server = registry("d28")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    tar = make_tar({"late": b"x" * 50000})
    process = start(command, server, tar_file, fifo)
    with open(fifo, "wb", buffering=0) as file:
        file.write(tar[:20000])
        wait_until(lambda: stored(server), process)
        heads = [entry.path for entry in server.journal.entries("blob-head")]
        file.write(tar[20000:])
    out, err = process.communicate()
    assert process.returncode == 0, err
    config = server.manifest(NAME, "1")["config"]["digest"]
    assert not any(config in path for path in heads)
    assert any(config in entry.path for entry in server.journal.entries("blob-head"))
    assert b'"streamed"' in out


@pytest.mark.parametrize("refusal, rc", [(400, 7), (403, 4)])
def test_layer_failure_during_config_upload_is_reported(command, run, registry, tar_file, refusal,
                                                        rc):
    """The error is the layer's, and the config's upload session is cancelled."""
    layer = layer_digest(run, tar_file)
    config = Fault("commit", "stall", when=names_blob(layer, False))
    server = registry("d28", config,
                      Fault("commit", "call", when=names_blob(layer),
                            call=lambda *_: wait_until(config.reached.is_set)),
                      Fault("commit", "status", status=refusal, times=None, when=names_blob(layer)))
    with open(tar_file, "rb") as file:
        process = start(command, server, stdin=file)
    out, err = process.communicate()
    assert process.returncode == rc, err
    assert out == b"" and str(refusal).encode() in err and b"abandoned" not in err
    wait_until(lambda: server.open_sessions() == [])
    config.release()
    assert server.tags() == {} and server.storage.manifests() == [] and server.blobs() == []


def test_config_failure_during_layer_upload_is_reported(command, run, registry, tar_file):
    layer = layer_digest(run, tar_file)
    stall = Fault("commit", "stall", when=names_blob(layer))
    server = registry("d28", stall,
                      Fault("commit", "call", when=names_blob(layer, False),
                            call=lambda *_: wait_until(stall.reached.is_set)),
                      Fault("commit", "status", status=403, times=None,
                            when=names_blob(layer, False)))
    with open(tar_file, "rb") as file:
        process = start(command, server, stdin=file)
    out, err = process.communicate()
    assert process.returncode == 4, err
    assert out == b"" and b"abandoned" not in err
    wait_until(lambda: server.open_sessions() == [])
    stall.release()
    assert server.tags() == {} and server.storage.manifests() == [] and server.blobs() == []


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_push_with_one_or_two_jobs_finishes(run, registry, tar_file, tar_bytes, jobs):
    """There are fewer jobs than layers and config, and there is no deadlock. With one job, all
    requests follow each other and the config comes last."""
    server = registry("d28")
    others = [make_tar({f"file{number}": os.urandom(1000)}) for number in range(2)]
    paths = [tar_file.with_name(f"{number}.tar") for number in range(2)]
    for path, data in zip(paths, others):
        path.write_bytes(data)
    output = run("push", "--json", "--jobs", jobs, f"{server.host}/{NAME}:1", "-", *paths,
                 input=tar_bytes).json()
    assert sources(output) == ["streamed"] * 3
    assert stored_config(server, NAME, server.manifest(NAME, "1"))["rootfs"]["diff_ids"] == \
        [sha256(data) for data in (tar_bytes, *others)]
    if jobs == "1":
        entries = [entry for entry in server.journal if entry.step != "ping"]
        assert all(one.ended <= two.started for one, two in zip(entries, entries[1:]))
        digest = urllib.parse.unquote(server.journal.entries("commit")[-1].query)
        assert output["config"]["digest"] in digest
    assert_history(server)


@pytest.mark.parametrize("change, status, words", [("contents", 9, b"changed"), ("size", 3, b"was cut")])
def test_file_changed_after_config_upload_fails(command, run, registry, tar_file, change, status, words):
    """The file was hashed, and the config with its diff ID is stored. Then the file changes."""
    layer = layer_digest(run, tar_file)
    stall = Fault("blob-head", "stall", when=names_blob(layer))
    server = registry("d28", stall)
    process = start(command, server, "--look-first", tar_file)
    wait_until(lambda: stall.reached.is_set() and stored(server), process)
    other = make_tar({"other": b"bytes"})
    tar_file.write_bytes(other.ljust(tar_file.stat().st_size, b"\0") if change == "contents" else other)
    stall.release()
    out, err = process.communicate()
    assert process.returncode == status, err
    assert out == b"" and words in err
    assert server.tags() == {} and server.storage.manifests() == []
    assert server.open_sessions() == []
