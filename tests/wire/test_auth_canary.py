# SPDX-License-Identifier: Apache-2.0
"""Searches everything that a run and its children write for the password. The password may go only
to its registry and into the credential file."""
import json
import os
import subprocess

import pytest
from auth_support import (CANARY, Helpers, assert_absent, basic, can_trace, encodings, entry,
                          traced, write_config)
from registry import Auth
from test_upload_mount import add_base
from wire_support import MIB, REPOSITORY, noise

DATA = noise(2 * MIB + 1)
USERS = {"user": CANARY}
PUSH = ["push", "-vv", "--raw", "--media-type", "application/x.test", "--compress", "none", "--upload", "chunked", "--chunk-size", "1M"]


@pytest.fixture(params=["basic", "bearer"])
def server(request, registry):
    return registry("d28", auth=Auth(request.param, users=USERS))


@pytest.fixture
def home(command):
    return command.home


def files_with(secret, *roots):
    """Files below these directories that contain the secret in any form."""
    found = set()
    for root in roots:
        for directory, _, names in os.walk(root):
            for name in names:
                path = os.path.join(directory, name)
                if os.path.basename(path) == "trace":
                    continue
                with open(path, "rb") as file:
                    text = file.read().decode("latin-1")
                if any(encoded in text for encoded in encodings(secret)):
                    found.add(path)
    return found


def is_socket(target):
    return target.startswith(("TCP", "socket:"))


def assert_only_in(trace, tmp_path, *files, secret=CANARY):
    """The secret was written only to sockets and to `files`."""
    assert trace.result.rc == 0, trace.result
    holders = trace.files_that_got(secret)
    assert any(is_socket(holder) for holder in holders), "the search finds nothing at all"
    strange = {holder for holder in holders if not is_socket(holder)}
    assert len(strange) <= len(files), strange
    for line in trace.programs():
        assert_absent(line, secret)
    assert_absent(trace.result.stdout, secret)
    assert_absent(trace.result.stderr, secret)
    assert files_with(secret, tmp_path) == {str(path) for path in files}


def assert_password_only_in_login_requests(server):
    """The password is only in the requests that need it."""
    for request in server.journal:
        header = request.headers.get("authorization", "")
        text = json.dumps([request.path, request.query])
        assert_absent(text, CANARY)
        if server.auth.scheme == "bearer" and request.step != "token":
            assert_absent(header, CANARY)
        assert "canary" not in json.dumps(request.headers).lower().replace(header.lower(), "")


def test_login_writes_password_only_to_its_file(server, command, home, tmp_path):
    trace = traced(command, tmp_path, "login", "-vv", "--username", "user", "--password-stdin",
                   server.host, input=CANARY.encode())
    assert_only_in(trace, tmp_path, home / ".docker" / "config.json")
    assert_password_only_in_login_requests(server)


def test_push_with_file_keeps_password_and_tokens_secret(server, command, home, tmp_path):
    config = write_config(home, {"auths": {server.host: entry()}})
    trace = traced(command, tmp_path, *PUSH, "--base", add_base(server),
                   f"{server.host}/{REPOSITORY}:tag", input=DATA)
    assert_only_in(trace, tmp_path, config)
    assert_password_only_in_login_requests(server)
    tokens = list(server.auth.tokens)
    for token in tokens:
        assert token not in trace.result.stderr + trace.result.stdout
        assert not [holder for holder in trace.files_that_got(token) if not is_socket(holder)]
        assert all(token not in line for line in trace.programs())


def test_push_with_password_fd_writes_password_to_no_file(server, command, tmp_path):
    read, write = os.pipe()
    os.write(write, CANARY.encode())
    os.close(write)
    trace = traced(command, tmp_path, *PUSH, "--username", "user", "--password-fd", read,
                   f"{server.host}/{REPOSITORY}:tag", input=DATA, pass_fds=[read])
    os.close(read)
    assert_only_in(trace, tmp_path)


def test_push_with_helper_writes_password_to_no_file(server, command, home, tmp_path):
    """The helper writes the secret to its pipe; no other file may get it."""
    helpers = Helpers(tmp_path / "helpers")
    kept = tmp_path / "kept"
    kept.write_text(json.dumps({"Username": "user", "Secret": CANARY}))
    helpers.add("h", f"cat > /dev/null; exec cat {kept}")
    write_config(home, {"credHelpers": {server.host: "h"}})
    trace = traced(command, tmp_path, *PUSH, f"{server.host}/{REPOSITORY}:tag", input=DATA,
                   env=helpers.environment)
    assert trace.result.rc == 0, trace.result
    strange = {holder for holder in trace.files_that_got(CANARY) if not is_socket(holder)}
    assert all(holder.startswith("pipe:") for holder in strange), strange
    for line in trace.programs():
        assert_absent(line, CANARY)
    assert_absent(trace.result.stderr, CANARY)
    assert files_with(CANARY, tmp_path) == {str(kept)}


def test_login_with_helper_stores_password_only_there(server, command, home, tmp_path):
    helpers = Helpers(tmp_path / "helpers")
    store = helpers.keeper()
    write_config(home, {"credsStore": "keeper"})
    trace = traced(command, tmp_path, "login", "-vv", "--username", "user", "--password-stdin",
                   server.host, input=CANARY.encode(), env=helpers.environment)
    assert trace.result.rc == 0, trace.result
    for line in trace.programs():
        assert_absent(line, CANARY)
    assert_absent(trace.result.stderr, CANARY)
    assert files_with(CANARY, tmp_path) == {str(store / server.host)}


def test_identity_token_is_not_in_headers_or_urls(registry, command, home, tmp_path):
    server = registry("d28", auth=Auth("bearer", users={}, refresh_tokens=[CANARY]))
    config = write_config(home, {"auths": {server.host: {"auth": basic("user", ""),
                                                         "identitytoken": CANARY}}})
    trace = traced(command, tmp_path, *PUSH, f"{server.host}/{REPOSITORY}:tag", input=DATA)
    assert_only_in(trace, tmp_path, config)
    for request in server.journal:
        assert CANARY not in json.dumps([request.path, request.query, request.headers])


@pytest.mark.parametrize("wrong", ["password", "repository"])
def test_error_does_not_contain_password(wrong, server, command, home, tmp_path):
    """The error names the registry, but not the password."""
    secret = CANARY if wrong == "repository" else "n0t" + CANARY
    write_config(home, {"auths": {server.host: entry(password=secret)}})
    name = REPOSITORY if wrong == "password" else "nobody/has:this"
    result = command.run("inspect", "-vv", "--retry", "0", f"{server.host}/{name}")
    assert result.rc in (4, 5), result
    assert_absent(result.stderr, secret)
    assert_absent(result.stderr, CANARY)


def test_password_from_environment_is_written_to_no_file(server, command, tmp_path):
    """The test itself sets DOCKER_AUTH_CONFIG in the environment, and helpers inherit it. So this
    test checks only what is written."""
    value = json.dumps({"auths": {server.host: entry()}})
    trace = traced(command, tmp_path, *PUSH, f"{server.host}/{REPOSITORY}:tag", input=DATA,
                   env={"DOCKER_AUTH_CONFIG": value})
    assert trace.result.rc == 0, trace.result
    assert {holder for holder in trace.files_that_got(CANARY) if not is_socket(holder)} == set()
    assert_absent(trace.result.stderr, CANARY)


def test_process_with_password_has_no_core_file_and_is_not_dumpable(server, command, home):
    """Not dumpable: another process of the same user cannot read the memory."""
    write_config(home, {"auths": {server.host: entry()}})
    process = command.start("layer", "--raw", f"{server.host}/{REPOSITORY}", "-",
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(DATA)
    process.stdin.flush()
    limits = open(f"/proc/{process.pid}/limits", encoding="ascii").read()
    core = [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")]
    owner = os.stat(f"/proc/{process.pid}/environ").st_uid
    process.kill()
    process.communicate()
    assert core == [["0", "0"]]
    assert owner == 0, "what is not dumpable belongs to root"


def test_search_finds_every_form_of_the_password():
    """Tests the search of the other tests: it finds the password as text and in base64."""
    for text in (CANARY, "x" + basic("user", CANARY), basic("u", CANARY), basic("us", CANARY)):
        with pytest.raises(AssertionError):
            assert_absent(text, CANARY)
    assert_absent("nothing", CANARY)
    assert can_trace() in (True, False)
