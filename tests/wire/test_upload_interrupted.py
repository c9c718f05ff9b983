# SPDX-License-Identifier: Apache-2.0
"""Broken connections, lost sessions and stalled streams. The upload continues where possible;
otherwise it fails with a message and stores nothing."""
import base64
import json
import os
import signal
import subprocess

import pytest
from cli_support import Result, wait_until
from registry import Auth, Fault, Registry
from wire_support import (MIB, REPOSITORY, UNREACHABLE, assert_failed, assert_history,
                          assert_stored, noise, parallel, patches, sent_bytes, steps, upload)

CHUNK = ["--chunk-size", "1M"]
CHUNKED = ["--upload", "chunked", *CHUNK]
STREAMED = ["--upload", "streamed"]
DATA = noise(5 * MIB + 5)


def spooled(tmp_path):
    return ["--spool", str(tmp_path)]


def test_reset_before_chunk_body_sends_same_chunk_again(run, registry):
    server = registry("d28", Fault("patch", "reset", nth=3, times=2))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)
    assert sent_bytes(server) == len(DATA)
    third = patches(server)[2:5]
    assert len({(entry.path, entry.query) for entry in third}) == 1


@pytest.mark.parametrize("profile_name, at", [("zot", "headers"), ("zot", 1), ("d28", 1),
                                              ("d28", MIB // 2), ("d28", -1)])
def test_lost_session_without_spool_fails_and_suggests_spool(profile_name, at, run, registry):
    server = registry(profile_name, Fault("patch", "reset", nth=3, at=at))
    result = upload(run, server, DATA, *CHUNKED)
    assert_failed(server, result, UNREACHABLE, sessions=1)
    assert "--spool" in result.stderr
    assert steps(server, "commit") == []


@pytest.mark.parametrize("profile_name, at", [("zot", "headers"), ("zot", 1), ("d28", 1),
                                              ("d28", MIB // 2), ("d28", -1)])
def test_lost_session_with_spool_starts_new_session(profile_name, at, run, registry, tmp_path):
    server = registry(profile_name, Fault("patch", "reset", nth=3, at=at))
    result = upload(run, server, DATA, *CHUNKED, *spooled(tmp_path))
    assert_stored(server, result, DATA, sessions=1)
    assert len(server.journal.entries("open")) == 2


def test_push_after_reset_within_chunk_continues_at_acknowledged_offset(run, registry):
    half = MIB // 2
    server = registry("d3", Fault("patch", "reset", nth=3, at=half))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)
    assert sent_bytes(server) == len(DATA)
    again = patches(server)[3]
    assert again.headers["content-range"] == f"{2 * MIB + half}-{3 * MIB - 1}"


def test_lost_chunk_answer_continues_without_sending_chunk_again(run, registry):
    server = registry("d3", Fault("patch", "reset", nth=3, at="done"))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)
    assert sent_bytes(server) == len(DATA)


def test_lost_chunk_answer_with_unknown_offset_fails(run, registry):
    server = registry("d28", Fault("patch", "reset", nth=3, at="done"))
    assert_failed(server, upload(run, server, DATA, *CHUNKED), UNREACHABLE, sessions=1)
    # The same bytes are not sent to the same session again.
    assert sent_bytes(server) == 3 * MIB


def test_lost_chunk_answer_with_unknown_offset_and_spool_succeeds(run, registry, tmp_path):
    server = registry("d28", Fault("patch", "reset", nth=3, at="done"))
    result = upload(run, server, DATA, *CHUNKED, *spooled(tmp_path))
    assert_stored(server, result, DATA, sessions=1)


def test_streamed_patch_broken_within_replay_buffer_continues(run, registry):
    data = DATA[:3 * MIB + MIB // 2]  # at most half a mebibyte is sent but not received
    server = registry("d3", Fault("patch", "reset", at=3 * MIB))
    assert_stored(server, upload(run, server, data, *STREAMED), data)
    again = patches(server)[1]
    assert again.headers.get("content-range", f"{3 * MIB}-").startswith(f"{3 * MIB}-")


def test_streamed_patch_broken_before_replay_buffer_fails(run, registry):
    """The registry received much more than it stored, and the missing bytes are not in the replay
    buffer."""
    data = noise(12 * MIB)
    server = registry("d3", Fault("patch", "call", at="headers", call=store_one_mib_only),
                      Fault("patch", "reset", at=10 * MIB))
    assert_failed(server, upload(run, server, data, *STREAMED), UNREACHABLE, sessions=1)


def store_one_mib_only(server, request, _):
    """The server reads the whole body, but stores only its first mebibyte."""
    read, kept = request.body.read, [0]

    def some():
        piece = read()
        while len(piece) and kept[0] + len(piece) > MIB:
            piece = read()
        kept[0] += len(piece)
        return piece
    request.body.read = some


def test_streamed_patch_broken_before_replay_buffer_with_spool_succeeds(run, registry, tmp_path):
    data = noise(12 * MIB)
    server = registry("d3", Fault("patch", "call", at="headers", call=store_one_mib_only),
                      Fault("patch", "reset", at=10 * MIB))
    result = upload(run, server, data, *STREAMED, *spooled(tmp_path))
    assert_stored(server, result, data, sessions=1)


def start(command, server, *options, env=None):
    # With --threads 0, everything that was read is sent before the next read.
    return command.start("layer", "--json", "--raw", "--compress", "none", "--threads", "0", *options,
                         f"{server.host}/{REPOSITORY}", stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)


@pytest.mark.parametrize("when", ["begin", "middle"])
def test_no_request_is_open_while_stdin_stalls(when, command, registry):
    """The registry closes the idle connections, and the upload succeeds."""
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


def test_streamed_upload_continues_after_stdin_stalls(command, registry):
    server = registry("d28")
    process = start(command, server, *STREAMED)
    process.stdin.write(DATA[:3 * MIB])
    process.stdin.flush()
    wait_until(lambda: len(patches(server)) == 1, process)
    out, err = process.communicate(DATA[3 * MIB:], timeout=120)
    assert_stored(server, Result(subprocess.CompletedProcess([], process.returncode, out, err)),
                  DATA)


@pytest.mark.parametrize("keep_secret", [True, False])
def test_registry_restart_between_chunks_fails_only_with_new_secret(keep_secret, command, registry):
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
        assert_failed(server, result, {5, 6}, sessions=1)


@pytest.mark.parametrize("mode", ["chunked", "streamed"])
def test_lost_session_reads_file_again(mode, run, registry, tmp_path):
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
def test_every_attempt_broken_fails_after_retries(mode, run, registry, tmp_path):
    path = tmp_path / "layer.bin"
    path.write_bytes(DATA)
    server = registry("d28", Fault("patch", "reset", at=1000, times=None))
    result = run("layer", "--raw", "--upload", mode, "--retry", "1", *CHUNK,
                 f"{server.host}/{REPOSITORY}", path)
    assert_failed(server, result, UNREACHABLE, sessions=3)
    assert len(server.journal.entries("open")) <= 3


@pytest.mark.parametrize("status", [499, 500, 502, 503, 504, 520])
def test_server_error_to_chunk_is_retried(status, run, registry):
    server = registry("d28", Fault("patch", "status", nth=2, status=status))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)


@pytest.mark.parametrize("name, rc", [("d3", 0), ("d28", 6)])
def test_401_within_streamed_body_fails_or_continues(name, rc, run, registry):
    server = registry(name, Fault("patch", "status", at=MIB, status=401,
                                  headers={"WWW-Authenticate": 'Basic realm="fake"'}),
                      expect="ignore")
    data = DATA[:MIB + MIB // 2]
    result = upload(run, server, data, *STREAMED)
    if result.rc == 0:
        assert_stored(server, result, data)
    else:
        assert_failed(server, result, {4, rc or 4}, sessions=1)


@pytest.mark.parametrize("place", ["before", "within"])
def test_registry_that_stops_reading_for_a_while_gets_bytes_once(place, run, registry):
    """The registry reads on after 3 s; the upload must wait."""
    server = registry("d28", Fault("patch", "stall", nth=2, seconds=3,
                                   at="headers" if place == "before" else MIB // 2))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)
    assert sent_bytes(server) == len(DATA)


CLEANUP = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("mode", [CHUNKED, STREAMED], ids=["chunked", "streamed"])
@pytest.mark.parametrize("number", CLEANUP, ids=lambda number: number.name)
def test_signal_within_chunk_stores_no_blob(number, mode, command, registry):
    fault = Fault("patch", "stall", at=MIB // 2)
    server = registry("d28", fault)
    process = start(command, server, *mode)
    with process:
        process.stdin.write(DATA[:2 * MIB])  # the server reads less, the buffers hold more
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
def test_signal_between_chunks_cancels_session(auth, command, registry, tmp_path):
    """With bearer, the DELETE needs a token."""
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


@pytest.mark.parametrize("answered", [True, False])
def test_signal_while_a_session_is_opened(answered, command, registry, tmp_path):
    """The answer, which names the session, comes after the signal, or never."""
    fault = Fault("open", "stall", at="done" if answered else "headers")
    server = registry("d3", fault)
    path = tmp_path / "layer.bin"
    path.write_bytes(DATA[:MIB])
    process = command.start("layer", "--raw", "--compress", "none", f"{server.host}/{REPOSITORY}",
                            path, stdout=subprocess.DEVNULL)
    assert fault.reached.wait(60)
    process.send_signal(signal.SIGINT)
    if answered:
        fault.release()
    assert process.wait(60) == -signal.SIGINT
    assert server.open_sessions() == []
    assert len(server.journal.entries("cancel")) == answered


@pytest.mark.parametrize("stream", ["chunked", "streamed"])
def test_input_error_cancels_session(stream, run, registry):
    server = registry("d28")
    result = run("layer", "--upload", stream, *CHUNK, f"{server.host}/{REPOSITORY}",
                 input=bytes(300) + noise(3 * MIB))
    assert_failed(server, result, 3)


EACH = [(number, at) for number in range(1, 7) for at in (0, "middle", -1)]


@pytest.mark.parametrize("source", ["stream", "file"])
def test_reset_in_any_chunk_is_survived(source, run, tmp_path):
    """Resets at the first, middle and last byte of each chunk. d3 continues the session; with d28
    the file is read again."""
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
def test_reset_in_each_chunk_of_one_upload_is_survived(at, command, registry):
    """One upload of a gibibyte; each of its 64 chunks is broken once."""
    server = registry("d3", Fault("patch", "reset", at=at, times=None, when=first_attempts()),
                      discard=True)
    process = start(command, server, "--upload", "chunked", "--chunk-size", "16M")
    for number in range(64):
        process.stdin.write(noise(16 * MIB, seed=number % 3))
    out, err = process.communicate(timeout=3600)
    result = Result(subprocess.CompletedProcess([], process.returncode, out, err))
    assert server.blob(REPOSITORY, result.json()["digest"]) == 1 << 30


def first_attempts():
    seen = set()

    def match(request):
        start = request.headers.get("content-range", "").partition("-")[0]
        aligned = start.isdigit() and int(start) % (16 * MIB) == 0
        fresh = start not in seen
        seen.add(start)
        return aligned and fresh
    return match


def test_offset_that_still_moves_is_queried_again(run, registry):
    """The registry still stores the rest of a broken request while the client queries the offset.
    The first answer has a smaller offset than the second one."""
    server = registry("d3", Fault("patch", "reset", nth=2, at=MIB // 2),
                      Fault("status", "answer", nth=1, headers={"Range": f"0-{MIB + 9}"}))
    result = upload(run, server, DATA, *CHUNKED)
    assert_stored(server, result, DATA)
    starts = [entry.headers["content-range"].partition("-")[0] for entry in patches(server)]
    assert str(MIB + MIB // 2) in starts and str(MIB + 10) not in starts
    assert len(server.journal.entries("status")) == 3


TOO_LITTLE = {"Range": f"0-{5 * MIB + 2}"}  # the last chunk has 5 bytes


@pytest.mark.parametrize("status", [None, 503])
def test_chunk_stored_in_part_fails(status, run, registry):
    """The registry stores only a part of the last chunk. Then it answers every offset query with an
    error, or with the same offset."""
    faults = [Fault("patch", "answer", nth=6, times=None, headers=TOO_LITTLE)]
    faults += [Fault("status", "status", status=status, times=None)] if status else [
        Fault("status", "answer", times=None, headers={"Range": f"0-{5 * MIB - 1}"})]
    server = registry("d28", *faults)
    result = upload(run, server, DATA, *CHUNKED, "--retry", "1")
    assert_failed(server, result, sessions=1)
    assert "took fewer bytes" in result.stderr
    assert len(patches(server)) <= 6 + 3


@pytest.mark.parametrize("at, host_name, options", [(MIB // 4, None, STREAMED),
                                                    (MIB, None, STREAMED), (MIB, "ghcr.io", [])])
def test_streamed_patch_broken_while_stdin_waits_continues_in_chunks(at, host_name, options,
                                                                     command, registry):
    """The connection breaks after a part of the written bytes, or after all of them. The rest is
    sent in chunks; the sent bytes must not fill the buffer that the chunks need."""
    fault = Fault("patch", "reset", at=at)
    server = registry("d3", fault, host_name=host_name)
    process = start(command, server, *options, *server.arguments, env=server.environment)
    data = noise(6 * MIB)
    with process:
        process.stdin.write(data[:MIB])
        process.stdin.flush()
        assert fault.reached.wait(60)
        if not host_name:  # through a proxy, the command sees the reset only with its next byte
            wait_until(lambda: steps(server, "status"), process)
        out, err = process.communicate(data[MIB:], timeout=100)
    assert process.returncode == 0, err
    assert server.blob(REPOSITORY, json.loads(out)["digest"]) == data
    assert all("content-range" in entry.headers for entry in patches(server)[1:])
    assert len(server.journal.entries("open")) == 1
