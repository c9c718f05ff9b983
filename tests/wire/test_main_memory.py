# SPDX-License-Identifier: Apache-2.0
"""Memory does not grow with the stream. Sizes of processes are no timing: they may decide."""
import os
import subprocess
import threading

import pytest
from cli_support import COMMAND, clean_environment, is_sanitized
from registry import Registry
from servers import find_tool

MIB = 1 << 20
FLAT = 2 * MIB
STREAMED_MAX = 16 * MIB
CHUNK = 4 * MIB
LIMIT_S = 600

pytestmark = pytest.mark.skipif(is_sanitized(), reason="sanitizers have memory of their own")


def zeros(size):
    block = bytes(MIB)
    for _ in range(size // MIB):
        yield block


def noise(size):
    block = os.urandom(16 * MIB + 1)  # of another length than any window
    for start in range(0, size, len(block)):
        yield block[:min(len(block), size - start)]


SOURCES = {"zeros": zeros, "noise": noise}


def peak_of(arguments, pieces, tmp_path):
    """Peak resident bytes of one run that reads the pieces. `time` asks, because the kernel counts
    what a process was before it became the command as well, and this one is large."""
    report = tmp_path / "peak"
    process = subprocess.Popen([find_tool("time"), "-f", "%M", "-o", report, COMMAND, *arguments],
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, env=clean_environment(tmp_path))
    errors = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
    reader.start()
    try:
        for piece in pieces:
            process.stdin.write(piece)
        process.stdin.close()
    except BrokenPipeError:
        pass
    finally:
        status = process.wait(LIMIT_S)
        reader.join()
        process.stderr.close()
    assert status == 0, errors
    return int(report.read_text().split()[-1]) * 1024


def peaks(kind, mode, sizes, tmp_path):
    """The first, smaller stream meets a slow registry, so that what may be held is held: how much
    of it a fast one leaves unused is another matter. Where chunks are held it does not compress, for
    the same reason: zeros would not fill one."""
    found = []
    first = noise if mode == "chunked" else SOURCES[kind]
    for size, rate, source in zip(sizes, (20 * MIB, None), (first, SOURCES[kind])):
        with Registry("d28", discard=True, **({"rate": rate} if rate else {})) as server:
            arguments = ["layer", "--raw", "--threads", "2", "--upload", mode, "--chunk-size",
                         str(CHUNK), f"{server.host}/memory/test"]
            found.append(peak_of(arguments, source(size), tmp_path))
            assert len(server.blobs()) == 1
            assert not server.failures
    return found


def check(kind, mode, sizes, tmp_path):
    small, large = peaks(kind, mode, sizes, tmp_path)
    assert large - small <= FLAT, f"{small} bytes grew to {large}"
    limit = STREAMED_MAX + (3 * CHUNK if mode == "chunked" else 0)
    assert large <= limit, f"{large} bytes are more than {limit}"


@pytest.mark.parametrize("mode", ["streamed", "chunked"])
@pytest.mark.parametrize("kind", SOURCES)
def test_memory_is_flat(kind, mode, tmp_path):
    check(kind, mode, [50 * MIB, 400 * MIB], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["streamed", "chunked"])
@pytest.mark.parametrize("kind", SOURCES)
def test_memory_is_flat_over_five_gigabytes(kind, mode, tmp_path):
    check(kind, mode, [50 * MIB, 5000 * MIB], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["streamed", "chunked"])
def test_T17_twenty_gigabytes(mode, tmp_path):
    check("zeros", mode, [50 * MIB, 20480 * MIB], tmp_path)


def test_R22_memory_is_flat_before_a_slow_registry(tmp_path):
    """The producer is fast, the network is not: the reader has to wait."""
    with Registry("d28", discard=True, rate=20 * MIB) as server:
        arguments = ["layer", "--raw", "--threads", "2", "--compress", "none", "--upload",
                     "streamed", f"{server.host}/memory/slow"]
        assert peak_of(arguments, noise(40 * MIB), tmp_path) <= STREAMED_MAX
