# SPDX-License-Identifier: Apache-2.0
"""Blobs that need not be sent: there already, or in another repository of the registry."""
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
    """An image of one layer, put there as if by somebody else."""
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


def assert_image(server, told):
    assert server.tags(TARGET) == {"new": told["digest"]}
    assert server.blob(TARGET, digest_of(LAYER)) == LAYER
    # A mount that becomes a session is cancelled, where the registry lets one.
    assert len(server.open_sessions()) <= (0 if server.profile.cancel == 204 else 1)
    assert_history(server)


def test_T66_mounted(run, registry, tar_bytes):
    server = registry("d28")
    told = push(run, server, add_base(server), tar_bytes).json()
    assert [layer["source"] for layer in told["layers"]] == ["mounted", "streamed"]
    assert_image(server, told)


@pytest.mark.parametrize("name", ["ggcr", "ecr", "zot", "harbor", "pulp", "quay", "d3"])
def test_T66_by_profile(name, run, registry, tar_bytes):
    server = registry(name)
    told = push(run, server, add_base(server), tar_bytes).json()
    source = "copied" if server.profile.mount == "never" else "mounted"
    assert [layer["source"] for layer in told["layers"]] == [source, "streamed"]
    assert_image(server, told)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 500])
def test_T66_refused(status, run, registry, tar_bytes):
    server = registry("d28", Fault("mount", "status", status=status, times=None))
    told = push(run, server, add_base(server), tar_bytes, "--retry", "1").json()
    assert [layer["source"] for layer in told["layers"]] == ["copied", "streamed"]
    assert_image(server, told)


def test_R78_mounted_something_else(run, registry, tar_bytes):
    """201 with another digest: not believed."""
    server = registry("d28", Fault("mount", "status", status=201, times=None, headers={
        "Docker-Content-Digest": "sha256:" + "1" * 64, "Location": "/v2/x"}))
    result = push(run, server, add_base(server), tar_bytes)
    if result.rc == 0:
        assert_image(server, result.json())
    else:
        assert result.rc in (7, 9), result
        assert server.tags(TARGET) == {}


def test_mount_said_to_be_done_but_is_not(run, registry, tar_bytes):
    server = registry("d28", Fault("mount", "status", status=201, times=None))
    result = push(run, server, add_base(server), tar_bytes)
    if result.rc == 0:
        assert_image(server, result.json())
    else:
        assert result.rc in (5, 7, 9), result
        assert server.tags(TARGET) == {}


def test_already_there(run, registry, tar_bytes):
    server = registry("d28")
    base = add_base(server, TARGET)
    told = push(run, server, base, tar_bytes).json()
    assert [layer["source"] for layer in told["layers"]] == ["existing", "streamed"]
    again = push(run, server, base, tar_bytes).json()
    assert again["layers"] == told["layers"]


def test_mount_from_named_repository(run, registry, tar_bytes, tmp_path):
    """A base in a layout whose layer the registry has elsewhere."""
    server = registry("d28")
    base = add_base(server)
    layout = f"oci:{tmp_path / 'layout'}:base"
    assert run("push", "--base", base, layout).rc == 0
    told = push(run, server, layout, tar_bytes, "--mount-from", BASE).json()
    assert [layer["source"] for layer in told["layers"]] == ["mounted", "streamed"]
    assert_image(server, told)


def test_mount_with_tokens(run, registry, tar_bytes):
    """Pulling from the source is asked for; where it is not granted the blob is copied or sent."""
    server = registry("d28", auth=Auth("bearer", anonymous=["pull", "push"]))
    told = push(run, server, add_base(server), tar_bytes).json()
    assert [layer["source"] for layer in told["layers"]] == ["mounted", "streamed"]
    scopes = [entry.query for entry in server.journal.entries("token")]
    assert any("base" in scope and "target" in scope for scope in scopes)
    assert_image(server, told)


def test_base_from_another_registry(run, registry, tar_bytes):
    source, server = registry("d28"), registry("d28")
    told = push(run, server, add_base(source), tar_bytes).json()
    assert [layer["source"] for layer in told["layers"]] == ["copied", "streamed"]
    assert_image(server, told)
    assert source.open_sessions() == []
    assert {entry.method for entry in source.journal} <= {"GET", "HEAD"}


def test_R77_blob_goes_away_before_the_manifest(run, registry, tar_bytes):
    """Collected as garbage, or not yet everywhere: tried again, then told."""
    unknown = b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}'
    server = registry("d28", Fault("manifest-put", "status", status=400, body=unknown, times=2))
    told = push(run, server, add_base(server), tar_bytes).json()
    assert_image(server, told)
