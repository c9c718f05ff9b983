# SPDX-License-Identifier: Apache-2.0
"""layerpipe cat: one layer, a blob, the end that is held back, connections that break."""
import array
import fcntl
import gzip
import io
import os
import pty
import random
import signal
import subprocess
import tarfile
import termios
import zlib

import pytest
from cli_support import make_tar, wait_until
from image_support import OCI, Base, encode, put_index
from inputs import random_bytes, random_tar, sha256
from registry import Fault

REPOSITORY = "cat/image"
HELD = 32768


def compressed(base, index, data):
    base.layers[index] = data
    base.manifest["layers"][index].update(digest=sha256(data), size=len(data))
    return base


def zstd(data):
    return subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout


@pytest.fixture
def tars():
    return [random_tar(300000, seed, files=3) for seed in (1, 2)]


@pytest.fixture
def image(tars):
    base = Base(list(tars))
    compressed(base, 0, gzip.compress(tars[0], 1))
    return compressed(base, 1, zstd(tars[1]))


def test_layer_is_the_tar_that_was_pushed(command, registry, image, tars):
    reference = image.put(registry("d28"), REPOSITORY, "1")
    for number, tar in enumerate(tars, 1):
        for name in (number, image.manifest["layers"][number - 1]["digest"]):
            result = command("cat", "--layer", name, reference)
            assert (result.returncode, result.stdout) == (0, tar), result.stderr


def test_blob_is_the_stored_bytes(command, registry, image):
    server = registry("d28")
    reference = image.put(server, REPOSITORY, "1")
    stored = image.layers[0]
    assert command("cat", "--blob", "--layer", 1, reference).stdout == stored
    name = f"{server.host}/{REPOSITORY}@{sha256(stored)}"
    assert command("cat", "--blob", name).stdout == stored


def test_layer_without_an_image(command, run, registry, tars):
    """The digest that layerpipe layer prints."""
    server = registry("d28")
    printed = run("layer", f"{server.host}/{REPOSITORY}", input=tars[0])
    result = command("cat", printed.stdout.strip())
    assert (result.returncode, result.stdout) == (0, tars[0]), (printed, result.stderr)


def test_cat_and_push_give_the_same_diff_id(command, run, registry, image):
    server = registry("d28")
    tar = command("cat", "--layer", 2, image.put(server, REPOSITORY, "1")).stdout
    pushed = run("push", "--json", f"{server.host}/{REPOSITORY}:2", "-", input=tar).json()
    assert pushed["layers"][0]["diffId"] == image.config["rootfs"]["diff_ids"][1]


@pytest.mark.parametrize("codec", ["gzip:1", "zstd", "none"])
def test_output_is_compressed(command, registry, image, codec):
    reference = image.put(registry("d28"), REPOSITORY, "1")
    plain = command("cat", reference).stdout
    result = command("cat", "--compress", codec, reference)
    opened = {"gzip:1": gzip.decompress, "none": bytes,
              "zstd": lambda data: subprocess.run(["zstd", "-dc"], input=data, check=True,
                                                  capture_output=True).stdout}[codec]
    assert result.returncode == 0 and opened(result.stdout) == plain


def test_layout(command, run, tmp_path, tars):
    layout = f"oci:{tmp_path}/layout:1"
    assert run("push", layout, "-", input=tars[0]).rc == 0
    assert command("cat", "--layer", "1", layout).stdout == tars[0]
    flat = command("cat", layout).stdout
    assert tarfile.open(fileobj=io.BytesIO(flat)).getnames() == \
        tarfile.open(fileobj=io.BytesIO(tars[0])).getnames()


def test_platform_of_an_index(command, registry):
    server = registry("d28")
    children = []
    for arch in ("amd64", "s390x"):
        base = Base([make_tar({arch: b"1"})], arch=arch)
        base.put(server, REPOSITORY, base.digest)
        children.append((base, {"os": "linux", "architecture": arch}))
    reference = put_index(server, REPOSITORY, "all", children)
    flat = command("cat", "--platform", "linux/s390x", reference).stdout
    assert tarfile.open(fileobj=io.BytesIO(flat)).getnames() == ["s390x"]
    assert command("cat", "--platform", "linux/arm64", reference).returncode == 5


@pytest.mark.parametrize("verb", ["cat", "inspect"])
def test_platform_of_a_single_image(command, run, tmp_path, tars, verb):
    """The config names it; another one would be a silent surprise."""
    layout = f"oci:{tmp_path}/layout:1"
    assert run("push", "--platform", "linux/arm64", layout, "-", input=tars[0]).rc == 0
    assert command(verb, "--platform", "linux/arm64", layout).returncode == 0
    refused = command(verb, "--platform", "linux/s390x", layout)
    assert refused.returncode == 5 and refused.stdout == b""
    assert b"the image is for linux/arm64, not for linux/s390x" in refused.stderr


@pytest.mark.parametrize("compress, said", [("zstd-chunked", b"gzip or zstd only"),
                                            ("estargz:3", b"gzip or zstd only"),
                                            ("lzma", b"lzma is not known")])
def test_compression_is_checked_before_the_first_request(command, registry, compress, said):
    server = registry("d28")
    result = command("cat", "--compress", compress, f"{server.host}/a/b:1")
    assert result.returncode == 2 and said in result.stderr
    assert not server.journal.entries()


def assert_incomplete(output, tar):
    """Not to its end, and ending within a block, so that tar reports it."""
    assert output != tar
    assert not output or len(output) % 512 == 256
    if output:
        done = subprocess.run(["tar", "-t"], input=output, capture_output=True, check=False)
        assert done.returncode != 0


def damaged_offsets(blob):
    """Every byte of the framing at both ends, and some between."""
    return sorted({*range(12), *range(len(blob) - 10, len(blob)),
                   *range(100, len(blob) - 10, len(blob) // 12)})


@pytest.mark.parametrize("index", [0, 1])
def test_any_byte_that_is_flipped_is_found(command, registry, image, tars, index):
    server = registry("d28")
    good = image.layers[index]
    reference = image.put(server, REPOSITORY, "1")
    digest = image.manifest["layers"][index]["digest"]
    flat = command("cat", reference).stdout
    for offset in damaged_offsets(good):
        bad = bytearray(good)
        bad[offset] ^= 0x10
        fault = Fault("blob-get", "answer", body=bytes(bad), times=None,
                      when=lambda request: digest in request.path)
        server.faults.add(fault)
        layer = command("cat", "--layer", index + 1, reference)
        assert layer.returncode == 9, (offset, layer.stderr)
        assert_incomplete(layer.stdout, tars[index])
        whole = command("cat", reference)
        assert whole.returncode == 9, (offset, whole.stderr)
        assert_incomplete(whole.stdout, flat)
        blob = command("cat", "--blob", "--layer", index + 1, reference)
        assert blob.returncode == 9 and len(blob.stdout) <= len(good) - HELD
        fault.times = 0


@pytest.mark.parametrize("part", ["manifest", "config", "gzip layer", "zstd layer", "plain layer"])
def test_no_flipped_bit_gives_a_complete_tar(command, registry, part):
    """300 places of what an image is made of, each with another bit."""
    tars = [make_tar({name: random_bytes(2000, number)}) for number, name in enumerate("abc")]
    base = Base(list(tars))
    compressed(base, 0, gzip.compress(tars[0], 1))
    compressed(base, 1, zstd(tars[1]))
    server = registry("d28")
    base.put(server, REPOSITORY, base.digest)
    reference = f"{server.host}/{REPOSITORY}@{base.digest}"
    flat = command("cat", reference).stdout
    good = {"manifest": encode(base.manifest), "config": encode(base.config),
            "gzip layer": base.layers[0], "zstd layer": base.layers[1],
            "plain layer": base.layers[2]}[part]
    places = random.Random(part).sample(range(len(good)), 60)
    for bit, place in enumerate(places):
        bad = bytearray(good)
        bad[place] ^= 1 << bit % 8
        kind = "manifest-get" if part == "manifest" else "blob-get"
        fault = Fault(kind, "answer", body=bytes(bad), times=None,
                      when=lambda request: sha256(good) in request.path)
        server.faults.add(fault)
        result = command("cat", reference)
        assert result.returncode == 9, (place, result.stderr)
        assert_incomplete(result.stdout, flat)
        assert fault.hits
        server.faults.clear()


def test_compressed_output_of_a_damaged_layer_has_no_end(command, registry, image):
    server = registry("d28")
    reference = image.put(server, REPOSITORY, "1")
    bad = image.layers[0][:-6] + b"\1" + image.layers[0][-5:]
    server.faults.add(Fault("blob-get", "answer", body=bad, times=None))
    result = command("cat", "--layer", 1, "--compress", "gzip", reference)
    assert result.returncode == 9
    if result.stdout:
        with pytest.raises((EOFError, zlib.error)):
            gzip.decompress(result.stdout)


def test_wrong_diff_id(command, registry, tars):
    base = Base(list(tars))
    base.config["rootfs"]["diff_ids"][1] = "sha256:" + "0" * 64
    result = command("cat", "--layer", 2, base.put(registry("d28"), REPOSITORY, "1"))
    assert result.returncode == 9 and b"the image config says sha256:0000" in result.stderr
    assert_incomplete(result.stdout, tars[1])


def test_mark_is_held_back_whatever_follows(command, registry):
    """A server appends bytes to a tar, so that zeros are no longer at the end."""
    tar = make_tar({"a": random_bytes(1000)})
    more = tar + random_bytes(200000)
    base = Base([more])
    reference = base.put(registry("d28"), REPOSITORY, "1")
    assert command("cat", "--layer", 1, reference).stdout == more
    server = registry("d28")
    reference = Base([tar]).put(server, REPOSITORY, "1")
    server.faults.add(Fault("blob-get", "answer", nth=2, body=gzip.compress(more)))
    result = command("cat", "--layer", 1, reference)
    assert result.returncode == 9
    assert_incomplete(result.stdout, tar)


def test_layer_that_is_no_tar(command, registry):
    reference = Base([random_bytes(5000)]).put(registry("d28"), REPOSITORY, "1")
    result = command("cat", "--layer", 1, reference)
    assert result.returncode == 3 and b"not a valid tar" in result.stderr
    assert command("cat", "--layer", 1, "--blob", reference).stdout == random_bytes(5000)


def test_long_end_of_zeros_is_held_back(command, registry):
    tar = make_tar({"a": random_bytes(100000)}) + bytes(1 << 20)
    base = compressed(Base([tar]), 0, gzip.compress(tar))
    assert command("cat", "--layer", 1, base.put(registry("d28"), REPOSITORY, "1")).stdout == tar
    base.config["rootfs"]["diff_ids"][0] = "sha256:" + "0" * 64
    result = command("cat", "--layer", 1, base.put(registry("d28"), REPOSITORY, "1"))
    assert result.returncode == 9
    assert_incomplete(result.stdout, tar)
    assert result.stdout == tar[:len(result.stdout)] and len(result.stdout) > 60000


@pytest.mark.parametrize("sent", [0, 1, 1000, 299000, 300500])
def test_broken_connection_goes_on(command, registry, tars, sent):
    server = registry("d28", Fault("blob-get", "reset", nth=2, at="answer", sent=sent))
    base = Base([tars[0]])
    result = command("cat", "--layer", 1, base.put(server, REPOSITORY, "1"))
    assert (result.returncode, result.stdout) == (0, tars[0]), result.stderr
    requests = server.journal.entries("blob-get")
    assert len(requests) == 3  # config, layer, rest


def test_two_bodies_are_never_mixed(command, registry, tars):
    """After a broken connection the server sends another blob's bytes."""
    server = registry("d28", Fault("blob-get", "reset", nth=2, at="answer", sent=200000))
    base = Base([tars[0]])
    reference = base.put(server, REPOSITORY, "1")
    server.faults.add(Fault("blob-get", "answer", nth=3, body=tars[1][:len(tars[0])], times=None))
    result = command("cat", "--layer", 1, reference)
    assert result.returncode == 9, result.stderr
    assert_incomplete(result.stdout, tars[0])


def test_redirect_to_blob_storage(command, registry, tars):
    storage, server = registry("d28"), registry("d28")
    base = Base([tars[0]])
    base.put(storage, REPOSITORY, "1")
    digest = base.manifest["layers"][0]["digest"]
    server.faults.add(Fault("blob-get", "answer", status=307, times=None, body=b"", headers={
        "Location": f"http://{storage.host}/v2/{REPOSITORY}/blobs/{digest}"},
        when=lambda request: digest in request.path))
    result = command("cat", "--layer", 1, base.put(server, REPOSITORY, "1"))
    assert (result.returncode, result.stdout) == (0, tars[0]), result.stderr


def test_layers_that_are_no_tar_are_refused(command, registry):
    server = registry("d28")
    for media_type, words in ((OCI + "layer.v1.tar+gzip+encrypted", b"encrypted"),
                              (OCI + "layer.nondistributable.v1.tar", b"not distributable"),
                              ("application/vnd.example", b"--layer 1 and --blob")):
        base = Base([make_tar({"a": b"1"})])
        base.manifest["layers"][0]["mediaType"] = media_type
        reference = base.put(server, REPOSITORY, "1")
        for options in ((), ("--layer", 1)):
            result = command("cat", *options, reference)
            assert result.returncode != 0 and words in result.stderr and result.stdout == b""
        assert command("cat", "--layer", 1, "--blob", reference).stdout == base.layers[0]


def test_artifact(command, run, registry):
    server = registry("d28")
    reference = f"{server.host}/{REPOSITORY}:art"
    assert run("push", "--raw", "--artifact-type", "application/vnd.example", "--media-type",
               "application/vnd.example", "--compress", "none", reference, "-",
               input=b"bytes").rc == 0
    result = command("cat", reference)
    assert result.returncode != 0 and b"--layer N and --blob" in result.stderr
    assert command("cat", "--layer", 1, "--blob", reference).stdout == b"bytes"


@pytest.mark.parametrize("layer, code", [("0", 5), ("3", 5), ("x", 2), ("sha256:" + "1" * 64, 5)])
def test_unknown_layer(command, registry, image, layer, code):
    reference = image.put(registry("d28"), REPOSITORY, "1")
    result = command("cat", "--layer", layer, reference)
    assert result.returncode == code
    assert b"it has 1 layers" not in result.stderr


def test_usage(command, run):
    assert run("cat", "--blob", "--compress", "gzip", "localhost:1/a").rc == 2
    assert run("cat", "--blob", "localhost:1/a").rc == 2
    master, terminal = pty.openpty()
    try:
        result = command("cat", "localhost:1/a", stdout=terminal)
        assert result.returncode == 2 and b"terminal" in result.stderr
    finally:
        os.close(master)
        os.close(terminal)


def test_reader_that_ends_early(command, registry, tars):
    """One line, not one for each write."""
    reference = Base([tars[0]]).put(registry("d28"), REPOSITORY, "1")
    process = command.start("cat", "--layer", "1", reference, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"layerpipe: stdout was closed before the end\n"
    process.stderr.close()
    assert process.wait() == 8


def test_full_disk(command, registry, tars):
    with open("/dev/full", "wb") as full:
        result = command("cat", "--layer", "1",
                         Base([tars[0]]).put(registry("d28"), REPOSITORY, "1"), stdout=full)
    assert result.returncode == 8 and b"No space left" in result.stderr


def waiting_bytes(pipe):
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


@pytest.mark.parametrize("blocking", [True, False])
def test_signal_while_nobody_reads(command, tmp_path, run, blocking):
    layout = f"oci:{tmp_path}/layout:1"
    assert run("push", layout, "-", input=random_tar(3 << 20)).rc == 0
    reader, writer = os.pipe()
    os.set_blocking(writer, blocking)
    process = command.start("cat", "--layer", "1", layout, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    wait_until(lambda: waiting_bytes(reader) > 60000, process)
    process.send_signal(signal.SIGINT)
    assert process.stderr.read() == b"layerpipe: interrupted by SIGINT\n"
    process.stderr.close()
    assert process.wait() == -signal.SIGINT
    os.close(reader)


def test_pipe_that_does_not_block(command, tmp_path, run):
    tar = random_tar(3 << 20)
    layout = f"oci:{tmp_path}/layout:1"
    assert run("push", layout, "-", input=tar).rc == 0
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    process = command.start("cat", "--layer", "1", layout, stdout=writer)
    os.close(writer)
    with open(reader, "rb") as file:
        assert file.read() == tar
    assert process.wait() == 0
