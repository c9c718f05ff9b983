# SPDX-License-Identifier: Apache-2.0
"""Image archives for tests, built from the documented layouts: docker save before and since Docker
25, an OCI archive, and the tarballs of other tools."""
import gzip
import io
import json
import tarfile

from image_support import Base, descriptor, encode
from registry.storage import digest_of

TAG_KEY = "org.opencontainers.image.ref.name"
NAME_KEY = "io.containerd.image.name"
OCI_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


def gzipped(data):
    """The same bytes at any time."""
    return gzip.compress(data, mtime=0)


def hex_of(data):
    return digest_of(data).partition(":")[2]


def blob_name(data):
    return "blobs/sha256/" + hex_of(data)


def entry(name, data=b"", kind=tarfile.REGTYPE, link="", **more):
    """An entry as pack() takes it."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def pack(entries, form=tarfile.GNU_FORMAT):
    """A tar of pairs of name and bytes, or of what entry() gives."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for item in entries:
            info, data = item if isinstance(item[0], tarfile.TarInfo) else entry(*item)
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return buffer.getvalue()


def manifest_list(images):
    """manifest.json. images: lists of config name, tags and layer names."""
    return encode([{"Config": config, "RepoTags": tags, "Layers": layers}
                   for config, tags, layers in images])


def docker_classic(base, tags=("app:1",)):
    """The entries that docker save wrote before Docker 25."""
    config = encode(base.config)
    entries = []
    names = []
    for number, layer in enumerate(base.layers):
        folder = hex_of(b"layer %d of " % number + config)
        names.append(f"{folder}/layer.tar")
        entries += [entry(f"{folder}/", kind=tarfile.DIRTYPE), (f"{folder}/VERSION", b"1.0"),
                    (f"{folder}/json", b'{"id":"%s"}' % folder.encode()), (names[-1], layer)]
    name = hex_of(config) + ".json"
    return [*entries, (name, config),
            ("manifest.json", manifest_list([(name, list(tags), names)])),
            ("repositories", encode({tag.partition(":")[0]: {"1": "x"} for tag in tags}))]


def oci_blobs(base):
    """Config, layers and manifest under their digests. Sets the digest of the config in the
    manifest."""
    config = encode(base.config)
    base.manifest["config"].update(digest=digest_of(config), size=len(config))
    return [(blob_name(data), data)
            for data in [config, encode(base.manifest), *dict.fromkeys(base.layers)]]


def index_entry(base, **annotations):
    more = {"annotations": annotations} if annotations else {}
    return descriptor(base.manifest["mediaType"], encode(base.manifest), **more)


def index_of(entries):
    return encode({"schemaVersion": 2, "manifests": entries})


def oci_archive(base, tag="1"):
    """The entries of an OCI archive with one image."""
    return [entry("blobs/", kind=tarfile.DIRTYPE), entry("blobs/sha256/", kind=tarfile.DIRTYPE),
            *sorted(oci_blobs(base)), ("index.json", index_of([index_entry(base, **{TAG_KEY: tag})])),
            ("oci-layout", OCI_LAYOUT)]


def docker_with_oci(base, tags=("app:1",)):
    """The entries that docker save writes since Docker 25: both forms with one set of blobs."""
    blobs = sorted(oci_blobs(base))
    entries = [index_entry(base, **{NAME_KEY: "docker.io/library/" + tag,
                                    TAG_KEY: tag.partition(":")[2]}) for tag in tags]
    listed = manifest_list([(blob_name(encode(base.config)), list(tags),
                             [blob_name(layer) for layer in base.layers])])
    return [*blobs, ("index.json", index_of(entries)), ("manifest.json", listed),
            ("oci-layout", OCI_LAYOUT), ("repositories", b"{}")]


def compressed(base, codec=gzipped, suffix="+gzip"):
    """The same image with compressed layers."""
    other = Base(base.layers)
    other.config = base.config
    other.layers = [codec(layer) for layer in base.layers]
    kind = base.manifest["layers"][0]["mediaType"] + suffix
    other.manifest = {**base.manifest,
                      "layers": [descriptor(kind, layer) for layer in other.layers]}
    return other


def go_tarball(base, tag="app:1"):
    """The tarball of Go's tarball package: HEX.tar.gz, the config as sha256:HEX, manifest.json last
    of all."""
    gz = [gzipped(layer) for layer in base.layers]
    config = encode(base.config)
    names = [hex_of(layer) + ".tar.gz" for layer in gz]
    return [(digest_of(config), config), *dict(zip(names, gz)).items(),
            ("manifest.json", manifest_list([(digest_of(config), [tag], names)]))]


def document(text):
    return json.loads(text)
