# SPDX-License-Identifier: Apache-2.0
"""Notices while requests are retried: each once, however many blobs meet the failure."""
import socket

import pytest
from image_support import make_tar
from registry import Fault
from wire_support import MIB, noise


@pytest.fixture
def layers(tmp_path):
    """Three layers that are uploaded at the same time."""
    paths = [tmp_path / f"{number}.tar" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(make_tar({"data": noise(2 * MIB, seed=number)}))
    return paths


def push(run, host, layers, *options):
    return run("push", "--jobs", "4", "--look-first=never", "--compress", "none", *options,
               f"{host}/a/b:1", *layers)


def notices(result, words):
    return [line for line in result.stderr.splitlines() if words in line]


def test_closed_port_is_reported_once(run, layers):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
    result = push(run, host, layers)
    assert result.rc == 6, result
    (line,) = notices(result, "trying again")
    assert host in line and line.endswith("(attempt 3 of 3)"), line


def test_error_status_is_reported_once_for_each_attempt(run, registry, layers):
    server = registry("d28", Fault("open", "status", status=503, times=None,
                                   headers={"Retry-After": "1"}))
    result = push(run, server.host, layers, "--retry", "2")
    assert result.rc == 6, result
    assert notices(result, "trying again") == [
        f"layerpipe: {server.host} answered 503; trying again in 1 s (attempt {number} of 3)"
        for number in (2, 3)]


def test_lost_sessions_are_reported_once(run, registry, layers, tmp_path):
    server = registry("d28", Fault("patch", "reset", at=1, times=3))
    result = push(run, server.host, layers, "--upload", "chunked", "--chunk-size", "1M",
                  "--spool", str(tmp_path))
    assert result.rc == 0, result
    lines = notices(result, "sending it again from its first byte")
    assert lines and len(set(lines)) == len(lines), result
    assert lines[0].startswith(f"layerpipe: upload to {server.host}/a/b failed ("), lines
    assert lines[0].endswith("(upload session 2 of 3)"), lines
