# SPDX-License-Identifier: Apache-2.0
"""Where the registry sends us, and where we do not go."""
import urllib.parse

import pytest
from registry import Auth, Fault, Registry, profile
from wire_support import (MIB, REPOSITORY, assert_lost, assert_stored, noise, patches, upload)

CHUNKED = ["--upload", "chunked", "--chunk-size", "1M"]
DATA = noise(2 * MIB + 5)


def rewritten(*steps, function):
    """Faults that change the Location of the answers of these steps."""
    def change(server, request, answer):
        location = answer.get("Location")
        if location is not None:
            answer.set("Location", function(server, location))
    return [Fault(step, "call", at="done", times=None, call=change) for step in steps]


QUERIES = ["a=1%2B2", "a=b==", "a=b+c", "a=%2f%2F", "a=&b", "z=1&a=2&digest=old", "a=" + "x" * 16000,
           "~._-!$'()*,;:@/?"]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
@pytest.mark.parametrize("form", ["relative", "absolute"])
def test_T52_query_is_kept(form, query, run, registry):
    server = registry(profile("d3", location=form, state="none", extra_query=query))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)
    for entry in patches(server):
        assert entry.query == query
    commit = server.journal.entries("commit")[0]
    assert commit.query.startswith(query + "&digest=sha256")


@pytest.mark.parametrize("form", ["path", "host", "upper"])
def test_T52_forms(form, run, registry):
    def change(server, location):
        url = urllib.parse.urlsplit(location)
        path = url.path + ("?" + url.query if url.query else "")
        return {"path": path, "host": "//" + url.netloc + path,
                "upper": "HTTP://" + location.partition("://")[2]}[form]
    server = registry("d28", *rewritten("open", "patch", function=change))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)


def test_T52_other_port(run, registry):
    """Another server on the same machine takes the bytes, and no secret."""
    with Registry("d28") as other:
        def change(server, location):
            session = other.storage.session_new(REPOSITORY)
            return other.uploads.location(session)
        server = registry("d28", *rewritten("open", function=change),
                          auth=Auth("bearer", anonymous=["pull", "push"]))
        result = upload(run, server, DATA, *CHUNKED)
        # The bytes are there; whether the registry then has the blob is its business.
        assert [entry.received for entry in patches(other)] in ([], [MIB, MIB, 5])
        assert result.rc in (0, 6, 7, 9)
        for entry in other.journal:
            assert "authorization" not in entry.headers


def test_T53_body_elsewhere_without_authorization(run, registry, ca):
    """Storage on another host of the same registry: it gets the body, not the token."""
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
def test_T55_no_way_back_to_http(target, run, registry):
    server = registry("d28", Fault("open", "answer", headers={"Location": target}, times=None),
                      host_name="registry.example")
    result = upload(run, server, DATA, *CHUNKED)
    assert_lost(server, result, 7, sessions=None)
    assert patches(server) == []


def test_T55_own_host_with_http(run, registry):
    """A proxy that ends TLS and does not tell: refused, with a hint."""
    def change(server, location):
        return location.replace("https://", "http://")
    server = registry("d28", *rewritten("open", "patch", function=change),
                      host_name="registry.example")
    result = upload(run, server, DATA, *CHUNKED)
    assert_lost(server, result, 7, sessions=None)


BAD = ["", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:pass@127.0.0.1/x", "http://",
       "http://[::1", "//", "javascript:1", "http://127.0.0.1:99999/x", "http://127.0.0.1:1/x",
       "x" * 40000, "/v2/a\tb"]


@pytest.mark.parametrize("step", ["open", "patch"])
@pytest.mark.parametrize("location", BAD, ids=range(len(BAD)))
def test_R70_bad_location(location, step, run, registry):
    server = registry("d28", Fault(step, "answer", headers={"Location": location}, times=None))
    result = upload(run, server, DATA, "--retry", "0", *CHUNKED)
    assert result.rc in (5, 6, 7), result
    assert result.stdout == "" and server.blobs() == []


def test_no_location_after_open(run, registry):
    server = registry("d28", Fault("open", "answer", headers={"Location": None}, times=None))
    assert_lost(server, upload(run, server, DATA, "--retry", "0", *CHUNKED), 7, sessions=None)


def test_no_location_after_a_chunk(run, registry):
    """The one before is still good where it holds no state."""
    server = registry("zot", Fault("patch", "answer", headers={"Location": None}, times=None))
    assert_stored(server, upload(run, server, DATA, *CHUNKED), DATA)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("step", ["open", "patch", "commit", "manifest-put"])
def test_R70_redirects_of_writes(step, status, run, registry):
    """Never followed blindly; never a success that is none."""
    server = registry("d28", Fault(step, "status", status=status, times=None,
                                   headers={"Location": "/v2/elsewhere"}))
    result = run("push", "--raw", "--media-type", "application/x.test", "--compress", "none", "--retry", "0", *CHUNKED,
                 f"{server.host}/{REPOSITORY}:tag", "-", input=DATA)
    assert result.rc in (5, 6, 7), result
    assert result.stdout == "" and server.tags() == {}
