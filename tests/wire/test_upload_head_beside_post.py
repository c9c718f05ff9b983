# SPDX-License-Identifier: Apache-2.0
"""A push with the present time makes a new image: HEAD and POST of its layers are sent at the same
time, and no HEAD of its config. Whatever HEAD says, no upload session is left, and a blob that the
registry has is not sent."""
import json
import os
import signal
import subprocess

import pytest
from image_support import make_tar
from inputs import sha256
from registry import Auth, Fault
from wire_support import assert_history, noise, steps

NAME = "a/b"
DATA = make_tar({"small": noise(10000)})
PLAIN = ["--compress", "none"]


def push(run, server, *options):
    return run("push", "--json", *PLAIN, *options, f"{server.host}/{NAME}:1", input=DATA)


def assert_pushed(server, result):
    """The image is there and no session is left."""
    assert result.rc == 0, f"{result}\n{server.journal}"
    manifest = server.manifest(NAME, "1")
    assert server.blob(NAME, manifest["layers"][0]["digest"]) == DATA
    assert json.loads(server.blob(NAME, manifest["config"]["digest"]))["rootfs"]["diff_ids"] == [
        sha256(DATA)]
    assert server.open_sessions() == []
    assert_history(server)


def assert_not_pushed(server, result, status):
    assert result.rc == status, f"{result}\n{server.journal}"
    assert server.tags() == {} and server.open_sessions() == []
    assert_history(server)


def with_layer(registry, *faults, **options):
    """A registry that has the layer already."""
    server = registry("d28", *faults, **options)
    server.storage.put_blob(NAME, DATA)
    return server


def test_new_image_has_one_head_for_its_layer_and_none_for_its_config(run, registry):
    server = registry("d28")
    assert_pushed(server, push(run, server))
    assert sorted(steps(server)) == ["blob-head", "commit", "commit", "manifest-put", "open", "open"]


@pytest.mark.parametrize("options", [["--created", "1"], ["--created", "2001-01-01T00:00:00Z"]])
def test_image_with_a_fixed_time_is_looked_up_before_any_post(options, run, registry):
    server = registry("d28")
    assert_pushed(server, push(run, server, *options))
    assert_pushed(server, push(run, server, *options))
    assert steps(server, "open") == ["open"] * 2 and steps(server, "cancel") == []


def test_source_date_epoch_is_a_fixed_time(run, registry):
    server = registry("d28")
    result = run("push", f"{server.host}/{NAME}:1", input=DATA, env={"SOURCE_DATE_EPOCH": "1"})
    assert result.rc == 0 and steps(server, "blob-head") == ["blob-head"] * 2


@pytest.mark.parametrize("slow", ["blob-head", "open", None])
def test_session_of_a_layer_that_exists_is_deleted(slow, run, registry):
    """Whichever of the two answers comes first."""
    faults = [Fault(slow, "stall", seconds=0.5, at="done")] if slow else []
    server = with_layer(registry, *faults)
    assert_pushed(server, push(run, server))
    assert len(server.journal.entries("cancel")) == 1
    config = server.manifest(NAME, "1")["config"]["size"]
    assert [entry.received for entry in server.journal.entries("commit")] == [config]


@pytest.mark.parametrize("options", [[], ["--created", "1"]])
def test_layer_that_exists_is_reported_as_existing(options, run, registry):
    server = with_layer(registry)
    result = push(run, server, *options)
    assert_pushed(server, result)
    assert [layer["source"] for layer in result.json()["layers"]] == ["existing"]
    assert "blobs: 1 new, 1 existed" in result.stderr
    fresh = push(run, registry("d28"), *options)
    assert [layer["source"] for layer in fresh.json()["layers"]] == ["streamed"]


def test_layer_is_sent_when_head_is_refused(run, registry):
    server = with_layer(registry, Fault("blob-head", "status", status=403, times=None))
    assert_pushed(server, push(run, server))
    assert len(server.journal.entries("commit")) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_post_is_repeated_alone(status, run, registry):
    server = registry("d28", Fault("open", "status", status=status, times=2))
    assert_pushed(server, push(run, server))
    assert steps(server, "blob-head") == ["blob-head"]


@pytest.mark.parametrize("status", [429, 503])
def test_head_is_repeated_while_the_session_waits(status, run, registry):
    server = with_layer(registry, Fault("blob-head", "status", status=status, times=2))
    assert_pushed(server, push(run, server))
    assert len(server.journal.entries("open")) == 2 and len(server.journal.entries("cancel")) == 1


@pytest.mark.parametrize("has_layer", [True, False])
def test_refused_post_ends_the_push(has_layer, run, registry):
    """The session of the other blob, if it got one, is deleted."""
    server = registry("d28", Fault("open", "status", status=405))
    if has_layer:
        server.storage.put_blob(NAME, DATA)
    result = push(run, server)
    if has_layer and result.rc == 0:
        assert_pushed(server, result)  # it was the POST of the layer, which was not needed
    else:
        assert_not_pushed(server, result, 7)


def test_layer_with_another_size_ends_the_push(run, registry):
    def shorten(server, request, answer):
        answer.set("Content-Length", "5")
    server = with_layer(registry, Fault("blob-head", "call", at="done", call=shorten))
    assert_not_pushed(server, push(run, server), 9)


@pytest.mark.parametrize("has_layer", [True, False])
def test_both_refusals_lead_to_one_token(has_layer, run, registry):
    server = registry("d28", auth=Auth("bearer", anonymous=["pull", "push", "delete"]))
    if has_layer:
        server.storage.put_blob(NAME, DATA)
    assert_pushed(server, push(run, server))
    scopes = [entry.query for entry in server.journal.entries("token")]
    assert len([scope for scope in scopes if "delete" not in scope]) == 1, scopes


@pytest.mark.parametrize("stalled", ["blob-head", "open"])
def test_signal_leaves_no_session(stalled, command, registry, tmp_path):
    fault = Fault(stalled, "stall", at="done", times=None)
    server = registry("d28", fault)
    path = tmp_path / "layer.tar"
    path.write_bytes(DATA)
    process = command.start("push", *PLAIN, f"{server.host}/{NAME}:1", path,
                            stdout=subprocess.DEVNULL)
    assert fault.reached.wait(60)
    process.send_signal(signal.SIGINT)
    if stalled == "open":
        fault.release()
    assert process.wait(60) == -signal.SIGINT
    assert server.open_sessions() == [] and server.tags() == {}


def test_docker_registry_has_no_session_left(run, docker_registry):
    server = docker_registry()
    assert push(run, server, "--created", "1").rc == 0
    result = push(run, server)
    assert result.rc == 0, result
    uploads = os.path.join(server.storage, "docker/registry/v2/repositories", NAME, "_uploads")
    files = {name for _, _, names in os.walk(uploads) for name in names}
    assert "startedat" not in files and "data" not in files  # it leaves the state of a digest


def test_push_ends_when_the_session_is_deleted(run, registry):
    """The manifest does not wait for the DELETE, the command does."""
    fault = Fault("cancel", "stall", seconds=1)
    server = with_layer(registry, fault)
    assert_pushed(server, push(run, server))
    cancel, = server.journal.entries("cancel")
    manifest, = server.journal.entries("manifest-put")
    assert manifest.answered < cancel.answered
