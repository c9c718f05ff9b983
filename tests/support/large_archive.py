# SPDX-License-Identifier: Apache-2.0
"""large_archive.py classic|with-oci SIZE: writes an archive of docker save of about SIZE bytes to
stdout. Its layers are made twice, for their digests and as they are written, and never kept."""
import hashlib
import os
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from archive_support import OCI_LAYOUT, hex_of, index_of, manifest_list  # noqa: E402
from image_support import DOCKER, OCI, encode  # noqa: E402
from registry.storage import digest_of  # noqa: E402

LAYERS = 5
BLOCK = os.urandom(1 << 20) + bytes(1 << 19) + b"some text that compresses well\n" * (1 << 14)


def padding(size):
    return bytes(-size % 512)


def header(name, size):
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def layer(number, size):
    """The parts of a layer's tar with one file."""
    yield header(f"file{number}", size)
    for offset in range(0, size, len(BLOCK)):
        part = b"%d %d\n" % (number, offset) + BLOCK
        yield part[:min(len(BLOCK), size - offset)]
    yield padding(size) + bytes(1024)


def write_file(name, data):
    sys.stdout.buffer.write(header(name, len(data)) + data + padding(len(data)))


def main():
    with_oci = sys.argv[1] == "with-oci"
    file_size = int(sys.argv[2]) // LAYERS
    size = 512 + file_size + len(padding(file_size)) + 1024
    digests = []
    for number in range(LAYERS):
        digest = hashlib.sha256()
        for part in layer(number, file_size):
            digest.update(part)
        digests.append(digest.hexdigest())
    config = encode({"architecture": "amd64", "os": "linux", "config": {},
                     "rootfs": {"type": "layers", "diff_ids": ["sha256:" + d for d in digests]}})
    names = [f"blobs/sha256/{d}" if with_oci else f"{d[::-1]}/layer.tar" for d in digests]
    for number, name in enumerate(names):
        sys.stdout.buffer.write(header(name, size))
        for part in layer(number, file_size):
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.write(padding(size))
    config_name = "blobs/sha256/" + hex_of(config) if with_oci else hex_of(config) + ".json"
    write_file(config_name, config)
    if with_oci:
        kinds = {"mediaType": OCI + "manifest.v1+json"}
        manifest = encode({"schemaVersion": 2, **kinds,
                           "config": {"mediaType": DOCKER + "container.image.v1+json",
                                      "digest": digest_of(config), "size": len(config)},
                           "layers": [{"mediaType": OCI + "layer.v1.tar",
                                       "digest": "sha256:" + d, "size": size} for d in digests]})
        write_file("blobs/sha256/" + hex_of(manifest), manifest)
        write_file("index.json", index_of([{**kinds, "digest": digest_of(manifest),
                                            "size": len(manifest)}]))
        write_file("oci-layout", OCI_LAYOUT)
    write_file("manifest.json", manifest_list([(config_name, ["large:1"], names)]))
    sys.stdout.buffer.write(bytes(10240))


if __name__ == "__main__":
    main()
