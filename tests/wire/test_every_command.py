# SPDX-License-Identifier: Apache-2.0
"""What holds for push holds for each command that talks to a registry: a dead host fails soon, the words of
a token server and of a 403 are shown, HEAD without evidence is no evidence."""
import socket

import pytest
from cli_support import make_tar
from image_support import Base
from inputs import sha256
from registry import Auth, Fault
from test_head_evidence import no_head, yes_to_everything

LAYER = make_tar({"file": b"text " * 600})
REASON = "the subscription has ended"
COMMANDS = {
    "layer": ["layer", "REMOTE-REPOSITORY", "-"],
    "push": ["push", "REMOTE", "-"],
    "push --base": ["push", "--base", "REMOTE", "null:", "-"],
    "copy from": ["copy", "REMOTE", "null:"],
    "copy to": ["copy", "LOCAL", "REMOTE"],
    "copy archive to": ["copy", "ARCHIVE", "REMOTE"],
    "cat": ["cat", "REMOTE"],
    "cat --blob": ["cat", "--blob", "REMOTE-REPOSITORY@sha256:" + "0" * 64],
    "index of": ["index", "LOCAL-NEW", "REMOTE"],
    "index to": ["index", "REMOTE", "LOCAL"],
    "inspect": ["inspect", "REMOTE"],
}


@pytest.fixture
def call(run, tmp_path):
    """Runs a command of COMMANDS with this registry."""
    layout = f"oci:{tmp_path}/layout"
    archive = f"oci-archive:{tmp_path}/archive.tar"
    for image in (f"{layout}:1", f"{archive}:1"):
        assert run("push", "-q", image, "-", input=LAYER).rc == 0

    def call_command(name, host, *options):
        places = {"REMOTE": f"{host}/every/command:1", "LOCAL": f"{layout}:1",
                  "LOCAL-NEW": f"{layout}:2", "ARCHIVE": f"{archive}:1"}
        words = [places.get(word, word.replace("REMOTE-REPOSITORY", f"{host}/every/command"))
                 for word in COMMANDS[name]]
        return run(*words, *options, input=LAYER)
    return call_command


@pytest.mark.parametrize("name", COMMANDS)
def test_dead_host_fails_after_three_attempts(call, name):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
    result = call(name, host)
    assert result.rc == 6, result
    assert host in result.stderr.splitlines()[-1] and "(3 attempts)" in result.stderr, result
    assert "attempt 4" not in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_words_of_a_token_server_are_shown(call, registry, name):
    server = registry("d28", Fault("token", "status", status=403, times=None,
                                   body=b'{"details":"%s"}' % REASON.encode()), auth=Auth("bearer", anonymous=[]))
    result = call(name, server.host, "--retry", "0")
    assert result.rc == 4 and REASON in result.stderr.splitlines()[-1], result


FORBIDDEN = {
    "text": (b"%s\r\n" % REASON.encode(), "text/plain"),
    "errors": (b'{"errors":[{"code":"DENIED","message":"%s"}]}' % REASON.encode(), "application/json"),
}


@pytest.mark.parametrize("body", FORBIDDEN)
@pytest.mark.parametrize("name", COMMANDS)
def test_words_of_a_403_are_shown(call, registry, name, body):
    """Every request gets the same answer, also GET /v2/, as with a list of allowed addresses."""
    text, content_type = FORBIDDEN[body]
    server = registry("d28", Fault(None, "status", status=403, times=None, body=text,
                                   headers={"Content-Type": content_type}))
    result = call(name, server.host)
    last = result.stderr.splitlines()[-1]
    assert result.rc == 4 and REASON in last and server.host in last, result
    assert "; ask the owner" in last, last


@pytest.mark.parametrize("fault", [yes_to_everything(), no_head(405)], ids=["yes", "405"])
@pytest.mark.parametrize("name", ["copy to", "copy archive to", "index to"])
def test_blobs_are_sent_without_evidence(call, registry, name, fault):
    server = registry("d28", fault)
    result = call(name, server.host)
    assert result.rc == 0, result
    stored = server.blobs("every/command")
    assert len(stored) >= 2 and all(sha256(server.blob("every/command", digest)) == digest
                                    for digest in stored)


@pytest.mark.parametrize("name", ["copy from", "cat", "index of", "push --base"])
def test_source_without_head_is_read(call, registry, name):
    server = registry("d28", no_head(405))
    Base([LAYER]).put(server, "every/command", "1")
    result = call(name, server.host)
    assert result.rc == 0, result
