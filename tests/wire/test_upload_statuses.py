# SPDX-License-Identifier: Apache-2.0
"""R-65: every status at every step, once and for ever. A table says how each ends; whatever it is,
nothing hangs and no success is told that is none."""
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
STEPS = ["ping", "token", "token-post", "blob-head", "mount", "open", "first patch", "later patch",
         "status", "commit", "manifest-get", "manifest-put"]
BODIES = [b"", b'{"errors":[{"code":"UNKNOWN","message":"as told"}]}', b"<html>no</html>",
          b"y" * 200_000, b"\xff\xfe\x80{"]
DATA = noise(2 * MIB + 5)
REQUESTS_MAX = 80
ANY_FAILURE = {AUTH, ABSENT, SERVER, REFUSED, INTEGRITY}


def expected(step, status):
    """The exit statuses that a step may end in when it is always answered so."""
    if step == "mount":
        return {0}  # a refusal is never the end: the blob is sent instead
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
    # No registry of ours, then; a registry that wants no credentials.
    ("ping", None): {REFUSED}, ("ping", 200): {0}, ("ping", 401): {AUTH, REFUSED},
    ("ping", 204): {0}, ("ping", 201): {0}, ("ping", 202): {0}, ("ping", 206): {0},
    ("ping", 207): {0},
    # A token server says no in many ways. Without POST there is still GET.
    ("token", None): {AUTH, REFUSED}, ("token-post", None): {0, AUTH, REFUSED},
    # What was committed is there; a head that fails leaves that open or proves nothing.
    ("blob-head", None): {0} | ANY_FAILURE,
    # Success is success in every form that registries know; the others lead to a look at what is
    # there, and it is not.
    ("commit", None): {ABSENT, SERVER, REFUSED, INTEGRITY},
    ("open", 201): {REFUSED},
    # One chunk refused may be another way tried; what counts is the end. The bytes were taken, so that
    # a registry that only says otherwise can be asked.
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


def start(step, status, times, body):
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


def judge(server, result, allowed):
    assert result.rc in allowed, f"{result.rc} is not among {sorted(allowed)}: {result.stderr}"
    if result.rc == 0:
        told = result.json()
        assert server.tags(REPOSITORY) == {"tag": told["digest"]}
        assert server.blob(REPOSITORY, told["layers"][-1]["digest"]) == DATA
    else:
        assert result.stdout == "" and server.tags(REPOSITORY) == {}
        errors = [line for line in result.stderr.splitlines()
                  if not line.startswith("layerpipe: warning")]
        assert len(errors) == 1 and errors[0].startswith("layerpipe: "), result.stderr
        assert errors[0].isprintable() and len(errors[0]) < 1500
    assert len(server.journal) < REQUESTS_MAX, "too many requests"
    assert_history(server)
    assert not server.failures


def cell(run, directory, step, status, times, body, allowed):
    with start(step, status, times, body) as server:
        options = arguments(step, server, directory, f"{step}-{status}-{times}")
        result = run("push", "-q", "--json", "--raw", "--media-type", "application/x.test", "--compress", "none", "--retry", "1", "--threads",
                     "0", "--upload", "chunked", "--chunk-size", "1M", *options,
                     f"{server.host}/{REPOSITORY}:tag", "-", input=DATA)
        judge(server, result, allowed)


@pytest.mark.parametrize("step", STEPS)
def test_R65_for_ever(step, run, tmp_path):
    def one(status):
        body = BODIES[(status + STEPS.index(step)) % len(BODIES)]
        cell(run, tmp_path, step, status, None, body, expected(step, status))
    parallel(one, STATUSES)


@pytest.mark.parametrize("step", STEPS)
def test_R65_once(step, run, tmp_path):
    """What may be over the next time is tried again."""
    parallel(lambda status: cell(run, tmp_path, step, status, 1, b"", {0}), sorted(AGAIN))


@pytest.mark.slow
@pytest.mark.parametrize("body", range(len(BODIES)))
@pytest.mark.parametrize("step", STEPS)
def test_R65_every_body(step, body, run, tmp_path):
    parallel(lambda status: cell(run, tmp_path, step, status, None, BODIES[body],
                                 expected(step, status)), STATUSES)
