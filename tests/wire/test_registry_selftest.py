# SPDX-License-Identifier: Apache-2.0
"""Tests the test registry: the same requests to it and to the real program give the same
transcript. The transcript leaves out what always differs (names of sessions, state, wording)."""
import hashlib
import http.client
import json
import os
import shutil
import socket
import struct
import time
import urllib.parse

import pytest
from inputs import random_bytes
from registry.storage import digest_of

OCTETS = "application/octet-stream"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DATA = random_bytes(100_000)


class Probe:
    """A simple client; it records the answers in a transcript."""

    def __init__(self, port):
        self.port = port
        self.transcript = []
        self.location = None
        self.repository = "self/test"
        self.first_location = None

    def url_path(self, path):
        return f"/v2/{self.repository}/{path}"

    def send(self, method, target, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is None and method in ("POST", "PUT", "PATCH"):
            headers.setdefault("Content-Length", "0")
        try:
            connection.request(method, target, body, headers,
                               encode_chunked=not isinstance(body, (bytes, type(None))))
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        self._note(method, answer, text)
        return answer, text

    def _note(self, method, answer, text):
        location = answer.getheader("Location")
        self.transcript.append((
            method, answer.status, self._shape(location), answer.getheader("Range"),
            answer.getheader("Docker-Content-Digest"), self._codes(answer, text),
            answer.getheader("Docker-Upload-UUID") is not None))
        if location is not None:
            url = urllib.parse.urlsplit(location)
            self.location = url.path + ("?" + url.query if url.query else "")

    @staticmethod
    def _shape(location):
        if location is None:
            return None
        url = urllib.parse.urlsplit(location)
        return (bool(url.netloc), "/blobs/uploads/" in url.path, sorted(urllib.parse.parse_qs(url.query)))

    @staticmethod
    def _codes(answer, text):
        if answer.status < 400 or not text:
            return None
        try:
            return [error["code"] for error in json.loads(text)["errors"]]
        except ValueError:
            return "no JSON"

    # The steps of an upload.

    def open(self, query=""):
        answer = self.send("POST", self.url_path("blobs/uploads/") + query)[0]
        self.first_location = self.location
        return answer

    def patch(self, data, location=None, **headers):
        headers.setdefault("Content_Type", OCTETS)
        return self.send("PATCH", location or self.location, data, **headers)

    def put(self, data, body=None, location=None, **headers):
        digest = data if isinstance(data, str) else digest_of(data)
        target = location or self.location
        target += ("&" if "?" in target else "?") + "digest=" + digest
        return self.send("PUT", target, body, **headers)

    def head(self, data):
        answer = self.send("HEAD", self.url_path("blobs/" + digest_of(data)))[0]
        self.transcript.append(answer.getheader("Content-Length") if answer.status == 200 else None)

    def status(self, location=None):
        return self.send("GET", location or self.location)

    def broken_patch(self, sent):
        """A PATCH whose connection is reset after `sent` bytes of its body."""
        sock = socket.create_connection(("127.0.0.1", self.port))
        sock.sendall(f"PATCH {self.location} HTTP/1.1\r\nHost: h\r\nContent-Type: {OCTETS}\r\n"
                     f"Content-Length: 5000\r\n\r\n".encode() + DATA[:sent])
        time.sleep(0.3)  # so that the server reads the bytes before the reset discards them
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        time.sleep(0.3)

    def blob(self, data):
        self.open()
        self.put(data, data, Content_Type=OCTETS)


def pieces():
    for start in range(0, len(DATA), 30_000):
        yield DATA[start:start + 30_000]


def streamed(probe):
    probe.open()
    probe.patch(pieces())
    probe.put(DATA)
    probe.head(DATA)


def chunked(probe):
    probe.open()
    for start in (0, 40_000, 80_000):
        piece = DATA[start:start + 40_000]
        probe.patch(piece, Content_Range=f"{start}-{start + len(piece) - 1}")
        probe.status()
    probe.put(DATA)
    probe.head(DATA)


def monolithic(probe):
    probe.blob(DATA)
    probe.head(DATA)


def last_chunk_in_put(probe):
    probe.open()
    probe.patch(DATA[:1000], Content_Range="0-999")
    probe.put(DATA[:1500], DATA[1000:1500], Content_Type=OCTETS, Content_Range="1000-1499")
    probe.head(DATA[:1500])


def empty_blob(probe):
    probe.open()
    probe.status()
    probe.put(b"")
    probe.head(b"")


def one_byte(probe):
    probe.open()
    probe.patch(b"1", Content_Range="0-0")
    probe.status()
    probe.put(b"1")


def wrong_digest_then_right(probe):
    probe.open()
    probe.patch(DATA)
    probe.put(b"something else")
    probe.head(b"something else")
    probe.put(DATA)


def digest_is_missing(probe):
    probe.open()
    probe.patch(DATA)
    probe.put("nonsense")


def put_twice(probe):
    probe.open()
    probe.patch(DATA)
    before = probe.location
    probe.put(DATA)
    probe.put(DATA, location=before)


def stale_location(probe):
    probe.open()
    probe.patch(DATA[:5000], Content_Range="0-4999")
    probe.patch(DATA[:5000], location=probe.first_location, Content_Range="0-4999")


def stale_status(probe):
    probe.open()
    probe.patch(DATA[:5000])
    probe.status(probe.first_location)


def no_state(probe):
    probe.open()
    probe.patch(DATA[:5000], location=probe.location.partition("?")[0])


def unknown_session(probe):
    probe.open()
    before = probe.location
    probe.send("DELETE", before)
    probe.patch(DATA[:5000], location=before)


def cancelled(probe):
    probe.open()
    probe.patch(DATA)
    probe.send("DELETE", probe.location)
    probe.status()


def wrong_start(probe):
    probe.open()
    probe.patch(DATA[:5000], Content_Range="0-4999")
    probe.patch(DATA[5000:6000], Content_Range="7000-7999")


def wrong_length(probe):
    probe.open()
    probe.patch(DATA[:5000], Content_Range="0-6999")


def malformed_range(probe):
    probe.open()
    probe.patch(DATA[:7], Content_Range="bytes 0-6/7")


def form_content_type(probe):
    probe.open()
    probe.patch(DATA[:5000], Content_Type="application/x-www-form-urlencoded")


def broken_before_the_body(probe):
    probe.open()
    probe.broken_patch(0)
    probe.patch(DATA)
    probe.put(DATA)


def broken_within_the_body(probe):
    probe.open()
    probe.broken_patch(3000)
    if probe.status()[0].status == 204:
        probe.patch(DATA[3000:], Content_Range=f"3000-{len(DATA) - 1}")
        probe.put(DATA)
        probe.head(DATA)


def mount(probe):
    probe.repository = "self/source"
    probe.blob(DATA)
    probe.repository = "self/target"
    digest = digest_of(DATA)
    probe.open(f"?mount={digest}&from=self/source")
    probe.head(DATA)
    probe.open(f"?mount={digest_of(b'none')}&from=self/source")
    probe.open(f"?mount={digest}&from=self/absent")
    probe.open("?from=self/source")


def one_request(probe):
    probe.send("POST", probe.url_path("blobs/uploads/?digest=" + digest_of(DATA)), DATA,
               Content_Type=OCTETS)


def manifests(probe):
    config = b"{}"
    probe.blob(config)
    probe.blob(DATA)
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                   "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar",
                    "digest": digest_of(DATA), "size": len(DATA)}]}
    good = json.dumps(manifest).encode()
    manifest["layers"][0]["digest"] = digest_of(b"missing")
    bad = json.dumps(manifest).encode()
    for target, body in (("one", good), (digest_of(good), good), (digest_of(bad), good),
                         ("two", bad), ("three", b"not JSON")):
        probe.send("PUT", probe.url_path("manifests/" + target), body, Content_Type=MANIFEST)
    for target in ("one", digest_of(good), "two", digest_of(bad)):
        answer, text = probe.send("GET", probe.url_path("manifests/" + target), Accept=MANIFEST)
        probe.transcript.append(text if answer.status == 200 else None)
        probe.send("HEAD", probe.url_path("manifests/" + target), Accept=MANIFEST)
    probe.transcript.append(probe.send("GET", probe.url_path("tags/list"))[1].strip())
    probe.send("GET", "/v2/self/absent/tags/list")
    probe.send("GET", probe.url_path("referrers/" + digest_of(good)))


def blobs_in_parts(probe):
    probe.blob(DATA)
    path = probe.url_path("blobs/" + digest_of(DATA))
    for span in (None, "bytes=0-9", "bytes=500-"):
        answer, text = probe.send("GET", path, **({"Range": span} if span else {}))
        probe.transcript.append((span, answer.getheader("Content-Range"),
                                 hashlib.sha256(text).hexdigest() if answer.status < 300 else ""))
    probe.send("GET", probe.url_path("blobs/" + digest_of(b"none")))


def ping(probe):
    probe.send("GET", "/v2/")


SCENARIOS = [ping, streamed, chunked, monolithic, last_chunk_in_put, empty_blob, one_byte,
             wrong_digest_then_right, digest_is_missing, put_twice, stale_location, stale_status,
             no_state, unknown_session, cancelled, wrong_start, wrong_length, malformed_range,
             form_content_type, broken_before_the_body, broken_within_the_body, mount, one_request,
             manifests, blobs_in_parts]


@pytest.fixture(scope="module")
def real(request, tmp_path_factory, ca):
    from servers import DockerRegistry
    server = DockerRegistry(tmp_path_factory.mktemp("real") / "data", ca, request.param)
    yield server
    server.stop()


def compare(scenario, real, name, registry):
    transcripts = []
    for port in (real.port, registry(name).port):
        probe = Probe(port)
        probe.repository = "self/" + scenario.__name__.replace("_", "-")
        scenario(probe)
        transcripts.append(probe.transcript)
    assert transcripts[0], "nothing was compared"
    assert transcripts[1] == transcripts[0]


@pytest.mark.parametrize("real", ["/usr/bin/docker-registry"], indirect=True)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda item: item.__name__)
def test_profile_d28_answers_like_distribution_2(scenario, real, registry):
    compare(scenario, real, "d28", registry)


DISTRIBUTION_3 = shutil.which("registry") or os.path.expanduser("~/go/bin/registry")


@pytest.mark.parametrize("real", [DISTRIBUTION_3], indirect=True, ids=["distribution-3"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda item: item.__name__)
def test_profile_d3_answers_like_distribution_3(scenario, real, registry):
    compare(scenario, real, "d3", registry)
