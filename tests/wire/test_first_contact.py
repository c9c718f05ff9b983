# SPDX-License-Identifier: Apache-2.0
"""The first request to a registry: http or https for a loopback registry, and hosts that do not
answer."""
import socket
import struct

import pytest
from image_support import make_tar
from wire_support import noise
from servers import ForwardingServer

TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x0a"
PAGE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 19\r\nConnection: close\r\n\r\n404 page not found\n"
TOMCAT = (b"HTTP/1.1 400 \r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nBad Request\r\n"
          b"This combination of host and port requires TLS.\r\n")
NGINX = (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
         b"<html>The plain HTTP request was sent to HTTPS port</html>")


class HttpsPort(ForwardingServer):
    """A port that forwards TLS to a registry, and answers plain http with fixed bytes, as a TLS
    proxy does."""

    def __init__(self, registry_port, plain):
        self.registry_port = registry_port
        self.plain = plain
        self.plain_count = 0
        super().__init__()

    def serve(self, sock):
        first = sock.recv(1, socket.MSG_PEEK)
        if first == b"\x16":
            self.forward(sock, self.registry_port)
            return
        self.plain_count += 1
        if self.plain is None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            sock.recv(65536)
            sock.sendall(self.plain)
        sock.close()


@pytest.fixture
def https_port(registry, ca):
    ports = []

    def start(plain):
        server = registry("d28", tls=ca.server_context(name="local", hosts=["127.0.0.1"]))
        ports.append(HttpsPort(server.port, plain))
        return ports[-1]

    yield start
    for port in ports:
        port.stop()


PLAIN = {"reset": None, "close": b"", "alert": TLS_ALERT, "page": PAGE, "tomcat": TOMCAT,
         "nginx": NGINX, "garbage": b"SSH-2.0-OpenSSH_9.2\r\n"}


@pytest.mark.parametrize("plain", PLAIN)
def test_loopback_https_registry_is_found(plain, https_port, ca, run, tar_bytes):
    port = https_port(PLAIN[plain])
    result = run("layer", "--cacert", ca.cert, f"{port.host}/a", input=tar_bytes)
    assert result.rc == 0, result
    assert port.plain_count == 1


@pytest.mark.parametrize("plain", PLAIN)
def test_loopback_https_registry_is_found_by_blobs_that_start_together(plain, https_port, ca, run,
                                                                       tmp_path):
    """Each blob's first request is sent by http, and again by https."""
    port = https_port(PLAIN[plain])
    for number in range(4):
        (tmp_path / f"{number}.tar").write_bytes(make_tar({str(number): noise(10000, seed=number)}))
    result = run("push", "--jobs", "5", "--cacert", ca.cert, f"{port.host}/a:1",
                 *(tmp_path / f"{number}.tar" for number in range(4)))
    assert result.rc == 0, result


@pytest.mark.parametrize("plain", PLAIN)
def test_loopback_https_registry_error_names_unknown_authority(plain, https_port, run, tar_bytes):
    """The error is not about the answer to plain http."""
    port = https_port(PLAIN[plain])
    result = run("layer", f"{port.host}/a", input=tar_bytes)
    assert result.rc == 6 and "certificate" in result.stderr and "--cacert" in result.stderr, result
    assert port.plain_count == 1


def test_tls_verify_option_selects_https(https_port, ca, run, tar_bytes):
    port = https_port(b"")
    result = run("layer", "--tls-verify", "--cacert", ca.cert, f"{port.host}/a", input=tar_bytes)
    assert result.rc == 0, result
    assert port.plain_count == 0


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "nosuch.invalid"])
def test_closed_port_and_unknown_host_fail_after_three_attempts(host, run, tar_bytes):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        name = host.format(port=listener.getsockname()[1])
    result = run("layer", f"{name}/a", input=tar_bytes)
    assert result.rc == 6, result
    last = result.stderr.splitlines()[-1]
    assert name in last and "(3 attempts)" in last, last
    assert "attempt 3 of 3" in result.stderr, result
