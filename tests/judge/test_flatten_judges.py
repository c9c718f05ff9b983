# SPDX-License-Identifier: Apache-2.0
"""layerpipe cat against container runtimes: what the unpackers of containerd, Docker and podman and
the kernel's overlay file system make of an image's layers, they make of the flattened tar, too: the
same paths with the same types, modes, owners, times, attributes, contents and hard links."""
import json
import os
import struct
import subprocess

import pytest
from image_support import Base
from odd_images import IMAGES, random_layers
from tar_judges import UNPACKER_TAGS, build, check_root

REPOSITORY = "cat/judged"
IMAGES_MADE = 200

# What is not the same, by runtime. One by one: each layer is applied to what is there already.
ONE_BY_ONE_CANNOT = {
    "new entry before the whiteout",  # they delete the layer's own entry, too
    "sparse file, GNU"}
ONE_BY_ONE_DIFFERS = {
    "attributes of a directory",  # they keep those of lower layers
    "below a symbolic link"}  # they put the file where the link points to
RUNTIMES = ("containerd", "docker", "podman", "overlay")
CANNOT_UNPACK = {
    **dict.fromkeys(RUNTIMES[:3], ONE_BY_ONE_CANNOT),
    # A layer is unpacked alone, so it cannot have links to lower ones.
    "overlay": ONE_BY_ONE_CANNOT | {
        "link to a lower layer", "link in a chain", "link to a lower layer, target deleted"}}
DIFFERENT = {
    **dict.fromkeys(RUNTIMES[:3], ONE_BY_ONE_DIFFERS),
    # The new directory has taken the whiteout's place, so what is below is seen again.
    "overlay": {"whiteout and a new entry in one layer"}}


@pytest.fixture
def judge(tmp_path):
    """A function that tells what each runtime makes of each of these images."""
    check_root(tmp_path)
    program = build("flattenjudge", UNPACKER_TAGS)
    scratch = tmp_path / "unpacked"
    scratch.mkdir()

    def ask(images):
        framed = b"".join(
            struct.pack("<I", len(layers)) + b"".join(struct.pack("<I", len(tar)) + tar
                                                      for tar in layers) for layers in images)
        done = subprocess.run(["unshare", "-m", program, scratch], input=framed, check=True,
                              stdout=subprocess.PIPE)
        assert os.listdir(scratch) == []
        return [json.loads(line) for line in done.stdout.splitlines()]
    return ask


@pytest.fixture
def flatten(command, registry):
    server = registry("d28")

    def flatten_layers(layers):
        result = command("cat", Base(list(layers)).put(server, REPOSITORY, "1"))
        assert result.returncode == 0, result.stderr
        return result.stdout
    return flatten_layers


def differences(layers, flat):
    """Paths whose files differ."""
    theirs, ours = layers["Files"], flat["Files"]
    return {path: (theirs.get(path), ours.get(path)) for path in theirs.keys() | ours.keys()
            if theirs.get(path) != ours.get(path)}


def compare(judge, flatten, images):
    """For each runtime: which images it cannot unpack and why, and which differ and how; each image
    of those that are neither is the same. images: layers by name."""
    errors = {runtime: {} for runtime in RUNTIMES}
    different = {runtime: {} for runtime in RUNTIMES}
    pairs = [[layers, [flatten(layers)]] for layers in images.values()]
    verdicts = judge([image for pair in pairs for image in pair])
    for name, layers, flat in zip(images, verdicts[::2], verdicts[1::2]):
        for runtime in RUNTIMES:
            if "operation not permitted" in layers[runtime]["Error"]:
                pytest.skip("mounting an overlay file system is not allowed here")
            if layers[runtime]["Error"]:
                errors[runtime][name] = layers[runtime]["Error"]
            elif flat[runtime]["Error"]:
                different[runtime][name] = flat[runtime]["Error"]
            elif differences(layers[runtime], flat[runtime]):
                different[runtime][name] = differences(layers[runtime], flat[runtime])
    return errors, different


def test_odd_images(judge, flatten):
    errors, different = compare(judge, flatten,
                                {name: layers() for name, layers in IMAGES.items()})
    for runtime in RUNTIMES:
        assert errors[runtime].keys() == CANNOT_UNPACK[runtime], errors[runtime]
        assert different[runtime].keys() == DIFFERENT[runtime], different[runtime]


def test_random_images(judge, flatten):
    """Runtimes cannot unpack all of them: a file in place of a parent is an error."""
    images = {seed: random_layers(seed, plain=True) for seed in range(IMAGES_MADE)}
    errors, different = compare(judge, flatten, images)
    for runtime in RUNTIMES:
        assert not different[runtime], different[runtime]
        assert len(errors[runtime]) < IMAGES_MADE / 2, errors[runtime]
