# SPDX-License-Identifier: Apache-2.0
"""What tests of uploads share: one way to run them, the two outcomes there may be, and the rules
that every history of requests has to keep."""
import concurrent.futures
import functools
import gzip
import hashlib
import threading
import traceback
import urllib.parse

from inputs import random_bytes

REPOSITORY = "test/layer"
MIB = 1 << 20
LOST = 6


@functools.lru_cache(maxsize=None)
def noise(size, seed=7):
    """Bytes that do not compress, so that sizes on the wire are known."""
    return random_bytes(size, seed)


def upload(run, server, data, *options, **arguments):
    """`layer` of raw bytes as they are: the blob is the data."""
    return run("layer", "--json", "--raw", "--compress", "none", *server.arguments, *options,
               f"{server.host}/{REPOSITORY}", input=data, env=server.environment, **arguments)


def assert_stored(server, result, data, repository=REPOSITORY, sessions=0):
    """Success is told, and it is true."""
    assert result.rc == 0, f"{result}\n{server.journal}"
    told = result.json()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    assert told["diffId"] == digest
    assert told["uncompressedSize"] == len(data)
    stored = server.blob(repository, told["digest"])
    assert stored is not None, server.journal
    if isinstance(stored, int):
        assert stored == told["size"]
    else:
        assert "sha256:" + hashlib.sha256(stored).hexdigest() == told["digest"]
        assert len(stored) == told["size"]
        assert (stored if told["digest"] == digest else gzip.decompress(stored)) == data
    if sessions is not None:
        assert len(server.open_sessions()) <= sessions, server.journal
    assert_history(server)


def assert_lost(server, result, status=LOST, sessions=0):
    """Failure is told, in one line, and nothing was published."""
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
    """Bytes of blobs that arrived, repeated ones too."""
    return sum(entry.received for entry in server.journal.entries("patch", "commit"))


# The rules of every history.

def _address(server, entry, location):
    return urllib.parse.urljoin(server.origin + entry.path, location)


def _digest_removed(server, entry):
    parts = [part for part in entry.query.split("&") if part]
    if entry.step == "commit":
        assert parts and parts[-1].startswith("digest=sha256"), f"digest is not last: {entry}"
        parts.pop()
    return server.origin + entry.path + ("?" + "&".join(parts) if parts else "")


def assert_history(server, foreign=False):
    """foreign: sessions may have been opened elsewhere."""
    newest = {}  # session path -> last address that the client was told
    told = set()  # all of them: a request given up midway may be answered unseen
    ended = {}  # session path -> the request that ended it
    for entry in server.journal:
        assert "cookie" not in entry.headers, f"a cookie was sent: {entry}"
        assert entry.headers.get("host") == server.host, f"wrong Host: {entry}"
        assert "layerpipe/" in entry.headers.get("user-agent", ""), f"nameless: {entry}"
        if entry.step in ("patch", "status", "commit", "cancel"):
            _check_session(server, entry, newest, told, ended, foreign)
        location = entry.answer.get("location")
        if entry.status and location and entry.step in ("open", "mount", "patch", "status"):
            address = _address(server, entry, location)
            newest[urllib.parse.urlsplit(address).path] = address
            told.add(address)
        if entry.step in ("commit", "cancel") and entry.status in (201, 204):
            ended[entry.path] = entry


def _given_up(entry, end):
    """A request that was given up midway may reach the registry's code only after the DELETE that
    came behind it, on a connection of its own."""
    return end.step == "cancel" and entry.connection < end.connection and entry.status in (404, 0)


def _committed_unseen(server, entry, end):
    """A commit that was given up midway, and its connection with it, may have succeeded all the same:
    the DELETE that follows finds no session."""
    return end.step == "commit" and entry.step == "cancel" and entry.status in (404, 0) and \
        not any(later.connection == end.connection and later.number > end.number
                for later in server.journal)


def _check_session(server, entry, newest, told, ended, foreign):
    if not foreign and entry.step == "cancel":
        assert _digest_removed(server, entry) in told, f"not its address: {entry}"
    elif not foreign:
        assert newest.get(entry.path) == _digest_removed(server, entry), \
            f"not the newest address: {entry}\n{server.journal}"
    assert entry.path not in ended or _given_up(entry, ended[entry.path]) or \
        _committed_unseen(server, entry, ended[entry.path]), \
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


# Many small scenarios at a time: most of each is waiting.

def parallel(function, items, workers=24):
    """Calls the function with each item; one assertion names all that failed."""
    failures = []
    lock = threading.Lock()

    def one(item):
        try:
            function(item)
        except Exception as problem:  # also what is no AssertionError: it is shown as it is
            text = str(problem) if isinstance(problem, AssertionError) else traceback.format_exc()
            with lock:
                failures.append(f"{item}: {text}")

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, items))
    assert not failures, f"{len(failures)} of {len(items)} failed:\n" + "\n\n".join(sorted(failures))
