# SPDX-License-Identifier: Apache-2.0
"""Tests the layout checker of the other tests: it finds every kind of damage."""
import gzip
import hashlib
import json
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import layout_fsck  # noqa: E402

OCI = "application/vnd.oci.image."


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Maker:
    """Writes a valid layout with one image of one layer."""

    def __init__(self, root):
        self.root = str(root)
        os.makedirs(os.path.join(self.root, "blobs", "sha256"))
        self.layer_bytes = b"not really a tar" * 100
        self.layer = self.blob(gzip.compress(self.layer_bytes, mtime=0), "layer.v1.tar+gzip")
        self.config = {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [digest_of(self.layer_bytes)]},
            "history": [{"created_by": "x"}, {"empty_layer": True}],
        }
        self.manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                         "layers": [self.layer]}
        self.index = {"schemaVersion": 2}
        self.write("oci-layout", {"imageLayoutVersion": "1.0.0"})
        self.finish()

    def path(self, *names):
        return os.path.join(self.root, *names)

    def blob(self, data, kind):
        digest = digest_of(data)
        with open(self.path("blobs", "sha256", digest[7:]), "wb") as file:
            file.write(data)
        return {"mediaType": OCI + kind, "digest": digest, "size": len(data)}

    def write(self, name, value):
        with open(self.path(name), "w", encoding="utf-8") as file:
            json.dump(value, file)

    def finish(self):
        """Writes config, manifest and index as they are now."""
        config = json.dumps(self.config).encode()
        self.manifest["config"] = self.blob(config, "config.v1+json")
        entry = self.blob(json.dumps(self.manifest).encode(), "manifest.v1+json")
        entry["annotations"] = {layout_fsck.TAG: "latest"}
        self.index["manifests"] = [entry]
        self.write("index.json", self.index)


@pytest.fixture(name="made")
def fixture_made(tmp_path):
    return Maker(tmp_path / "layout")


def test_valid_layout_has_no_problems(made):
    assert layout_fsck.check(made.root) == []
    assert layout_fsck.tags(made.root) == {"latest": made.index["manifests"][0]["digest"]}
    assert layout_fsck.temps(made.root) == []
    assert layout_fsck.main([made.root]) == 0


def flip_blob(made):
    with open(made.path("blobs", "sha256", made.layer["digest"][7:]), "r+b") as file:
        file.seek(20)
        file.write(b"\0\xff")


def remove_blob(made):
    os.unlink(made.path("blobs", "sha256", made.layer["digest"][7:]))


def remove_index(made):
    os.unlink(made.path("index.json"))


def duplicate_key(made):
    with open(made.path("index.json"), "w", encoding="utf-8") as file:
        file.write('{"schemaVersion":2,"manifests":[],"manifests":[]}')


def wrong_version(made):
    made.write("oci-layout", {"imageLayoutVersion": "2"})


def wrong_size(made):
    made.layer["size"] += 1
    made.finish()


def wrong_diff_id(made):
    made.config["rootfs"]["diff_ids"] = [digest_of(b"other")]
    made.finish()


def missing_diff_id(made):
    made.config["rootfs"]["diff_ids"] = []
    made.finish()


def wrong_history(made):
    made.config["history"].append({})
    made.finish()


def hostile_digest(made):
    made.index["manifests"][0]["digest"] = "sha256:../../x"
    made.write("index.json", made.index)


def tag_twice(made):
    made.index["manifests"] *= 2
    made.write("index.json", made.index)


def other_type_inside(made):
    made.index["manifests"][0]["mediaType"] = OCI + "index.v1+json"
    made.write("index.json", made.index)


def foreign_file(made):
    os.symlink("/etc/passwd", made.path("blobs", "sha256", "x"))


@pytest.mark.parametrize("damage", [
    flip_blob, remove_blob, remove_index, duplicate_key, wrong_version, wrong_size, wrong_diff_id,
    missing_diff_id, wrong_history, hostile_digest, tag_twice, other_type_inside, foreign_file])
def test_damage_is_reported(made, damage):
    damage(made)
    assert layout_fsck.check(made.root) != []
    assert layout_fsck.main([made.root]) == 1


def test_temporary_files_are_not_reported(made):
    with open(made.path(".lp-0123456789abcdef"), "w", encoding="utf-8"):
        pass
    assert layout_fsck.check(made.root) == []
    assert layout_fsck.temps(made.root) == [".lp-0123456789abcdef"]
