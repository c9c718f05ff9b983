# SPDX-License-Identifier: Apache-2.0
"""A push with the present time makes a new image: no HEAD asks for its config, or for a layer that is
so small that to send it again takes hardly longer. All other blobs are looked up before they are sent."""
import json

import pytest
from image_support import make_tar
from inputs import sha256
from registry import Auth, Fault
from wire_support import assert_history, noise, steps

NAME = "a/b"
SMALL = make_tar({"small": noise(10000)})
LARGER = make_tar({"larger": noise(100000)})
PLAIN = ["--compress", "none"]
FIXED = ["--created", "1"]


def push(run, server, *options, data=SMALL):
    return run("push", "--json", *PLAIN, *options, f"{server.host}/{NAME}:1", input=data)


def assert_pushed(server, result, data=SMALL):
    """The image is there and no session is left or was deleted."""
    assert result.rc == 0, f"{result}\n{server.journal}"
    manifest = server.manifest(NAME, "1")
    assert server.blob(NAME, manifest["layers"][0]["digest"]) == data
    assert json.loads(server.blob(NAME, manifest["config"]["digest"]))["rootfs"]["diff_ids"] == [
        sha256(data)]
    assert server.open_sessions() == [] and steps(server, "cancel") == []
    assert_history(server)


@pytest.mark.parametrize("has_layer", [False, True])
def test_small_new_image_is_sent_without_head(has_layer, run, registry):
    server = registry("d28")
    if has_layer:
        server.storage.put_blob(NAME, SMALL)
    assert_pushed(server, push(run, server))
    assert sorted(steps(server)) == ["commit", "commit", "manifest-put", "open", "open"]


def test_larger_layer_of_a_new_image_is_looked_up(run, registry):
    server = registry("d28")
    assert_pushed(server, push(run, server, data=LARGER), LARGER)
    assert sorted(steps(server)) == ["blob-head", "commit", "commit", "manifest-put", "open", "open"]


@pytest.mark.parametrize("options", [FIXED, ["--created", "2001-01-01T00:00:00Z"]])
def test_image_with_a_fixed_time_is_looked_up_before_any_post(options, run, registry):
    server = registry("d28")
    assert_pushed(server, push(run, server, *options))
    assert_pushed(server, push(run, server, *options))
    assert steps(server, "open") == ["open"] * 2


def test_source_date_epoch_is_a_fixed_time(run, registry):
    server = registry("d28")
    result = run("push", f"{server.host}/{NAME}:1", input=SMALL, env={"SOURCE_DATE_EPOCH": "1"})
    assert result.rc == 0 and steps(server, "blob-head") == ["blob-head"] * 2


@pytest.mark.parametrize("options, data", [([], LARGER), (FIXED, SMALL)])
def test_layer_that_exists_is_reported_as_existing(options, data, run, registry):
    server = registry("d28")
    server.storage.put_blob(NAME, data)
    result = push(run, server, *options, data=data)
    assert_pushed(server, result, data)
    config = server.manifest(NAME, "1")["config"]["size"]
    assert [entry.received for entry in server.journal.entries("commit")] == [config]
    assert [layer["source"] for layer in result.json()["layers"]] == ["existing"]
    assert "blobs: 1 new, 1 existed" in result.stderr
    fresh = push(run, registry("d28"), *options, data=data)
    assert [layer["source"] for layer in fresh.json()["layers"]] == ["streamed"]


@pytest.mark.parametrize("status", [429, 503])
def test_post_is_repeated(status, run, registry):
    server = registry("d28", Fault("open", "status", status=status, times=2))
    assert_pushed(server, push(run, server))


def test_refused_post_ends_the_push(run, registry):
    server = registry("d28", Fault("open", "status", status=405))
    result = push(run, server)
    assert result.rc == 7 and server.tags() == {} and server.open_sessions() == []


def test_both_refusals_lead_to_one_token(run, registry):
    server = registry("d28", auth=Auth("bearer", anonymous=["pull", "push"]))
    assert_pushed(server, push(run, server))
    assert len(server.journal.entries("token")) == 1


def test_docker_registry_has_no_session_left(run, docker_registry):
    server = docker_registry()
    for data in (SMALL, LARGER):
        for options in (FIXED, [], []):
            result = push(run, server, *options, data=data)
            assert result.rc == 0, result
    assert server.open_sessions(NAME) == []
