# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of images: puts images into the test registry without layerpipe, and reads
what layerpipe pushed."""
import json

from cli_support import make_tar
from registry.storage import digest_of

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
CONFIG_TYPES = {"oci": OCI + "config.v1+json", "docker": DOCKER + "container.image.v1+json"}
MANIFEST_TYPES = {"oci": OCI + "manifest.v1+json", "docker": DOCKER + "distribution.manifest.v2+json"}
LAYER_TYPES = {"oci": OCI + "layer.v1.tar", "docker": DOCKER + "image.rootfs.diff.tar"}
INDEX_TYPE = OCI + "index.v1+json"


def descriptor(media_type, data, **more):
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}


def encode(document):
    return json.dumps(document).encode()


class Base:
    """An image with uncompressed layers. A test may change `config` and `manifest` before put()."""

    def __init__(self, layers=None, family="oci", arch="amd64", **settings):
        self.layers = layers or [make_tar({"base": b"of all"}), make_tar({"more": b"of it"})]
        self.config = {"created": "2001-02-03T04:05:06Z", "architecture": arch, "os": "linux",
                       "config": settings,
                       "rootfs": {"type": "layers",
                                  "diff_ids": [digest_of(layer) for layer in self.layers]}}
        self.manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPES[family],
                         "config": descriptor(CONFIG_TYPES[family], encode(self.config)),
                         "layers": [descriptor(LAYER_TYPES[family], layer)
                                    for layer in self.layers]}

    def put(self, server, repository, reference, blobs=True):
        """Stores the image; returns its full reference."""
        config = encode(self.config)
        self.manifest["config"].update(digest=digest_of(config), size=len(config))
        server.storage.put_blob(repository, config)
        for layer in self.layers if blobs else []:
            server.storage.put_blob(repository, layer)
        server.storage.put_manifest(repository, reference, encode(self.manifest),
                                    self.manifest.get("mediaType"))
        return f"{server.host}/{repository}:{reference}"

    @property
    def digest(self):
        return digest_of(encode(self.manifest))


def put_index(server, repository, reference, children, **more):
    """Stores an index. children: pairs of a Base and its platform."""
    entries = [{**descriptor(base.manifest["mediaType"], encode(base.manifest)),
                "platform": platform} for base, platform in children]
    index = encode({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries, **more})
    server.storage.put_manifest(repository, reference, index, INDEX_TYPE)
    return f"{server.host}/{repository}:{reference}"


def stored_config(server, repository, manifest):
    return json.loads(server.blob(repository, manifest["config"]["digest"]))


def sources(result):
    return [layer["source"] for layer in result["layers"]]
