# SPDX-License-Identifier: Apache-2.0
"""The image archives that programs write, built from their documented layouts: each function makes
the entries of an archive with one image, for archive_support.pack(). tests/wire also takes archives
from the programs that are installed."""
import tarfile

from archive_support import (NAME_KEY, OCI_LAYOUT, TAG_KEY, blob_name, compressed, docker_classic,
                             entry, go_tarball, gzipped, hex_of, index_entry, index_of,
                             manifest_list, oci_archive, oci_blobs)
from image_support import INDEX_TYPE, Base, descriptor, encode
from registry.storage import digest_of

FOLDERS = [entry("blobs/", kind=tarfile.DIRTYPE), entry("blobs/sha256/", kind=tarfile.DIRTYPE)]


def docker_25(base, tag="app:1"):
    """docker save of Docker 25 to 28: a layout with uncompressed layers, the old list beside it, and
    documents of the old format as blobs."""
    old = [b'{"id":"%064d","created":"1970-01-01T00:00:00Z"}' % number
           for number, _ in enumerate(base.layers)]
    blobs = dict(sorted(oci_blobs(base) + [(blob_name(text), text) for text in old]))
    listed = [{"Config": blob_name(encode(base.config)), "RepoTags": [tag],
               "Layers": [blob_name(layer) for layer in base.layers],
               "LayerSources": {digest_of(layer): descriptor(base.manifest["layers"][0]["mediaType"],
                                                             layer) for layer in base.layers}}]
    index = index_of([index_entry(base, **{NAME_KEY: "docker.io/library/" + tag,
                                           TAG_KEY: tag.partition(":")[2]})])
    return [*FOLDERS, *blobs.items(), ("index.json", index), ("manifest.json", encode(listed)),
            ("oci-layout", OCI_LAYOUT), ("repositories", b"{}")]


def docker_containerd(base, tag="app:1"):
    """docker save where containerd stores the images, and ctr images export: the index of all
    platforms, of which one is in the archive, and of an attestation that is not."""
    base = compressed(base)
    blobs = dict(sorted(oci_blobs(base)))
    platform = {"architecture": base.config["architecture"], "os": "linux"}
    gone = descriptor(base.manifest["mediaType"], b"{}", platform={**platform, "architecture": "s390x"})
    attestation = descriptor(base.manifest["mediaType"], b"[]",
                             platform={"architecture": "unknown", "os": "unknown"},
                             annotations={"vnd.docker.reference.type": "attestation-manifest"})
    index = encode({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [
        {**index_entry(base), "platform": platform}, gone, attestation]})
    blobs[blob_name(index)] = index
    top = index_of([descriptor(INDEX_TYPE, index, annotations={
        NAME_KEY: "docker.io/library/" + tag, TAG_KEY: tag.partition(":")[2]})])
    listed = manifest_list([(blob_name(encode(base.config)), [tag],
                             [blob_name(layer) for layer in base.layers])])
    return [*FOLDERS, *blobs.items(), ("index.json", top), ("manifest.json", listed),
            ("oci-layout", OCI_LAYOUT)]


def buildkit_docker(base, tag="app:1"):
    """buildx build --output type=docker: compressed layers, both lists."""
    base = compressed(base)
    listed = manifest_list([(blob_name(encode(base.config)), [tag],
                             [blob_name(layer) for layer in base.layers])])
    return [*buildkit_oci(base, tag, is_compressed=True), ("manifest.json", listed)]


def buildkit_oci(base, tag="app:1", is_compressed=False):
    """buildx build --output type=oci."""
    base = base if is_compressed else compressed(base)
    blobs = dict(sorted(oci_blobs(base)))
    index = index_of([index_entry(base, **{NAME_KEY: "docker.io/library/" + tag,
                                           "org.opencontainers.image.created": "2024-01-02T03:04:05Z",
                                           TAG_KEY: tag.partition(":")[2]})])
    return [*FOLDERS, *blobs.items(), ("index.json", index), ("oci-layout", OCI_LAYOUT)]


def podman_docker(base, tag="localhost/app:1"):
    """podman save and skopeo copy docker-archive: (containers/image): a layer under its digest, and
    a link of the old form to it."""
    entries = {hex_of(layer) + ".tar": layer for layer in base.layers}
    config = encode(base.config)
    links = []
    for number, layer in enumerate(base.layers):
        folder = hex_of(b"%d" % number + layer)
        links += [entry(f"{folder}/VERSION", b"1.0"), entry(f"{folder}/json", b'{"id":"x"}'),
                  entry(f"{folder}/layer.tar", kind=tarfile.SYMTYPE, link=f"../{hex_of(layer)}.tar")]
    listed = manifest_list([(hex_of(config) + ".json", [tag],
                             [hex_of(layer) + ".tar" for layer in base.layers])])
    return [*entries.items(), (hex_of(config) + ".json", config), *links,
            ("repositories", encode({tag.partition(":")[0]: {"1": "x"}})), ("manifest.json", listed)]


def nix_stream(base, tag="app:1"):
    """dockerTools.streamLayeredImage of Nix."""
    names = [hex_of(layer) + "/layer.tar" for layer in base.layers]
    config = encode(base.config)
    return [*dict(zip(names, base.layers)).items(), (hex_of(config) + ".json", config),
            ("manifest.json", manifest_list([(hex_of(config) + ".json", [tag], names)]))]


def rules_oci(base, tag="app:1"):
    """oci_load of Bazel's rules_oci: blobs under their digests, layers with an ending."""
    layers = [gzipped(layer) for layer in base.layers]
    names = [blob_name(layer) + ".tar.gz" for layer in layers]
    config = encode(base.config)
    return [("manifest.json", manifest_list([(blob_name(config), [tag], names)])),
            (blob_name(config), config), *dict(zip(names, layers)).items()]


def jib(base, tag="app:1"):
    """jib-image.tar of Jib."""
    layers = [gzipped(layer) for layer in base.layers]
    names = [hex_of(layer) + ".tar.gz" for layer in layers]
    return [*dict(zip(names, layers)).items(), ("config.json", encode(base.config)),
            ("manifest.json", manifest_list([("config.json", [tag], names)]))]


# go: crane pull, crane append, kaniko --tar-path, ko --tarball and all that use Go's tarball package.
FORMS = {"docker-24": docker_classic, "docker-25": docker_25, "docker-containerd": docker_containerd,
         "buildkit-docker": buildkit_docker, "buildkit-oci": buildkit_oci, "podman": podman_docker,
         "nix": nix_stream, "rules_oci": rules_oci, "jib": jib, "go": go_tarball, "oci": oci_archive}
# With compressed layers.
COMPRESSED = {"docker-containerd", "buildkit-docker", "buildkit-oci", "rules_oci", "jib", "go"}
# With a manifest that the copy keeps.
WITH_MANIFEST = {"docker-containerd", "buildkit-docker", "buildkit-oci", "oci"}


def attested(base, tag="app:1"):
    """type=oci of BuildKit with an attestation. Returns the entries and the index."""
    base = compressed(base)
    statement = encode({"_type": "https://in-toto.io/Statement/v0.1"})
    proof = Base([statement])
    proof.manifest["layers"] = [descriptor("application/vnd.in-toto+json", statement)]
    blobs = dict(sorted(oci_blobs(base) + oci_blobs(proof)))
    unknown = {"architecture": "unknown", "os": "unknown"}
    platform = {"architecture": base.config["architecture"], "os": "linux"}
    index = encode({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [
        {**index_entry(base), "platform": platform},
        {**index_entry(proof, **{"vnd.docker.reference.digest": base.digest,
                                 "vnd.docker.reference.type": "attestation-manifest"}),
         "platform": unknown}]})
    blobs[blob_name(index)] = index
    top = index_of([descriptor(INDEX_TYPE, index, annotations={TAG_KEY: tag.partition(":")[2]})])
    return [*FOLDERS, *blobs.items(), ("index.json", top), ("oci-layout", OCI_LAYOUT)], \
        (base, proof, index)
