# SPDX-License-Identifier: Apache-2.0
"""A password that is like no other text is looked for in everything that a run, and its children,
hand to the system: the only places are the registry it belongs to and the file that is to hold it."""
import json
import os
import subprocess

import pytest
from auth_support import (CANARY, Helpers, assert_absent, basic, entry, may_trace, shapes, traced,
                          write_config)
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
    """Files below the directories that have the secret in any shape."""
    found = set()
    for root in roots:
        for directory, _, names in os.walk(root):
            for name in names:
                path = os.path.join(directory, name)
                if os.path.basename(path) == "trace":
                    continue
                with open(path, "rb") as file:
                    text = file.read().decode("latin-1")
                if any(shape in text for shape in shapes(secret)):
                    found.add(path)
    return found


def is_socket(target):
    return target.startswith(("TCP", "socket:"))


def check(trace, tmp_path, *files, secret=CANARY):
    """The secret went over sockets and into these files, and is nowhere else."""
    assert trace.result.rc == 0, trace.result
    holders = trace.holders(secret)
    assert any(is_socket(holder) for holder in holders), "the search finds nothing at all"
    strange = {holder for holder in holders if not is_socket(holder)}
    assert len(strange) <= len(files), strange
    for line in trace.programs():
        assert_absent(line, secret)
    assert_absent(trace.result.stdout, secret)
    assert_absent(trace.result.stderr, secret)
    assert files_with(secret, tmp_path) == {str(path) for path in files}


def check_journal(server):
    """Requests with the password: only those that must have it."""
    for request in server.journal:
        header = request.headers.get("authorization", "")
        text = json.dumps([request.path, request.query])
        assert_absent(text, CANARY)
        if server.auth.scheme == "bearer" and request.step != "token":
            assert_absent(header, CANARY)
        assert "canary" not in json.dumps(request.headers).lower().replace(header.lower(), "")


def test_login(server, command, home, tmp_path):
    trace = traced(command, tmp_path, "login", "-vv", "--username", "user", "--password-stdin",
                   server.host, input=CANARY.encode())
    check(trace, tmp_path, home / ".docker" / "config.json")
    check_journal(server)


def test_push_with_a_file(server, command, home, tmp_path):
    config = write_config(home, {"auths": {server.host: entry()}})
    trace = traced(command, tmp_path, *PUSH, "--base", add_base(server),
                   f"{server.host}/{REPOSITORY}:tag", input=DATA)
    check(trace, tmp_path, config)
    check_journal(server)
    tokens = list(server.auth.tokens)
    for token in tokens:
        assert token not in trace.result.stderr + trace.result.stdout
        assert not [holder for holder in trace.holders(token) if not is_socket(holder)]
        assert all(token not in line for line in trace.programs())


def test_push_with_an_option(server, command, tmp_path):
    read, write = os.pipe()
    os.write(write, CANARY.encode())
    os.close(write)
    trace = traced(command, tmp_path, *PUSH, "--username", "user", "--password-fd", read,
                   f"{server.host}/{REPOSITORY}:tag", input=DATA, pass_fds=[read])
    os.close(read)
    check(trace, tmp_path)


def test_push_with_a_helper(server, command, home, tmp_path):
    """The helper's own output is where the secret comes from; it is the one other place."""
    helpers = Helpers(tmp_path / "helpers")
    kept = tmp_path / "kept"
    kept.write_text(json.dumps({"Username": "user", "Secret": CANARY}))
    helpers.add("h", f"cat > /dev/null; exec cat {kept}")
    write_config(home, {"credHelpers": {server.host: "h"}})
    trace = traced(command, tmp_path, *PUSH, f"{server.host}/{REPOSITORY}:tag", input=DATA,
                   env=helpers.environment)
    assert trace.result.rc == 0, trace.result
    strange = {holder for holder in trace.holders(CANARY) if not is_socket(holder)}
    assert all(holder.startswith("pipe:") for holder in strange), strange
    for line in trace.programs():
        assert_absent(line, CANARY)
    assert_absent(trace.result.stderr, CANARY)
    assert files_with(CANARY, tmp_path) == {str(kept)}


def test_login_with_a_helper(server, command, home, tmp_path):
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


def test_identity_token(registry, command, home, tmp_path):
    server = registry("d28", auth=Auth("bearer", users={}, refresh_tokens=[CANARY]))
    config = write_config(home, {"auths": {server.host: {"auth": basic("user", ""),
                                                         "identitytoken": CANARY}}})
    trace = traced(command, tmp_path, *PUSH, f"{server.host}/{REPOSITORY}:tag", input=DATA)
    check(trace, tmp_path, config)
    for request in server.journal:
        assert CANARY not in json.dumps([request.path, request.query, request.headers])


@pytest.mark.parametrize("wrong", ["password", "repository"])
def test_failures(wrong, server, command, home, tmp_path):
    """An error says whose credentials were refused, never what they were."""
    secret = CANARY if wrong == "repository" else "n0t" + CANARY
    write_config(home, {"auths": {server.host: entry(password=secret)}})
    name = REPOSITORY if wrong == "password" else "nobody/has:this"
    result = command.run("inspect", "-vv", "--retry", "0", f"{server.host}/{name}")
    assert result.rc in (4, 5), result
    assert_absent(result.stderr, secret)
    assert_absent(result.stderr, CANARY)


def test_environment_as_a_file(server, command, tmp_path):
    """DOCKER_AUTH_CONFIG is in our environment by its nature, and in no child's by ours: helpers are
    given what we were, so this one checks the writes alone."""
    value = json.dumps({"auths": {server.host: entry()}})
    trace = traced(command, tmp_path, *PUSH, f"{server.host}/{REPOSITORY}:tag", input=DATA,
                   env={"DOCKER_AUTH_CONFIG": value})
    assert trace.result.rc == 0, trace.result
    assert {holder for holder in trace.holders(CANARY) if not is_socket(holder)} == set()
    assert_absent(trace.result.stderr, CANARY)


def test_no_core_and_no_memory_of_it(server, command, home):
    """R-50: not dumpable, so that another process of the user cannot read it either."""
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


def test_the_search_finds_what_is_there():
    """The canary would be seen in each of its shapes."""
    for text in (CANARY, "x" + basic("user", CANARY), basic("u", CANARY), basic("us", CANARY)):
        with pytest.raises(AssertionError):
            assert_absent(text, CANARY)
    assert_absent("nothing", CANARY)
    assert may_trace() in (True, False)
