# SPDX-License-Identifier: Apache-2.0
"""Everything in a registry's answers that names another place, end to end: no secret goes there, and
where nothing may go there, no request either. Two registries with names, over https: "good" has our
credentials, "evil" remembers what it is asked."""
import json

import pytest
from auth_support import CANARY, entry, shapes, write_config
from registry import Auth, Fault
from registry.storage import digest_of
from servers import ConnectProxy
from test_upload_mount import CONFIG, add_base
from wire_support import noise

GOOD, EVIL = "registry.example", "evil.example"
REPOSITORY = "test/layer"
DATA = noise(300_000)


class World:
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
        """No request has reached anybody but the good one."""
        for name, server in self.servers.items():
            assert name == GOOD or len(server.journal) == 0, server.journal
        assert {target.rpartition(":")[0] for target in self.proxy.asked} <= {GOOD}

    def assert_no_secret(self, *names):
        """Others have seen requests, and no secret of good's."""
        secrets = shapes(CANARY) | set(getattr(self.servers[GOOD].auth, "tokens", {}))
        for name in names or (EVIL,):
            for request in self.servers[name].journal:
                text = json.dumps([request.path, request.query, request.headers])
                assert not any(secret in text for secret in secrets), text
                assert "authorization" not in request.headers or name != EVIL, text


@pytest.fixture(params=["basic", "bearer"])
def world(request, registry, run, ca, command):
    found = World(registry, run, ca, command.home, request.param)
    yield found
    found.proxy.stop()


# Basic knows no token server.
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


def test_ST01_foreign_layers_are_not_fetched(world, tar_bytes):
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
def test_ST02_ST07_redirects_of_reads(step, challenge, world):
    """Evil asks for credentials, in its own way and in good's name."""
    evil = world.serve(EVIL, Fault(None, "status", status=401, times=None, headers={
        "WWW-Authenticate": CHALLENGES[challenge][0]}))
    good = world.good(redirect(step, f"https://{EVIL}/v2/x", times=None))
    result = world("inspect", add_base(good))
    assert result.rc in (4, 7), result
    assert len(evil.journal.entries()) >= 1
    world.assert_no_secret()
    assert len(evil.journal) <= 2


@pytest.mark.parametrize("step", ["manifest-get", "blob-get"])
def test_ST02_redirect_to_storage(step, world):
    """What is stored elsewhere is fetched from there, without a secret."""
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
    assert "s3cr3t" not in result.stderr, "signatures are secrets"


REFUSED = {
    "http": f"http://{EVIL}/up",
    "http of its own": f"http://{GOOD}/v2/up",
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
def test_ST03_upload_locations_that_are_refused(kind, world):
    evil = world.serve(EVIL)
    location = REFUSED[kind].replace("%d", str(evil.port))
    world.good(Fault("open", "answer", headers={"Location": location}, times=None))
    result = world.upload()
    assert result.rc == 7, result
    world.assert_silent()
    assert "password" not in error_of(result)


@pytest.mark.parametrize("location", [f"https://{EVIL}/up?x=1", f"//{EVIL}/up",
                                      f"https://{EVIL}:443/up", f"HTTPS://{EVIL.upper()}./up"])
def test_ST03_upload_to_another_host(location, world):
    """T53: the body goes there, and nothing else does."""
    evil = world.serve(EVIL, Fault(None, "status", at="body", status=202, times=None,
                                   headers={"Location": "/up"}))
    world.good(Fault("open", "answer", headers={"Location": location}, times=None))
    result = world.upload()
    assert len(evil.journal) >= 1, result
    assert evil.journal.entries()[0].method in ("PATCH", "PUT")
    world.assert_no_secret()
    assert result.rc != 0, "the good registry does not have it"


@tokens
@pytest.mark.parametrize("kind", [kind for kind in REFUSED if kind != "nothing"])
def test_ST05_realms_that_are_refused(kind, world):
    evil = world.serve(EVIL)
    realm = REFUSED[kind].replace("%d", str(evil.port)).replace("\\", "\\\\")
    world.good(realm=realm)
    result = world.upload()
    assert result.rc in (4, 7), result
    world.assert_silent()


@tokens
def test_ST05_realm_on_another_host(world):
    evil = world.serve(EVIL)
    world.good(realm=f"https://{EVIL}/token")
    result = world.upload()
    assert result.rc == 4, result
    assert f"--trust-realm {EVIL}" in error_of(result) and "login" not in error_of(result)
    world.assert_silent()
    assert len(evil.journal) == 0


@tokens
@pytest.mark.parametrize("named", ["option", "environment"])
def test_realm_that_the_user_trusts(named, world, command):
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
def test_ST06_redirect_of_a_token_server(world):
    evil = world.serve(EVIL, Fault(None, "status", status=200, times=None,
                                   body=b'{"token":"stranger"}'))
    world.good(redirect("token", f"https://{EVIL}/token", times=None))
    result = world.upload()
    assert result.rc != 0
    world.assert_no_secret()
    assert len(evil.journal) <= 3


@tokens
def test_ST08_realm_of_another_registry(world):
    """An evil registry names good's token server: what good would give us is not for evil."""
    good = world.good()
    world.serve(EVIL, auth=Auth("bearer", realm=f"https://{GOOD}/token"))
    result = world.upload(EVIL)
    assert result.rc == 4, result
    for request in good.journal:
        assert "authorization" not in request.headers
        assert "scope" not in request.query or REPOSITORY in request.query.replace("%2F", "/")
    for request in world.servers[EVIL].journal:
        assert not any(shape in json.dumps(request.headers) for shape in shapes(CANARY))


@pytest.mark.parametrize("name", [
    "registry.example.evil.test", "evilregistry.example", "sub.registry.example",
    "registry.exampl", "xn--rgistry-9xa.example"])
def test_ST10_names_like_ours(name, world):
    good = world.good()
    server = world.serve(name, auth=Auth(world.scheme))
    result = world.upload(name)
    assert result.rc == 4, result
    assert len(good.journal) == 0
    for request in server.journal:
        assert not any(shape in json.dumps(request.headers) for shape in shapes(CANARY))
        assert not request.headers.get("authorization", "").startswith("Basic")


def test_ST13_pinned_base(world, tar_bytes):
    """Another manifest than the one that was named, with a header that calls it so."""
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
def test_ST30_words_of_a_registry_on_a_terminal(text, world):
    body = json.dumps({"errors": [{"code": "DENIED" + text, "message": text}]}).encode()
    world.good(Fault("open", "status", status=403, body=body, times=None))
    result = world.upload()
    assert result.rc == 4
    assert error_of(result).startswith("layerpipe: ")
    assert all(line.isprintable() for line in result.stderr.splitlines())
    assert "layerpipe: done" not in result.stderr.splitlines()

