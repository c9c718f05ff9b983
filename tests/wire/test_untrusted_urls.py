# SPDX-License-Identifier: Apache-2.0
"""URLs in the answers of a registry that lead to another server. That server must get no secret,
and no request when the URL is refused. The tests use two registries over https: the command has
credentials for "good", and "evil" records its requests."""
import json

import pytest
from auth_support import CANARY, entry, encodings, write_config
from registry import Auth, Fault
from registry.storage import digest_of
from servers import ConnectProxy
from test_upload_mount import CONFIG, add_base
from wire_support import noise

GOOD, EVIL = "registry.example", "evil.example"
REPOSITORY = "test/layer"
DATA = noise(300_000)


class TwoRegistries:
    def __init__(self, registry, run, ca, home, scheme):
        self.start, self.run, self.ca, self.scheme = registry, run, ca, scheme
        self.proxy = ConnectProxy({})
        self.servers = {}
        write_config(home, {"auths": {GOOD: entry()}})

    def serve(self, name, *faults, auth=None, profile="d28"):
        self.servers[name] = self.start(profile, *faults, name=name, auth=auth, tls=self.ca.server_context(
            name=name, hosts=[name]))
        self.proxy.ports[name] = self.servers[name].port
        return self.servers[name]

    def good(self, *faults, **options):
        return self.serve(GOOD, *faults, auth=Auth(self.scheme, users={"user": CANARY}, **options))

    def __call__(self, *args, data=DATA):
        return self.run(args[0], "--retry", "0", "--cacert", self.ca.cert, "-vv", *args[1:], input=data,
                        env={"HTTPS_PROXY": self.proxy.url, "HTTP_PROXY": self.proxy.url})

    def upload(self, name=GOOD):
        return self("layer", "--raw", "--compress", "none", f"{name}/{REPOSITORY}")

    def assert_silent(self):
        """Only the good registry received requests."""
        for name, server in self.servers.items():
            assert name == GOOD or len(server.journal) == 0, server.journal
        assert {target.rpartition(":")[0] for target in self.proxy.asked} <= {GOOD}

    def assert_no_secret(self, *names):
        """The requests to other servers contain no secret of the good registry."""
        secrets = encodings(CANARY) | set(getattr(self.servers[GOOD].auth, "tokens", {}))
        for name in names or (EVIL,):
            for request in self.servers[name].journal:
                text = json.dumps([request.path, request.query, request.headers])
                assert not any(secret in text for secret in secrets), text
                assert "authorization" not in request.headers or name != EVIL, text


@pytest.fixture(params=["basic", "bearer"])
def world(request, registry, run, ca, command):
    found = TwoRegistries(registry, run, ca, command.home, request.param)
    yield found
    found.proxy.stop()


# Only bearer authentication has a token server.
tokens = pytest.mark.parametrize("world", ["bearer"], indirect=True)


def error_of(result):
    return result.stderr.splitlines()[-1]


def redirect(step, target, **options):
    return Fault(step, "answer", status=307, headers={"Location": target}, body=b"", **options)


CHALLENGES = {
    "basic": ['Basic realm="evil"'],
    "bearer": [f'Bearer realm="https://{GOOD}/token",service="fake"'],
    "own": [f'Bearer realm="https://{EVIL}/token",service="fake"'],
}


def test_layer_urls_are_not_fetched(world, tar_bytes):
    good, evil = world.good(), world.serve(EVIL)
    base = add_base(good)
    manifest = json.loads(good.storage.manifest("mount/base", "1")[2])
    manifest["layers"][0].update(
        urls=[f"https://{EVIL}/layer"],
        mediaType="application/vnd.oci.image.layer.nondistributable.v1.tar")
    good.storage.put_manifest("mount/base", "1", json.dumps(manifest).encode())
    result = world("push", "--base", base, f"{GOOD}/{REPOSITORY}:new", "-", data=tar_bytes)
    assert result.rc in (0, 7), result
    assert len(evil.journal) == 0
    world.assert_silent()


@pytest.mark.parametrize("challenge", CHALLENGES)
@pytest.mark.parametrize("step", ["manifest-get", "blob-get"])
def test_redirected_read_sends_no_secret_to_other_host(step, challenge, world):
    """The other host asks for credentials, with its own challenge or with good's realm."""
    evil = world.serve(EVIL, Fault(None, "status", status=401, times=None, headers={
        "WWW-Authenticate": CHALLENGES[challenge][0]}))
    good = world.good(redirect(step, f"https://{EVIL}/v2/x", times=None))
    result = world("inspect", add_base(good))
    assert result.rc in (4, 7), result
    assert len(evil.journal.entries()) >= 1
    world.assert_no_secret()
    assert len(evil.journal) <= 2


@pytest.mark.parametrize("step", ["manifest-get", "blob-get"])
def test_redirect_to_storage_is_followed_without_secret(step, world):
    """The content is read from the other host, without a secret."""
    good = world.good()
    base = add_base(good)
    manifest = good.storage.manifest("mount/base", "1")
    body = CONFIG if step == "blob-get" else manifest[2]
    evil = world.serve(EVIL, Fault(None, "status", status=200, times=None, body=body, headers={
        "Content-Type": manifest[1]}))
    good.faults.add(redirect(step, f"https://{EVIL}/data?signature=s3cr3t", times=None))
    result = world("inspect", base)
    assert result.rc == 0, result
    assert len(evil.journal) == 1
    world.assert_no_secret()
    assert "s3cr3t" not in result.stderr, "a signature in a URL is a secret"


REFUSED = {
    "http": f"http://{EVIL}/up",
    "http at the same host": f"http://{GOOD}:8080/v2/up",
    "userinfo": f"https://user:password@{EVIL}/up",
    "own name as user": f"https://{GOOD}@{EVIL}/up",
    "loopback": "https://127.0.0.1:%d/up",
    "metadata": "https://169.254.169.254/latest",
    "odd address": "https://0x7f000001/up",
    "decimal": "https://2130706433/up",
    "mapped": "https://[::ffff:127.0.0.1]/up",
    "unspecified": "https://0.0.0.0/up",
    "file": "file:///etc/passwd",
    "ftp": f"ftp://{EVIL}/up",
    "backslash": f"https://{GOOD}\\@{EVIL}/up",
    "blank": f"https://{EVIL} /up",
    "nothing": "",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_unsafe_upload_location_is_refused(kind, world):
    evil = world.serve(EVIL)
    location = REFUSED[kind].replace("%d", str(evil.port))
    world.good(Fault("open", "answer", headers={"Location": location}, times=None))
    result = world.upload()
    assert result.rc == 7, result
    world.assert_silent()
    assert "password" not in error_of(result)


@pytest.mark.parametrize("location", [f"https://{EVIL}/up?x=1", f"//{EVIL}/up",
                                      f"https://{EVIL}:443/up", f"HTTPS://{EVIL.upper()}./up"])
def test_upload_location_on_other_host_gets_body_without_secret(location, world):
    """The other host gets the body, but no secret."""
    evil = world.serve(EVIL, Fault(None, "status", at="body", status=202, times=None,
                                   headers={"Location": "/up"}))
    world.good(Fault("open", "answer", headers={"Location": location}, times=None))
    result = world.upload()
    assert len(evil.journal) >= 1, result
    assert evil.journal.entries()[0].method in ("PATCH", "PUT")
    world.assert_no_secret()
    assert result.rc != 0, "the good registry does not have the blob"


@tokens
@pytest.mark.parametrize("kind", [kind for kind in REFUSED if kind != "nothing"])
def test_unsafe_realm_gets_no_request(kind, world):
    evil = world.serve(EVIL)
    realm = REFUSED[kind].replace("%d", str(evil.port)).replace("\\", "\\\\")
    world.good(realm=realm)
    result = world.upload()
    assert result.rc in (4, 7), result
    world.assert_silent()
    assert "password" not in error_of(result)


@tokens
def test_untrusted_realm_gets_no_request_and_error_names_option(world):
    evil = world.serve(EVIL)
    world.good(realm=f"https://{EVIL}/token")
    result = world.upload()
    assert result.rc == 4, result
    assert f"--trust-realm {EVIL}" in error_of(result) and "login" not in error_of(result)
    world.assert_silent()
    assert len(evil.journal) == 0


@tokens
@pytest.mark.parametrize("named", ["option", "environment"])
def test_realm_trusted_by_user_gives_token(named, world, command):
    good = world.good(realm=f"https://auth.{GOOD}/token")
    other = world.serve("auth." + GOOD, auth=good.auth)
    options = ["--trust-realm", "auth." + GOOD] if named == "option" else []
    env = {} if options else {"LAYERPIPE_TRUST_REALM": f"a.example, auth.{GOOD}"}
    result = command.run("layer", "--raw", "--compress", "none", "--cacert", world.ca.cert, *options,
                         f"{GOOD}/{REPOSITORY}", input=DATA,
                         env={"HTTPS_PROXY": world.proxy.url, **env})
    assert result.rc == 0, result
    assert good.blob(REPOSITORY, digest_of(DATA)) == DATA
    assert {entry.step for entry in other.journal} == {"token"}


@tokens
def test_redirected_token_request_sends_no_secret(world):
    evil = world.serve(EVIL, Fault(None, "status", status=200, times=None,
                                   body=b'{"token":"other"}'))
    world.good(redirect("token", f"https://{EVIL}/token", times=None))
    result = world.upload()
    assert result.rc != 0
    world.assert_no_secret()
    assert len(evil.journal) <= 3


@tokens
def test_realm_of_another_registry_gets_no_secret(world):
    """An evil registry names good's token server. The command must not get a token from good and
    send it to evil."""
    good = world.good()
    world.serve(EVIL, auth=Auth("bearer", realm=f"https://{GOOD}/token"))
    result = world.upload(EVIL)
    assert result.rc == 4, result
    for request in good.journal:
        assert "authorization" not in request.headers
        assert "scope" not in request.query or REPOSITORY in request.query.replace("%2F", "/")
    for request in world.servers[EVIL].journal:
        assert not any(encoded in json.dumps(request.headers) for encoded in encodings(CANARY))


@pytest.mark.parametrize("name", [
    "registry.example.evil.test", "evilregistry.example", "sub.registry.example",
    "registry.exampl", "xn--rgistry-9xa.example"])
def test_similar_host_name_gets_no_secret(name, world):
    good = world.good()
    server = world.serve(name, auth=Auth(world.scheme))
    result = world.upload(name)
    assert result.rc == 4, result
    assert len(good.journal) == 0
    for request in server.journal:
        assert not any(encoded in json.dumps(request.headers) for encoded in encodings(CANARY))
        assert not request.headers.get("authorization", "").startswith("Basic")


def test_base_with_other_digest_than_named_fails(world, tar_bytes):
    """The registry answers with another manifest, and its header claims the expected digest."""
    good = world.good()
    base = add_base(good)
    other = json.dumps({**json.loads(good.storage.manifest("mount/base", "1")[2]),
                        "annotations": {"a": "b"}}).encode()
    pinned = digest_of(good.storage.manifest("mount/base", "1")[2])
    good.faults.add(Fault("manifest-get", "answer", times=None, body=other, headers={
        "Docker-Content-Digest": pinned}))
    result = world("push", "--base", base.replace(":1", "@" + pinned), f"{GOOD}/{REPOSITORY}:new", "-",
                   data=tar_bytes)
    assert result.rc == 9, result
    assert good.tags(REPOSITORY) == {}


@pytest.mark.parametrize("text", ["\x1b]0;title\x07", "\x1b[2J", "‮abc", "a\rb\nlayerpipe: done",
                                  "\x9b31m"])
def test_control_characters_in_error_of_registry_are_not_printed(text, world):
    body = json.dumps({"errors": [{"code": "DENIED" + text, "message": text}]}).encode()
    world.good(Fault("open", "status", status=403, body=body, times=None))
    result = world.upload()
    assert result.rc == 4
    assert error_of(result).startswith("layerpipe: ")
    assert all(line.isprintable() for line in result.stderr.splitlines())
    assert "layerpipe: done" not in result.stderr.splitlines()

