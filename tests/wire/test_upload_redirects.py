# SPDX-License-Identifier: Apache-2.0
"""307 and 308 of requests that write: the same request goes to the other URL, within the origin
policy, as long as its body can be sent again."""
import json

import pytest
from registry import Auth, Fault, profile
from registry.answer import Refusal
from registry.storage import digest_of
from wire_support import MIB, REPOSITORY, noise, patches

DATA = noise(2 * MIB + 5)
PLAIN = profile("d28", state="none")
METHODS = {
    "chunked": ["--upload", "chunked", "--chunk-size", "1M"],
    "streamed": ["--upload", "streamed"],
    "monolithic": ["--upload", "monolithic"],
    "auto": [],
}
REDIRECTS_MAX = 5


def redirect(step, status, origin="", times=None, at="headers", hops=1):
    """The first requests of each kind are sent to the same path with another query, or elsewhere."""
    def strike(server, request, answer):
        count = request.query.count("hop")
        target = request.path + "?" + "&".join(part for part in (request.query, f"hop{count}") if part)
        raise Refusal(status, "MOVED", "over there", [("Location", origin + target)])
    return Fault(step, "call", at=at, times=times, call=strike,
                 when=lambda request: request.query.count("hop") < hops)


def push(run, server, *options):
    return run("push", "--json", "--raw", "--media-type", "application/x.test", "--compress", "none",
               "--retry", "1", *server.arguments, *options, f"{server.host}/{REPOSITORY}:tag", "-", input=DATA, env=server.environment)


def assert_pushed(server, result):
    assert result.rc == 0, f"{result}\n{server.journal}"
    assert server.blob(REPOSITORY, digest_of(DATA)) == DATA
    assert server.tags(REPOSITORY) == {"tag": result.json()["digest"]}
    assert server.open_sessions() == []


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("method", METHODS)
def test_every_write_is_followed(method, status, run, registry):
    server = registry(PLAIN, *(redirect(step, status) for step in
                               ("open", "patch", "commit", "manifest-put", "status", "cancel")))
    assert_pushed(server, push(run, server, *METHODS[method]))
    assert any("hop0" in entry.query for entry in server.journal.entries("open"))
    assert any("hop0" in entry.query for entry in server.journal.entries("manifest-put"))


def test_several_hops(run, registry):
    server = registry(PLAIN, redirect("patch", 307, hops=REDIRECTS_MAX),
                      redirect("commit", 308, hops=REDIRECTS_MAX))
    assert_pushed(server, push(run, server, *METHODS["chunked"]))


@pytest.mark.parametrize("step", ["open", "patch", "commit", "manifest-put"])
def test_the_number_of_hops_is_limited(step, run, registry):
    server = registry(PLAIN, redirect(step, 307, hops=99))
    result = push(run, server, *METHODS["chunked"])
    assert result.rc == 7 and "more than 5 redirects" in result.stderr, result
    assert server.tags() == {}
    struck = [entry for entry in server.journal.entries(step) if entry.status == 307]
    assert len(struck) <= 2 * (REDIRECTS_MAX + 1), server.journal


@pytest.mark.parametrize("method", METHODS)
def test_no_secret_goes_to_another_origin(method, run, registry):
    """The other server has the same storage, as a node of the registry."""
    server = registry(PLAIN, auth=Auth("bearer", users={"user": "secret"}, seconds=1000))
    other = registry(PLAIN)
    other.storage = other.uploads.storage = server.storage
    for step in ("patch", "commit", "manifest-put"):
        server.faults.add(redirect(step, 307, origin=other.origin))
    credentials = {"auths": {server.host: {"username": "user", "password": "secret"}}}
    server.environment = {"DOCKER_AUTH_CONFIG": json.dumps(credentials)}
    result = push(run, server, *METHODS[method])
    assert_pushed(server, result)
    assert {entry.step for entry in other.journal} >= {"commit", "manifest-put"}
    for entry in other.journal:
        assert "authorization" not in entry.headers, entry


def test_credentials_asked_for_elsewhere(run, registry):
    """A 401 from the target of a redirect is not the registry's."""
    server = registry(PLAIN, auth=Auth("bearer", anonymous=["pull", "push"]))
    other = registry(PLAIN, auth=Auth("basic"))
    server.faults.add(redirect("patch", 307, origin=other.origin))
    result = push(run, server, *METHODS["chunked"])
    assert result.rc == 4 and "is not the registry" in result.stderr, result
    assert all("authorization" not in entry.headers for entry in other.journal)


def test_a_body_that_is_gone(run, registry):
    """A stream is redirected after more bytes than are buffered: this cannot be repaired."""
    data = noise(8 * MIB)
    server = registry(PLAIN, Fault("patch", "status", status=307, at=6 * MIB, times=None,
                                   headers={"Location": "/v2/elsewhere"}))
    result = run("layer", "--json", "--raw", "--compress", "none", "--retry", "1", "--upload",
                 "streamed", f"{server.host}/{REPOSITORY}", "-", input=data)
    assert result.rc == 7 and "307" in result.stderr, result
    assert server.blobs() == [] and server.open_sessions() == []
    assert len(patches(server)) == 1


@pytest.mark.parametrize("step", ["open", "patch", "commit", "manifest-put"])
@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "http://169.254.169.254/latest", "//", None])
def test_targets_that_are_refused(step, target, run, registry):
    server = registry(PLAIN, Fault(step, "status", status=307, times=None,
                                   headers={"Location": target} if target else {}))
    result = push(run, server, *METHODS["chunked"])
    assert result.rc == 7 and server.tags() == {}, result


@pytest.mark.parametrize("method", ["chunked", "monolithic"])
def test_success_at_another_origin_is_no_evidence(method, run, registry):
    """The other server says 201 and stores nothing; the registry does not allow HEAD."""
    other = registry(PLAIN, Fault("commit", "answer", times=None,
                                  raw=b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"))
    server = registry(PLAIN, redirect("commit", 307, origin=other.origin),
                      Fault("blob-head", "status", status=405, times=None))
    result = run("layer", "--raw", "--media-type", "application/x.test", "--compress", "none", "--retry", "0",
                 *METHODS[method], f"{server.host}/{REPOSITORY}", "-", input=DATA)
    assert result.rc == 7 and result.stdout == "" and server.blobs() == [], result
    assert other.journal.entries("commit") != []
