# SPDX-License-Identifier: Apache-2.0
"""Uploads to real registries, with every upload method, and over connections that break."""
import os
import shutil
import socket
import struct
import threading

import pytest
from inputs import sha256
from wire_support import MIB, noise

REPOSITORY = "real/layer"
DATA = noise(5 * MIB + 5)
MODES = ["auto", "chunked", "streamed", "monolithic"]
BINARIES = {"distribution-2": "/usr/bin/docker-registry",
            "distribution-3": shutil.which("registry") or os.path.expanduser("~/go/bin/registry")}


@pytest.fixture(params=BINARIES)
def server(request, docker_registry):
    return docker_registry(binary=BINARIES[request.param])


def put(run, host, *options, **arguments):
    return run("layer", "--json", "--raw", "--compress", "none", "--chunk-size", "1M", *options,
               f"{host}/{REPOSITORY}", **arguments)


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 5])
@pytest.mark.parametrize("mode", MODES)
def test_every_upload_method_stores_blob(mode, size, run, server, tmp_path):
    spool = ["--spool", tmp_path] if mode == "monolithic" else []
    data = DATA[:size]
    result = put(run, server.host, "--allow-empty", "--upload", mode, *spool, input=data)
    assert result.rc == 0, result
    assert result.json()["digest"] == sha256(data)
    assert server.blob(REPOSITORY, sha256(data)) == data
    assert server.open_sessions(REPOSITORY) == []


class Cutter:
    """A TCP proxy. After `after` bytes to the server it resets both connections, once."""

    def __init__(self, port, after):
        self._target = ("127.0.0.1", port)
        self._left = after
        self._cut = False
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            pair = (client, socket.create_connection(self._target))
            threading.Thread(target=self._up, args=pair, daemon=True).start()
            threading.Thread(target=self._pass, args=pair[::-1], daemon=True).start()

    @staticmethod
    def _pass(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass

    def _up(self, client, server):
        try:
            while data := client.recv(16384):
                with self._lock:
                    self._left -= len(data)
                    strike = self._left < 0 and not self._cut
                    self._cut = self._cut or strike
                if strike:
                    server.sendall(data)
                    break
                server.sendall(data)
        except OSError:
            pass
        for one in (client, server):
            try:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.close()
            except OSError:
                pass


@pytest.mark.parametrize("after", [MIB // 2, 2 * MIB + MIB // 2, 4 * MIB + MIB // 2])
@pytest.mark.parametrize("source", ["stream", "file", "spool"])
def test_reset_within_chunk_continues_or_fails_and_suggests_spool(source, after, run, server,
                                                                  tmp_path):
    """Distribution 3 can continue the session. Otherwise the upload succeeds only with a file or a
    spool."""
    path = tmp_path / "layer.bin"
    path.write_bytes(DATA)
    cutter = Cutter(server.port, after)
    options = ["--upload", "chunked"] + (["--spool", tmp_path] if source == "spool" else [])
    if source == "file":
        result = run("layer", "--json", "--raw", "--compress", "none", "--chunk-size", "1M",
                     *options, f"{cutter.host}/{REPOSITORY}", path)
    else:
        result = put(run, cutter.host, *options, input=DATA)
    cutter.close()
    can = source != "stream" or "docker-registry" not in os.path.basename(server.binary)
    if can or result.rc == 0:
        assert result.rc == 0, result
        assert server.blob(REPOSITORY, sha256(DATA)) == DATA
    else:
        assert result.rc == 6 and "--spool" in result.stderr, result
        assert server.blobs(REPOSITORY) == []
