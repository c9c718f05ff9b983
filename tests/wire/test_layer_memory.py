# SPDX-License-Identifier: Apache-2.0
"""Memory does not grow with the size of the stream."""
import os
import platform
import random
import re
import subprocess
import threading

import pytest
from cli_support import COMMAND, clean_environment, is_sanitized, make_tar
from registry import Registry
from servers import find_tool

MIB = 1 << 20
FLAT = 2 * MIB
# The limit of 16 MiB counts for Debian 12, where a command that sends 1000 bytes needs 11.2 MiB. Nearly
# all of that are pages of shared libraries, and their size depends on the system: 12.7 MiB on Debian 13,
# for OpenSSL 3.5 and libcurl 8.14. What a stream needs in addition is the same on every system.
DEBIAN_12_MAX = 16 * MIB
STREAM_MAX = 4 * MIB + 3 * MIB // 4
CHUNK = 4 * MIB
LIMIT_S = 600

pytestmark = pytest.mark.skipif(is_sanitized(), reason="sanitizers need more memory")


def zeros(size):
    block = bytes(MIB)
    for _ in range(size // MIB):
        yield block


def noise(size):
    block = os.urandom(16 * MIB + 1)  # its length is not a multiple of any buffer size
    for start in range(0, size, len(block)):
        yield block[:min(len(block), size - start)]


SOURCES = {"zeros": zeros, "noise": noise}


def peak_of(arguments, pieces, tmp_path):
    """Peak resident bytes of a run that reads the pieces. The small program `time` starts the
    command: the kernel also counts the memory before exec, and this Python process is large."""
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


def baseline(tmp_path):
    """Peak of a run that sends 1000 bytes: the libraries, a client and a connection."""
    with Registry("d28", discard=True) as server:
        return peak_of(["layer", "--raw", "--threads", "2", f"{server.host}/memory/test"],
                       [bytes(1000)], tmp_path)


def is_debian_12():
    try:
        with open("/etc/debian_version", encoding="utf-8") as file:
            return file.read().startswith("12.")
    except FileNotFoundError:
        return False


def peaks(kind, mode, sizes, tmp_path):
    """Peaks for 1000 bytes, and for a small and a large stream. The small stream is sent to a slow registry, so that it
    fills all buffers. With chunks it is incompressible, because compressed zeros do not fill a
    chunk."""
    found = [baseline(tmp_path)]
    first = noise if mode == "chunked" else SOURCES[kind]
    for size, rate, source in zip(sizes, (20 * MIB, None), (first, SOURCES[kind])):
        with Registry("d28", discard=True, **({"rate": rate} if rate else {})) as server:
            arguments = ["layer", "--raw", "--threads", "2", "--upload", mode, "--chunk-size",
                         str(CHUNK), f"{server.host}/memory/test"]
            found.append(peak_of(arguments, source(size), tmp_path))
            assert len(server.blobs()) == 1
            assert not server.failures
    return found


def assert_small(peak, least, chunks=0):
    """peak and least: of a stream, and of 1000 bytes."""
    assert peak - least <= STREAM_MAX + chunks, f"{peak - least} bytes more than without a stream"
    assert not is_debian_12() or peak <= DEBIAN_12_MAX + chunks, f"{peak} bytes"


def assert_flat(kind, mode, sizes, tmp_path):
    least, small, large = peaks(kind, mode, sizes, tmp_path)
    assert large - small <= FLAT, f"{small} bytes grew to {large}"
    assert_small(large, least, 3 * CHUNK if mode == "chunked" else 0)


@pytest.mark.parametrize("mode", ["streamed", "chunked"])
@pytest.mark.parametrize("kind", SOURCES)
def test_memory_does_not_grow_with_stream(kind, mode, tmp_path):
    assert_flat(kind, mode, [50 * MIB, 400 * MIB], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["streamed", "chunked"])
@pytest.mark.parametrize("kind", SOURCES)
def test_memory_does_not_grow_over_five_gigabytes(kind, mode, tmp_path):
    assert_flat(kind, mode, [50 * MIB, 5000 * MIB], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["streamed", "chunked"])
def test_memory_does_not_grow_over_twenty_gigabytes(mode, tmp_path):
    assert_flat("zeros", mode, [50 * MIB, 20480 * MIB], tmp_path)


def test_memory_stays_small_before_slow_registry(tmp_path):
    """Input that cannot be sent yet is not read, so memory stays small."""
    with Registry("d28", discard=True, rate=20 * MIB) as server:
        arguments = ["layer", "--raw", "--threads", "2", "--compress", "none", "--upload",
                     "streamed", f"{server.host}/memory/slow"]
        assert_small(peak_of(arguments, noise(40 * MIB), tmp_path), baseline(tmp_path))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries give back all large blocks")
def test_large_blocks_that_are_freed_are_given_back(tmp_path):
    """libzstd has tables for several sizes of files, which end with each layer. glibc would keep most of the freed:
    then 7 blocks are given back, otherwise 28. With one thread these numbers do not depend on the time."""
    sizes = random.Random(5)
    text = b"".join(b"%d " % sizes.randrange(100000) for _ in range(400000))
    files = {str(number): text[number:number + int(60000 * 25 ** sizes.random() if number % 50 == 0 else 500)]
             for number in range(1500)}
    tar, trace = tmp_path / "in.tar", tmp_path / "trace"
    tar.write_bytes(make_tar(files))
    subprocess.run([find_tool("strace"), "-f", "-qq", "-e", "trace=munmap", "-o", trace, COMMAND, "push", "-q",
                    "--threads", "0", "--jobs", "1", "--compress", "zstd-chunked:9", "null:", *[tar] * 4], check=True,
                   stdout=subprocess.DEVNULL, env=clean_environment(tmp_path))
    given_back = [int(size) for size in re.findall(r"munmap\(0x[0-9a-f]+, (\d+)\)", trace.read_text())]
    assert len([size for size in given_back if MIB // 2 <= size < 4 * MIB]) >= 20
