# SPDX-License-Identifier: Apache-2.0
"""The connection ends at many points of a request and its answer: on registries that can continue a
session and on others, with and without a source that can be read again."""
import pytest
from registry import Fault, Registry
from test_upload_mount import add_base
from wire_support import MIB, REPOSITORY, UNREACHABLE, assert_failed, assert_stored, noise, parallel

DATA = noise(3 * MIB + 5)
BODY_PLACES = ["headers", 0, 1, MIB // 2, MIB - 1, "body", "done"]
ANSWER_PLACES = [0, 5, 12, 25, 60]  # sent bytes of the answer: none, status line, headers
ENDS = ["reset", "fin"]


def places():
    for end in ENDS:
        for at in BODY_PLACES:
            yield end, {"at": at}
        for sent in ANSWER_PLACES:
            yield end, {"at": "answer", "sent": sent}


def chunked_faults(nth):
    return [(f"chunk {nth} {end} {where}", lambda end=end, where=where: Fault(
        "patch", end, nth=nth, **where)) for end, where in places()]


def step_faults(step):
    """Faults for requests with a small body or without one."""
    return [(f"{step} {end} {where}", lambda end=end, where=where: Fault(step, end, **where))
            for end in ENDS for where in
            [{"at": "headers"}, {"at": "done"}] + [{"at": "answer", "sent": sent}
                                                   for sent in ANSWER_PLACES]]


def upload(run, server, source, mode, path, spool):
    options = ["layer", "--json", "--raw", "--compress", "none", "--threads", "0", "--upload",
               mode, "--chunk-size", "1M", f"{server.host}/{REPOSITORY}"]
    if source == "file":
        return run(*options, path)
    if source == "spool":
        return run(*options[:1], "--spool", spool, *options[1:], input=DATA)
    return run(*options, input=DATA)


def check_one(run, name, mode, source, fault, path, always):
    with Registry(name, [fault]) as server:
        result = upload(run, server, source, mode, path, path.parent)
        if always or source != "stream" or result.rc == 0:
            assert_stored(server, result, DATA, sessions=1)
        else:
            assert_failed(server, result, UNREACHABLE, sessions=1)
        assert not server.failures


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "layer.bin"
    file.write_bytes(DATA)
    return file


@pytest.mark.parametrize("nth", [1, 2, 4])
@pytest.mark.parametrize("name", ["d3", "d28", "quay", "zot"])
def test_chunked_upload_survives_or_fails_cleanly(name, nth, run, path):
    """On d3 and quay the upload must always succeed."""
    parallel(lambda item: check_one(run, name, "chunked", "stream", item[1](), path,
                                name in ("d3", "quay")), chunked_faults(nth), 32)


@pytest.mark.parametrize("source", ["file", "spool"])
@pytest.mark.parametrize("name", ["d28", "zot"])
def test_chunked_upload_with_readable_source_succeeds(name, source, run, path):
    parallel(lambda item: check_one(run, name, "chunked", source, item[1](), path, True),
             chunked_faults(2), 32)


@pytest.mark.parametrize("source", ["stream", "file", "spool"])
@pytest.mark.parametrize("name", ["d3", "d28"])
def test_streamed_upload_survives_or_fails_cleanly(name, source, run, path):
    faults = [(f"{end} {where}", lambda end=end, where=where: Fault("patch", end, **where))
              for end, where in places()]
    faults.append(("late", lambda: Fault("patch", "reset", at=3 * MIB)))
    parallel(lambda item: check_one(run, name, "streamed", source, item[1](), path, False),
             faults, 32)


@pytest.mark.parametrize("mode", ["chunked", "streamed"])
@pytest.mark.parametrize("step", ["ping", "open", "commit", "blob-head"])
def test_broken_requests_without_stream_data_are_retried(step, mode, run, path):
    """These requests carry no stream data, so the upload always succeeds."""
    parallel(lambda item: check_one(run, "d28", mode, "stream", item[1](), path, True),
             step_faults(step), 32)


@pytest.mark.parametrize("step", ["manifest-put", "blob-head", "mount", "manifest-get"])
def test_broken_requests_of_image_push_are_retried(step, run):
    def one(item):
        with Registry("d28", [item[1]()]) as server:
            output = run("push", "--json", "--raw", "--media-type",
                         "application/x.test", "--compress", "none", "--threads", "0",
                         "--base", add_base(server), f"{server.host}/{REPOSITORY}:tag", "-",
                         input=DATA[:5000]).json()
            assert server.tags(REPOSITORY) == {"tag": output["digest"]}
            assert not server.failures
    parallel(one, step_faults(step), 32)


def test_several_faults_in_one_upload_are_survived(run, path):
    """Two broken chunks, a broken offset query, and a lost commit answer."""
    with Registry("d3", [Fault("patch", "reset", nth=2, at=1), Fault("patch", "fin", nth=4, at=9),
                         Fault("commit", "reset", at="done"),
                         Fault("status", "reset", at="headers")]) as server:
        assert_stored(server, upload(run, server, "stream", "chunked", path, None), DATA)
