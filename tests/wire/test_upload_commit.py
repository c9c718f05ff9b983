# SPDX-License-Identifier: Apache-2.0
"""The last step: whatever becomes of the answer to it, success is told only for a blob that is
there, and a blob that is there is never sent again."""
import pytest
from registry import Fault
from wire_support import (MIB, REPOSITORY, assert_history, assert_lost, assert_stored, noise,
                          sent_bytes, steps, upload)

CHUNK = ["--chunk-size", "1M"]
DATA = noise(3 * MIB + 5)
LONG = noise(9 * MIB + 5)  # more than is held: nothing to send it again from
MODES = {"chunked": ["--upload", "chunked", *CHUNK], "streamed": ["--upload", "streamed"]}


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


@pytest.mark.parametrize("end", ["reset", "fin"])
def test_T35_answer_lost(end, mode, run, registry):
    server = registry("d28", Fault("commit", end, at="done"))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)
    assert len(server.journal.entries("commit")) == 1


@pytest.mark.parametrize("sent", [0, 5, 12, 30])
def test_T35_answer_cut(sent, mode, run, registry):
    server = registry("d28", Fault("commit", "reset", at="answer", sent=sent))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)


def test_T36_slow_to_appear(mode, run, registry):
    """The gateway gave up, the registry did not."""
    server = registry("d28", Fault("commit", "status", at="done", status=504),
                      Fault("blob-head", "status", status=404, times=2))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)


UNKNOWN = b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"blob upload unknown"}]}'


def test_T37_unknown_upload_but_blob_there(mode, run, registry):
    server = registry("d28", Fault("commit", "status", at="done", status=404, body=UNKNOWN))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)


def test_T37_unknown_upload_and_no_blob(mode, run, registry):
    server = registry("d28", Fault("commit", "forget"))
    result = upload(run, server, LONG, "--retry", "2", *mode)
    assert_lost(server, result, {5, 6}, sessions=0)


def test_T37_with_spool(mode, run, registry, tmp_path):
    server = registry("d28", Fault("commit", "forget"))
    result = upload(run, server, DATA, *mode, "--retry", "2", "--spool", tmp_path)
    assert_stored(server, result, DATA)


def test_T38_flipped_on_the_way(mode, run, registry):
    server = registry("d28", Fault("patch", "flip", at=MIB // 2))
    result = upload(run, server, LONG, *mode)
    assert_lost(server, result, {7, 9}, sessions=1)


def test_T38_flipped_on_the_way_with_spool(mode, run, registry, tmp_path):
    server = registry("d28", Fault("patch", "flip", at=MIB // 2))
    result = upload(run, server, DATA, *mode, "--spool", tmp_path)
    if result.rc:
        assert_lost(server, result, {7, 9}, sessions=1)
    else:
        assert_stored(server, result, DATA, sessions=1)


def test_T38_flipped_always(mode, run, registry, tmp_path):
    server = registry("d28", Fault("patch", "flip", at=MIB // 2, times=None))
    result = upload(run, server, DATA, *mode, "--spool", tmp_path)
    assert_lost(server, result, {7, 9}, sessions=2)
    assert len(server.journal.entries("open")) <= 3


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_T39_statuses_of_success(status, mode, run, registry):
    server = registry("d28", Fault("commit", "answer", status=status))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)


@pytest.mark.parametrize("status", [200, 202])
def test_success_that_is_none(status, mode, run, registry):
    """A page of a proxy in place of an answer: the blob is not there."""
    server = registry("d28", Fault("commit", "status", at="body", status=status, times=None,
                                   body=b"<html>hello</html>"))
    result = upload(run, server, DATA, "--retry", "1", *mode)
    assert result.rc in (6, 7, 9), result
    assert result.stdout == "" and server.blobs() == []


def test_T40_slow_commit(mode, run, registry):
    server = registry("d28", Fault("commit", "stall", at="headers", seconds=4))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert len(server.journal.entries("commit")) == 1


def test_T43_no_length_in_the_head(mode, run, registry):
    server = registry("d28", Fault("blob-head", "answer", times=None,
                                   raw=b"HTTP/1.1 200 OK\r\n\r\n",
                                   when=lambda _: server.blobs()))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)


@pytest.mark.parametrize("header, value", [
    ("Docker-Content-Digest", "sha256:" + "0" * 64), ("Docker-Content-Digest", "nonsense")])
def test_R76_other_digest_echoed(header, value, mode, run, registry):
    server = registry("d28", Fault("commit", "answer", headers={header: value}))
    result = upload(run, server, DATA, *mode)
    assert result.rc in ((9,) if value != "nonsense" else (0, 7, 9)), result
    assert result.stdout == "" or result.rc == 0


def test_R76_other_size_told(mode, run, registry):
    """The head of the blob has another size than what was sent."""
    def shorten(server, request, answer):
        answer.set("Content-Length", "5")
    server = registry("d28", Fault("blob-head", "call", at="done", call=shorten, times=None,
                                   when=lambda _: server.blobs()))
    result = upload(run, server, DATA, *mode)
    assert result.rc == 9, result
    assert result.stdout == ""


def test_blob_denied_after_it_was_confirmed(mode, run, registry):
    def lose(server, request, answer):
        for digest in server.blobs():
            server.storage.blob_remove(REPOSITORY, digest)
    server = registry("d28", Fault("commit", "call", at="done", call=lose))
    result = upload(run, server, DATA, *mode, "--retry", "2")
    assert_lost(server, result, {6, 7, 9})


def test_blob_appears_late(mode, run, registry):
    server = registry("d28", Fault("blob-head", "status", status=404, times=1,
                                   when=lambda _: server.blobs()))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_commit_repeated(status, mode, run, registry):
    """Nothing was done: the same PUT again, and no byte twice."""
    server = registry("d28", Fault("commit", "status", status=status))
    assert_stored(server, upload(run, server, DATA, *mode), DATA)
    assert sent_bytes(server) == len(DATA)


def test_quay_ends_the_session_of_a_failed_commit(run, registry, tmp_path):
    server = registry("quay", Fault("patch", "flip", at=9))
    result = upload(run, server, DATA, *MODES["chunked"], "--spool", tmp_path)
    if result.rc:
        assert_lost(server, result, {7, 9})
    else:
        assert_stored(server, result, DATA)


def test_nothing_is_cancelled_after_success(run, registry):
    server = registry("d28")
    assert_stored(server, upload(run, server, DATA, *CHUNK), DATA)
    assert steps(server, "cancel") == []
    assert_history(server)


def test_manifest_answer_lost(run, registry, tar_bytes):
    """R-79: what became of it is looked up, and nothing is sent under another name."""
    server = registry("d28", Fault("manifest-put", "reset", at="done"))
    told = run("push", "--json", f"{server.host}/{REPOSITORY}:tag", "-", input=tar_bytes).json()
    assert server.tags() == {"tag": told["digest"]}
    assert len(server.storage.manifests()) == 1


@pytest.mark.parametrize("status, rc", [(400, {7}), (403, {4}), (413, {7}), (429, {6}), (500, {6})])
def test_manifest_refused(status, rc, run, registry, tar_bytes):
    server = registry("d28", Fault("manifest-put", "status", status=status, times=None))
    result = run("push", "--retry", "1", f"{server.host}/{REPOSITORY}:tag", "-", input=tar_bytes)
    assert result.rc in rc, result
    assert result.stdout == "" and server.tags() == {}
