# SPDX-License-Identifier: Apache-2.0
"""Connections that break, sessions that die, streams that stall. What can be repaired is; what
cannot ends with a message, and with nothing in the registry."""
import base64
import json
import os
import signal
import subprocess

import pytest
from cli_support import Result, wait_until
from registry import Auth, Fault, Registry
from wire_support import (LOST, MIB, REPOSITORY, assert_history, assert_lost, assert_stored, noise,
                          parallel, patches, sent_bytes, steps, upload)

CHUNK = ["--chunk-size", "1M"]
CHUNKED = ["--upload", "chunked", *CHUNK]
STREAMED = ["--upload", "streamed"]
DATA = noise(5 * MIB + 5)


def spooled(tmp_path):
    return ["--spool", str(tmp_path)]


def test_T18_chunk_refused_before_its_first_byte(run, registry):
    server = registry("d28", Fault("patch", "reset", nth=3, times=2))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)
    assert sent_bytes(server) == len(DATA)
    third = patches(server)[2:5]
    assert len({(entry.path, entry.query) for entry in third}) == 1


@pytest.mark.parametrize("profile_name, at", [("zot", "headers"), ("zot", 1), ("d28", 1),
                                              ("d28", MIB // 2), ("d28", -1)])
def test_T20_T21_session_dead(profile_name, at, run, registry):
    server = registry(profile_name, Fault("patch", "reset", nth=3, at=at))
    result = upload(run, server, DATA, *CHUNKED)
    assert_lost(server, result, LOST, sessions=1)
    assert "--spool" in result.stderr
    assert steps(server, "commit") == []


@pytest.mark.parametrize("profile_name, at", [("zot", "headers"), ("zot", 1), ("d28", 1),
                                              ("d28", MIB // 2), ("d28", -1)])
def test_T20_T21_session_dead_with_spool(profile_name, at, run, registry, tmp_path):
    server = registry(profile_name, Fault("patch", "reset", nth=3, at=at))
    result = upload(run, server, DATA, *CHUNKED, *spooled(tmp_path))
    assert_stored(server, result, DATA, sessions=1)
    assert len(server.journal.entries("open")) == 2


def test_T22_half_a_chunk(run, registry):
    half = MIB // 2
    server = registry("d3", Fault("patch", "reset", nth=3, at=half))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)
    assert sent_bytes(server) == len(DATA)
    again = patches(server)[3]
    assert again.headers["content-range"] == f"{2 * MIB + half}-{3 * MIB - 1}"


def test_T23_answer_lost_but_chunk_stored(run, registry):
    server = registry("d3", Fault("patch", "reset", nth=3, at="done"))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)
    assert sent_bytes(server) == len(DATA)


def test_T24_answer_lost_session_unreadable(run, registry):
    server = registry("d28", Fault("patch", "reset", nth=3, at="done"))
    assert_lost(server, upload(run, server, DATA, *CHUNKED), LOST, sessions=1)
    # Never the same bytes into the same session again.
    assert sent_bytes(server) == 3 * MIB


def test_T24_with_spool(run, registry, tmp_path):
    server = registry("d28", Fault("patch", "reset", nth=3, at="done"))
    result = upload(run, server, DATA, *CHUNKED, *spooled(tmp_path))
    assert_stored(server, result, DATA, sessions=1)


def test_T25_stream_broken_within_the_ring(run, registry):
    data = DATA[:3 * MIB + MIB // 2]  # at most half a mebibyte is under way
    server = registry("d3", Fault("patch", "reset", at=3 * MIB))
    assert_stored(server, upload(run, server, data, *STREAMED), data)
    again = patches(server)[1]
    assert again.headers.get("content-range", f"{3 * MIB}-").startswith(f"{3 * MIB}-")


def test_T26_stream_broken_before_the_ring(run, registry):
    """The registry had taken much more than it kept."""
    data = noise(12 * MIB)
    server = registry("d3", Fault("patch", "call", at="headers", call=keep_little),
                      Fault("patch", "reset", at=10 * MIB))
    assert_lost(server, upload(run, server, data, *STREAMED), LOST, sessions=1)


def keep_little(server, request, _):
    """A proxy that took the body and passed on one mebibyte of it."""
    read, kept = request.body.read, [0]

    def some():
        piece = read()
        while len(piece) and kept[0] + len(piece) > MIB:
            piece = read()
        kept[0] += len(piece)
        return piece
    request.body.read = some


def test_T26_with_spool(run, registry, tmp_path):
    data = noise(12 * MIB)
    server = registry("d3", Fault("patch", "call", at="headers", call=keep_little),
                      Fault("patch", "reset", at=10 * MIB))
    result = upload(run, server, data, *STREAMED, *spooled(tmp_path))
    assert_stored(server, result, data, sessions=1)


def start(command, server, *options, env=None):
    # Without threads all that was written so far has been passed on when the next read begins.
    return command.start("layer", "--json", "--raw", "--compress", "none", "--threads", "0", *options,
                         f"{server.host}/{REPOSITORY}", stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)


@pytest.mark.parametrize("when", ["begin", "middle"])
def test_T28_stdin_stalls(when, command, registry):
    """While nothing comes, no request is open; the connection may be gone meanwhile."""
    server = registry("d28")
    process = start(command, server, *CHUNKED)
    first = 0 if when == "begin" else 2 * MIB + 100
    process.stdin.write(DATA[:first])
    process.stdin.flush()
    if first:
        wait_until(lambda: len([entry for entry in patches(server) if entry.ended]) == 2, process)
    open_requests = [entry for entry in server.journal if not entry.ended]
    assert open_requests == []
    server.close_connections()
    out, err = process.communicate(DATA[first:], timeout=120)
    done = subprocess.CompletedProcess([], process.returncode, out, err)
    assert_stored(server, Result(done), DATA)


def test_T28_stdin_stalls_while_streaming(command, registry):
    server = registry("d28")
    process = start(command, server, *STREAMED)
    process.stdin.write(DATA[:3 * MIB])
    process.stdin.flush()
    wait_until(lambda: len(patches(server)) == 1, process)
    out, err = process.communicate(DATA[3 * MIB:], timeout=120)
    assert_stored(server, Result(subprocess.CompletedProcess([], process.returncode, out, err)),
                  DATA)


@pytest.mark.parametrize("keep_secret", [True, False])
def test_T29_registry_restarted(keep_secret, command, registry):
    server = registry("d28")
    process = start(command, server, *CHUNKED)
    process.stdin.write(DATA[:2 * MIB + 100])
    process.stdin.flush()
    wait_until(lambda: len([entry for entry in patches(server) if entry.ended]) == 2, process)
    server.restart(keep_secret)
    out, err = process.communicate(DATA[2 * MIB + 100:], timeout=120)
    result = Result(subprocess.CompletedProcess([], process.returncode, out, err))
    if keep_secret:
        assert_stored(server, result, DATA)
    else:
        assert_lost(server, result, {5, 6}, sessions=1)


@pytest.mark.parametrize("mode", ["chunked", "streamed"])
def test_T30_input_that_can_be_read_again(mode, run, registry, tmp_path):
    path = tmp_path / "layer.bin"
    path.write_bytes(DATA)
    nth, at = (3, 1) if mode == "chunked" else (1, 3 * MIB)
    server = registry("d28", Fault("patch", "reset", nth=nth, at=at))
    arguments = ["layer", "--json", "--raw", "--compress", "gzip:1", "--upload", mode, *CHUNK,
                 f"{server.host}/{REPOSITORY}"]
    with open(path, "rb") as stdin:
        result = run(*arguments, stdin=stdin)
    assert_stored(server, result, DATA, sessions=1)
    assert len(server.journal.entries("open")) == 2
    again = registry("d28", Fault("patch", "reset", nth=nth, at=at))
    arguments[-1] = f"{again.host}/{REPOSITORY}"
    assert_stored(again, run(*arguments, path), DATA, sessions=1)


@pytest.mark.parametrize("mode", ["chunked", "streamed"])
def test_T31_every_attempt_breaks(mode, run, registry, tmp_path):
    path = tmp_path / "layer.bin"
    path.write_bytes(DATA)
    server = registry("d28", Fault("patch", "reset", at=1000, times=None))
    result = run("layer", "--raw", "--upload", mode, "--retry", "1", *CHUNK,
                 f"{server.host}/{REPOSITORY}", path)
    assert_lost(server, result, LOST, sessions=3)
    assert len(server.journal.entries("open")) <= 3


@pytest.mark.parametrize("status", [499, 500, 502, 503, 504, 520])
def test_T32_server_errors_between(status, run, registry):
    server = registry("d28", Fault("patch", "status", nth=2, status=status))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)


@pytest.mark.parametrize("name, rc", [("d3", 0), ("d28", 6)])
def test_T34_early_401_while_streaming(name, rc, run, registry):
    server = registry(name, Fault("patch", "status", at=MIB, status=401,
                                  headers={"WWW-Authenticate": 'Basic realm="fake"'}),
                      expect="ignore")
    data = DATA[:MIB + MIB // 2]
    result = upload(run, server, data, *STREAMED)
    if result.rc == 0:
        assert_stored(server, result, data)
    else:
        assert_lost(server, result, {4, rc or 4}, sessions=1)


@pytest.mark.parametrize("place", ["before", "within"])
def test_R68_registry_that_stops_reading(place, run, registry):
    """It goes on after a while; the upload must neither end nor send anything twice."""
    server = registry("d28", Fault("patch", "stall", nth=2, seconds=3,
                                   at="headers" if place == "before" else MIB // 2))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)
    assert sent_bytes(server) == len(DATA)


CLEANUP = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("mode", [CHUNKED, STREAMED], ids=["chunked", "streamed"])
@pytest.mark.parametrize("number", CLEANUP, ids=lambda number: number.name)
def test_T65_signal_within_a_chunk(number, mode, command, registry):
    fault = Fault("patch", "stall", at=MIB // 2)
    server = registry("d28", fault)
    process = start(command, server, *mode)
    with process:
        process.stdin.write(DATA[:2 * MIB])  # more than is sent, less than is held
        process.stdin.flush()
        assert fault.reached.wait(60)
        os.kill(process.pid, number)
        assert process.wait(60) == -number
        assert process.stdout.read() == b""
    fault.release()
    assert server.blobs() == []
    assert len(server.journal.entries("cancel")) <= 1
    assert_history(server)


@pytest.mark.parametrize("auth", [None, Auth("bearer")], ids=["open", "bearer"])
def test_T65_signal_between_chunks_cancels_the_session(auth, command, registry, tmp_path):
    """With a token that it wants for that."""
    server = registry("d3", auth=auth)
    secret = base64.b64encode(b"user:secret").decode()
    config = tmp_path / "auth.json"
    config.write_text(json.dumps({"auths": {server.host: {"auth": secret}}}))
    process = start(command, server, *CHUNKED, "--authfile", config)
    with process:
        process.stdin.write(DATA[:2 * MIB + 100])
        process.stdin.flush()
        wait_until(lambda: len([one for one in patches(server) if one.status]) == 2, process)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT
    assert server.blobs() == [] and server.open_sessions() == []


@pytest.mark.parametrize("stream", ["chunked", "streamed"])
def test_input_that_fails_cancels_the_session(stream, run, registry):
    server = registry("d28")
    result = run("layer", "--upload", stream, *CHUNK, f"{server.host}/{REPOSITORY}",
                 input=bytes(300) + noise(3 * MIB))
    assert_lost(server, result, 3)


EACH = [(number, at) for number in range(1, 7) for at in (0, "middle", -1)]


@pytest.mark.parametrize("source", ["stream", "file"])
def test_every_chunk_broken_once(source, run, tmp_path):
    """First, middle and last byte of each chunk, on a registry that can resume and on one that
    cannot (there a file is read again)."""
    path = tmp_path / "layer.bin"
    path.write_bytes(DATA)

    def one(item):
        number, at = item
        offset = {"middle": MIB // 2 if number < 6 else 2}.get(at, at)
        with Registry("d3" if source == "stream" else "d28",
                      [Fault("patch", "reset", nth=number, at=offset)]) as server:
            if source == "stream":
                result = upload(run, server, DATA, *CHUNKED)
            else:
                result = run("layer", "--json", "--raw", "--compress", "none", *CHUNKED,
                             f"{server.host}/{REPOSITORY}", path)
            assert_stored(server, result, DATA, sessions=0 if source == "stream" else 1)
            assert not server.failures
    parallel(one, EACH)


@pytest.mark.slow
@pytest.mark.parametrize("at", [0, 8 * MIB, -1])
def test_every_chunk_of_a_gibibyte_broken(at, command, registry):
    """Each of the 64 chunks is broken once, all in one upload."""
    server = registry("d3", Fault("patch", "reset", at=at, times=None, when=first_try()),
                      discard=True)
    process = start(command, server, "--upload", "chunked", "--chunk-size", "16M")
    for number in range(64):
        process.stdin.write(noise(16 * MIB, seed=number % 3))
    out, err = process.communicate(timeout=3600)
    result = Result(subprocess.CompletedProcess([], process.returncode, out, err))
    assert server.blob(REPOSITORY, result.json()["digest"]) == 1 << 30


def first_try():
    seen = set()

    def match(request):
        start = request.headers.get("content-range", "").partition("-")[0]
        aligned = start.isdigit() and int(start) % (16 * MIB) == 0
        fresh = start not in seen
        seen.add(start)
        return aligned and fresh
    return match


def test_zombie_of_the_first_request(run, registry):
    """The registry still takes what is left of a broken request while the next one asks: only an
    offset that has come to rest counts."""
    server = registry("d3", Fault("patch", "reset", nth=2, at=MIB // 2),
                      Fault("status", "answer", nth=1, headers={"Range": f"0-{MIB + 9}"}))
    result = upload(run, server, DATA, *CHUNKED)
    assert_stored(server, result, DATA)


TOO_LITTLE = {"Range": f"0-{5 * MIB + 2}"}  # the last chunk has 5 bytes


@pytest.mark.parametrize("status", [None, 503])
def test_bytes_that_are_not_kept_are_no_success(status, run, registry):
    """The last chunk is taken, but not all of it; then the registry tells nothing more, or the same
    for ever."""
    faults = [Fault("patch", "answer", nth=6, times=None, headers=TOO_LITTLE)]
    faults += [Fault("status", "status", status=status, times=None)] if status else [
        Fault("status", "answer", times=None, headers={"Range": f"0-{5 * MIB - 1}"})]
    server = registry("d28", *faults)
    result = upload(run, server, DATA, *CHUNKED, "--retry", "1")
    assert_lost(server, result, sessions=1)
    assert "took fewer bytes" in result.stderr
    assert len(patches(server)) <= 6 + 3


@pytest.mark.parametrize("at, host_name, options", [(MIB // 4, None, STREAMED),
                                                    (MIB, None, STREAMED), (MIB, "ghcr.io", [])])
def test_stream_broken_while_its_producer_waits(at, host_name, options, command, registry):
    """A part of what there is has arrived, or all of it. What comes later goes in chunks, and what
    was sent does not take the room that they need."""
    fault = Fault("patch", "reset", at=at)
    server = registry("d3", fault, host_name=host_name)
    process = start(command, server, *options, *server.arguments, env=server.environment)
    data = noise(6 * MIB)
    with process:
        process.stdin.write(data[:MIB])
        process.stdin.flush()
        assert fault.reached.wait(60)
        if not host_name:  # a proxy only ends its connection, which is seen by the next byte
            wait_until(lambda: steps(server, "status"), process)
        out, err = process.communicate(data[MIB:], timeout=100)
    assert process.returncode == 0, err
    assert server.blob(REPOSITORY, json.loads(out)["digest"]) == data
    assert all("content-range" in entry.headers for entry in patches(server)[1:])
    assert len(server.journal.entries("open")) == 1
