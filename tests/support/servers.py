# SPDX-License-Identifier: Apache-2.0
"""Servers for tests, on free loopback ports: a proxy, a token server, and docker-registry with its
data in a temporary directory."""
import base64
import http.client
import http.server
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import threading
import time
import urllib.parse

import pytest

REQUIRED = {"skopeo", "umoci", "docker-registry", "openssl", "htpasswd", "time", "tar", "bsdtar",
            "zstd"}
START_S = 30
# Debian's names, where the program's own differs.
PACKAGES = {"abidiff": "abigail-tools", "man": "man-db", "clang++": "clang", "initdb": "postgresql",
            "postgres": "postgresql", "psql": "postgresql", "pg_basebackup": "postgresql"}
NOT_IN_DEBIAN = {"crane": "no crane in PATH or ~/go/bin (built with Go)",
                 "registry": "no registry of distribution 3 in PATH or ~/go/bin (built with Go)"}


def missing(program):
    """The reason to skip a test that needs the program."""
    return NOT_IN_DEBIAN.get(
        program, f"{program} is not installed (package {PACKAGES.get(program, program)})")


def find_tool(name):
    path = shutil.which(name) or shutil.which(os.path.expanduser("~/go/bin/" + name))
    if path is None:
        if name in REQUIRED:
            pytest.fail(f"{name} is missing: run `make deps`")
        pytest.skip(missing(name))
    return path


def free_port():
    """A free port below the system's ephemeral range. Another test that runs at the same time does
    not get this port before the server listens on it."""
    while True:
        port = random.randrange(10000, 32768)
        try:
            socket.create_server(("127.0.0.1", port)).close()
            return port
        except OSError:
            continue


class ForwardingServer:
    """A server on loopback: a thread for each connection, which `serve(sock)` of the class answers
    or forwards to another port."""

    def __init__(self):
        self._listener = self._listen()
        self.host = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._sockets = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _listen(self):
        return socket.create_server(("127.0.0.1", 0))

    def serve(self, sock):
        raise NotImplementedError

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def forward(self, sock, port, before=b""):
        """Sends `before` to the client, then copies both ways until both sides have ended."""
        other = socket.create_connection(("127.0.0.1", port))
        self._sockets += [sock, other]
        sock.sendall(before)
        threading.Thread(target=self._copy, args=(sock, other), daemon=True).start()
        self._copy(other, sock)

    @staticmethod
    def _copy(source, target):
        try:
            while True:
                piece = source.recv(1 << 18)
                if not piece:
                    break
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for sock in (source, target):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for sock in self._sockets:
            sock.close()


class SlowLine(ForwardingServer):
    """A line to a registry's port that is slow, stops or breaks. `sent` counts the bytes from the
    client that it has passed on. rate: bytes a second of each connection, 0 = no limit."""

    PIECE = 16384

    def __init__(self, port, rate=0):
        self.sent = 0
        self.rate = rate
        self._port = port
        self._limit = None
        self._breaks = []
        self._changed = threading.Condition()
        super().__init__()

    def _listen(self):
        listener = socket.socket()
        # The system holds few bytes between client and proxy, as on a real line.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * self.PIECE)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        return listener

    def stop_at(self, count):
        """No byte passes after this many; None: no limit."""
        with self._changed:
            self._limit = count
            self._changed.notify_all()

    def break_at(self, count):
        """The connection that passes this byte is reset."""
        self._breaks.append(count)

    def await_sent(self, count):
        with self._changed:
            self._changed.wait_for(lambda: self.sent >= count, START_S * 4)

    def serve(self, sock):
        other = socket.create_connection(("127.0.0.1", self._port))
        self._sockets += [sock, other]
        threading.Thread(target=self._copy, args=(other, sock), daemon=True).start()
        try:
            self._pass(sock, other)
        except OSError:
            pass
        for end in (sock, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _pass(self, sock, other):
        piece = sock.recv(self.PIECE)
        while piece:
            with self._changed:
                self._changed.wait_for(lambda: self._limit is None or self.sent < self._limit)
                self.sent += len(piece)
                self._changed.notify_all()
            if self._breaks and self.sent >= self._breaks[0]:
                self._breaks.pop(0)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()
                return
            other.sendall(piece)
            if self.rate:
                time.sleep(len(piece) / self.rate)
            piece = sock.recv(self.PIECE)

    def stop(self):
        self.stop_at(None)
        super().stop()


class ConnectProxy(ForwardingServer):
    """An HTTP proxy. CONNECT to a name in `ports` leads to that loopback port; every other request
    is answered with an empty 200. `heads`: the head of each request. `credentials`:
    "user:password" that the proxy requires. `tls`: an ssl context for an https proxy. `refusals`:
    statuses that the first CONNECT requests get; 200: the connection ends after it."""

    def __init__(self, ports, credentials=None, tls=None, refusals=()):
        self.ports = ports
        self.refusals = list(refusals)
        self.credentials = credentials
        self._tls = tls
        self.asked = []
        self.heads = []
        super().__init__()
        self.url = "http://" + self.host
        if tls is not None:
            self.host = self.host.replace("127.0.0.1", "localhost")
            self.url = "https://" + self.host

    @staticmethod
    def _answer(sock, status, header=""):
        sock.sendall(f"HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\n\r\n".encode())
        sock.close()

    def _refuse(self, sock, status):
        if status != 200:
            self._answer(sock, f"{status} Refused")
            return
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        sock.recv(4096)  # the first part of the TLS handshake
        sock.close()

    def _may_pass(self, head):
        if self.credentials is None:
            return True
        wanted = base64.b64encode(self.credentials.encode()).decode()
        return f"proxy-authorization: basic {wanted}".lower() in head.lower()

    def serve(self, sock):
        if self._tls is not None:
            try:
                sock = self._tls.wrap_socket(sock, server_side=True)
            except OSError:
                sock.close()
                return
        head = b""
        while b"\r\n\r\n" not in head:
            piece = sock.recv(4096)
            if not piece:
                return
            head += piece
        text = head.decode("latin-1")
        self.heads.append(text)
        method, target = text.split(" ")[:2]
        self.asked.append(target)
        if not self._may_pass(text):
            self._answer(sock, "407 Proxy Authentication Required",
                         'Proxy-Authenticate: Basic realm="proxy"\r\n')
            return
        if method != "CONNECT":
            self._answer(sock, "200 OK", "Connection: close\r\n")
            return
        if self.refusals:
            self._refuse(sock, self.refusals.pop(0))
            return
        port = self.ports.get(target.rpartition(":")[0])
        if port is None:
            self._answer(sock, "502 Bad Gateway")
            return
        self.forward(sock, port, b"HTTP/1.1 200 Connection established\r\n\r\n")


class TokenServer:
    """Grants every requested scope, with tokens that docker-registry accepts (RS256 with x5c).
    seconds: lifetime of a token; with a negative value the token has already expired."""

    def __init__(self, directory, users, seconds=300):
        self.users = users
        self.seconds = seconds
        self.requests = []
        self.key = os.path.join(directory, "token.key")
        self.cert = os.path.join(directory, "token.crt")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                        self.key, "-out", self.cert, "-days", "30", "-subj", "/CN=issuer"],
                       check=True, stderr=subprocess.DEVNULL)
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status, body = server.answer(self)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(405)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.realm = f"http://127.0.0.1:{self._http.server_address[1]}/token"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def answer(self, handler):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query)
        self.requests.append((handler.path, handler.headers.get("Authorization")))
        user, _, password = base64.b64decode(
            (handler.headers.get("Authorization") or "Basic ").split(" ")[1]).decode().partition(":")
        if self.users.get(user) != password:
            return 401, b'{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}'
        access = []
        for scope in " ".join(query.get("scope", [])).split():
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        token = self.sign(query["service"][0], user, access)
        return 200, json.dumps({"token": token, "expires_in": max(60, self.seconds)}).encode()

    def sign(self, service, user, access):
        def encode(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        with open(self.cert, encoding="ascii") as file:
            certificate = "".join(file.read().split("-----")[2].split())
        now = int(time.time())
        claims = {"iss": "issuer", "aud": service, "sub": user, "exp": now + self.seconds,
                  "nbf": now - 1000, "iat": now - 1000, "jti": os.urandom(8).hex(),
                  "access": access}
        head = {"typ": "JWT", "alg": "RS256", "x5c": [certificate]}
        text = encode(json.dumps(head).encode()) + b"." + encode(json.dumps(claims).encode())
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text,
                                   check=True, stdout=subprocess.PIPE).stdout
        return (text + b"." + encode(signature)).decode()

    def stop(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class DockerRegistry:
    """Debian's docker-registry. users: {name: password} for htpasswd. tls: https with a certificate
    of the tests' authority. token: starts a token server for `users`; its tokens live for so many
    seconds."""

    def __init__(self, directory, ca, binary, users=None, tls=False, token=None, relative=False,
                 secret="a secret"):
        if not os.path.exists(binary):
            pytest.skip(missing(os.path.basename(binary)))
        self.binary = binary
        self.directory = str(directory)
        os.makedirs(self.directory)
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.origin = ("https://" if tls else "http://") + self.host
        self.storage = os.path.join(self.directory, "storage")
        self.token_server = None
        self.ca = ca if tls else None
        self._config = {
            "version": 0.1, "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": self.storage},
                        "delete": {"enabled": True}},
            "http": {"addr": self.host, "secret": secret, "relativeurls": relative}}
        if tls:
            certificate, key = ca.issue(name=f"docker-registry-{self.port}")
            self._config["http"]["tls"] = {"certificate": certificate, "key": key}
        if token is not None:
            self.token_server = TokenServer(self.directory, users or {"user": "secret"}, token)
            self._config["auth"] = {"token": {
                "realm": self.token_server.realm, "service": "docker-registry",
                "issuer": "issuer", "rootcertbundle": self.token_server.cert}}
        elif users:
            self._config["auth"] = {"htpasswd": {"realm": "test", "path": self._htpasswd(users)}}
        self._process = None
        self.start()

    def _htpasswd(self, users):
        path = os.path.join(self.directory, "htpasswd")
        with open(path, "wb") as file:
            for user, password in users.items():
                file.write(subprocess.run(["htpasswd", "-niB", "-C", "4", user], check=True,
                                          input=password.encode(),
                                          stdout=subprocess.PIPE).stdout.strip() + b"\n")
        return path

    def start(self):
        path = os.path.join(self.directory, "config.yml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self._config, file)  # JSON is YAML
        self.log = os.path.join(self.directory, "log")
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen([self.binary, "serve", path], stdout=log, stderr=log,
                                             env={"PATH": os.environ["PATH"],
                                                  "OTEL_TRACES_EXPORTER": "none"})
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self._process.poll() is None, open(self.log, encoding="utf-8").read()
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def request(self, method, path, body=None, headers=None):
        """One request without TLS and without credentials; returns (status, headers, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def blob(self, repository, digest):
        path = os.path.join(self.storage, "docker/registry/v2/blobs/sha256", digest[7:9],
                            digest[7:], "data")
        link = os.path.join(self.storage, "docker/registry/v2/repositories", repository,
                            "_layers/sha256", digest[7:], "link")
        if not os.path.exists(link):
            return None
        with open(path, "rb") as file:
            return file.read()

    def blobs(self, repository):
        path = os.path.join(self.storage, "docker/registry/v2/repositories", repository,
                            "_layers/sha256")
        return sorted("sha256:" + name for name in os.listdir(path)) if os.path.exists(path) else []

    def tags(self, repository):
        path = os.path.join(self.storage, "docker/registry/v2/repositories", repository,
                            "_manifests/tags")
        found = {}
        for tag in os.listdir(path) if os.path.exists(path) else []:
            with open(os.path.join(path, tag, "current/link"), encoding="ascii") as file:
                found[tag] = file.read()
        return found

    def open_sessions(self, repository):
        path = os.path.join(self.storage, "docker/registry/v2/repositories", repository, "_uploads")
        return os.listdir(path) if os.path.exists(path) else []

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None
        if self.token_server is not None:
            self.token_server.stop()
            self.token_server = None
