# SPDX-License-Identifier: Apache-2.0
"""Upload sessions: POST, PATCH, GET, PUT and DELETE, as the profile describes them."""
import base64
import hashlib
import hmac
import json
import re
import urllib.parse

from .answer import Answer, Refusal, refusal
from .connection import EarlyAnswer, ConnectionEnded

STRICT_RANGE = re.compile(r"^(\d+)-(\d+)$")


class Uploads:
    def __init__(self, registry):
        self.registry = registry
        self.profile = registry.profile
        self.storage = registry.storage
        self.secret = b"first"

    # Location and state.

    def _state(self, session):
        fields = {"UUID": session.uuid, "Offset": session.size, "Serial": session.serial}
        data = json.dumps(fields).encode()
        mac = hmac.new(self.secret, data, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mac + data).decode()

    def location(self, session):
        profile = self.profile
        session.serial += 1
        path = profile.session_path.format(repository=session.repository, uuid=session.uuid)
        query = [profile.extra_query] if profile.extra_query else []
        if profile.location_padding:
            query.append("upload_id=" + "Aa0-_%2B" * (profile.location_padding // 8))
        if profile.state != "none":
            query.append(profile.state_name + "=" + urllib.parse.quote(self._state(session)))
        text = path + ("?" + "&".join(query) if query else "")
        return (self.registry.origin if profile.location == "absolute" else "") + text

    def _state_fields(self, request):
        value = dict(urllib.parse.parse_qsl(request.query)).get(self.profile.state_name)
        try:
            raw = base64.urlsafe_b64decode(value or "")
            mac, data = raw[:32], raw[32:]
            expected = hmac.new(self.secret, data, hashlib.sha256).digest()
            return json.loads(data) if hmac.compare_digest(mac, expected) else None
        except ValueError:
            return None

    def _check_state(self, request, session):
        kind = self.profile.state
        if kind == "none":
            return
        fields = self._state_fields(request)
        if self.profile.extra_query and self.profile.extra_query not in request.query.split("&"):
            raise refusal(404, "BLOB_UPLOAD_INVALID", "blob upload invalid")
        if fields is None or fields["UUID"] != session.uuid:
            raise refusal(400 if kind == "offset-400" else 404, "BLOB_UPLOAD_INVALID",
                          "blob upload invalid")
        stale = (fields["Serial"] != session.serial if kind.startswith("newest")
                 else fields["Offset"] != session.size)
        if not stale:
            return
        if kind == "offset-404":
            raise refusal(404, "BLOB_UPLOAD_INVALID", "blob upload invalid")
        if kind == "offset-400":
            raise refusal(400, "BLOB_UPLOAD_INVALID", "blob upload invalid")
        raise self._wrong_range(session)

    def find(self, request, uuid):
        session = self.storage.session(uuid)
        if session is None and self.profile.unknown_session == "accept":
            session = self.storage.session_new(request.repository)
            self.storage.session_end(session)
            session.uuid = uuid
            session.closed = False
            with self.storage.lock:
                self.storage._sessions[uuid] = session
        if session is None or session.repository != request.repository:
            raise refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return session

    # Answers.

    def _headers(self, session, range_text):
        headers = [("Location", self.location(session))]
        if self.profile.uuid_header:
            headers.append((self.profile.uuid_header, session.uuid))
        if range_text is not None:
            headers.append(("Range", range_text))
        return headers

    def _range(self, session, streamed):
        kind = self.profile.range
        if kind == "none":
            return None
        if kind == "first":
            size = session.first_end or 0
        elif kind == "last" or (kind == "zot" and streamed):
            size = session.last_size
        else:
            size = session.size
        return f"0-{size - 1}" if size else self.profile.empty_range

    def _wrong_range(self, session, text="range invalid"):
        headers = []
        if self.profile.refusal_has_range:
            headers = self._headers(session, self._range(session, False))
        return Refusal(416, "RANGE_INVALID", text, headers)

    # Requests.

    def open(self, request):
        profile = self.profile
        request.body.drain()
        query = dict(urllib.parse.parse_qsl(request.query))
        if "from" in query and "mount" not in query and profile.mount_from_only != 202:
            raise refusal(profile.mount_from_only, "UNSUPPORTED", "from without mount")
        if "mount" in query and profile.mount != "never":
            answer = self._mount(request, query)
            if answer is not None:
                return answer
        session = self.storage.session_new(request.repository)
        headers = self._headers(session, profile.post_range)
        if profile.announce_chunks:
            headers.append(("OCI-Chunk-Min-Length", str(profile.chunk_min)))
            headers.append(("OCI-Chunk-Max-Length", str(profile.chunk_max)))
        if profile.unknown_session == "accept":  # the first PATCH creates the session
            self.storage.session_end(session)
        return Answer(202, headers, session=session.uuid)

    def _mount(self, request, query):
        source = query.get("from")
        blob = self.storage.blob(source, query["mount"]) if source else None
        if blob is None:
            if self.profile.mount == "404" and not self.storage.known(source):
                raise refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
            return None
        self.storage.blob_add(request.repository, query["mount"], blob.size, blob.data)
        return self._created(request.repository, query["mount"])

    def _created(self, repository, digest):
        path = f"/v2/{repository}/blobs/{digest}"
        if self.profile.location == "absolute":
            path = self.registry.origin + path
        return Answer(201, [("Location", path), ("Docker-Content-Digest", digest)])

    def status(self, request, uuid):
        kind = self.profile.status
        if isinstance(kind, int):
            raise refusal(kind, "NAME_INVALID" if kind == 400 else "UNSUPPORTED", "no such page")
        session = self.find(request, uuid)
        with session.lock:
            if kind == "strict":
                self._check_state(request, session)
            headers = self._headers(session, f"0-{session.size - 1}" if session.size
                                    else self.profile.empty_range)
            if kind == "exclusive":
                headers = [("Range", f"bytes=0-{session.size}")]
            return Answer(204, headers, session=uuid)

    def cancel(self, request, uuid):
        if self.profile.cancel != 204:
            raise refusal(self.profile.cancel, "NAME_INVALID", "no such page")
        session = self.find(request, uuid)
        self.storage.session_end(session)
        headers = [(self.profile.uuid_header, uuid)] if self.profile.uuid_header else []
        return Answer(204, headers, session=uuid)

    def patch(self, request, uuid):
        session = self.find(request, uuid)
        with session.lock:
            self._check_state(request, session)
            skip = self._check_patch(request, session)
            self._receive(request, session, skip)
            session.last_size = request.body.received
            if session.first_end is None:
                session.first_end = session.size
            ranged = "content-range" in request.headers
            session.ranged += ranged
            session.streamed += not ranged
            return Answer(self.profile.patch_status,
                          self._headers(session, self._range(session, not ranged)), session=uuid)

    def _receive(self, request, session, skip=0):
        """Appends the body. skip: bytes at its beginning that the session has already."""
        if self.profile.replaces and request.method == "PATCH":
            session.clear()
        mark = session.mark()
        try:
            while True:
                piece = request.body.read()
                if not len(piece):
                    break
                if skip:
                    part = min(skip, len(piece))
                    skip -= part
                    piece = piece[part:]
                session.append(piece)
                if session.closed:
                    raise ConnectionEnded("session is gone")
        except (ConnectionEnded, EarlyAnswer):
            self._broken(session, mark)
            raise

    def _broken(self, session, mark):
        if self.profile.broken == "delete":
            self.storage.session_end(session)
        elif self.profile.broken == "discard":
            session.rollback(mark)

    def _check_patch(self, request, session):
        """Raises Refusal when the profile refuses this PATCH; returns how many bytes overlap."""
        profile = self.profile
        kind = request.headers.get("content-type", "")
        if profile.check_content_type and kind not in ("", "application/octet-stream"):
            raise refusal(500, "UNKNOWN", "unknown error")
        text = request.headers.get("content-range")
        if text is None:
            self._check_streamed(request, session)
            return 0
        if request.chunked and profile.chunked_with_range_status:
            raise refusal(profile.chunked_with_range_status, "CONTENT_LENGTH_INVALID",
                          "content length invalid")
        length = request.length
        if profile.ranged_max and length is not None and length > profile.ranged_max:
            raise refusal(416, "UNKNOWN", "range is over the maximum permissible limit of "
                          f"{profile.ranged_max / (1 << 20):.2f}MiB")
        self._check_chunk(request, session)
        return self._check_range(text, length, session)

    def _check_streamed(self, request, session):
        profile = self.profile
        if profile.streamed == "once" and (session.streamed or session.size):
            raise refusal(profile.second_streamed_status, "BLOB_UPLOAD_INVALID",
                          "stream uploads after first write are not allowed")
        if profile.empty_patch_status and request.length == 0:
            raise refusal(profile.empty_patch_status, "BLOB_UPLOAD_INVALID", "empty part")

    def _check_range(self, text, length, session):
        kind = self.profile.content_range
        if kind == "ignore" or (kind == "check-with-length" and length is None):
            return 0
        match = STRICT_RANGE.match(text)
        if match is None:
            status = 500 if kind == "check-with-length" else 416
            raise refusal(status, "UNKNOWN", "unknown error")
        start, end = int(match[1]), int(match[2])
        if kind == "refuse" or (kind == "refuse-later" and session.ranged):
            raise refusal(400, "UNSUPPORTED", "chunked uploads are not supported")
        if kind == "overlap" and 0 < start < session.size:
            return session.size - start
        if start != session.size:
            raise self._wrong_range(session, "First byte of the layer part is "
                                    f"{start} instead of {session.size}")
        if length is not None and end - start + 1 != length:
            raise refusal(400, "SIZE_INVALID", "provided length did not match content length")
        return 0

    def _check_chunk(self, request, session):
        profile = self.profile
        length = request.length or 0
        if profile.chunk_max and length > profile.chunk_max:
            raise refusal(413, "SIZE_INVALID", "part too large")
        if profile.empty_patch_status and length == 0:
            raise refusal(profile.empty_patch_status, "BLOB_UPLOAD_INVALID", "empty part")
        if session.ranged and profile.chunk_min and session.last_size < profile.chunk_min:
            raise refusal(400, "BLOB_UPLOAD_INVALID", "LayerPartTooSmall")
        if profile.chunk_equal and session.ranged:
            if session.chunk_size != session.last_size or length > session.chunk_size:
                raise refusal(400, "BLOB_UPLOAD_INVALID", "parts must be of one size")
        if session.chunk_size is None:
            session.chunk_size = length

    # Commit.

    def commit(self, request, uuid):
        session = self.find(request, uuid)
        with session.lock:
            try:
                self._check_state(request, session)
                digest = dict(urllib.parse.parse_qsl(request.query)).get("digest", "")
                if not re.match(r"^sha256:[0-9a-f]{64}$", digest):
                    raise refusal(400, "DIGEST_INVALID", "no digest")
                self._commit_body(request, session)
                self._verify(session, digest)
            except Refusal:
                if self.profile.put_failure_cancels:
                    self.storage.session_end(session)
                raise
            self.storage.session_end(session)
            data = None if session.data is None else bytes(session.data)
            self.storage.blob_add(session.repository, digest, session.size, data)
        answer = self._created(session.repository, digest)
        answer.session = uuid
        return answer

    def _commit_body(self, request, session):
        profile = self.profile
        length = request.length
        has_body = request.chunked or bool(length)
        if profile.put_needs_length and length is None:
            raise refusal(400, "SIZE_INVALID", "no length")
        if profile.put_max and (request.chunked or (length or 0) > profile.put_max):
            raise refusal(413, "SIZE_INVALID", "body too large")
        if not has_body:
            if profile.put_body == "last" and session.ranged:
                raise refusal(500, "UNKNOWN", "internal error")
            return
        if profile.put_body == "refuse":
            raise refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
        dropped = (profile.put_body == "drop" and (session.ranged or session.streamed)) or (
            profile.put_body == "needs-range" and request.chunked)
        if dropped:
            request.body.drain()
            return
        text = request.headers.get("content-range")
        if text is None and profile.put_body == "needs-range" and session.size:
            raise self._wrong_range(session)
        skip = self._check_range(text, length, session) if text is not None else 0
        if request.headers.get("content-type", "").startswith("application/x-www-form"):
            request.body.drain()
            return
        self._receive(request, session, skip)

    def _verify(self, session, digest):
        profile = self.profile
        if session.size == 0 and profile.empty_blob_status != 201:
            raise refusal(profile.empty_blob_status, "UNKNOWN", "internal error")
        if profile.check_digest and session.digest() != digest:
            if not profile.wrong_digest_keeps:
                self.storage.session_end(session)
            raise refusal(profile.wrong_digest_status, "DIGEST_INVALID",
                          "provided digest did not match uploaded content")
