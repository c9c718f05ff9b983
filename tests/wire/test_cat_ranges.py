# SPDX-License-Identifier: Apache-2.0
"""layerpipe cat fetches a large layer in several ranges at a time; servers that do it otherwise."""
import json
import re
import signal
import subprocess
import threading

import pytest
from cli_support import wait_until
from image_support import Base
from inputs import random_tar, sha256
from registry import Fault

REPOSITORY = "ranges/image"
RANGE = 4 << 20
SIZE = 5 * RANGE + 1000


@pytest.fixture(scope="module", name="tar")
def large_tar():
    return random_tar(SIZE, 7)


@pytest.fixture(name="put")
def put_image(registry, tar):
    """Puts the image, and returns its server and reference."""
    def put(*faults):
        server = registry("d28")
        reference = Base([tar]).put(server, REPOSITORY, "1")
        server.faults.add(*faults)
        return server, reference
    return put


def of_layer(tar):
    name = sha256(tar)
    return lambda request: name in request.path


def range_of(start, tar):
    """The first requests of this range only."""
    name = sha256(tar)
    return lambda request: (name in request.path and
                            request.headers.get("range", "").startswith(f"bytes={start}-"))


def ranges_asked(server, tar):
    name = sha256(tar)
    found = []
    for entry in server.journal.entries("blob-get"):
        if name in entry.path:
            match = re.match(r"bytes=(\d+)-(\d*)$", entry.headers.get("range", "bytes=0-"))
            found.append((int(match[1]), int(match[2] or len(tar) - 1)))
    return found


def check_whole(result, tar):
    assert result.returncode == 0, result.stderr
    assert result.stdout == tar


def test_ranges_cover_the_layer_once(command, put, tar):
    server, reference = put()
    check_whole(command("cat", "--layer", 1, reference), tar)
    asked = sorted(ranges_asked(server, tar))
    ends = [end for _, end in asked]
    assert [start for start, _ in asked] == [0, *(end + 1 for end in ends[:-1])]
    assert ends[-1] == len(tar) - 1 and len(asked) == -(-len(tar) // RANGE)


def test_ranges_are_fetched_at_the_same_time(command, put, tar):
    """Three more are asked for while the second one is not answered."""
    held = Fault("blob-get", "stall", when=range_of(RANGE, tar))
    server, reference = put(held)
    process = command.start("cat", "--layer", 1, reference, stdout=subprocess.PIPE)
    wait_until(lambda: len(ranges_asked(server, tar)) >= 4, process)
    assert held.reached.wait(60)
    held.release()
    assert process.stdout.read() == tar
    process.stdout.close()
    assert process.wait() == 0


def test_one_job_is_one_request(command, put, tar):
    server, reference = put()
    check_whole(command("cat", "--jobs", 1, "--layer", 1, reference), tar)
    assert ranges_asked(server, tar) == [(0, len(tar) - 1)]


def test_server_that_ignores_ranges(command, put, tar):
    server, reference = put()
    server.faults.add(Fault("blob-get", "answer", status=200, body=tar, times=None,
                            headers={"Content-Range": None}, when=of_layer(tar)))
    check_whole(command("cat", "--layer", 1, reference), tar)
    assert len(ranges_asked(server, tar)) == 1


def test_server_that_ignores_a_later_range(command, put, tar):
    _, reference = put(Fault("blob-get", "answer", status=200, body=tar,
                             headers={"Content-Range": "x"}, when=range_of(2 * RANGE, tar)))
    check_whole(command("cat", "--layer", 1, reference), tar)


def test_answer_with_more_than_the_range(command, put, tar):
    """Some servers look only at where a range starts."""
    headers = {"Content-Range": f"bytes {RANGE}-{len(tar) - 1}/{len(tar)}"}
    _, reference = put(Fault("blob-get", "answer", status=206, body=tar[RANGE:], headers=headers,
                             when=range_of(RANGE, tar)))
    check_whole(command("cat", "--layer", 1, reference), tar)


def test_range_that_the_server_makes_larger_needs_no_more_memory(command, put, tar):
    """Its connection breaks, so the rest of this range is asked for again."""
    size = 1 << 46  # more than any machine can allocate
    begin = (f"HTTP/1.1 206 Partial Content\r\nContent-Length: {size - 1}\r\n"
             f"Content-Range: bytes 0-{size - 2}/{size}\r\n\r\n").encode() + tar[:1000]
    server, reference = put(Fault("blob-get", "answer", raw=begin, close=True, when=of_layer(tar)),
                            Fault("blob-get", "status", status=404, nth=2, times=None,
                                  when=of_layer(tar)))
    manifest = json.loads(server.storage.manifest(REPOSITORY, "1")[2])
    manifest["layers"][0].update(size=size)
    server.storage.put_manifest(REPOSITORY, "1", json.dumps(manifest).encode(), manifest["mediaType"])
    result = command("cat", "--layer", 1, reference)
    assert result.returncode == 5, result.stderr
    asked = [entry.headers.get("range") for entry in server.journal.entries("blob-get")]
    assert f"bytes=1000-{size - 2}" in asked


def test_answer_with_less_than_the_range(command, put, tar):
    headers = {"Content-Range": f"bytes {RANGE}-{RANGE + 99}/{len(tar)}"}
    _, reference = put(Fault("blob-get", "answer", status=206, body=tar[RANGE:RANGE + 100],
                             headers=headers, when=range_of(RANGE, tar)))
    check_whole(command("cat", "--layer", 1, reference), tar)


@pytest.mark.parametrize("value", ["bytes 0-99/100", "bytes 5-1/100", "bytes x", "items 0-1/2"])
def test_answer_with_another_range(command, put, tar, value):
    _, reference = put(Fault("blob-get", "answer", headers={"Content-Range": value},
                             when=range_of(RANGE, tar), times=None))
    result = command("cat", "--layer", 1, reference)
    assert result.returncode == 7 and b"requested range" in result.stderr
    assert result.stdout == tar[:len(result.stdout)] and len(result.stdout) <= RANGE


@pytest.mark.parametrize("start", [0, RANGE, 3 * RANGE])
@pytest.mark.parametrize("sent", [0, 300, RANGE // 2])
def test_connection_that_breaks(command, put, tar, start, sent):
    _, reference = put(Fault("blob-get", "reset", at="answer", sent=sent,
                             when=range_of(start, tar)))
    check_whole(command("cat", "--layer", 1, reference), tar)


def test_every_connection_breaks(command, put, tar):
    _, reference = put(Fault("blob-get", "reset", at="answer", sent=RANGE // 2 + 12345,
                             when=of_layer(tar), times=9))
    check_whole(command("cat", "--layer", 1, reference), tar)


@pytest.mark.parametrize("status", [416, 404])
def test_blob_is_shorter_or_gone(command, put, tar, status):
    _, reference = put(Fault("blob-get", "status", status=status, times=None,
                             when=range_of(2 * RANGE, tar)))
    result = command("cat", "--layer", 1, reference)
    assert result.returncode == {416: 9, 404: 5}[status], result.stderr
    assert len(result.stdout) <= 2 * RANGE


def test_range_with_other_bytes(command, put, tar):
    wrong = bytes(RANGE)
    _, reference = put(Fault("blob-get", "answer", body=wrong, when=range_of(RANGE, tar)))
    result = command("cat", "--layer", 1, reference)
    assert result.returncode in (3, 9) and result.stdout != tar
    done = subprocess.run(["tar", "-t"], input=result.stdout, capture_output=True, check=False)
    assert done.returncode != 0


@pytest.fixture(name="storage")
def redirecting(registry, put, tar):
    """A registry that redirects to a storage whose URLs count how often they are used."""
    storage = registry("d28")
    Base([tar]).put(storage, REPOSITORY, "1")
    server, reference = put()
    server.faults.add(Fault("blob-get", "answer", status=307, times=None, body=b"", headers={
        "Location": f"http://{storage.host}/v2/{REPOSITORY}/blobs/{sha256(tar)}"},
        when=of_layer(tar)))
    return server, storage, reference


def test_redirect_is_asked_for_once(command, storage, tar):
    server, store, reference = storage
    check_whole(command("cat", "--layer", 1, reference), tar)
    assert len(ranges_asked(server, tar)) == 1
    assert len(ranges_asked(store, tar)) == -(-len(tar) // RANGE)


def test_redirect_that_expires(command, storage, tar):
    """Then the registry is asked for a new one."""
    server, store, reference = storage
    store.faults.add(Fault("blob-get", "status", status=403, times=2,
                           when=range_of(3 * RANGE, tar)))
    result = command("cat", "--layer", 1, reference)
    assert result.returncode != 0 and b"403" in result.stderr
    store.faults.clear()
    store.faults.add(Fault("blob-get", "status", status=403, when=range_of(3 * RANGE, tar)))
    check_whole(command("cat", "--layer", 1, reference), tar)
    assert len(ranges_asked(server, tar)) == 4  # two for each command


def test_storage_gets_no_credentials(command, storage, tar):
    _, store, reference = storage
    check_whole(command("cat", "--layer", 1, reference), tar)
    assert not any("authorization" in entry.headers for entry in store.journal.entries("blob-get"))


def test_interrupted(command, put, tar):
    stall = Fault("blob-get", "stall", at="answer", sent=1000, when=range_of(RANGE, tar))
    _, reference = put(stall)
    process = command.start("cat", "--layer", 1, reference, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
    reader = threading.Thread(target=process.stdout.read)
    reader.start()
    assert stall.reached.wait(60)
    process.send_signal(signal.SIGINT)
    assert b"interrupted" in process.stderr.read()
    assert process.wait() == -signal.SIGINT
    reader.join()
    process.stderr.close()
    process.stdout.close()
