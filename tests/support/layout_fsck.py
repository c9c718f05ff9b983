#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks an OCI image layout without any code of layerpipe.

check(path) returns a list of problems, empty when the layout is sound:
every blob matches the digest in its name, index.json and oci-layout are valid,
every blob that a manifest names exists and has the size in its descriptor, and
a config has one diff_id for each layer: the digest of the uncompressed layer.
A layout may contain only regular files and directories.

Run as a program with one or more directories, it prints the problems and
exits with 1 when there are any.
"""
import gzip
import hashlib
import json
import os
import re
import stat
import sys
import zlib

MANIFESTS = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
}
INDEXES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
CONFIGS = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
}
TAG = "org.opencontainers.image.ref.name"
HEX_SIZE = {"sha256": 64, "sha512": 128}
TEMP = re.compile(r"^\.lp-[0-9a-f]{16}$")


class Problem(Exception):
    pass


def no_duplicates(pairs):
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Problem("duplicate keys: %r" % [key for key, _ in pairs])
    return value


def load_json(path):
    with open(path, "rb") as file:
        try:
            return json.loads(file.read().decode("utf-8"), object_pairs_hook=no_duplicates)
        except ValueError as why:
            raise Problem("%s: %s" % (path, why))


def hash_file(path, algorithm):
    state = hashlib.new(algorithm)
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            state.update(block)
    return state.hexdigest()


def diff_id(path, media_type, algorithm):
    """Digest of the uncompressed layer; None when this program cannot decompress it."""
    if media_type.endswith("zstd"):
        return None
    opened = gzip.open if media_type.endswith("gzip") else open
    state = hashlib.new(algorithm)
    with opened(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            state.update(block)
    return algorithm + ":" + state.hexdigest()


class Layout:
    def __init__(self, root):
        self.root = root
        self.problems = []
        self.referenced = set()
        self.manifests = []

    def say(self, text, *args):
        self.problems.append(text % args if args else text)

    def blob_path(self, digest):
        algorithm, _, encoded = digest.partition(":")
        if len(encoded) != HEX_SIZE.get(algorithm) or not re.fullmatch("[0-9a-f]+", encoded):
            raise Problem("not a digest: %r" % digest)
        return os.path.join(self.root, "blobs", algorithm, encoded)

    def check_tree(self):
        for parent, dirs, files in os.walk(self.root):
            for name in dirs + files:
                mode = os.lstat(os.path.join(parent, name)).st_mode
                if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    self.say("%s is neither file nor directory", os.path.join(parent, name))

    def check_blobs(self):
        for algorithm in sorted(os.listdir(os.path.join(self.root, "blobs"))):
            folder = os.path.join(self.root, "blobs", algorithm)
            if algorithm not in HEX_SIZE:
                self.say("blobs/%s is no known algorithm", algorithm)
                continue
            for name in sorted(os.listdir(folder)):
                if hash_file(os.path.join(folder, name), algorithm) != name:
                    self.say("blobs/%s/%s does not hash to its name", algorithm, name)

    def check_descriptor(self, what, descriptor):
        """Path of a descriptor's blob, or None."""
        if not isinstance(descriptor.get("mediaType"), str):
            self.say("%s: no mediaType", what)
        path = self.blob_path(descriptor["digest"])
        self.referenced.add(descriptor["digest"])
        if not os.path.isfile(path):
            self.say("%s: %s is missing", what, descriptor["digest"])
            return None
        if os.path.getsize(path) != descriptor["size"]:
            self.say("%s: %s has %d bytes, not %r", what, descriptor["digest"],
                     os.path.getsize(path), descriptor["size"])
        return path

    def check_config(self, what, path, layers):
        config = load_json(path)
        ids = config["rootfs"]["diff_ids"] or []
        if len(ids) != len(layers):
            self.say("%s: %d diff_ids for %d layers", what, len(ids), len(layers))
            return
        history = config.get("history")
        if history:
            full = [entry for entry in history if not entry.get("empty_layer")]
            if len(full) != len(layers):
                self.say("%s: %d history entries for %d layers", what, len(full), len(layers))
        for layer, wanted in zip(layers, ids):
            blob = self.blob_path(layer["digest"])
            if not os.path.isfile(blob):
                continue
            got = diff_id(blob, layer["mediaType"], wanted.partition(":")[0])
            if got not in (None, wanted):
                self.say("%s: diff_id %s of %s should be %s", what, wanted, layer["digest"], got)

    def check_manifest(self, descriptor, depth=0):
        what = "manifest " + descriptor["digest"][:19]
        path = self.check_descriptor(what, descriptor)
        if path is None:
            return
        manifest = load_json(path)
        if manifest.get("mediaType", descriptor["mediaType"]) != descriptor["mediaType"]:
            self.say("%s: mediaType inside is %s", what, manifest["mediaType"])
        if manifest.get("schemaVersion") != 2:
            self.say("%s: schemaVersion is not 2", what)
        if descriptor["mediaType"] in INDEXES:
            if depth > 3:
                raise Problem(what + ": nested too deep")
            for child in manifest["manifests"]:
                self.check_manifest(child, depth + 1)
        elif descriptor["mediaType"] in MANIFESTS:
            self.manifests.append(manifest)
            config = self.check_descriptor(what + " config", manifest["config"])
            for layer in manifest["layers"]:
                self.check_descriptor(what + " layer", layer)
            if config is not None and manifest["config"]["mediaType"] in CONFIGS:
                self.check_config(what, config, manifest["layers"])
        else:
            self.say("%s: unknown mediaType %s", what, descriptor["mediaType"])

    def check(self, manifests=True):
        version = load_json(os.path.join(self.root, "oci-layout"))
        if version.get("imageLayoutVersion") != "1.0.0":
            self.say("oci-layout: %r", version)
        self.check_tree()
        self.check_blobs()
        index = load_json(os.path.join(self.root, "index.json"))
        if index.get("schemaVersion") != 2:
            self.say("index.json: schemaVersion is not 2")
        seen = set()
        for entry in index["manifests"]:
            tag = entry.get("annotations", {}).get(TAG)
            if tag is not None and tag in seen:
                self.say("index.json: tag %s twice", tag)
            seen.add(tag)
            if manifests:
                self.check_manifest(entry)
            else:
                self.check_descriptor("index.json entry %r" % tag, entry)


def check(root, manifests=True):
    """The problems of a layout. manifests=False: the manifests are not parsed."""
    layout = Layout(root)
    try:
        layout.check(manifests)
    except (Problem, OSError, KeyError, TypeError, AttributeError, EOFError,
            zlib.error) as why:
        layout.say("%s: %s: %s", root, type(why).__name__, why)
    return layout.problems


def tags(root):
    """Returns {tag: digest}."""
    index = load_json(os.path.join(root, "index.json"))
    return {entry["annotations"][TAG]: entry["digest"] for entry in index["manifests"]
            if TAG in entry.get("annotations", {})}


def temps(root):
    """Temporary files that a run did not remove."""
    return [name for name in os.listdir(root) if TEMP.match(name)]


def main(roots):
    failed = False
    for root in roots:
        for problem in check(root):
            print(problem)
            failed = True
    return 1 if failed or not roots else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
