# SPDX-License-Identifier: Apache-2.0
"""The Location header: which URLs are used for the upload, and which are refused."""
import urllib.parse

import pytest
from registry import Auth, Fault, Registry, profile
from registry.storage import digest_of
from wire_support import (MIB, REPOSITORY, assert_failed, assert_stored, noise, patches, upload)

CHUNKED = ["--upload", "chunked", "--chunk-size", "1M"]
DATA = noise(2 * MIB + 5)


def rewritten(*steps, function):
    """Faults that change the Location in the answers to these steps."""
    def change(server, request, answer):
        location = answer.get("Location")
        if location is not None:
            answer.set("Location", function(server, location))
    return [Fault(step, "call", at="done", times=None, call=change) for step in steps]


QUERIES = ["a=1%2B2", "a=b==", "a=b+c", "a=%2f%2F", "a=&b", "z=1&a=2&digest=old", "a=" + "x" * 16000,
           "~._-!$'()*,;:@/?"]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
@pytest.mark.parametrize("form", ["relative", "absolute"])
def test_query_of_location_is_kept(form, query, run, registry):
    server = registry(profile("d3", location=form, state="none", extra_query=query))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)
    for entry in patches(server):
        assert entry.query == query
    commit = server.journal.entries("commit")[0]
    assert commit.query.startswith(query + "&digest=sha256")


@pytest.mark.parametrize("form", ["path", "host", "upper"])
def test_relative_and_absolute_locations_are_followed(form, run, registry):
    def change(server, location):
        url = urllib.parse.urlsplit(location)
        path = url.path + ("?" + url.query if url.query else "")
        return {"path": path, "host": "//" + url.netloc + path,
                "upper": "HTTP://" + location.partition("://")[2]}[form]
    server = registry("d28", *rewritten("open", "patch", function=change))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)


def test_location_on_other_loopback_port_gets_no_secret(run, registry):
    """Another server on this machine may get the bytes, but no secret."""
    with Registry("d28") as other:
        def change(server, location):
            session = other.storage.session_new(REPOSITORY)
            return other.uploads.location(session)
        server = registry("d28", *rewritten("open", function=change),
                          auth=Auth("bearer", anonymous=["pull", "push"]))
        result = upload(run, server, DATA, *CHUNKED)
        # The other server may get the bytes. The registry need not have the blob afterwards.
        assert [entry.received for entry in patches(other)] in ([], [MIB, MIB, 5])
        assert result.rc in (0, 6, 7, 9)
        for entry in other.journal:
            assert "authorization" not in entry.headers


def test_location_on_other_host_gets_body_without_token(run, registry, ca):
    """The storage of the registry is on another host."""
    stateless = profile("d28", state="none")
    server = registry(stateless, auth=Auth("bearer", anonymous=["pull", "push"]),
                      host_name="registry.example")
    other = registry(stateless, host_name="storage.example")
    other.storage = other.uploads.storage = server.storage
    server.proxy.ports["storage.example"] = other.port

    def change(server, location):
        return location.replace("registry.example", "storage.example")
    server.faults.add(*rewritten("open", function=change))
    result = upload(run, server, DATA, *CHUNKED)
    assert result.rc == 0, result
    assert server.blob(REPOSITORY, result.json()["digest"]) == DATA
    assert [entry.received for entry in patches(other)] == [MIB, MIB, 5]
    for entry in other.journal:
        assert "authorization" not in entry.headers
    assert any("authorization" in entry.headers for entry in server.journal)


@pytest.mark.parametrize("target", [
    "http://storage.example/upload", "http://other.example:80/v2/x/blobs/uploads/1"])
def test_http_location_of_https_registry_is_refused(target, run, registry):
    server = registry("d28", Fault("open", "answer", headers={"Location": target}, times=None),
                      host_name="registry.example")
    result = upload(run, server, DATA, *CHUNKED)
    assert_failed(server, result, 7, sessions=None)
    assert patches(server) == []


def test_http_location_on_same_host_is_used_over_https(run, registry):
    """A proxy that ends TLS and does not say so in a header: https is used, and the user gets one notice."""
    def change(server, location):
        return location.replace("https://", "http://")
    server = registry("d28", *rewritten("open", "patch", function=change),
                      host_name="registry.example")
    result = upload(run, server, DATA, *CHUNKED)
    assert result.rc == 0 and server.blob(REPOSITORY, digest_of(DATA)) == DATA, result
    assert result.stderr.count("X-Forwarded-Proto") == 1, result


@pytest.mark.parametrize("do", ["upload", "redirect"])
def test_location_on_same_host_without_port_is_named(do, run, registry):
    """A proxy that drops the port of the Host header: whatever is on the default port, the message
    says it."""
    def change(server, location):
        return location.replace(server.host, "127.0.0.1")
    server = registry("d28", *rewritten("open", function=change))
    if do == "redirect":
        server.faults.clear()
        server.faults.add(Fault("patch", "status", status=307, times=None,
                                headers={"Location": "http://127.0.0.1/v2/x"}))
    result = upload(run, server, DATA, "--retry", "0", *CHUNKED)
    assert result.rc != 0 and f"without its port {server.port}" in result.stderr, result


def test_empty_location_after_chunk(run, registry):
    """As an absent one."""
    server = registry("zot", Fault("patch", "answer", headers={"Location": ""}, times=None))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)


BAD = ["", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:pass@127.0.0.1/x", "http://",
       "http://[::1", "//", "javascript:1", "http://127.0.0.1:99999/x", "http://127.0.0.1:1/x",
       "x" * 40000, "/v2/a\tb"]


@pytest.mark.parametrize("step", ["open", "patch"])
@pytest.mark.parametrize("location", BAD, ids=range(len(BAD)))
def test_malformed_location_fails(location, step, run, registry):
    server = registry("d28", Fault(step, "answer", headers={"Location": location}, times=None))
    result = upload(run, server, DATA, "--retry", "0", *CHUNKED)
    assert result.rc in (5, 6, 7), result
    assert result.stdout == "" and server.blobs() == []


def test_missing_location_after_post_fails(run, registry):
    server = registry("d28", Fault("open", "answer", headers={"Location": None}, times=None))
    assert_failed(server, upload(run, server, DATA, "--retry", "0", *CHUNKED), 7, sessions=None)


def test_missing_location_after_chunk_keeps_the_old_one(run, registry):
    """The old Location is valid when it contains no state."""
    server = registry("zot", Fault("patch", "answer", headers={"Location": None}, times=None))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)


@pytest.mark.parametrize("name, value", [("Content-Location", "/elsewhere"), ("X-Note", "Location: /elsewhere"),
                                         ("X-Note", "no location:")])
def test_other_headers_that_name_a_location_count_for_nothing(name, value, run, registry):
    server = registry("zot", Fault("patch", "answer", headers={"Location": None, name: value}, times=None))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)


def test_location_that_is_too_long_after_chunk_fails(run, registry):
    server = registry("zot", Fault("patch", "answer", headers={"Location": "/" + "x" * 33000}, times=None))
    assert_failed(server, upload(run, server, DATA, "--retry", "0", *CHUNKED), 7, sessions=None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("step", ["open", "patch", "commit", "manifest-put"])
def test_redirect_of_write_fails(step, status, run, registry):
    """The redirect is not followed to success: /v2/elsewhere does not exist."""
    server = registry("d28", Fault(step, "status", status=status, times=None,
                                   headers={"Location": "/v2/elsewhere"}))
    result = run("push", "--raw", "--media-type", "application/x.test", "--compress", "none", "--retry", "0", *CHUNKED,
                 f"{server.host}/{REPOSITORY}:tag", "-", input=DATA)
    assert result.rc in (5, 6, 7), result
    assert result.stdout == "" and server.tags() == {}
