# SPDX-License-Identifier: Apache-2.0
"""Hostile answers: ambiguous, too large or endless. The command refuses them, its memory does not
grow, and it sends no request to an unexpected path."""
import gzip
import json
import re
import subprocess

import pytest
from cli_support import COMMAND, LIMIT_S, clean_environment, is_sanitized
from registry import Auth, Fault
from registry.storage import digest_of
from servers import find_tool
from test_upload_mount import BASE, CONFIG, LAYER, add_base
from wire_support import MIB

PEAK_MAX = 40 * MIB  # less than half of the answer
TARGET = "hostile/target"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
PATHS = re.compile(r"^/v2/$|^/v2/[a-z/]+/(blobs/(uploads/.*|sha256:[0-9a-f]{64})|"
                   r"manifests/(1|new|sha256:[0-9a-f]{64}))$")


def push(run, server, base, tar, *options):
    return run("push", "-q", "--retry", "0", "--base", base, *options, f"{server.host}/{TARGET}:new", "-",
               input=tar)


def assert_refused(server, result, *allowed):
    assert result.rc in (allowed or (7, 9)), result
    assert result.stdout == "" and len(result.stderr.splitlines()) == 1, result
    assert server.tags(TARGET) == {}
    for request in server.journal:
        assert PATHS.match(request.path), request.path


def put_base(server, document, media_type=MANIFEST):
    server.storage.put_manifest(BASE, "1", document if isinstance(document, bytes)
                                else json.dumps(document).encode(), media_type)


def manifest_of(server):
    return json.loads(server.storage.manifest(BASE, "1")[2])


HOSTILE_DIGESTS = [
    "sha256:../../x", "sha256:" + "A" * 64, "sha256:" + "a" * 63, "sha256:" + "a" * 65, "", "sha256:",
    "sha256:" + "a" * 64 + "\x00", "sha256:" + "a" * 63 + "?", "sha256:" + "a" * 63 + "#",
    "sha256:" + "a" * 61 + "%2f", "sha256: " + "a" * 63, "md5:" + "a" * 32, "sha256:" + "a" * 64 + "/..",
    "../../../etc/passwd", "sha256:" + "a" * 64 + "\n"]


@pytest.mark.parametrize("where", ["config", "layer", "child"])
def test_malformed_digest_in_manifest_is_refused(where, run, registry, tar_bytes):
    server = registry("d28")
    base = add_base(server)
    good = manifest_of(server)
    for digest in HOSTILE_DIGESTS:
        document = json.loads(json.dumps(good))
        if where == "child":
            document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
                {"mediaType": MANIFEST, "digest": digest, "size": 5,
                 "platform": {"os": "linux", "architecture": "amd64"}}]}
        else:
            part = document["config"] if where == "config" else document["layers"][0]
            part["digest"] = digest
        put_base(server, document, INDEX if where == "child" else MANIFEST)
        assert_refused(server, push(run, server, base, tar_bytes))


@pytest.mark.parametrize("digest", [text for text in HOSTILE_DIGESTS if text.isprintable() and text])
@pytest.mark.parametrize("step", ["manifest-get", "manifest-put"])
def test_wrong_digest_header_fails(step, digest, run, registry, tar_bytes):
    server = registry("d28", Fault(step, "answer", times=None, headers={
        "Docker-Content-Digest": digest}))
    result = push(run, server, add_base(server), tar_bytes)
    assert result.rc == 9, result
    assert result.stdout == ""


SHAPES = {
    "image": {"config": True, "layers": True}, "index": {"manifests": True},
    "both": {"config": True, "layers": True, "manifests": True}, "neither": {}}


@pytest.mark.parametrize("shape", SHAPES)
def test_manifest_with_contradicting_types_is_refused(shape, run, registry, tar_bytes):
    """The Content-Type header, the mediaType member and the other members must agree."""
    server = registry("d28")
    base = add_base(server)
    good = manifest_of(server)
    child = {"mediaType": MANIFEST, "digest": digest_of(server.storage.manifest(BASE, "1")[2]),
             "size": len(server.storage.manifest(BASE, "1")[2])}
    server.storage.put_manifest(BASE, "child", server.storage.manifest(BASE, "1")[2])
    for header in (MANIFEST, INDEX, "text/html", "application/vnd.docker.distribution.manifest.v2+json"):
        for inner in (MANIFEST, INDEX, None, "text/html"):
            document = {"schemaVersion": 2}
            document.update({"mediaType": inner} if inner else {})
            document.update({key: good.get(key, [child]) for key in SHAPES[shape]})
            put_base(server, document, header)
            result = run("inspect", "--retry", "0", base)
            whole = header == {"image": MANIFEST, "index": INDEX}.get(shape) and inner in (header, None)
            assert (result.rc == 0) == whole, (header, inner, result)
            assert result.rc in (0, 7), result


@pytest.mark.parametrize("text", [
    b'{"schemaVersion":2,"schemaVersion":2,', b'{"SchemaVersion":2,', b'\xef\xbb\xbf{',
    b'{"a":"\xff",', b'[{', b'{"layers":[],', b'{"a":' + b"[" * 70 + b"]" * 70 + b","])
def test_ambiguous_json_is_refused(text, run, registry):
    server = registry("d28")
    base = add_base(server)
    put_base(server, text + server.storage.manifest(BASE, "1")[2][1:])
    result = run("inspect", "--retry", "0", base)
    assert result.rc == 7, result


@pytest.mark.parametrize("text", [
    b'{"a":"\\u0000",', b'{"a":1e400,', b'{"a":123456789012345678901234567890,'])
def test_odd_values_of_unknown_members_are_no_failure(text, run, registry):
    """They are valid JSON, and nothing reads the member "a"."""
    server = registry("d28")
    base = add_base(server)
    put_base(server, text + server.storage.manifest(BASE, "1")[2][1:])
    result = run("inspect", "--retry", "0", base)
    assert result.rc == 0, result


@pytest.mark.parametrize("diff_ids", [
    None, [], [digest_of(LAYER)] * 2, [5], [None], {}, "x", [digest_of(LAYER).upper()], ["sha256:x"]])
def test_config_with_wrong_diff_ids_is_refused(diff_ids, run, registry, tar_bytes):
    server = registry("d28")
    base = add_base(server)
    config = json.dumps({**json.loads(CONFIG), "rootfs": {"type": "layers", "diff_ids": diff_ids}})
    manifest = manifest_of(server)
    server.storage.put_blob(BASE, config.encode())
    manifest["config"].update(digest=digest_of(config.encode()), size=len(config))
    put_base(server, manifest)
    assert_refused(server, push(run, server, base, tar_bytes))


@pytest.mark.parametrize("part", ["config", "layer"])
def test_wrong_size_in_descriptor_is_refused(part, run, registry, tar_bytes):
    server = registry("d28")
    base = add_base(server)
    good = server.storage.manifest(BASE, "1")[2]
    size = len(CONFIG if part == "config" else LAYER)
    for number in ("0", "-1", str(2 ** 31), str(2 ** 32), str(2 ** 62), str(2 ** 63), str(2 ** 64),
                   "1e400", '"5"', "5.5", str(size - 1), str(size + 1), "null"):
        assert f'"size": {size}'.encode() in good
        put_base(server, good.replace(f'"size": {size}'.encode(), f'"size": {number}'.encode()))
        # The size of a mounted layer is not checked, so the mount is refused and the layer copied.
        server.faults.clear()
        server.faults.add(Fault("mount", "status", status=404, times=None))
        assert_refused(server, push(run, server, base, tar_bytes), 7, 9, 6)


def test_compressed_manifest_is_refused(run, registry):
    """The command did not ask for a Content-Encoding, so it does not decompress the answer."""
    server = registry("d28")
    base = add_base(server)
    compressed = gzip.compress(server.storage.manifest(BASE, "1")[2])
    server.faults.add(Fault("manifest-get", "answer", times=None, body=compressed, headers={
        "Content-Encoding": "gzip"}))
    assert run("inspect", "--retry", "0", base).rc in (7, 9)


# Endless answers.

BIG = b"x" * (100 * MIB)
ENDLESS = {
    "body": b"HTTP/1.1 200 OK\r\nContent-Type: " + MANIFEST.encode() + b"\r\n\r\n",
    "body of an error": b"HTTP/1.1 500 Oh\r\nContent-Type: application/json\r\n\r\n",
    "line": b"HTTP/1.1 200 OK\r\nX-Long: ",
    "headers": b"HTTP/1.1 200 OK\r\n", "informational": b"",
}
FILL = {"headers": b"X-Header: value\r\n", "informational": b"HTTP/1.1 100 Continue\r\n\r\n"}


def endless_answer(kind):
    """The begin of an answer, and then far more bytes than the command should read."""
    part = FILL.get(kind)
    return ENDLESS[kind] + (BIG if part is None else part * (20 * MIB // len(part)))


@pytest.mark.skipif(is_sanitized(), reason="sanitizers need more memory")
@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("step", ["ping", "token", "manifest-get", "blob-get", "open", "manifest-put"])
def test_endless_answer_is_refused_with_little_memory(step, kind, registry, tar_bytes, tmp_path):
    auth = Auth("bearer", anonymous=["pull", "push"]) if step == "token" else None
    server = registry("d28", Fault(step, "answer", raw=endless_answer(kind), times=None), auth=auth)
    # The command reads the config of this base with blob-get.
    base = add_base(server)
    report = tmp_path / "peak"
    arguments = ["push", "--retry", "0", "--base", base, f"{server.host}/{TARGET}:new", "-"]
    if step == "ping":  # a push sends none
        arguments = ["login", "--retry", "0", "--username", "user", "--password-stdin", server.host]
        tar_bytes = b"secret"
    done = subprocess.run(
        [find_tool("time"), "-f", "%M", "-o", report, COMMAND, *arguments], input=tar_bytes, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=LIMIT_S, check=False, env=clean_environment(tmp_path))
    # The registry stored the manifest; after an invalid answer the command looks for it.
    assert done.returncode in ((0, 6, 7, 9) if step == "manifest-put" else (6, 7, 9)), done
    assert int(report.read_text().split()[-1]) * 1024 < PEAK_MAX, done
    assert (server.tags(TARGET) != {}) == (step == "manifest-put")
    server.failures.clear()  # the server could not send everything
