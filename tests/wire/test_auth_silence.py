# SPDX-License-Identifier: Apache-2.0
"""A token server, or a registry, that answers nobody costs its time once: not once for each blob, and
not once more for each attempt of an upload."""
import time

import pytest
from registry import Auth, Fault
from wire_support import REPOSITORY, noise

BLOBS = 5
WAIT_S = 1.5  # of the attempt that fails


def failing_after_a_while(step):
    """503, when the others wait for the same."""
    def wait(server, request, answer):
        time.sleep(WAIT_S)
    return [Fault(step, "call", times=None, call=wait), Fault(step, "status", status=503, times=None)]


def push(run, server, tmp_path, *options):
    layers = []
    for number in range(BLOBS):
        path = tmp_path / f"{number}.tar"
        path.write_bytes(noise(100_000, seed=number))
        layers.append(str(path))
    start = time.monotonic()
    result = run("push", "--raw", "--media-type", "application/x.test", "--compress", "none", "--jobs",
                 str(BLOBS), *options, f"{server.host}/{REPOSITORY}:tag", *layers)
    return result, time.monotonic() - start


@pytest.mark.parametrize("step, count", [("token", 1), ("blob-head", BLOBS)])
def test_costs_its_time_once(step, count, run, registry, tmp_path):
    """One token is asked for. The first request of each blob is sent at the same time."""
    server = registry("d28", *failing_after_a_while(step), auth=Auth("bearer", anonymous=["pull", "push"]))
    result, took_s = push(run, server, tmp_path, "--retry", "0")
    assert result.rc == 6, result
    assert len(server.journal.entries(step)) <= count, server.journal
    assert took_s < 2 * WAIT_S + 1


@pytest.mark.parametrize("data", [noise(3 << 20), b"x" * 1000], ids=["chunked", "one PUT"])
def test_retries_of_a_token_are_not_multiplied(data, run, registry):
    """No connection is used twice, so that none is taken for one that was closed in between."""
    server = registry("d28", Fault(None, "answer", close=True, times=None),
                      Fault("token", "reset", times=None),
                      auth=Auth("bearer", anonymous=["pull", "push"]))
    result = run("layer", "--raw", "--compress", "none", "--retry", "2", "--chunk-size", "1M",
                 f"{server.host}/{REPOSITORY}", "-", input=data)
    assert result.rc == 6, result
    assert len(server.journal.entries("token")) == 3, server.journal


@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize("subcommand", ["layer", "push"])
def test_token_server_is_not_asked_again_for_the_next_request(subcommand, retries, run, registry):
    """The HEAD that found no token is not followed by a POST that would need the same one. With one job,
    no other blob asks meanwhile."""
    server = registry("d28", Fault("token", "status", status=503, times=None),
                      auth=Auth("bearer", anonymous=["pull", "push"]))
    result = run(subcommand, "--raw", "--media-type", "application/x.test", "--retry", str(retries),
                 "--jobs", "1", f"{server.host}/{REPOSITORY}", "-", input=noise(100_000))
    assert result.rc == 6, result
    assert len(server.journal.entries("token")) == retries + 1, server.journal


@pytest.mark.parametrize("status", [408, 425, 499, 503])
@pytest.mark.parametrize("step", ["token", "blob-head", "open"])
def test_answer_that_is_worth_a_retry_is_the_same_failure_at_every_step(step, status, run, registry):
    server = registry("d28", Fault(step, "status", status=status, times=None),
                      auth=Auth("bearer", anonymous=["pull", "push"]))
    result = run("push", "--raw", "--media-type", "application/x.test", "--retry", "1", "--created", "1",
                 f"{server.host}/{REPOSITORY}:tag", "-", input=noise(100_000))
    assert result.rc == 6, result
    assert f"answered {status}" in result.stderr, result


@pytest.mark.parametrize("status", [408, 425, 499, 503])
def test_answer_to_login_that_is_worth_a_retry_is_a_failure_of_the_server(status, run, registry, tmp_path):
    server = registry("d28", Fault("ping", "status", status=status, times=None), auth=Auth("basic"))
    result = run("login", "--retry", "1", "--authfile", tmp_path / "auth.json", "--username", "user",
                 "--password-stdin", server.host, input=b"password")
    assert result.rc == 6, result
    assert f"answered {status}" in result.stderr and "is that a registry" not in result.stderr, result
