# SPDX-License-Identifier: Apache-2.0
"""What calls return and what callbacks get."""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, NamedTuple, Optional

from . import _layerpipe


@dataclass(frozen=True)
class LayerResult:
    """A layer that was read to its end without a failure."""

    media_type: str
    #: Digest of the blob, "sha256:...".
    digest: str
    #: Size of the blob in bytes.
    size: int
    #: Digest of the uncompressed bytes; None if it is not known.
    diff_id: Optional[str] = None
    #: None if it is not known.
    uncompressed_size: Optional[int] = None
    #: How the blob got into the store: "streamed", "mounted", "existing" or "copied".
    origin: Optional[str] = "streamed"
    #: Size of the buffers that were used, in bytes.
    memory_bytes: int = 0
    #: What a reader of the layer's table of contents needs.
    annotations: Dict[str, str] = field(default_factory=dict)
    #: "registry/repository@sha256:..."; None for a layer of an image.
    reference: Optional[str] = None

    def json(self) -> str:
        """The object that `layerpipe layer --json` prints. push() takes it as a layer that is in the
        repository already."""
        members = {"reference": self.reference, "mediaType": self.media_type, "digest": self.digest,
                   "size": self.size, "diffId": self.diff_id,
                   "uncompressedSize": self.uncompressed_size,
                   "annotations": self.annotations or None}
        return json.dumps({name: value for name, value in members.items() if value is not None})


@dataclass(frozen=True)
class PushResult:
    """An image that was pushed."""

    #: "registry/repository@sha256:..."
    reference: str
    media_type: str
    digest: str
    #: Size of the manifest in bytes.
    size: int
    config_media_type: str
    config_digest: str
    config_size: int
    #: All layers of the manifest, those of the base first.
    layers: List[LayerResult]
    #: The tags that were set, in this order.
    tags: List[str]
    #: Digest of the SOCI index; None if none was made.
    soci_digest: Optional[str]
    #: Digest of the image's manifest; digest is another one with soci="v2".
    image_digest: Optional[str]


@dataclass(frozen=True)
class CopyResult:
    """An image or an index that was copied or made."""

    #: "registry/repository@sha256:..."
    reference: str
    media_type: str
    digest: str
    #: Size of the manifest or index in bytes.
    size: int
    #: The tags that were set, in this order.
    tags: List[str]
    manifest_count: int
    blobs_copied: int
    blobs_mounted: int
    blobs_existing: int
    bytes_copied: int
    #: Manifests that refer to others, with referrers=True.
    referrer_count: int


class Event(NamedTuple):
    """One event of a client, as a progress callback gets it. `man liblayerpipe` has the details."""

    #: "blob_start", "blob_progress", "blob_done", "blob_failed", "manifest", "tag", "notice" or
    #: "tick"; None for a kind that this version does not know.
    kind: Optional[str]
    origin: Optional[str]
    #: What is done with the blob: "transfer", "hash" or "wait".
    phase: Optional[str]
    #: Number of the blob within the call, from 0.
    blob_index: int
    #: Uncompressed bytes that were read.
    bytes_in: int
    #: Compressed bytes that were made.
    bytes_out: int
    #: Bytes that were given to the connection or written; it never falls.
    bytes_sent: int
    #: Those of bytes_sent that were lost and have to be sent again.
    bytes_resent: int
    #: Bytes that the target has acknowledged.
    bytes_acked: int
    #: Final value of bytes_out; 0 while it is not known.
    bytes_total: int
    #: Final value of bytes_in; 0 while it is not known.
    input_total: int
    #: Of the blob or manifest.
    digest: Optional[str]
    #: Name of the blob, the tag, or the text of the notice.
    text: Optional[str]
    #: Name of the layer's input.
    input: Optional[str]


class Reference(NamedTuple):
    """The parts of a reference."""

    #: "registry", "layout", "null", "oci-archive" or "docker-archive".
    kind: str
    #: host[:port]; None for all but registries.
    registry: Optional[str]
    #: Repository, or the path of a layout or an archive.
    repository: Optional[str]
    tag: Optional[str]
    digest: Optional[str]
    #: The full name.
    name: str
    #: "http" or "https"; None for all but registries.
    scheme: Optional[str]


def parse_reference(text: str, flags: int = 0) -> Reference:
    """Takes a reference apart. Raises UsageError, which names the part that is wrong."""
    return Reference(*_layerpipe.reference_parse(text, flags))


def layer_result(members: Dict[str, Any], reference: Optional[str] = None) -> LayerResult:
    return LayerResult(reference=reference, **members)


def push_result(members: Dict[str, Any]) -> PushResult:
    layers = [layer_result(layer) for layer in members.pop("layers")]
    return PushResult(layers=layers, **members)
