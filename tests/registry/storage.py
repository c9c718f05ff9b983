# SPDX-License-Identifier: Apache-2.0
"""The content of the registry: blobs, manifests, tags, and open upload sessions."""
import hashlib
import json
import threading
import uuid


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Blob:
    def __init__(self, size, data):
        self.size = size
        self.data = data  # None where data is discarded


class Session:
    """One upload session. With discard, only hash and size of the bytes are kept."""

    def __init__(self, repository, discard):
        self.repository = repository
        self.uuid = str(uuid.uuid4())
        self.data = None if discard else bytearray()
        self.size = 0
        self.hash = hashlib.sha256()
        self.serial = 0
        self.first_end = None  # what the first PATCH left
        self.last_size = 0
        self.chunk_size = None
        self.streamed = 0  # PATCHes without a range
        self.ranged = 0
        self.closed = False
        self.lock = threading.Lock()

    def append(self, piece):
        if self.data is not None:
            self.data += piece
        self.hash.update(piece)
        self.size += len(piece)

    def mark(self):
        return self.size, self.hash.copy()

    def rollback(self, mark):
        self.size, self.hash = mark[0], mark[1].copy()
        if self.data is not None:
            del self.data[self.size:]

    def clear(self):
        self.size = 0
        self.hash = hashlib.sha256()
        if self.data is not None:
            self.data.clear()

    def digest(self):
        return "sha256:" + self.hash.hexdigest()


class Storage:
    """Thread-safe."""

    def __init__(self, discard=False):
        self.discard = discard
        self.lock = threading.RLock()
        self._blobs = {}  # (repository, digest) -> Blob
        self._manifests = {}  # (repository, digest) -> (media type, bytes)
        self._tags = {}  # (repository, tag) -> digest
        self._sessions = {}
        self.tag_history = []  # (repository, tag, digest), in order

    # Sessions.

    def session_new(self, repository):
        session = Session(repository, self.discard)
        with self.lock:
            self._sessions[session.uuid] = session
        return session

    def session(self, uuid_text):
        with self.lock:
            return self._sessions.get(uuid_text)

    def session_end(self, session):
        with self.lock:
            session.closed = True
            self._sessions.pop(session.uuid, None)

    def sessions(self):
        with self.lock:
            return list(self._sessions.values())

    # Blobs.

    def blob_add(self, repository, digest, size, data):
        with self.lock:
            self._blobs[repository, digest] = Blob(size, data)

    def put_blob(self, repository, data):
        digest = digest_of(data)
        self.blob_add(repository, digest, len(data), bytes(data))
        return digest

    def blob(self, repository, digest):
        with self.lock:
            return self._blobs.get((repository, digest))

    def blob_remove(self, repository, digest):
        with self.lock:
            self._blobs.pop((repository, digest), None)

    def blobs(self, repository=None):
        with self.lock:
            return sorted(digest for name, digest in self._blobs
                          if repository is None or name == repository)

    def known(self, repository):
        with self.lock:
            return any(name == repository for name, _ in
                       list(self._blobs) + list(self._manifests))

    # Manifests.

    def put_manifest(self, repository, reference, data, media_type=None):
        """Stores a manifest. reference: a tag, or None to store it under its digest only."""
        media_type = media_type or json.loads(data).get("mediaType", "")
        digest = digest_of(data)
        with self.lock:
            self._manifests[repository, digest] = (media_type, bytes(data))
            if reference and not reference.startswith("sha256:"):
                self._tags[repository, reference] = digest
                self.tag_history.append((repository, reference, digest))
        return digest

    def manifest(self, repository, reference):
        """Returns (digest, media type, bytes), or None."""
        with self.lock:
            digest = self._tags.get((repository, reference), reference)
            found = self._manifests.get((repository, digest))
            return (digest, *found) if found else None

    def manifests(self, repository=None):
        with self.lock:
            return sorted(digest for name, digest in self._manifests
                          if repository is None or name == repository)

    def manifest_remove(self, repository, digest):
        with self.lock:
            del self._manifests[repository, digest]

    def tags(self, repository=None):
        with self.lock:
            return {tag: digest for (name, tag), digest in self._tags.items()
                    if repository is None or name == repository}

    def referrers(self, repository, subject):
        found = []
        with self.lock:
            for (name, digest), (media_type, data) in self._manifests.items():
                if name != repository:
                    continue
                manifest = json.loads(data)
                if (manifest.get("subject") or {}).get("digest") != subject:
                    continue
                entry = {"mediaType": media_type, "digest": digest, "size": len(data)}
                kind = manifest.get("artifactType") or manifest.get("config", {}).get("mediaType")
                if kind:
                    entry["artifactType"] = kind
                if manifest.get("annotations"):
                    entry["annotations"] = manifest["annotations"]
                found.append(entry)
        return found
