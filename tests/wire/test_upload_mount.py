# SPDX-License-Identifier: Apache-2.0
"""Blobs that need not be sent: existing ones, and mounts from another repository."""
import json

import pytest
from registry import Auth, Fault
from registry.storage import digest_of
from wire_support import MIB, assert_history, noise

BASE = "mount/base"
TARGET = "mount/target"
LAYER = noise(MIB + 3)
CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                     "rootfs": {"type": "layers", "diff_ids": [digest_of(LAYER)]}}).encode()


def add_base(server, repository=BASE):
    """Stores an image of one layer directly in the test registry; returns its reference."""
    server.storage.put_blob(repository, LAYER)
    server.storage.put_blob(repository, CONFIG)
    manifest = {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                   "digest": digest_of(CONFIG), "size": len(CONFIG)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar",
                    "digest": digest_of(LAYER), "size": len(LAYER)}]}
    server.storage.put_manifest(repository, "1", json.dumps(manifest).encode())
    return f"{server.host}/{repository}:1"


def push(run, server, base, tar, *options):
    return run("push", "--json", "--base", base, *options, f"{server.host}/{TARGET}:new", "-",
               input=tar)


def assert_image(server, output):
    assert server.tags(TARGET) == {"new": output["digest"]}
    assert server.blob(TARGET, digest_of(LAYER)) == LAYER
    # A refused mount opens an upload session; it is cancelled when the registry supports this.
    assert len(server.open_sessions()) <= (0 if server.profile.cancel == 204 else 1)
    assert_history(server)


def test_base_layer_is_mounted(run, registry, tar_bytes):
    server = registry("d28")
    output = push(run, server, add_base(server), tar_bytes).json()
    assert [layer["source"] for layer in output["layers"]] == ["mounted", "streamed"]
    assert_image(server, output)


@pytest.mark.parametrize("at", ["headers", "done"])
def test_base_layer_is_mounted_after_its_connection_broke(at, run, registry, tar_bytes):
    server = registry("d28", Fault("mount", "reset", at=at))
    output = push(run, server, add_base(server), tar_bytes).json()
    assert [layer["source"] for layer in output["layers"]] == ["mounted", "streamed"]
    assert server.journal.steps().count("mount") == 2
    assert_image(server, output)


@pytest.mark.parametrize("name", ["ggcr", "ecr", "zot", "harbor", "pulp", "quay", "d3"])
def test_base_layer_is_mounted_or_copied_in_each_profile(name, run, registry, tar_bytes):
    server = registry(name)
    output = push(run, server, add_base(server), tar_bytes).json()
    source = "copied" if server.profile.mount == "never" else "mounted"
    assert [layer["source"] for layer in output["layers"]] == [source, "streamed"]
    assert_image(server, output)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 500])
def test_refused_mount_is_followed_by_copy(status, run, registry, tar_bytes):
    server = registry("d28", Fault("mount", "status", status=status, times=None))
    output = push(run, server, add_base(server), tar_bytes, "--retry", "1").json()
    assert [layer["source"] for layer in output["layers"]] == ["copied", "streamed"]
    assert_image(server, output)


def test_mount_answer_with_other_digest_is_not_trusted(run, registry, tar_bytes):
    """The registry answers 201 with another digest, and mounts nothing."""
    server = registry("d28", Fault("mount", "status", status=201, times=None, headers={
        "Docker-Content-Digest": "sha256:" + "1" * 64, "Location": "/v2/x"}))
    result = push(run, server, add_base(server), tar_bytes)
    if result.rc == 0:
        assert_image(server, result.json())
    else:
        assert result.rc in (7, 9), result
        assert server.tags(TARGET) == {}


def test_mount_answer_201_without_blob_does_not_break_image(run, registry, tar_bytes):
    server = registry("d28", Fault("mount", "status", status=201, times=None))
    result = push(run, server, add_base(server), tar_bytes)
    if result.rc == 0:
        assert_image(server, result.json())
    else:
        assert result.rc in (5, 7, 9), result
        assert server.tags(TARGET) == {}


def test_layer_in_target_repository_is_existing(run, registry, tar_bytes):
    server = registry("d28")
    base = add_base(server, TARGET)
    output = push(run, server, base, tar_bytes).json()
    assert [layer["source"] for layer in output["layers"]] == ["existing", "streamed"]
    again = push(run, server, base, tar_bytes).json()
    assert again["layers"] == output["layers"]


def test_mount_from_option_names_source_repository(run, registry, tar_bytes, tmp_path):
    """The base is in a layout, and the registry has its layer in another repository."""
    server = registry("d28")
    base = add_base(server)
    layout = f"oci:{tmp_path / 'layout'}:base"
    assert run("push", "--base", base, layout).rc == 0
    output = push(run, server, layout, tar_bytes, "--mount-from", BASE).json()
    assert [layer["source"] for layer in output["layers"]] == ["mounted", "streamed"]
    assert_image(server, output)


def test_mount_token_covers_source_and_target(run, registry, tar_bytes):
    """A mount needs the scope `pull` for the source repository."""
    server = registry("d28", auth=Auth("bearer", anonymous=["pull", "push"]))
    output = push(run, server, add_base(server), tar_bytes).json()
    assert [layer["source"] for layer in output["layers"]] == ["mounted", "streamed"]
    scopes = [entry.query for entry in server.journal.entries("token")]
    assert any("base" in scope and "target" in scope for scope in scopes)
    assert_image(server, output)


def test_base_of_other_registry_is_copied_and_only_read(run, registry, tar_bytes):
    source, server = registry("d28"), registry("d28")
    output = push(run, server, add_base(source), tar_bytes).json()
    assert [layer["source"] for layer in output["layers"]] == ["copied", "streamed"]
    assert_image(server, output)
    assert source.open_sessions() == []
    assert {entry.method for entry in source.journal} <= {"GET", "HEAD"}


def test_manifest_with_unknown_blob_is_retried(run, registry, tar_bytes):
    """The registry answers twice that a blob is unknown, for example because replication takes
    time."""
    unknown = b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}'
    server = registry("d28", Fault("manifest-put", "status", status=400, body=unknown, times=2))
    output = push(run, server, add_base(server), tar_bytes).json()
    assert_image(server, output)
