# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of uploads: running an upload, checking success or failure, and the rules
that the requests of every upload must keep."""
import concurrent.futures
import functools
import gzip
import hashlib
import subprocess
import threading
import traceback
import urllib.parse

from inputs import random_bytes

REPOSITORY = "test/layer"
MIB = 1 << 20
UNREACHABLE = 6  # exit status after a network or server failure


@functools.lru_cache(maxsize=None)
def noise(size, seed=7):
    """Bytes that do not compress, so that the number of sent bytes is known."""
    return random_bytes(size, seed)


def upload(run, server, data, *options, **arguments):
    """Runs `layer --raw --compress none`: the blob's bytes are `data`."""
    return run("layer", "--json", "--raw", "--compress", "none", *server.arguments, *options,
               f"{server.host}/{REPOSITORY}", input=data, env=server.environment, **arguments)


def assert_stored(server, result, data, repository=REPOSITORY, sessions=0):
    """The command succeeded, and the registry has a blob with the reported digest and size."""
    assert result.rc == 0, f"{result}\n{server.journal}"
    output = result.json()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    assert output["diffId"] == digest
    assert output["uncompressedSize"] == len(data)
    stored = server.blob(repository, output["digest"])
    assert stored is not None, server.journal
    if isinstance(stored, int):
        assert stored == output["size"]
    else:
        assert "sha256:" + hashlib.sha256(stored).hexdigest() == output["digest"]
        assert len(stored) == output["size"]
        assert (stored if output["digest"] == digest else gzip.decompress(stored)) == data
    if sessions is not None:
        assert len(server.open_sessions()) <= sessions, server.journal
    assert_history(server)


def assert_failed(server, result, status=UNREACHABLE, sessions=0):
    """The command failed with one error line, and the registry has no blob, manifest or tag."""
    allowed = status if isinstance(status, (set, tuple)) else {status}
    assert result.rc in allowed, f"{result}\n{server.journal}"
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("layerpipe: warn")]
    assert lines and lines[-1].startswith("layerpipe: "), result.stderr
    assert lines[-1].count("--spool") <= 1, "the hint repeats what the message says"
    assert server.blobs() == [] and server.tags() == {} and server.storage.manifests() == []
    if sessions is not None:
        assert len(server.open_sessions()) <= sessions, server.journal
    assert_history(server)


def steps(server, *wanted):
    return [entry.step for entry in server.journal.entries(*wanted)]


def patches(server):
    return server.journal.entries("patch")


def sent_bytes(server):
    """How many body bytes the registry received; bytes that were sent twice count twice."""
    return sum(entry.received for entry in server.journal.entries("patch", "commit"))


# The rules for the requests of every upload.

def _address(server, entry, location):
    return urllib.parse.urljoin(server.origin + entry.path, location)


def _digest_removed(server, entry):
    parts = [part for part in entry.query.split("&") if part]
    if entry.step == "commit":
        assert parts and parts[-1].startswith("digest=sha256"), f"digest is not last: {entry}"
        parts.pop()
    return server.origin + entry.path + ("?" + "&".join(parts) if parts else "")


def assert_history(server, foreign=False):
    """Checks the journal of a registry. foreign: another registry may have opened the sessions."""
    newest = {}  # session path -> the last Location that the client received
    locations = set()  # every Location: the client may not see the answer to an aborted request
    ended = {}  # session path -> the request that ended it
    for entry in server.journal:
        assert "cookie" not in entry.headers, f"a cookie was sent: {entry}"
        assert entry.headers.get("host") == server.host, f"wrong Host: {entry}"
        assert "layerpipe/" in entry.headers.get("user-agent", ""), f"no User-Agent: {entry}"
        if entry.step in ("patch", "status", "commit", "cancel"):
            _check_session(server, entry, newest, locations, ended, foreign)
        location = entry.answer.get("location")
        if entry.status and location and entry.step in ("open", "mount", "patch", "status"):
            address = _address(server, entry, location)
            newest[urllib.parse.urlsplit(address).path] = address
            locations.add(address)
        if entry.step in ("commit", "cancel") and entry.status in (201, 204):
            ended[entry.path] = entry


def _aborted_by_client(entry, end):
    """Whether the client had aborted this request before its DELETE. The registry may process the
    aborted request after the DELETE, because the DELETE came on another connection."""
    return end.step == "cancel" and entry.connection < end.connection and entry.status in (404, 0)


def _committed_after_abort(server, entry, end):
    """Whether the client had aborted this commit. The registry may have done the commit
    anyway; then the DELETE that follows finds no session."""
    return end.step == "commit" and entry.step == "cancel" and entry.status in (404, 0) and \
        not any(later.connection == end.connection and later.number > end.number
                for later in server.journal)


def _check_session(server, entry, newest, locations, ended, foreign):
    if not foreign and entry.step == "cancel":
        assert _digest_removed(server, entry) in locations, f"not a Location of this session: {entry}"
    elif not foreign:
        assert newest.get(entry.path) == _digest_removed(server, entry), \
            f"not the newest Location: {entry}\n{server.journal}"
    assert entry.path not in ended or _aborted_by_client(entry, ended[entry.path]) or \
        _committed_after_abort(server, entry, ended[entry.path]), \
        f"session had ended: {entry}\n{server.journal}"
    length = entry.headers.get("content-length")
    chunked = "chunked" in entry.headers.get("transfer-encoding", "")
    if entry.step in ("patch", "commit"):
        assert (length is not None) != chunked, f"length or chunked: {entry}"
        kind = entry.headers.get("content-type")
        assert kind == "application/octet-stream" or length == "0", f"type {kind}: {entry}"
    if entry.step == "patch":
        assert length != "0", f"empty PATCH: {entry}"
    span = entry.headers.get("content-range")
    if span is not None:
        start, end = map(int, span.split("-"))
        assert length is not None and end - start + 1 == int(length), f"range: {entry}"


# Many small scenarios run at the same time: each one mostly waits.

def parallel(function, items, workers=24):
    """Calls the function with each item; one assertion at the end lists all failed items."""
    failures = []
    lock = threading.Lock()

    def one(item):
        try:
            function(item)
        except Exception as problem:  # other exceptions are reported with their traceback
            text = str(problem) if isinstance(problem, AssertionError) else traceback.format_exc()
            with lock:
                failures.append(f"{item}: {text}")

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, items))
    assert not failures, f"{len(failures)} of {len(items)} failed:\n" + "\n\n".join(sorted(failures))


def check_call(*args, **options):
    """Runs a program, which must succeed. Returns its output."""
    done = subprocess.run(list(map(str, args)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **options)
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout
