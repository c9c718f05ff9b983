# SPDX-License-Identifier: Apache-2.0
"""Debian's docker-registry with passwords over TLS, and with a token server. The token server is on
another port; it gets the password only when the user trusts it."""
import contextlib
import hashlib
import json
import os
import pty
import subprocess
import time

import pytest
from auth_support import CANARY, assert_absent, entry, write_config
from cli_support import COMMAND, Result
from wire_support import MIB, noise

USERS = {"user": CANARY}
REPOSITORY = "team/app"
CHUNKED = ["--upload", "chunked", "--chunk-size", "1M"]
DATA = noise(3 * MIB + 17)


def login(run, server, *options, password=CANARY):
    result = run("login", *options, "--username", "user", "--password-stdin", server.host,
                 input=password.encode())
    assert_absent(result.stderr, CANARY)
    return result


def push(run, server, *options, data=DATA, **arguments):
    result = run("push", "--json", "--raw", "--media-type", "application/x.test", "--compress", "none", *CHUNKED, *options,
                 f"{server.host}/{REPOSITORY}:tag", "-", input=data, **arguments)
    assert_absent(result.stderr, CANARY)
    return result


def assert_pushed(server, result, data=DATA):
    output = result.json()
    assert output["layers"][0]["digest"] == "sha256:" + hashlib.sha256(data).hexdigest()
    assert server.blob(REPOSITORY, output["layers"][0]["digest"]) == data
    assert server.tags(REPOSITORY) == {"tag": output["digest"]}
    assert server.open_sessions(REPOSITORY) == []


def assert_nothing_pushed(server, result, rc=4):
    assert result.rc == rc, result
    assert result.stdout == "" and len(result.stderr.splitlines()) == 1, result
    assert server.tags(REPOSITORY) == {} and server.blobs(REPOSITORY) == []


@pytest.fixture
def htpasswd(docker_registry, ca):
    server = docker_registry(users=USERS, tls=True)
    server.options = ["--cacert", ca.cert]
    return server


def test_htpasswd_login_push_logout_over_tls(htpasswd, run):
    assert_nothing_pushed(htpasswd, push(run, htpasswd, *htpasswd.options))
    assert login(run, htpasswd, *htpasswd.options).rc == 0
    assert_pushed(htpasswd, push(run, htpasswd, *htpasswd.options))
    shown = run("inspect", "--json", *htpasswd.options, f"{htpasswd.host}/{REPOSITORY}:tag")
    assert shown.rc == 0, shown
    assert run("logout", htpasswd.host).rc == 0
    result = run("inspect", *htpasswd.options, f"{htpasswd.host}/{REPOSITORY}:tag")
    assert result.rc == 4, result


def test_htpasswd_wrong_password_is_refused_and_not_stored(htpasswd, run, command):
    result = login(run, htpasswd, *htpasswd.options, password="mistaken")
    assert result.rc == 4 and not (command.home / ".docker").exists()
    assert "layerpipe login" not in result.stderr
    write_config(command.home, {"auths": {htpasswd.host: entry(password="mistaken")}})
    result = push(run, htpasswd, *htpasswd.options)
    assert_nothing_pushed(htpasswd, result)
    assert "mistaken" not in result.stderr
    assert "user" in result.stderr and "config.json" in result.stderr, "whose password, from where"


def test_htpasswd_unknown_authority_fails(htpasswd, run, command):
    write_config(command.home, {"auths": {htpasswd.host: entry()}})
    result = push(run, htpasswd)
    assert result.rc in (6, 7), result
    assert htpasswd.tags(REPOSITORY) == {}


def trust_options(server):
    return ["--trust-realm", server.token_server.realm.split("/")[2]]


def test_token_server_gets_password_when_trusted(docker_registry, run, command):
    server = docker_registry(users=USERS, token=300)
    write_config(command.home, {"auths": {server.host: entry()}})
    assert_pushed(server, push(run, server, *trust_options(server)))
    assert len(server.token_server.requests) <= 2, server.token_server.requests
    for path, secret in server.token_server.requests:
        assert CANARY not in path and secret.startswith("Basic ")


def login_on_terminal(command, server, answer, password=CANARY):
    """Types the answers as soon as each question is there; gives the exit status and what was shown."""
    ours, theirs = pty.openpty()
    shown = b""
    with subprocess.Popen([COMMAND, "login", server.host], env=command.env, stdin=theirs, stdout=theirs,
                          stderr=theirs) as process:
        os.close(theirs)
        for question, text in ((b"to trust it: ", answer), (b"Username: ", "user"), (b"Password: ", password)):
            while question not in shown:
                try:
                    shown += os.read(ours, 4096)
                except OSError: # the other end is closed: the command has ended
                    break
            else:
                os.write(ours, text.encode() + b"\n")
                continue
            break
        with contextlib.suppress(OSError):
            while True:
                shown += os.read(ours, 4096)
        os.close(ours)
        return process.wait(), shown.decode()


def realm_file(command):
    return command.home / ".config" / "layerpipe" / "trusted-realms"


def test_login_asks_once_for_the_token_server(docker_registry, run, command):
    server = docker_registry(users=USERS, token=300)
    code, shown = login_on_terminal(command, server, "yes")
    assert code == 0, shown
    assert CANARY not in shown
    realm = server.token_server.realm.split("/")[2]
    assert realm in shown
    assert realm_file(command).read_text() == f"{server.host}={realm}\n"
    assert realm_file(command).stat().st_mode & 0o777 == 0o600
    assert_pushed(server, push(run, server)) # without --trust-realm
    assert run("logout", server.host).rc == 0
    assert realm_file(command).read_text() == ""


def test_token_server_that_login_names_is_remembered(docker_registry, run, command):
    """In a CI job nobody can be asked, and login and push are two commands."""
    server = docker_registry(users=USERS, token=300)
    [_, realm] = trust_options(server)
    result = login(run, server, "--trust-realm", "other.example")
    assert result.rc == 4 and realm in result.stderr and server.token_server.requests == []
    assert not realm_file(command).exists()
    assert login(run, server, "--trust-realm", realm).rc == 0
    assert realm_file(command).read_text() == f"{server.host}={realm}\n"
    assert_pushed(server, push(run, server))


def test_named_token_server_is_trusted_where_nothing_can_be_kept(docker_registry, run, command):
    server = docker_registry(users=USERS, token=300)
    realm_file(command).parent.parent.mkdir()
    realm_file(command).parent.write_text("a file where the directory should be")
    result = login(run, server, *trust_options(server))
    assert result.rc == 0 and "trusted-realms" in result.stderr, result


@pytest.mark.parametrize("answer", ["no", "", "y"])
def test_login_sends_nothing_to_a_token_server_that_is_not_trusted(docker_registry, command, answer):
    server = docker_registry(users=USERS, token=300)
    code, shown = login_on_terminal(command, server, answer or " ")
    assert code == 4, shown
    assert "Password" not in shown
    assert not realm_file(command).exists()
    assert server.token_server.requests == []


def test_wrong_password_is_not_remembered(docker_registry, command):
    server = docker_registry(users=USERS, token=300)
    code, _ = login_on_terminal(command, server, "yes", password="mistaken")
    assert code == 4
    assert not realm_file(command).exists()


def test_remembered_token_server_is_for_its_registry_only(docker_registry, run, command):
    server = docker_registry(users=USERS, token=300)
    realm = server.token_server.realm.split("/")[2]
    write_config(command.home, {"auths": {server.host: entry()}})
    realm_file(command).parent.mkdir(parents=True)
    realm_file(command).write_text(f"registry.example={realm}\n")
    result = push(run, server)
    assert result.rc == 4 and "--trust-realm" in result.stderr
    assert server.token_server.requests == []


def test_realm_file_that_others_can_change_is_not_used(docker_registry, run, command):
    server = docker_registry(users=USERS, token=300)
    realm = server.token_server.realm.split("/")[2]
    write_config(command.home, {"auths": {server.host: entry()}})
    realm_file(command).parent.mkdir(parents=True)
    realm_file(command).write_text(f"{server.host}={realm}\n")
    realm_file(command).chmod(0o666)
    result = push(run, server)
    assert result.rc == 4 and "only you can change" in result.stderr
    realm_file(command).chmod(0o600)
    assert_pushed(server, push(run, server))


def test_token_server_gets_wrong_password_once(docker_registry, run, command):
    server = docker_registry(users=USERS, token=300)
    assert login(run, server, *trust_options(server), password="mistaken").rc == 4
    write_config(command.home, {"auths": {server.host: entry(password="mistaken")}})
    server.token_server.requests.clear()
    assert_nothing_pushed(server, push(run, server, *trust_options(server)))
    assert len(server.token_server.requests) == 1, "an account is locked by repeated attempts"


def test_untrusted_token_server_gets_no_request(docker_registry, run, command):
    server = docker_registry(users=USERS, token=300)
    write_config(command.home, {"auths": {server.host: entry()}})
    result = push(run, server)
    assert_nothing_pushed(server, result)
    assert " ".join(trust_options(server)) in result.stderr
    assert server.token_server.requests == []


class ScopeFilter:
    """Removes actions from the tokens that a token server grants."""

    def __init__(self, server, lacks):
        self.sign = server.token_server.sign
        self.lacks = lacks
        server.token_server.sign = self

    def __call__(self, service, user, access):
        for item in access:
            item["actions"] = [action for action in item["actions"] if action not in self.lacks]
        return self.sign(service, user, access)


def test_token_without_push_scope_fails_and_names_it(docker_registry, run, command):
    server = docker_registry(users=USERS, token=300)
    write_config(command.home, {"auths": {server.host: entry()}})
    ScopeFilter(server, {"push"})
    result = push(run, server, *trust_options(server))
    assert_nothing_pushed(server, result)
    assert "push" in result.stderr and REPOSITORY in result.stderr
    assert len(server.token_server.requests) <= 3, "too many token requests"


def test_token_that_has_expired_on_arrival_fails(docker_registry, run, command):
    """The token expired 90 s ago; the registry accepts it up to 60 s after its end."""
    server = docker_registry(users=USERS, token=-90)
    write_config(command.home, {"auths": {server.host: entry()}})
    assert_nothing_pushed(server, push(run, server, *trust_options(server)))
    assert len(server.token_server.requests) <= 3


class ExpiredTokens:
    """The n-th token has already expired, although the token server says otherwise."""

    def __init__(self, server, *bad):
        self.server = server.token_server
        self.sign = self.server.sign
        self.bad = bad
        self.count = 0
        self.server.sign = self

    def __call__(self, service, user, access):
        self.count += 1
        self.server.seconds = -90 if self.count in self.bad else 300
        return self.sign(service, user, access)


@pytest.mark.parametrize("mode", [CHUNKED, ["--upload", "streamed"], ["--upload", "monolithic", "--chunk-size", "16M"]])
def test_token_refused_at_upload_start_is_renewed(mode, docker_registry, run, command):
    server = docker_registry(users=USERS, token=300)
    write_config(command.home, {"auths": {server.host: entry()}})
    aged = ExpiredTokens(server, 1)
    assert_pushed(server, push(run, server, *mode, *trust_options(server)))
    assert aged.count == 2


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["chunked", "streamed"])
def test_token_that_expires_during_upload_is_renewed(mode, docker_registry, command):
    """The token server says that tokens live for an hour, but the registry refuses them after a few
    seconds. The command cannot know this before."""
    server = docker_registry(users=USERS, token=-55)
    write_config(command.home, {"auths": {server.host: entry()}})
    server.token_server.answer = claim_long_life(server.token_server)
    process = command.start("push", "--json", "--raw", "--media-type", "application/x.test",
                             "--compress", "none", "--upload", mode,
                            *(CHUNKED[2:] if mode == "chunked" else []),
                            *trust_options(server), f"{server.host}/{REPOSITORY}:tag", "-",
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for start in range(0, len(DATA), MIB // 4):
        process.stdin.write(DATA[start:start + MIB // 4])
        process.stdin.flush()
        time.sleep(1)
    out, err = process.communicate(timeout=120)
    assert_pushed(server, Result(subprocess.CompletedProcess([], process.returncode, out, err)))
    assert 2 <= len(server.token_server.requests) <= 8


def claim_long_life(token_server):
    answer = token_server.answer

    def longer(handler):
        status, body = answer(handler)
        return status, json.dumps({**json.loads(body), "expires_in": 3600}).encode()
    return longer
