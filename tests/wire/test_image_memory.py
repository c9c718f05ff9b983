# SPDX-License-Identifier: Apache-2.0
"""Memory grows by a constant for each layer that is read at the same time, and does not depend on
the size of a layer. layerpipe-push(1) documents the constants."""
import os
import subprocess
import threading

import pytest
from cli_support import COMMAND, clean_environment, is_sanitized
from image_support import Base
from inputs import random_tar
from registry import Registry
from servers import find_tool

MIB = 1 << 20
LAYER = 8 * MIB
CHUNK = 4 * MIB

pytestmark = pytest.mark.skipif(is_sanitized(), reason="sanitizers need more memory")


def feed(path, size):
    block = os.urandom(MIB)
    with open(path, "wb") as file:
        for _ in range(size // MIB):
            file.write(block)


def peak(tmp_path, count, size, *options):
    """Peak resident bytes of a push of `count` streams."""
    folder = tmp_path / f"{count}-{size}"
    folder.mkdir()
    fifos = [folder / f"fifo{number}" for number in range(count)]
    threads = [threading.Thread(target=feed, args=(fifo, size)) for fifo in fifos]
    for fifo, thread in zip(fifos, threads):
        os.mkfifo(fifo)
        thread.start()
    report = folder / "peak"
    with Registry("d28", discard=True) as server:
        subprocess.run([find_tool("time"), "-f", "%M", "-o", report, COMMAND, "push", "-q", "--raw", "--media-type", "application/x.test",
                        "--threads", "2", *options, f"{server.host}/memory/image:1", *fifos],
                       check=True, env=clean_environment(tmp_path))
        assert not server.failures
    for thread in threads:
        thread.join()
    return int(report.read_text().split()[-1]) * 1024


def test_memory_of_a_copy_between_registries(tmp_path):
    """Four blobs at a time, with three chunks of 4 MiB for each."""
    tars = [random_tar(24 * MIB, seed) for seed in range(5)]
    report = tmp_path / "peak"
    with Registry("d28") as source, Registry("d28", discard=True) as server:
        reference = Base(tars).put(source, "memory/image", "1")
        subprocess.run([find_tool("time"), "-f", "%M", "-o", report, COMMAND, "copy", "-q",
                        reference, f"{server.host}/memory/copy:1"], check=True,
                       env=clean_environment(tmp_path))
        assert not server.failures
    assert int(report.read_text().split()[-1]) * 1024 <= 72 * MIB


@pytest.mark.parametrize("mode, extra", [("streamed", 0), ("chunked", 3 * CHUNK)])
def test_memory_grows_by_a_constant_for_each_layer(tmp_path, mode, extra):
    options = ["--upload", mode, "--chunk-size", str(CHUNK)]
    one = peak(tmp_path, 1, 24 * MIB, *options)
    five = peak(tmp_path, 5, 24 * MIB, *options)
    assert five - one <= 4 * (LAYER + extra), f"{one} bytes grew to {five}"
    longer = peak(tmp_path, 5, 48 * MIB, *options)
    assert longer - one <= 4 * (LAYER + extra), f"{one} bytes grew to {longer}"
