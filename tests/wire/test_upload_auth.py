# SPDX-License-Identifier: Apache-2.0
"""Tokens and passwords during uploads."""
import base64
import json
import subprocess

import pytest
from cli_support import Result, wait_until
from registry import Auth, Fault, Registry
from wire_support import (MIB, REPOSITORY, assert_history, assert_failed, assert_stored, noise,
                          patches, sent_bytes, steps, upload)

CHUNKED = ["--upload", "chunked", "--chunk-size", "1M"]
STREAMED = ["--upload", "streamed"]
DATA = noise(3 * MIB + 5)
REFUSED = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'


@pytest.fixture
def authfile(tmp_path):
    """authfile(server): writes a file with the server's password; returns the options for it."""
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
def test_right_password_uploads_once(scheme, mode, run, registry, authfile):
    server = registry("d28", auth=Auth(scheme))
    assert_stored(server, upload(run, server, DATA, *mode, *authfile(server)), DATA)
    assert sent_bytes(server) == len(DATA)


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_wrong_password_fails_and_is_not_repeated(scheme, mode, run, registry, authfile):
    server = registry("d28", auth=Auth(scheme))
    result = upload(run, server, DATA, *mode, *authfile(server, password="mistaken"))
    assert_failed(server, result, 4)
    assert "mistaken" not in result.stderr
    with_password = [entry for entry in server.journal
                     if entry.headers.get("authorization", "").startswith("Basic")]
    assert len(with_password) <= 2, "an account is locked by repeated attempts"


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_missing_password_fails(scheme, mode, run, registry):
    server = registry("d28", auth=Auth(scheme))
    assert_failed(server, upload(run, server, DATA, *mode), 4)


def test_anonymous_token_uploads(mode, run, registry):
    server = registry("d28", auth=Auth("bearer", anonymous=["pull", "push"]))
    assert_stored(server, upload(run, server, DATA, *mode), DATA, sessions=0)


def test_short_lived_token_is_renewed_before_its_end(run, registry, authfile):
    """The command renews tokens before they expire, so no PATCH or PUT gets 401."""
    server = registry("d28", Fault("patch", "stall", seconds=1, times=None, at="headers"),
                      auth=Auth("bearer", seconds=3))
    data = noise(5 * MIB)
    assert_stored(server, upload(run, server, data, *CHUNKED, *authfile(server)), data)
    refused = [entry for entry in server.journal.entries("patch", "commit") if entry.status == 401]
    assert refused == []


def test_token_expired_during_streamed_patch_is_renewed_for_commit(run, registry, authfile):
    server = registry("d28", Fault("patch", "expire-tokens", at="done"), auth=Auth("bearer"))
    assert_stored(server, upload(run, server, DATA, *STREAMED, *authfile(server)), DATA)
    assert [entry.status for entry in server.journal.entries("commit")] == [401, 201]
    assert sent_bytes(server) == len(DATA)


@pytest.mark.parametrize("step, nth", [("open", 1), ("patch", 1), ("patch", 2), ("commit", 1),
                                       ("manifest-put", 1)])
def test_token_expired_before_a_step_is_renewed(step, nth, run, registry, authfile):
    server = registry("d28", Fault(step, "expire-tokens", nth=nth), auth=Auth("bearer"))
    result = run("push", "--json", "--raw", "--media-type", "application/x.test", "--compress", "none", *CHUNKED, *authfile(server),
                 f"{server.host}/{REPOSITORY}:tag", "-", input=DATA)
    output = result.json()
    assert server.tags() == {"tag": output["digest"]}
    assert server.blob(REPOSITORY, output["layers"][0]["digest"]) == DATA
    assert_history(server)


@pytest.mark.parametrize("form", ["{type}:{name}:push,pull",
                                  "{type}:{name}:pull {type}:{name}:push"])
def test_scope_of_challenge_is_requested(form, run, registry, authfile):
    given = []

    def grant(name, actions):
        """The first token does not allow push."""
        given.append(set(actions))
        return {"pull"} if len(given) == 1 else actions
    server = registry("d28", auth=Auth("bearer", scope_form=form, grant=grant))
    assert_stored(server, upload(run, server, DATA, *CHUNKED, *authfile(server)), DATA)
    assert {"pull", "push"} <= set().union(*given[1:])
    assert len(given) <= 4


@pytest.mark.parametrize("fields", [("token",), ("access_token",), ("token", "access_token"),
                                    ("access_token", "expires_in")])
def test_token_answer_with_any_known_members_is_accepted(fields, run, registry, authfile):
    server = registry("d28", auth=Auth("bearer", token_fields=fields))
    assert_stored(server, upload(run, server, DATA, *CHUNKED, *authfile(server)), DATA)


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_401_without_challenge_renews_token(scheme, run, registry, authfile):
    server = registry("d28", Fault("patch", "status", nth=2, status=401, body=REFUSED),
                      auth=Auth(scheme))
    result = upload(run, server, DATA, *CHUNKED, *authfile(server))
    if scheme == "bearer":
        assert_stored(server, result, DATA)
    else:  # sending the same password again need not help
        assert result.rc in (0, 4)


@pytest.mark.parametrize("step", ["open", "patch", "commit"])
def test_repeated_401_fails_after_one_new_token(step, run, registry, authfile):
    server = registry("d28", Fault(step, "status", status=401, times=None, body=REFUSED),
                      auth=Auth("bearer"))
    result = upload(run, server, DATA, *CHUNKED, *authfile(server))
    assert_failed(server, result, 4)
    anonymous = step == "open"  # the first request: its 401 asks for a token
    assert len(server.journal.entries(step)) == 2 + anonymous
    assert len(server.journal.entries("token")) <= 4


def test_cancel_without_delete_scope_keeps_first_error(run, registry, authfile):
    """The token server does not grant `delete`; the exit status is that of the input error."""
    server = registry("harbor", auth=Auth("bearer", grant=lambda _, actions: actions - {"delete"}))
    result = run("layer", *CHUNKED, *authfile(server), f"{server.host}/{REPOSITORY}",
                 input=bytes(300) + DATA)
    assert_failed(server, result, 3, sessions=1)


def test_cancel_with_delete_scope_ends_session(run, registry, authfile):
    server = registry("harbor", auth=Auth("bearer"))
    result = run("layer", *CHUNKED, *authfile(server), f"{server.host}/{REPOSITORY}",
                 input=DATA)
    assert_failed(server, result, 3, sessions=0)


def test_cookies_are_not_sent(mode, run, registry):
    """assert_history() checks every request for cookies."""
    server = registry("harbor", extra_headers=[("Set-Cookie", "sid=1; Path=/")])
    assert_stored(server, upload(run, server, DATA, *mode), DATA)


def test_token_expired_while_stdin_stalls_is_renewed(command, registry, authfile):
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
    """refresh_file(server): writes a file with a refresh token, which the command sends by POST;
    returns the options for it."""
    def write(server):
        path = tmp_path / "refresh.json"
        secret = base64.b64encode(b"<token>:").decode()
        path.write_text(json.dumps({"auths": {server.host: {"auth": secret,
                                                            "identitytoken": "refresh"}}}))
        return ["--authfile", str(path)]
    return write


def test_truncated_token_answer_is_retried(run, registry, refresh_file):
    server = registry("d28", Fault("token-post", "reset", at="answer", sent=-5),
                      auth=Auth("bearer", refresh_tokens=["refresh"]))
    assert_stored(server, upload(run, server, DATA, *refresh_file(server)), DATA)
    assert len(server.journal.entries("token-post")) == 2


def test_token_answer_too_large_fails(run, registry, refresh_file):
    server = registry("d28", Fault("token-post", "answer", body=b"y" * 200_000, times=None),
                      auth=Auth("bearer", refresh_tokens=["refresh"]))
    result = upload(run, server, DATA, *refresh_file(server))
    assert result.rc == 7 and "larger than" in result.stderr, result
    assert "open" not in server.journal.steps()


def test_verbose_output_has_no_secrets(run, registry, authfile):
    server = registry("d28", auth=Auth("bearer", users={"user": "kept-quiet"}))
    result = upload(run, server, DATA, *CHUNKED, "-vv",
                    *authfile(server, password="kept-quiet"))
    assert result.rc == 0, result
    assert "kept-quiet" not in result.stderr
    for token in server.auth.tokens:
        assert token not in result.stderr
    assert "_state=" not in result.stderr, "the URL of an upload session is a secret, too"


def test_401_before_streamed_body_is_repeated_with_new_token(run, registry, authfile):
    """The registry answers 401 in place of 100 Continue, before any body byte is sent."""
    server = registry("d28", Fault("patch", "expire-tokens"), auth=Auth("bearer"))
    assert_stored(server, upload(run, server, DATA, *STREAMED, *authfile(server)), DATA)
    assert steps(server, "open") in (["open"], ["open", "open"])


def test_untrusted_token_server_gets_no_password(run, registry, ca, authfile):
    """The realm is on another port and the user did not trust it."""
    with Registry("d28", auth=Auth("bearer")) as other:
        server = registry("d28", auth=Auth("bearer", realm=other.origin + "/token"))
        result = upload(run, server, DATA, *CHUNKED, *authfile(server))
        assert result.rc == 4
        assert "--trust-realm" in result.stderr and "layerpipe login" not in result.stderr
        for entry in other.journal:
            assert "authorization" not in entry.headers
