# SPDX-License-Identifier: Apache-2.0
"""The commit, with every kind of answer. The command reports success only for a stored blob, and
never sends a stored blob again."""
import pytest
from registry import Fault
from wire_support import (MIB, REPOSITORY, assert_history, assert_failed, assert_stored, noise,
                          sent_bytes, steps, upload)

CHUNK = ["--chunk-size", "1M"]
DATA = noise(3 * MIB + 5)
LONG = noise(9 * MIB + 5)  # larger than the replay buffer: it cannot be sent again
MODES = {"chunked": ["--upload", "chunked", *CHUNK], "streamed": ["--upload", "streamed"]}


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


@pytest.mark.parametrize("end", ["reset", "fin"])
def test_lost_commit_answer_finds_blob_without_second_put(end, mode, run, registry):
    server = registry("d28", Fault("commit", end, at="done"))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)
    assert len(server.journal.entries("commit")) == 1


@pytest.mark.parametrize("sent", [0, 5, 12, 30])
def test_truncated_commit_answer_finds_blob(sent, mode, run, registry):
    server = registry("d28", Fault("commit", "reset", at="answer", sent=sent))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)


def test_504_to_commit_waits_until_blob_appears(mode, run, registry):
    """A gateway answers 504, but the registry stores the blob; HEAD finds it at the third try."""
    server = registry("d28", Fault("commit", "status", at="done", status=504),
                      Fault("blob-head", "status", status=404, times=2))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)


UNKNOWN = b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"blob upload unknown"}]}'


def test_404_to_commit_with_stored_blob_succeeds(mode, run, registry):
    server = registry("d28", Fault("commit", "status", at="done", status=404, body=UNKNOWN))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)


def test_session_lost_at_commit_fails_without_source(mode, run, registry):
    server = registry("d28", Fault("commit", "forget"))
    result = upload(run, server, LONG, "--retry", "2", *mode)
    assert_failed(server, result, {5, 6}, sessions=0)


def test_session_lost_at_commit_is_repeated_from_spool(mode, run, registry, tmp_path):
    server = registry("d28", Fault("commit", "forget"))
    result = upload(run, server, DATA, *mode, "--retry", "2", "--spool", tmp_path)
    assert_stored(server, result, DATA)


def test_changed_bytes_on_the_network_fail(mode, run, registry):
    server = registry("d28", Fault("patch", "flip", at=MIB // 2))
    result = upload(run, server, LONG, *mode)
    assert_failed(server, result, {7, 9}, sessions=1)


def test_changed_bytes_with_spool_fail_or_are_sent_again(mode, run, registry, tmp_path):
    server = registry("d28", Fault("patch", "flip", at=MIB // 2))
    result = upload(run, server, DATA, *mode, "--spool", tmp_path)
    if result.rc:
        assert_failed(server, result, {7, 9}, sessions=1)
    else:
        assert_stored(server, result, DATA, sessions=1)


def test_bytes_changed_in_every_upload_fail(mode, run, registry, tmp_path):
    server = registry("d28", Fault("patch", "flip", at=MIB // 2, times=None))
    result = upload(run, server, DATA, *mode, "--spool", tmp_path)
    assert_failed(server, result, {7, 9}, sessions=2)
    assert len(server.journal.entries("open")) <= 3


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_to_commit_succeeds_when_blob_is_stored(status, mode, run, registry):
    server = registry("d28", Fault("commit", "answer", status=status))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)


@pytest.mark.parametrize("status", [200, 202])
def test_2xx_to_commit_without_stored_blob_fails(status, mode, run, registry):
    """A proxy answers with a web page, and the registry has no blob."""
    server = registry("d28", Fault("commit", "status", at="body", status=status, times=None,
                                   body=b"<html>hello</html>"))
    result = upload(run, server, DATA, "--retry", "1", *mode)
    assert result.rc in (6, 7, 9), result
    assert result.stdout == "" and server.blobs() == []


def test_slow_commit_is_waited_for(mode, run, registry):
    server = registry("d28", Fault("commit", "stall", at="headers", seconds=4))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert len(server.journal.entries("commit")) == 1


def test_blob_head_without_length_is_accepted(mode, run, registry):
    server = registry("d28", Fault("blob-head", "answer", times=None,
                                   raw=b"HTTP/1.1 200 OK\r\n\r\n",
                                   when=lambda _: server.blobs()))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)


@pytest.mark.parametrize("header, value", [
    ("Docker-Content-Digest", "sha256:" + "0" * 64), ("Docker-Content-Digest", "nonsense")])
def test_wrong_digest_in_commit_answer_fails(header, value, mode, run, registry):
    server = registry("d28", Fault("commit", "answer", headers={header: value}))
    result = upload(run, server, DATA, *mode)
    assert result.rc in ((9,) if value != "nonsense" else (0, 7, 9)), result
    assert result.stdout == "" or result.rc == 0


def test_wrong_blob_size_after_commit_fails(mode, run, registry):
    """HEAD of the blob reports another size than what was sent."""
    def shorten(server, request, answer):
        answer.set("Content-Length", "5")
    server = registry("d28", Fault("blob-head", "call", at="done", call=shorten, times=None,
                                   when=lambda _: server.blobs()))
    result = upload(run, server, DATA, *mode)
    assert result.rc == 9, result
    assert result.stdout == ""


def test_blob_missing_after_201_fails(mode, run, registry):
    def lose(server, request, answer):
        for digest in server.blobs():
            server.storage.blob_remove(REPOSITORY, digest)
    server = registry("d28", Fault("commit", "call", at="done", call=lose))
    result = upload(run, server, DATA, *mode, "--retry", "2")
    assert_failed(server, result, {6, 7, 9})


def test_blob_visible_at_second_head_succeeds(mode, run, registry):
    server = registry("d28", Fault("blob-head", "status", status=404, times=1,
                                   when=lambda _: server.blobs()))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_failed_commit_is_retried_without_sending_bytes_again(status, mode, run, registry):
    """The registry did nothing in the first PUT, so the same PUT is sent again."""
    server = registry("d28", Fault("commit", "status", status=status))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)


def test_failed_commit_at_quay_fails_or_starts_new_session(run, registry, tmp_path):
    server = registry("quay", Fault("patch", "flip", at=9))
    result = upload(run, server, DATA, *MODES["chunked"], "--spool", tmp_path)
    if result.rc:
        assert_failed(server, result, {7, 9})
    else:
        assert_stored(server, result, DATA)


def test_successful_upload_sends_no_cancel(run, registry):
    server = registry("d28")
    assert_stored(server, upload(run, server, DATA, *CHUNK), DATA)
    assert steps(server, "cancel") == []
    assert_history(server)


def test_lost_manifest_answer_finds_manifest(run, registry, tar_bytes):
    """The command checks whether the manifest is stored, and does not store a second one."""
    server = registry("d28", Fault("manifest-put", "reset", at="done"))
    output = run("push", "--json", f"{server.host}/{REPOSITORY}:tag", "-", input=tar_bytes).json()
    assert server.tags() == {"tag": output["digest"]}
    assert len(server.storage.manifests()) == 1


@pytest.mark.parametrize("status, rc", [(400, {7}), (403, {4}), (413, {7}), (429, {6}), (500, {6})])
def test_refused_manifest_fails_without_tag(status, rc, run, registry, tar_bytes):
    server = registry("d28", Fault("manifest-put", "status", status=status, times=None))
    result = run("push", "--retry", "1", f"{server.host}/{REPOSITORY}:tag", "-", input=tar_bytes)
    assert result.rc in rc, result
    assert result.stdout == "" and server.tags() == {}
