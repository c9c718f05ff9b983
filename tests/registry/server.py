# SPDX-License-Identifier: Apache-2.0
"""The server: one thread for each connection, a dispatcher, and a list of faults."""
import json
import re
import socket
import sys
import threading
import time
import traceback

from .answer import Answer, Refusal, refusal
from .auth import Auth
from .connection import EarlyAnswer, Body, Connection, Link, ConnectionEnded
from .faults import FaultList
from .journal import Journal
from .profiles import PROFILES
from .storage import Storage, digest_of
from .uploads import Uploads

NAME = r"(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
ROUTES = [(kind, re.compile("^" + pattern + "$")) for kind, pattern in [
    ("ping", r"/v2/?"),
    ("token", r"/token"),
    ("open", rf"/v2/{NAME}/blobs/uploads/?"),
    ("session", rf"/v2/{NAME}/blobs/uploads?/(?P<rest>[0-9a-f-]+)"),
    ("session", rf"/artifacts-uploads/namespaces/{NAME}/parts/(?P<rest>[0-9a-f-]+)"),
    ("blob", rf"/v2/{NAME}/blobs/(?P<rest>sha256:[0-9a-f]{{64}})"),
    ("manifest", rf"/v2/{NAME}/manifests/(?P<rest>[\w.:-]+)"),
    ("tags", rf"/v2/{NAME}/tags/list"),
    ("referrers", rf"/v2/{NAME}/referrers/(?P<rest>sha256:[0-9a-f]{{64}})"),
]]
SESSION_STEPS = {"PATCH": "patch", "PUT": "commit", "GET": "status", "DELETE": "cancel"}
JOURNAL_BODY_MAX = 1 << 20
REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 401: "Unauthorized",
           404: "Not Found"}


def step_of(request, kind):
    method = request.method
    if kind == "token":
        return "token-post" if method == "POST" else "token"
    if kind == "open":
        return "mount" if "mount=" in request.query else "open"
    if kind == "session":
        return SESSION_STEPS.get(method, "other")
    if kind in ("blob", "manifest"):
        return {"HEAD": kind + "-head", "GET": kind + "-get",
                "PUT": kind + "-put"}.get(method, "other")
    return kind or "other"


class Registry:
    """Runs until stop(); also a context manager. profile: a Profile or its name. faults: a list of
    Fault. auth: an Auth, or None. tls: an ssl context. rate: bytes a second of all connections
    together. rtt: round-trip time in seconds. discard: keep only hash and size of blobs. expect:
    "ok", "ignore" (100 is never sent), or 417. name: the host name that clients use."""

    def __init__(self, profile="d28", faults=(), auth=None, tls=None, rate=0, rtt=0.0,
                 discard=False, expect="ok", port=0, host="127.0.0.1", extra_headers=(),
                 repositories=None, name=None):
        self.profile = PROFILES[profile] if isinstance(profile, str) else profile
        self.auth = auth or Auth()
        self.faults = FaultList(faults)
        self.journal = Journal()
        self.storage = Storage(discard)
        self.uploads = Uploads(self)
        self.link = Link(rate, rtt)
        self.expect = expect
        self.extra_headers = list(extra_headers)  # sent with every answer
        self.repositories = repositories  # None: a push creates any repository
        self.stopping = threading.Event()
        self.failures = []  # errors of the server itself; the fixture asserts that there are none
        self._tls = tls
        self._lock = threading.Lock()
        self._connections = {}
        self._threads = []
        self._count = 0
        self._listener = socket.create_server((host, port), backlog=256)
        if rate:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                      max(16384, int(rate * max(rtt, 0.005))))
        self.port = self._listener.getsockname()[1]
        self.host = name or f"{host}:{self.port}"
        self.arguments = []  # options and environment that a client needs to reach this server
        self.environment = {}
        self.origin = ("https://" if tls else "http://") + self.host
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        if self.stopping.is_set():
            return
        self.stopping.set()
        self.faults.release()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.close_connections()
        for thread in self._threads:
            thread.join(30)

    def close_connections(self):
        with self._lock:
            connections = list(self._connections.values())
        for connection in connections:
            connection.close()

    def restart(self, keep_secret):
        """Behaves like a restarted process: all connections end. Without keep_secret every old
        Location becomes invalid."""
        if not keep_secret:
            self.uploads.secret += b"+"
        self.close_connections()

    # The content, for assertions.

    def blob(self, repository, digest):
        """Returns the bytes of a blob, or None. With discard: its size."""
        blob = self.storage.blob(repository, digest)
        if blob is None:
            return None
        return blob.size if blob.data is None else blob.data

    def blobs(self, repository=None):
        return self.storage.blobs(repository)

    def tags(self, repository=None):
        return self.storage.tags(repository)

    def manifest(self, repository, reference):
        found = self.storage.manifest(repository, reference)
        return json.loads(found[2]) if found else None

    def open_sessions(self):
        return self.storage.sessions()

    # Connections.

    def _accept(self):
        while not self.stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._count += 1
                number = self._count
            thread = threading.Thread(target=self._run, args=(sock, number), daemon=True)
            with self._lock:
                self._threads = [old for old in self._threads if old.is_alive()] + [thread]
            thread.start()

    def _run(self, sock, number):
        connection = Connection(sock, number, self.link)
        with self._lock:
            self._connections[number] = connection
        try:
            if self.link.rtt:
                time.sleep(self.link.rtt)
            if self._tls is not None:
                connection.sock = self._tls.wrap_socket(sock, server_side=True)
            while not self.stopping.is_set() and self._serve(connection):
                pass
        except (ConnectionEnded, OSError):
            pass
        except Exception:  # an error of this server must not look like an error of the client
            self.failures.append(traceback.format_exc())
            print(self.failures[-1], file=sys.stderr)
        finally:
            with self._lock:
                self._connections.pop(number, None)
            connection.close()

    def _serve(self, connection):
        """Serves one request; returns whether the connection stays open."""
        request = connection.request()
        if request is None:
            return False
        kind, match = self._route(request)
        request.step = step_of(request, kind)
        request.faults = self.faults.pick(request)
        if self.profile.request_seconds:
            connection.deadline = time.monotonic() + self.profile.request_seconds
        entry = self.journal.add(connection, request)
        entry.faults = [fault.do for fault in request.faults]
        request.body = Body(connection, request, self._sends_continue(request), self.stopping)
        try:
            answer = self._answer(connection, request, kind, match)
            entry.session = answer.session
            return self._send(connection, request, entry, answer)
        finally:
            entry.received = request.body.received
            entry.continued = request.body.continued
            entry.body = getattr(request, "document", None)
            entry.ended = time.monotonic()

    def _sends_continue(self, request):
        if any(fault.continued is False for fault in request.faults):
            return False
        return self.expect != "ignore"

    @staticmethod
    def _route(request):
        for kind, pattern in ROUTES:
            match = pattern.match(request.path)
            if match:
                request.repository = match.groupdict().get("name")
                return kind, match.groupdict()
        return None, {}

    def _answer(self, connection, request, kind, match):
        """Returns the answer. Faults that come before the answer happen here."""
        try:
            self._end_session_of_cut_patch(request)
            early = self._strike(connection, request, "headers")
            early = early or self._strike_after_body(connection, request)
            if early is None and self.expect == 417 and request.body.waiting:
                early = Answer(417)
            if early is not None:
                return early
            answer = self._dispatch(request, kind, match)
        except Refusal as problem:
            answer = problem.answer
        except EarlyAnswer as early:
            return self._fault_answer(early.fault)
        early = self._strike(connection, request, "body", answer) if request.step == "patch" else None
        if early is None:
            early = self._strike(connection, request, "done", answer)
        return early or answer

    def _end_session_of_cut_patch(self, request):
        """Some registries delete the session when a PATCH breaks, even before its body."""
        cut = any(fault.at == "headers" and fault.do in ("reset", "fin")
                  for fault in request.faults)
        session = self.storage.session(request.path.rpartition("/")[2])
        if cut and request.step == "patch" and session and self.profile.broken == "delete":
            self.storage.session_end(session)

    def _strike_after_body(self, connection, request):
        """A fault after the body is read and before it is used. PATCH is an exception: its bytes
        are stored while they are read."""
        if request.step == "patch" or not any(fault.at == "body" for fault in request.faults):
            return None
        request.body.drain()
        return self._strike(connection, request, "body")

    def _strike(self, connection, request, place, answer=None):
        for fault in request.faults:
            if fault.at != place:
                continue
            if fault.do != "answer":
                fault.reached.set()
            if fault.continued:
                request.body.send_continue()
            if fault.do in ("reset", "fin"):
                connection.end(fault)
            if fault.do == "status":
                return self._fault_answer(fault)
            self._strike_state(connection, request, fault, answer)
        return None

    def _strike_state(self, connection, request, fault, answer):
        if fault.do == "stall":
            fault.stall(self.stopping)
        elif fault.do == "slow":
            connection.rate = fault.rate
        elif fault.do == "forget":
            for session in self.storage.sessions():
                self.storage.session_end(session)
        elif fault.do == "restart":
            self.uploads.secret += b"+"
        elif fault.do == "expire-tokens":
            self.auth.expire_all()
        elif fault.do == "call":
            fault.call(self, request, answer)

    @staticmethod
    def _fault_answer(fault):
        answer = Answer(fault.status or 500, [], fault.body or b"")
        for name, value in fault.headers.items():
            answer.set(name, value)
        return answer

    def _send(self, connection, request, entry, answer):
        keep = self.profile.keepalive and request.headers.get("connection", "").lower() != "close"
        rate, sent, raw, bare = 0, None, None, False
        for fault in request.faults:
            if fault.close:
                keep = False
            if fault.do == "answer":
                fault.reached.set()
                self._edit(fault, answer)
                rate, raw, bare = fault.rate, fault.raw, fault.bare_lf
            elif fault.at == "answer":
                sent = fault
        if not request.body.done:
            keep = False
        data = raw if raw is not None else self._bytes(request, answer, keep, bare)
        if self.link.rtt:
            time.sleep(self.link.rtt)
        if sent is not None:
            self._send_part(connection, data, sent)
        entry.answered = time.monotonic()
        entry.status = answer.status
        entry.answer = {name.lower(): value for name, value in answer.headers}
        if rate:
            for byte in data:
                connection.write(bytes([byte]))
                if self.stopping.wait(1 / rate):
                    raise ConnectionEnded("stopped")
        else:
            connection.write(data)
        if not keep and not request.body.done:
            self._linger(connection)
        return keep and raw is None

    def _send_part(self, connection, data, fault):
        connection.write(data[:fault.sent])
        fault.reached.set()
        if fault.do == "stall":
            fault.stall(self.stopping)
            raise ConnectionEnded("fault")
        connection.end(fault)

    @staticmethod
    def _linger(connection):
        """Gives the client time to read an early answer before the connection ends."""
        try:
            connection.sock.shutdown(socket.SHUT_WR)
            connection.sock.settimeout(1)
            end = time.monotonic() + 1
            while time.monotonic() < end and connection.sock.recv(65536):
                pass
        except OSError:
            pass

    @staticmethod
    def _edit(fault, answer):
        if fault.status is not None:
            answer.status = fault.status
        if fault.body is not None:
            answer.body = fault.body
        for name, value in fault.headers.items():
            answer.set(name, value)

    def _bytes(self, request, answer, keep, bare_lf):
        headers = list(answer.headers) + self.extra_headers
        names = {name.lower() for name, _ in headers}
        if "content-length" not in names and "transfer-encoding" not in names:
            if (answer.status != 204 or answer.body) and answer.status >= 200:
                headers.append(("Content-Length", str(len(answer.body))))
        if not keep:
            headers.append(("Connection", "close"))
        lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in headers if name.lower() != "x-none"]
        end = "\n" if bare_lf else "\r\n"
        head = (end.join(lines) + end + end).encode("latin-1")
        return head if request.method == "HEAD" else head + answer.body

    # The protocol.

    def _dispatch(self, request, kind, match):
        if kind == "token":
            return self._token(request)
        self._authorize(request, kind)
        if kind == "ping":
            request.body.drain()
            return Answer(200, [], b"{}", "application/json")
        if kind is None:
            request.body.drain()
            return self._no_page()
        if self.repositories is not None and request.repository not in self.repositories:
            raise refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
        handler = getattr(self, "_do_" + request.step.replace("-", "_"), None)
        if handler is None:
            raise refusal(405, "UNSUPPORTED", "the operation is unsupported")
        answer = handler(request, match.get("rest"))
        answer.headers.append(("Docker-Distribution-Api-Version", "registry/2.0"))
        return answer

    @staticmethod
    def _no_page():
        return Answer(404, [], b"404 page not found\n", "text/plain; charset=utf-8")

    def _authorize(self, request, kind):
        actions = {"GET": ["pull"], "HEAD": ["pull"]}.get(request.method, ["pull", "push"])
        if request.step == "cancel":
            actions = [self.profile.cancel_scope]
        refused = self.auth.check(self.origin, request, None if kind == "ping" else
                                  request.repository, actions)
        if refused is None:
            return
        status, headers = refused
        problem = refusal(status, "UNAUTHORIZED", "authentication required")
        problem.answer.headers += headers
        raise problem

    def _token(self, request):
        body = request.body.all()
        request.document = body
        status, headers, data = self.auth.token(request, body)
        return Answer(status, headers, data, "application/json")

    def _do_open(self, request, _):
        return self.uploads.open(request)

    _do_mount = _do_open

    def _do_patch(self, request, uuid):
        return self.uploads.patch(request, uuid)

    def _do_commit(self, request, uuid):
        return self.uploads.commit(request, uuid)

    def _do_status(self, request, uuid):
        return self.uploads.status(request, uuid)

    def _do_cancel(self, request, uuid):
        return self.uploads.cancel(request, uuid)

    def _find_blob(self, request, digest):
        blob = self.storage.blob(request.repository, digest)
        if blob is None:
            raise refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
        headers = [("Docker-Content-Digest", digest), ("Content-Type", "application/octet-stream"),
                   ("Accept-Ranges", "bytes")]
        return blob, headers

    def _do_blob_head(self, request, digest):
        blob, headers = self._find_blob(request, digest)
        return Answer(200, headers + [("Content-Length", str(blob.size))])

    def _do_blob_get(self, request, digest):
        blob, headers = self._find_blob(request, digest)
        if blob.data is None:
            raise refusal(404, "BLOB_UNKNOWN", "the data was discarded")
        match = re.match(r"^bytes=(\d+)-(\d*)$", request.headers.get("range", ""))
        if not match:
            return Answer(200, headers, blob.data)
        start = int(match[1])
        end = min(int(match[2] or blob.size), blob.size - 1)
        if start >= blob.size:
            raise refusal(416, "RANGE_INVALID", "out of range")
        headers.append(("Content-Range", f"bytes {start}-{end}/{blob.size}"))
        return Answer(206, headers, blob.data[start:end + 1])

    def _do_manifest_head(self, request, reference):
        answer = self._do_manifest_get(request, reference)
        return Answer(200, answer.headers + [("Content-Length", str(len(answer.body)))])

    def _do_manifest_get(self, request, reference):
        found = self.storage.manifest(request.repository, reference)
        if found is None:
            raise refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return Answer(200, [("Docker-Content-Digest", found[0])], found[2], found[1])

    def _do_manifest_put(self, request, reference):
        data = request.body.all()
        request.document = data[:JOURNAL_BODY_MAX]
        limit = self.profile.manifest_max
        if limit and len(data) > limit:
            raise refusal(self.profile.manifest_max_status, "MANIFEST_INVALID",
                          "manifest too large")
        try:
            manifest = json.loads(data)
            media_type = request.headers.get("content-type") or manifest["mediaType"]
        except (ValueError, KeyError, TypeError) as error:
            raise refusal(400, "MANIFEST_INVALID", "manifest invalid") from error
        digest = digest_of(data)
        if ":" in reference and reference != digest:
            raise refusal(400, "DIGEST_INVALID", "provided digest did not match")
        if self.profile.manifest_checks_blobs:
            self._check_parts(request.repository, manifest)
        self.storage.put_manifest(request.repository, reference, data, media_type)
        path = f"/v2/{request.repository}/manifests/{digest}"
        headers = [("Docker-Content-Digest", digest),
                   ("Location", (self.origin if self.profile.location == "absolute" else "")
                    + path)]
        if self.profile.referrers and manifest.get("subject"):
            headers.append(("OCI-Subject", manifest["subject"]["digest"]))
        return Answer(201, headers)

    def _check_parts(self, repository, manifest):
        for part in [manifest.get("config")] + (manifest.get("layers") or []):
            if part and self.storage.blob(repository, part["digest"]) is None:
                if not part.get("urls"):
                    raise refusal(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry: "
                                  + part["digest"])
        for part in manifest.get("manifests") or []:
            if self.storage.manifest(repository, part["digest"]) is None and \
                    self.storage.blob(repository, part["digest"]) is None:
                raise refusal(404, "MANIFEST_UNKNOWN", "manifest unknown: " + part["digest"])

    def _do_tags(self, request, _):
        tags = sorted(self.storage.tags(request.repository))
        if not tags and not self.storage.known(request.repository):
            raise refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
        body = json.dumps({"name": request.repository, "tags": tags}, separators=(",", ":")).encode()
        return Answer(200, [], body, "application/json")

    def _do_referrers(self, request, digest):
        if not self.profile.referrers:
            return self._no_page()
        entries = self.storage.referrers(request.repository, digest)
        query = dict(item.partition("=")[::2] for item in request.query.split("&") if item)
        headers = []
        if "artifactType" in query:
            entries = [entry for entry in entries
                       if entry.get("artifactType") == query["artifactType"].replace("%2F", "/")
                       .replace("%2B", "+")]
            headers.append(("OCI-Filters-Applied", "artifactType"))
        first, size = int(query.get("last", 0)), self.profile.referrers_page
        if size and first + size < len(entries):
            headers.append(("Link", f'<{request.path}?last={first + size}>; rel="next"'))
        entries = entries[first:first + size if size else None]
        body = json.dumps({"schemaVersion": 2, "manifests": entries,
                           "mediaType": "application/vnd.oci.image.index.v1+json"}).encode()
        return Answer(200, headers, body, "application/vnd.oci.image.index.v1+json")
