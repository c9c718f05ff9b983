# SPDX-License-Identifier: Apache-2.0
"""Servers whose answers never end. In these tests the command's clock runs a hundred times as fast, so
that its limits of minutes take seconds."""
import os
import socket
import threading

import pytest
from cli_support import COMMAND, is_sanitized
from inputs import random_tar

CLOCK = os.path.join(os.path.dirname(COMMAND), "tests", "fast_clock.so")
DRIP_S = 0.05  # five seconds of the command: no silence that would end a call
TAR = random_tar(3_000_000)
EMPTY = "Content-Length: 0\r\n\r\n"
LONG = "Content-Length: 100000\r\n\r\n"
ANSWERS = {
    "GET /v2/ ": "HTTP/1.1 200 OK\r\n" + EMPTY,
    "HEAD ": "HTTP/1.1 404 Not Found\r\n" + EMPTY,
    "DELETE ": "HTTP/1.1 204 No Content\r\n\r\n",
    "GET /v2/a/blobs/uploads/1": "HTTP/1.1 404 Not Found\r\n" + EMPTY,
    "POST ": "HTTP/1.1 202 Accepted\r\nLocation: /v2/a/blobs/uploads/1\r\n" + EMPTY,
}

pytestmark = pytest.mark.skipif(is_sanitized() or not os.path.exists(CLOCK),
                                reason="the clock cannot be loaded into this build")


class Dripping:
    """A server that answers as ANSWERS says, except for one kind of request: for that it sends
    `answer`, before it has read the request's body, and then `drip` without end."""

    def __init__(self, wanted, answer, drip):
        self.wanted, self.answer, self.drip = wanted, answer.encode(), drip.encode()
        self.stopping = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        self.socket.close()

    def _accept(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self.threads[-1].start()

    def _serve(self, connection):
        with connection:
            try:
                data = b""
                while part := connection.recv(4096):
                    data += part
                    if b"\r\n\r\n" in data:
                        self._answer(connection, data.decode("latin-1"))
                        data = b""
            except OSError:
                pass

    def _answer(self, connection, head):
        if head.startswith(self.wanted):
            connection.sendall(self.answer)
            while not self.stopping.wait(DRIP_S):
                connection.sendall(self.drip)
        for start, answer in ANSWERS.items():
            if head.startswith(start):
                connection.sendall(answer.encode())


@pytest.mark.parametrize("mode", ["streamed", "chunked"])
@pytest.mark.parametrize("status", ["404 Not Found", "202 Accepted"])
def test_answer_before_the_body_is_sent_that_never_ends(status, mode, run):
    with Dripping("PATCH", f"HTTP/1.1 {status}\r\n{LONG}", "x") as server:
        result = run("layer", "-q", "--retry", "0", "--upload", mode, "--chunk-size", "1M",
                     f"{server.host}/a", "-", input=TAR, env={"LD_PRELOAD": CLOCK})
    assert result.rc in (5, 6, 7), result
    assert len(result.stderr.splitlines()) == 1, result


def send(run, server, wanted):
    """Runs a command that sends the wanted request."""
    if wanted == "GET /v2/ ":  # an upload sends none
        return run("login", "-q", "--retry", "0", "--username", "user", "--password-stdin", server.host,
                   input=b"secret", env={"LD_PRELOAD": CLOCK})
    return run("layer", "-q", "--retry", "0", "--upload", "streamed", f"{server.host}/a", "-", input=TAR,
               env={"LD_PRELOAD": CLOCK})


@pytest.mark.parametrize("wanted", ["GET /v2/ ", "POST ", "PATCH "])
def test_interim_answers_never_end(wanted, run):
    with Dripping(wanted, "", "HTTP/1.1 102 Processing\r\n\r\n") as server:
        result = send(run, server, wanted)
    assert result.rc == 6, result


@pytest.mark.parametrize("wanted", ["GET /v2/ ", "POST ", "PATCH "])
def test_switch_to_another_protocol(wanted, run):
    with Dripping(wanted, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "x") as server:
        result = send(run, server, wanted)
    assert result.rc == 7 and "101" in result.stderr, result


@pytest.mark.parametrize("header", [LONG, "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"])
def test_document_that_never_ends(header, run):
    drip = "x" if header == LONG else "1\r\nx\r\n"
    kind = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n"
    with Dripping("GET /v2/a/manifests/", f"HTTP/1.1 200 OK\r\n{kind}{header}", drip) as server:
        result = run("inspect", "--retry", "0", f"{server.host}/a:1", env={"LD_PRELOAD": CLOCK})
    assert result.rc == 6 and "did not end within 300 s" in result.stderr, result
