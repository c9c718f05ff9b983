# SPDX-License-Identifier: Apache-2.0
"""Credential helpers that fail, give wrong answers, hang, or print secrets."""
import json
import os
import signal
import subprocess
import time

import pytest
from auth_support import CANARY, Helpers, assert_absent, entry, write_config
from cli_support import wait_until
from registry import Auth
from registry.storage import digest_of
from wire_support import REPOSITORY, noise

DATA = noise(300_000)
GET = json.dumps({"ServerURL": "x", "Username": "user", "Secret": CANARY})


@pytest.fixture
def helpers(tmp_path):
    return Helpers(tmp_path / "helpers")


@pytest.fixture(params=["basic", "bearer"])
def server(request, registry):
    return registry("d28", auth=Auth(request.param, users={"user": CANARY}))


def upload(run, server, helpers, *options, env=None):
    result = run("layer", "-vv", "--raw", "--compress", "none", "--retry", "0", *options,
                 f"{server.host}/{REPOSITORY}", input=DATA, env={**helpers.environment, **(env or {})})
    assert_absent(result.stderr, CANARY)
    return result


def configure(command, server, name="h", **more):
    return write_config(command.home, {"credHelpers": {server.host: name}, **more})


def assert_refused(server, result, *words):
    """The command failed, and no request had another password in place of the helper's."""
    assert result.rc == 4, result
    for word in words:
        assert word in result.stderr.splitlines()[-1], result
    assert server.blobs() == []
    assert all("authorization" not in request.headers for request in server.journal)


@pytest.mark.parametrize("key", ["credHelpers", "credsStore"])
def test_helper_stores_and_gives_password(key, command, run, server, helpers):
    store = helpers.keeper()
    write_config(command.home, {key: "keeper" if key == "credsStore" else {server.host: "keeper"}})
    login = run("login", "--username", "user", "--password-stdin", server.host,
                input=CANARY.encode(), env=helpers.environment)
    assert login.rc == 0 and len(os.listdir(store)) == 1, login
    assert upload(run, server, helpers).rc == 0
    assert server.blob(REPOSITORY, digest_of(DATA)) == DATA
    assert helpers.calls().count("get") <= 3, "asked once for a name"


def test_helper_gives_identity_token(command, run, registry, helpers):
    server = registry("d28", auth=Auth("bearer", users={}, refresh_tokens=[CANARY]))
    helpers.add("h", "cat > /dev/null; echo '%s'" % GET.replace('"user"', '"<token>"'))
    configure(command, server)
    assert upload(run, server, helpers).rc == 0
    assert {request.step for request in server.journal} >= {"token-post"}
    assert all(CANARY not in json.dumps(request.headers) for request in server.journal)


FAILING = {
    "missing": (None, "docker-credential-h"),
    "exit 1": ("cat; exit 1", "exit status 1"),
    "prints a secret and fails": (f"echo bad {CANARY}; echo {CANARY} >&2; exit 1",
                                  "exit status 1: bad ***"),
    "prints an answer and fails": (f"echo '{GET}'; exit 1", "exit status 1"),
    "prints no JSON": (f"echo {CANARY}", "docker-credential-h"),
    "prints half of it": (f"printf '{{\"Secret\":\"{CANARY}'", "docker-credential-h"),
    "wrong types": ("echo '{\"Username\":1,\"Secret\":{}}'", "docker-credential-h"),
    "two answers": (f"echo '{GET}{GET}'", "docker-credential-h"),
    "floods": ("yes " + CANARY, "docker-credential-h"),
    "floods stderr and fails": (f"yes {CANARY} | head -c 3000000 >&2; exit 2", "exit status 2"),
    "killed": ("kill -SEGV $$", "signal 11"),
    "killed for good": ("kill -KILL $$", "signal 9"),
    "a line end in the name": (
        "printf '%s' '{\"Username\":\"a\\nb\",\"Secret\":\"c\"}'", "docker-credential-h"),
}


@pytest.mark.parametrize("kind", FAILING)
@pytest.mark.parametrize("server", ["basic"], indirect=True)
def test_failing_helper_fails_upload_without_other_password(kind, command, run, server, helpers):
    script, word = FAILING[kind]
    if script is not None:
        helpers.add("h", script)
    # The file also has passwords for this registry and for another one. They must not be sent when
    # the helper fails.
    configure(command, server, auths={server.host: entry(), "other.example": entry()})
    assert_refused(server, upload(run, server, helpers), word)


@pytest.mark.parametrize("server", ["basic"], indirect=True)
def test_helper_without_execute_permission_fails(command, run, server, helpers):
    helpers.add("h", "echo '%s'" % GET).chmod(0o644)
    configure(command, server)
    assert_refused(server, upload(run, server, helpers), "docker-credential-h")


NAMES = ["../h", "h/../h", "/bin/h", "h;h", "$(h)", "h h", "", ".h", "h\n", "x" * 5000, "-h", "h*"]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("server", ["basic"], indirect=True)
def test_helper_with_unsafe_name_is_not_run(name, command, run, server, helpers, tmp_path):
    witness = tmp_path / "ran"
    helpers.add("h", f"touch {witness}; echo '{GET}'")
    write_config(command.home, {"credsStore": name})
    result = upload(run, server, helpers)
    assert not witness.exists()
    assert result.rc in (2, 4), result
    assert all("authorization" not in request.headers for request in server.journal)


@pytest.mark.parametrize("path", [".", "", ":", "helpers", "./helpers", "..", "nowhere::."])
@pytest.mark.parametrize("server", ["basic"], indirect=True)
def test_helper_in_relative_PATH_directory_is_not_run(path, command, run, server, helpers,
                                                      tmp_path):
    """A program in the working directory is not used as a helper."""
    witness = tmp_path / "ran"
    helpers.add("h", f"touch {witness}; echo '{GET}'")
    configure(command, server)
    for directory in (tmp_path, helpers.directory):
        result = run("layer", "--raw", "--retry", "0", f"{server.host}/{REPOSITORY}", input=DATA,
                     env={"PATH": path}, cwd=directory)
        assert_refused(server, result, "docker-credential-h")
    assert not witness.exists()


@pytest.mark.parametrize("server", ["basic"], indirect=True)
def test_helper_output_makes_no_line_of_its_own(command, run, server, helpers):
    """What a failing helper writes is shown inside our line: it moves no cursor and makes no line."""
    helpers.add("h", "printf 'no\\n\\033[2J\\nlayerpipe: done'; exit 1")
    configure(command, server)
    result = upload(run, server, helpers)
    assert_refused(server, result, "exit status 1: no ?[2J layerpipe: done")
    assert "\nlayerpipe: done" not in result.stderr and "\033" not in result.stderr


@pytest.mark.parametrize("server", ["basic"], indirect=True)
def test_signal_ends_hanging_helper(command, server, helpers, tmp_path):
    """The command ends at once and ends the helper."""
    pid_file = tmp_path / "pid"
    helpers.add("h", f"echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; exec sleep 3000")
    configure(command, server)
    process = command.start("layer", "--raw", f"{server.host}/{REPOSITORY}", "-",
                            env=helpers.environment, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(DATA)
    process.stdin.close()
    wait_until(pid_file.exists, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == -signal.SIGINT
    process.stdout.close()
    process.stderr.close()
    wait_until(lambda: not os.path.exists(f"/proc/{pid_file.read_text().strip()}"))


@pytest.mark.slow
@pytest.mark.parametrize("server", ["basic"], indirect=True)
def test_hanging_helper_is_ended_after_time_limit(command, run, server, helpers, tmp_path):
    pid_file = tmp_path / "pid"
    helpers.add("h", f"echo $$ > {pid_file}; exec sleep 3000")
    configure(command, server)
    start = time.monotonic()
    assert_refused(server, upload(run, server, helpers), "docker-credential-h")
    assert time.monotonic() - start < 100
    wait_until(lambda: not os.path.exists(f"/proc/{pid_file.read_text().strip()}"))


@pytest.mark.parametrize("server", ["basic"], indirect=True)
def test_helper_inherits_no_sockets_and_no_other_passwords(command, run, server, helpers, tmp_path):
    """The helper gets the host on stdin, and no other open descriptors or passwords."""
    seen = tmp_path / "seen"
    helpers.add("h", f"ls -l /proc/self/fd > {seen}; cat >> {seen}; env >> {seen}; "
                     f"printf '%s' '{GET}'")
    configure(command, server)
    write_config(command.home, {"credHelpers": {server.host: "h"}, "auths": {
        "other.example": entry(password="0thers" + CANARY)}})
    assert upload(run, server, helpers).rc == 0
    text = seen.read_text()
    assert_absent(text, "0thers" + CANARY)
    assert "socket:" not in text and "eventpoll" not in text
    assert f"\n{server.host}\n" in text, "asked for the registry, in one line"
