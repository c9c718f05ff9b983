# SPDX-License-Identifier: Apache-2.0
"""Uploads that take longer than the two seconds that their tokens live."""
import subprocess
import time

import pytest
from auth_support import CANARY, entry, write_config
from cli_support import Result
from registry import Auth
from registry.storage import digest_of
from wire_support import MIB, REPOSITORY, assert_history, noise

LIFE_S = 2


def upload_slowly(command, server, data, seconds, *mode):
    """Writes the data to stdin during `seconds`; returns the result."""
    process = command.start("layer", "--json", "--raw", "--compress", "none", *mode,
                            f"{server.host}/{REPOSITORY}", "-", stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pieces = max(1, seconds * 4)
    size = -(-len(data) // pieces)
    for start in range(0, len(data), size):
        process.stdin.write(data[start:start + size])
        process.stdin.flush()
        time.sleep(seconds / pieces)
    out, err = process.communicate(timeout=300)
    return Result(subprocess.CompletedProcess([], process.returncode, out, err))


def assert_upload_succeeds(command, registry, seconds, *mode):
    server = registry("d28", auth=Auth("bearer", users={"user": CANARY}, seconds=LIFE_S))
    write_config(command.home, {"auths": {server.host: entry()}})
    data = noise(6 * MIB + 3)
    result = upload_slowly(command, server, data, seconds, *mode)
    assert result.rc == 0, result
    assert server.blob(REPOSITORY, digest_of(data)) == data
    assert_history(server)
    refused = [request for request in server.journal if request.status == 401]
    # The first ping, and requests whose token expired while they were sent.
    assert len(refused) <= 3, [(request.step, request.number) for request in refused]
    assert len(server.journal.entries("token")) <= seconds + 5


@pytest.mark.parametrize("mode", ["chunked", "streamed"])
def test_short_lived_token_is_renewed_during_upload(mode, command, registry):
    assert_upload_succeeds(command, registry, 7, "--upload", mode, "--chunk-size", "1M")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["chunked", "streamed"])
def test_short_lived_token_is_renewed_for_a_minute(mode, command, registry):
    assert_upload_succeeds(command, registry, 60, "--upload", mode, "--chunk-size", "1M")
