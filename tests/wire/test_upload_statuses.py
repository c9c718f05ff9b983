# SPDX-License-Identifier: Apache-2.0
"""Every status as the answer to every step, once or always. expected() has the allowed exit
statuses. The command must not hang, and reports success only for a stored image."""
import base64
import json

import pytest
from registry import Auth, Fault, Registry
from test_upload_mount import add_base
from wire_support import MIB, REPOSITORY, assert_history, noise, parallel

AUTH, ABSENT, SERVER, REFUSED, INTEGRITY = 4, 5, 6, 7, 9
STATUSES = [200, 201, 202, 204, 206, 207, 300, 304, 400, 401, 402, 403, 404, 405, 406, 408, 409,
            410, 413, 415, 416, 417, 421, 425, 429, 431, 451, 499, 500, 501, 502, 503, 504, 507,
            521, 599]
AGAIN = {408, 425, 429, 500, 502, 503, 504}
STEPS = ["token", "token-post", "blob-head", "mount", "open", "first patch", "later patch",
         "status", "commit", "manifest-get", "manifest-put"]
BODIES = [b"", b'{"errors":[{"code":"UNKNOWN","message":"error"}]}', b"<html>no</html>",
          b"y" * 200_000, b"\xff\xfe\x80{"]
DATA = noise(2 * MIB + 5)
REQUESTS_MAX = 80
ANY_FAILURE = {AUTH, ABSENT, SERVER, REFUSED, INTEGRITY}


def expected(step, status):
    """The allowed exit statuses when a step always gets this status."""
    if step == "mount":
        return {0}  # after a refused mount the blob is copied
    if status in AGAIN or status == 499 or status >= 500:
        usual = {SERVER}
    elif status in (401, 403):
        usual = {AUTH}
    elif status in (404, 410):
        usual = {ABSENT, REFUSED} if status == 410 else {ABSENT}
    else:
        usual = {REFUSED}
    return usual | ALSO.get((step, status), set()) | ALSO.get((step, None), set())


ALSO = {
    # Token servers refuse with many statuses. After a refused POST, GET is tried.
    ("token", None): {AUTH, REFUSED}, ("token-post", None): {0, AUTH, REFUSED},
    # The blob is stored; a failed HEAD does not prove the contrary.
    ("blob-head", None): {0} | ANY_FAILURE,
    # A 2xx without a stored blob: the command looks for the blob and does not find it.
    ("commit", None): {ABSENT, SERVER, REFUSED, INTEGRITY},
    ("open", 201): {REFUSED},
    # After a refused chunk, another upload method may succeed. The server received the bytes, so an
    # offset query may also lead to success.
    ("first patch", None): {0, SERVER, REFUSED, INTEGRITY}, ("later patch", None): {0} | ANY_FAILURE,
    ("status", None): {0, SERVER, REFUSED},
    ("manifest-get", 200): {REFUSED, INTEGRITY}, ("manifest-get", None): {REFUSED, INTEGRITY},
    ("manifest-put", 201): {0, SERVER, REFUSED, INTEGRITY},
    ("manifest-put", None): {SERVER, REFUSED, INTEGRITY},
}


def faults(step, status, times, body):
    options = {"status": status, "times": times, "body": body, "at": "body"}
    if step == "first patch":
        return [Fault("patch", "status", **options)]
    if step == "later patch":
        return [Fault("patch", "status", nth=2, **options)]
    if step == "status":
        return [Fault("patch", "reset", nth=2, at=MIB // 2), Fault("status", "status", **options)]
    return [Fault(step, "status", **options)]


def start_registry(step, status, times, body):
    auth = None
    if step == "token":
        auth = Auth("bearer", anonymous=["pull", "push"])
    elif step == "token-post":
        auth = Auth("bearer", refresh_tokens=["refresh"])
    return Registry("d3", faults(step, status, times, body), auth)


def arguments(step, server, directory, name):
    found = []
    if step in ("mount", "manifest-get"):
        found += ["--base", add_base(server)]
    if step == "token-post":
        path = directory / f"{name}.json"
        secret = base64.b64encode(b"<token>:").decode()
        path.write_text(json.dumps({"auths": {server.host: {"auth": secret,
                                                            "identitytoken": "refresh"}}}))
        found += ["--authfile", str(path)]
    return found


def assert_outcome(server, result, allowed):
    assert result.rc in allowed, f"{result.rc} is not among {sorted(allowed)}: {result.stderr}"
    if result.rc == 0:
        output = result.json()
        assert server.tags(REPOSITORY) == {"tag": output["digest"]}
        assert server.blob(REPOSITORY, output["layers"][-1]["digest"]) == DATA
    else:
        assert result.stdout == "" and server.tags(REPOSITORY) == {}
        errors = [line for line in result.stderr.splitlines()
                  if not line.startswith("layerpipe: warning")]
        assert len(errors) == 1 and errors[0].startswith("layerpipe: "), result.stderr
        assert errors[0].isprintable() and len(errors[0]) < 1500
    assert len(server.journal) < REQUESTS_MAX, "too many requests"
    assert_history(server)
    assert not server.failures


def check_status(run, directory, step, status, times, body, allowed):
    with start_registry(step, status, times, body) as server:
        options = arguments(step, server, directory, f"{step}-{status}-{times}")
        result = run("push", "-q", "--json", "--raw", "--media-type", "application/x.test", "--compress", "none", "--retry", "1", "--threads",
                     "0", "--upload", "chunked", "--chunk-size", "1M", *options,
                     f"{server.host}/{REPOSITORY}:tag", "-", input=DATA)
        assert_outcome(server, result, allowed)


@pytest.mark.parametrize("step", STEPS)
def test_status_always_ends_with_expected_exit_status(step, run, tmp_path):
    def one(status):
        body = BODIES[(status + STEPS.index(step)) % len(BODIES)]
        check_status(run, tmp_path, step, status, None, body, expected(step, status))
    parallel(one, STATUSES)


def test_status_of_ping_decides_about_login(run):
    """Only 200 and 401 come from a registry. A login with 200 succeeds: nobody asks for credentials."""
    def one(status):
        with Registry("d3", [Fault("ping", "status", status=status, times=None)]) as server:
            result = run("login", "--retry", "1", "--username", "user", "--password-stdin",
                         server.host, input=b"secret")
        allowed = {200: {0}, 401: {AUTH}, 403: {AUTH}}.get(status, {SERVER, REFUSED})
        assert result.rc in allowed, f"{status}: {result}"
    parallel(one, STATUSES)


@pytest.mark.parametrize("step", STEPS)
def test_temporary_status_once_is_retried(step, run, tmp_path):
    """Temporary errors are tried again."""
    parallel(lambda status: check_status(run, tmp_path, step, status, 1, b"", {0}), sorted(AGAIN))


@pytest.mark.slow
@pytest.mark.parametrize("body", range(len(BODIES)))
@pytest.mark.parametrize("step", STEPS)
def test_status_with_every_body_ends_with_expected_exit_status(step, body, run, tmp_path):
    parallel(lambda status: check_status(run, tmp_path, step, status, None, BODIES[body],
                                 expected(step, status)), STATUSES)
