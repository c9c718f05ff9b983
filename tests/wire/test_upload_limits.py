# SPDX-License-Identifier: Apache-2.0
"""Refusals and limits of registries: Retry-After, size limits, unusual statuses and headers."""
import email.utils
import time

import pytest
from registry import Fault, profile
from wire_support import (MIB, REPOSITORY, assert_failed, assert_stored, noise, patches, sent_bytes,
                          steps, upload)

CHUNKED = ["--upload", "chunked", "--chunk-size", "1M"]
STREAMED = ["--upload", "streamed"]
DATA = noise(3 * MIB + 5)
HTML = b"<html><head><title>413 Request Entity Too Large</title></head></html>"


def too_many(nth, **options):
    return Fault("patch", "status", nth=nth, status=429, **options)


@pytest.mark.parametrize("bare_lf", [False, True])
def test_retry_after_seconds_are_waited(bare_lf, run, registry):
    body = b"toomanyrequests: slow down"
    end = b"\n" if bare_lf else b"\r\n"
    raw = end.join([b"HTTP/1.1 429 Too Many Requests", b"Retry-After: 2",
                    b"Content-Type: text/plain", b"Connection: close",
                    b"Content-Length: %d" % len(body), b"", body])
    server = registry("d28", Fault("open", "answer", raw=raw))
    begin = time.monotonic()
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA, sessions=1)
    assert time.monotonic() - begin >= 1.9  # a busy machine may wait longer
    assert steps(server, "open") == ["open", "open"]


def test_retry_after_date_is_accepted(run, registry):
    when = email.utils.formatdate(time.time() + 2, usegmt=True)
    server = registry("d28", too_many(2, headers={"Retry-After": when}))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)


@pytest.mark.parametrize("step", ["open", "patch", "commit", "blob-head"])
def test_retry_after_too_long_fails_without_retry(step, run, registry):
    server = registry("d28", Fault(step, "status", status=429, headers={"Retry-After": "86400"},
                                   times=None))
    result = upload(run, server, DATA, *CHUNKED)
    if step == "blob-head" and result.rc == 0:
        assert_stored(server, result, DATA)
        return
    assert result.rc == 6, result
    assert result.stdout == ""
    assert len(server.journal.entries(step)) == 1


@pytest.mark.parametrize("value", ["880.092\xb5s", "-1", "", "soon", "0", "1e3",
                                   "Thu, 01 Jan 1970 00:00:00 GMT", "99999999999999999999999"])
def test_malformed_retry_after_is_ignored(value, run, registry):
    server = registry("d28", too_many(2, headers={"Retry-After": value}))
    result = upload(run, server, DATA, *CHUNKED)
    if value.startswith("999"):
        assert result.rc in (0, 6)
    else:
        assert_stored(server, result, DATA)


@pytest.mark.parametrize("limit, rc", [(2 * MIB, 0), (MIB, 0), (MIB // 2, 7)])
def test_413_makes_chunks_smaller(limit, rc, run, registry):
    def too_large(request):
        return (request.length or 0) > limit
    server = registry("d28", Fault("patch", "status", status=413, body=HTML, times=None,
                                   when=too_large), Fault("commit", "status", status=413,
                                                          times=None, when=too_large))
    data = noise(9 * MIB)
    result = upload(run, server, data, "--upload", "chunked", "--chunk-size", "4M")
    if rc == 0:
        assert_stored(server, result, data)
    else:
        assert_failed(server, result, rc, sessions=1)
        assert "413" in result.stderr


def test_411_to_stream_is_followed_by_chunks(run, registry):
    server = registry("d28", Fault("patch", "status", status=411, times=None,
                                   when=lambda request: request.length is None))
    assert_stored(server, upload(run, server, DATA, "--chunk-size", "1M"), DATA, sessions=1)


def test_411_to_forced_stream_fails_or_changes_method(run, registry, tmp_path):
    server = registry("d28", Fault("patch", "status", status=411, times=None,
                                   when=lambda request: request.length is None))
    path = tmp_path / "layer.bin"
    path.write_bytes(DATA)
    result = run("layer", "--json", "--raw", "--compress", "none", "--retry", "0", *STREAMED,
                 f"{server.host}/{REPOSITORY}", path)
    if result.rc == 0:
        assert_stored(server, result, DATA, sessions=1)
    else:
        assert_failed(server, result, 7, sessions=1)


@pytest.mark.parametrize("expect", [417, "ignore"])
@pytest.mark.parametrize("mode", [CHUNKED, STREAMED], ids=["chunked", "streamed"])
def test_missing_100_continue_does_not_stop_upload(mode, expect, run, registry):
    server = registry("d28", expect=expect)
    assert_stored(server, upload(run, server, DATA, *mode), DATA, sessions=1)
    assert sent_bytes(server) == len(DATA)


def test_repeated_416_without_offset_query_fails(run, registry):
    server = registry(profile("d28", status=405),
                      Fault("patch", "status", nth=3, status=416, times=None))
    result = upload(run, server, DATA, *CHUNKED)
    assert_failed(server, result, {6, 7}, sessions=1)
    assert len(patches(server)) <= 5


RANGES = [None, "bytes=0-{end}", "bytes 0-{end}", "0-{end}/*", "0--1", "garbage",
          "0-18446744073709551615", "0-18446744073709551616", "-", "0-", "9-1", "BYTES=0-{end}",
          "0-{over}", "0-0", "1-{end}"]


@pytest.mark.parametrize("name", ["d28", "zot", "gitea"])
@pytest.mark.parametrize("text", RANGES, ids=range(len(RANGES)))
def test_any_form_of_range_header_is_survived(text, name, run, registry):
    def change(server, request, answer):
        size = server.open_sessions()[0].size
        answer.set("Range", text and text.format(end=size - 1, over=size))
    server = registry(name, Fault("patch", "call", at="done", call=change, times=None))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)
    assert sent_bytes(server) == len(DATA)


def test_chunk_stored_in_half_is_completed(run, registry):
    """The registry stores half a chunk, and reports this in Range and to the offset query."""
    def half(server, request, answer):
        session = server.open_sessions()[0]
        data = bytes(session.data[:MIB + MIB // 2])
        session.clear()
        session.append(data)
        answer.set("Range", f"0-{session.size - 1}")
        answer.set("Location", server.uploads.location(session))
    server = registry("d3", Fault("patch", "call", at="done", nth=2, call=half))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)


CHUNK_HEADERS = [("OCI-Chunk-Min-Length", "2097152"), ("OCI-Chunk-Min-Length", "0"),
                 ("OCI-Chunk-Min-Length", "x"), ("OCI-Chunk-Min-Length", "-5"),
                 ("OCI-Chunk-Min-Length", "99999999999999999999999"),
                 ("OCI-Chunk-Max-Length", "1048576"), ("OCI-Chunk-Max-Length", "0"),
                 ("OCI-Chunk-Max-Length", "x")]


@pytest.mark.parametrize("header, value", CHUNK_HEADERS)
def test_announced_chunk_lengths_are_kept(header, value, run, registry):
    server = registry("d28", Fault("open", "answer", headers={header: value}, times=None))
    data = noise(6 * MIB)
    assert_stored(server, upload(run, server, data, "--chunk-size", "1M"), data)
    sizes = [entry.received for entry in patches(server)]
    if value == "2097152":
        assert min(sizes[:-1]) >= 2 * MIB
    if value == "1048576":
        assert max(sizes) <= MIB


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_to_chunk_is_accepted(status, run, registry):
    server = registry("d28", Fault("patch", "answer", status=status, times=None))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)


@pytest.mark.parametrize("name, limit", [("d28", 400), ("zot", 413)])
def test_manifest_over_registry_limit_fails(name, limit, run, registry, tar_bytes):
    server = registry(profile(name, manifest_max=1000))
    assert server.profile.manifest_max_status == limit
    result = run("push", "--annotation", "note=" + "x" * 2000, f"{server.host}/{REPOSITORY}:tag",
                 "-", input=tar_bytes)
    assert result.rc == 7, result
    assert server.tags() == {}


@pytest.mark.parametrize("how", ["unknown", "dropped"])
def test_missing_repository_fails(how, run, registry):
    if how == "unknown":
        server = registry("d28", repositories=["other/name"])
    else:
        server = registry("d28", Fault("open", "fin", times=None))
    result = upload(run, server, DATA, "--retry", "1")
    assert_failed(server, result, 5 if how == "unknown" else 6)


BODIES = {
    "empty": b"", "html": HTML, "huge": b"x" * (1 << 20), "binary": bytes(range(256)) * 4,
    "deep": b"[" * 10000, "escapes": b'{"errors":[{"code":"\\u001b[31m","message":"\\u0007"}]}',
    "types": b'{"errors":[{"code":5,"message":[]},null,7]}', "null": b'{"errors":null}',
    "terminal": b'{"errors":[{"code":"DENIED","message":"\x1b]0;title\x07\r\nlayerpipe: done"}]}'}


@pytest.mark.parametrize("name", BODIES)
def test_any_error_body_gives_one_printable_line(name, run, registry):
    server = registry("d28", Fault("open", "status", status=400, body=BODIES[name], times=None,
                                   headers={"Content-Type": "application/json"}))
    result = upload(run, server, DATA, *CHUNKED)
    assert_failed(server, result, 7)
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and len(lines[0]) < 2000
    assert all(character.isprintable() for character in lines[0])


@pytest.mark.parametrize("raw", [
    b"HTTP/1.0 202 Accepted\r\nContent-Length: 0\r\n\r\n", b"garbage\r\n\r\n",
    b"HTTP/1.1 202 Accepted\r\nContent-Length: x\r\n\r\n", b"\r\n\r\n\r\n",
    b"HTTP/1.1 " + b"9" * 100 + b"\r\n\r\n", b"HTTP/2 202\r\n\r\n", b"\0" * 100,
    b"HTTP/1.1 202 Accepted\r\n" + b"".join(b"H%d: x\r\n" % n for n in range(5000)) + b"\r\n",
    b"HTTP/1.1 202 Accepted\r\nX: " + b"y" * 300000 + b"\r\n\r\n",
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ids=range(10))
def test_malformed_http_answer_fails(raw, run, registry):
    server = registry("d28", Fault("open", "answer", raw=raw, times=None))
    result = upload(run, server, DATA, "--retry", "0", *CHUNKED)
    assert result.rc in (6, 7), result
    assert result.stdout == "" and server.blobs() == []


def test_endless_100_continue_fails(run, registry):
    """The command gives up after many 100 answers."""
    raw = b"HTTP/1.1 100 Continue\r\n\r\n" * 2000 + b"HTTP/1.1 202 Accepted\r\n\r\n"
    server = registry("d28", Fault("open", "answer", raw=raw, times=None))
    result = upload(run, server, DATA, "--retry", "0", *CHUNKED)
    assert result.rc in (6, 7), result


def test_limit_rate_uploads_the_same_bytes(run, registry):
    server = registry("d28")
    assert_stored(server, upload(run, server, DATA, "--limit-rate", "8M", *CHUNKED), DATA)
