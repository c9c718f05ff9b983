# SPDX-License-Identifier: Apache-2.0
"""Tokens and passwords during uploads."""
import base64
import json
import subprocess

import pytest
from cli_support import Result, wait_until
from registry import Auth, Fault, Registry
from wire_support import (MIB, REPOSITORY, assert_history, assert_lost, assert_stored, noise,
                          patches, sent_bytes, steps, upload)

CHUNKED = ["--upload", "chunked", "--chunk-size", "1M"]
STREAMED = ["--upload", "streamed"]
DATA = noise(3 * MIB + 5)
REFUSED = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'


@pytest.fixture
def authfile(tmp_path):
    """authfile(server): a file with the right password for it."""
    def write(server, user="user", password="secret"):
        path = tmp_path / "auth.json"
        secret = base64.b64encode(f"{user}:{password}".encode()).decode()
        path.write_text(json.dumps({"auths": {server.host: {"auth": secret}}}))
        return ["--authfile", str(path)]
    return write


MODES = {"chunked": CHUNKED, "streamed": STREAMED}


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_right_password(scheme, mode, run, registry, authfile):
    server = registry("d28", auth=Auth(scheme))
    assert_stored(server, upload(run, server, DATA, *mode, *authfile(server)), DATA)
    assert sent_bytes(server) == len(DATA)


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_wrong_password(scheme, mode, run, registry, authfile):
    server = registry("d28", auth=Auth(scheme))
    result = upload(run, server, DATA, *mode, *authfile(server, password="mistaken"))
    assert_lost(server, result, 4)
    assert "mistaken" not in result.stderr
    with_password = [entry for entry in server.journal
                     if entry.headers.get("authorization", "").startswith("Basic")]
    assert len(with_password) <= 2, "an account is locked by repeated attempts"


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_no_password(scheme, mode, run, registry):
    server = registry("d28", auth=Auth(scheme))
    assert_lost(server, upload(run, server, DATA, *mode), 4)


def test_anonymous_push(mode, run, registry):
    server = registry("d28", auth=Auth("bearer", anonymous=["pull", "push"]))
    assert_stored(server, upload(run, server, DATA, *mode), DATA, sessions=0)


def test_T44_short_lived_tokens(run, registry, authfile):
    """Renewed before they end: after the first answers no request is refused."""
    server = registry("d28", Fault("patch", "stall", seconds=1, times=None, at="headers"),
                      auth=Auth("bearer", seconds=3))
    data = noise(5 * MIB)
    assert_stored(server, upload(run, server, data, *CHUNKED, *authfile(server)), data)
    refused = [entry for entry in server.journal.entries("patch", "commit") if entry.status == 401]
    assert refused == []


def test_T45_token_ends_during_the_stream(run, registry, authfile):
    server = registry("d28", Fault("patch", "expire-tokens", at="done"), auth=Auth("bearer"))
    assert_stored(server, upload(run, server, DATA, *STREAMED, *authfile(server)), DATA)
    assert [entry.status for entry in server.journal.entries("commit")] == [401, 201]
    assert sent_bytes(server) == len(DATA)


@pytest.mark.parametrize("step, nth", [("open", 1), ("patch", 1), ("patch", 2), ("commit", 1),
                                       ("manifest-put", 1)])
def test_R88_token_ends_before_any_step(step, nth, run, registry, authfile):
    server = registry("d28", Fault(step, "expire-tokens", nth=nth), auth=Auth("bearer"))
    result = run("push", "--json", "--raw", "--media-type", "application/x.test", "--compress", "none", *CHUNKED, *authfile(server),
                 f"{server.host}/{REPOSITORY}:tag", "-", input=DATA)
    told = result.json()
    assert server.tags() == {"tag": told["digest"]}
    assert server.blob(REPOSITORY, told["layers"][0]["digest"]) == DATA
    assert_history(server)


@pytest.mark.parametrize("form", ["{type}:{name}:push,pull",
                                  "{type}:{name}:pull {type}:{name}:push"])
def test_T46_forms_of_scopes(form, run, registry, authfile):
    given = []

    def grant(name, actions):
        """The first token has too little."""
        given.append(set(actions))
        return {"pull"} if len(given) == 1 else actions
    server = registry("d28", auth=Auth("bearer", scope_form=form, grant=grant))
    assert_stored(server, upload(run, server, DATA, *CHUNKED, *authfile(server)), DATA)
    assert {"pull", "push"} <= set().union(*given[1:])
    assert len(given) <= 4


@pytest.mark.parametrize("fields", [("token",), ("access_token",), ("token", "access_token"),
                                    ("access_token", "expires_in")])
def test_T47_token_answers(fields, run, registry, authfile):
    server = registry("d28", auth=Auth("bearer", token_fields=fields))
    assert_stored(server, upload(run, server, DATA, *CHUNKED, *authfile(server)), DATA)


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_T48_no_challenge_in_the_refusal(scheme, run, registry, authfile):
    server = registry("d28", Fault("patch", "status", nth=2, status=401, body=REFUSED),
                      auth=Auth(scheme))
    result = upload(run, server, DATA, *CHUNKED, *authfile(server))
    if scheme == "bearer":
        assert_stored(server, result, DATA)
    else:  # the same password again would be refused again
        assert result.rc in (0, 4)


@pytest.mark.parametrize("step", ["open", "patch", "commit"])
def test_T49_refused_for_ever(step, run, registry, authfile):
    server = registry("d28", Fault(step, "status", status=401, times=None, body=REFUSED),
                      auth=Auth("bearer"))
    result = upload(run, server, DATA, *CHUNKED, *authfile(server))
    assert_lost(server, result, 4)
    assert len(server.journal.entries(step)) == 2
    assert len(server.journal.entries("token")) <= 4


def test_T50_cancel_needs_another_right(run, registry, authfile):
    """It is asked for, refused, and no reason to fail in another way."""
    server = registry("harbor", auth=Auth("bearer", grant=lambda _, actions: actions - {"delete"}))
    result = run("layer", *CHUNKED, *authfile(server), f"{server.host}/{REPOSITORY}",
                 input=bytes(300) + DATA)
    assert_lost(server, result, 3, sessions=1)


def test_T50_cancel_with_the_right(run, registry, authfile):
    server = registry("harbor", auth=Auth("bearer"))
    result = run("layer", *CHUNKED, *authfile(server), f"{server.host}/{REPOSITORY}",
                 input=DATA)
    assert_lost(server, result, 3, sessions=0)


def test_T51_cookies_are_never_sent(mode, run, registry):
    """assert_history() looks at every request."""
    server = registry("harbor", extra_headers=[("Set-Cookie", "sid=1; Path=/")])
    assert_stored(server, upload(run, server, DATA, *mode), DATA)


def test_stalled_stdin_outlives_the_token(command, registry, authfile):
    server = registry("d28", auth=Auth("bearer"))
    process = command.start("layer", "--json", "--raw", "--compress", "none", "--threads", "0",
                            *CHUNKED, *authfile(server), f"{server.host}/{REPOSITORY}",
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(DATA[:MIB + 9])
    process.stdin.flush()
    wait_until(lambda: [entry for entry in patches(server) if entry.status], process)
    server.auth.expire_all()
    out, err = process.communicate(DATA[MIB + 9:], timeout=120)
    result = Result(subprocess.CompletedProcess([], process.returncode, out, err))
    assert_stored(server, result, DATA)


@pytest.fixture
def refresh_file(tmp_path):
    """refresh_file(server): a file with a refresh token for it, which is sent by POST."""
    def write(server):
        path = tmp_path / "refresh.json"
        secret = base64.b64encode(b"<token>:").decode()
        path.write_text(json.dumps({"auths": {server.host: {"auth": secret,
                                                            "identitytoken": "refresh"}}}))
        return ["--authfile", str(path)]
    return write


def test_answer_of_the_token_server_is_cut_off(run, registry, refresh_file):
    server = registry("d28", Fault("token-post", "reset", at="answer", sent=-5),
                      auth=Auth("bearer", refresh_tokens=["refresh"]))
    assert_stored(server, upload(run, server, DATA, *refresh_file(server)), DATA)
    assert len(server.journal.entries("token-post")) == 2


def test_answer_of_the_token_server_is_too_large(run, registry, refresh_file):
    server = registry("d28", Fault("token-post", "answer", body=b"y" * 200_000, times=None),
                      auth=Auth("bearer", refresh_tokens=["refresh"]))
    result = upload(run, server, DATA, *refresh_file(server))
    assert result.rc == 7 and "larger than" in result.stderr, result
    assert "open" not in server.journal.steps()


def test_secrets_are_not_shown(run, registry, authfile):
    server = registry("d28", auth=Auth("bearer", users={"user": "kept-quiet"}))
    result = upload(run, server, DATA, *CHUNKED, "-vv",
                    *authfile(server, password="kept-quiet"))
    assert result.rc == 0, result
    assert "kept-quiet" not in result.stderr
    for token in server.auth.tokens:
        assert token not in result.stderr
    assert "_state=" not in result.stderr, "addresses of uploads are secrets too"


def test_streamed_401_before_the_first_byte(run, registry, authfile):
    """100-continue: the refusal comes before anything is sent."""
    server = registry("d28", Fault("patch", "expire-tokens"), auth=Auth("bearer"))
    assert_stored(server, upload(run, server, DATA, *STREAMED, *authfile(server)), DATA)
    assert steps(server, "open") in (["open"], ["open", "open"])


def test_password_goes_to_its_registry_only(run, registry, ca, authfile):
    """The token server of another host asks for it and does not get it."""
    with Registry("d28", auth=Auth("bearer")) as other:
        server = registry("d28", auth=Auth("bearer", realm=other.origin + "/token"))
        result = upload(run, server, DATA, *CHUNKED, *authfile(server))
        assert result.rc == 4
        assert "--trust-realm" in result.stderr and "layerpipe login" not in result.stderr
        for entry in other.journal:
            assert "authorization" not in entry.headers
