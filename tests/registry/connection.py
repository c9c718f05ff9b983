# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 on one socket, without a library: faults happen at an exact byte of a request."""
import socket
import struct
import threading
import time

TLS_HANDSHAKE = 0x16  # first byte of a client that means https
BUFFER_SIZE = 1 << 20
LINE_MAX = 65536
PACED_READ = 32768


class ConnectionEnded(Exception):
    """The connection ended within a request, by the client or by a fault."""


class EarlyAnswer(Exception):
    """A fault answers before the whole body has arrived."""

    def __init__(self, fault):
        super().__init__("answered early")
        self.fault = fault


class Link:
    """Bandwidth and round-trip time; all connections of a server share them."""

    def __init__(self, rate=0, rtt=0.0):
        self.rate = rate
        self.rtt = rtt
        self._free_at = 0.0
        self._lock = threading.Lock()

    def received(self, size, rate=0):
        rate = rate or self.rate
        if not rate:
            return
        with self._lock:
            now = time.monotonic()
            self._free_at = max(now - 0.01, self._free_at) + size / rate
            wait = self._free_at - now
        if wait > 0:
            time.sleep(wait)


class Request:
    """One request: its head, its step of the protocol, its repository and its faults."""

    def __init__(self, method, target, headers):
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.header_list = headers
        self.headers = {}
        for name, value in headers:
            self.headers.setdefault(name.lower(), value)
        self.step = "other"
        self.repository = None
        self.body = None
        self.faults = []

    @property
    def length(self):
        text = self.headers.get("content-length")
        return int(text) if text is not None and text.isdigit() else None

    @property
    def chunked(self):
        return "chunked" in self.headers.get("transfer-encoding", "").lower()


class Connection:
    def __init__(self, sock, number, link):
        self.sock = sock
        self.number = number
        self.link = link
        self.accepted = time.monotonic()
        self._buffer = bytearray(BUFFER_SIZE)
        self._view = memoryview(self._buffer)
        self._low = self._high = 0
        self.rate = 0  # bytes a second for reading; a fault sets it
        self.deadline = None

    def _fill(self):
        if self._low == self._high:
            self._low = self._high = 0
        elif self._high == BUFFER_SIZE:
            size = self._high - self._low
            self._buffer[:size] = self._buffer[self._low:self._high]
            self._low, self._high = 0, size
        rate = self.rate or self.link.rate
        capacity = BUFFER_SIZE - self._high
        if rate:
            capacity = min(capacity, max(1, min(PACED_READ, int(rate / 20))))
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise ConnectionEnded("the whole request took too long")
            self.sock.settimeout(left)
        try:
            got = self.sock.recv_into(self._view[self._high:self._high + capacity])
        except OSError as error:
            raise ConnectionEnded(str(error)) from error
        if got == 0:
            raise ConnectionEnded("closed by the client")
        self._high += got
        self.link.received(got, self.rate)

    def line(self):
        while True:
            end = self._buffer.find(b"\n", self._low, self._high)
            if end >= 0:
                text = bytes(self._buffer[self._low:end]).rstrip(b"\r")
                self._low = end + 1
                return text
            if self._high - self._low > LINE_MAX:
                raise ConnectionEnded("line too long")
            self._fill()

    def take(self, limit):
        """Returns 1 to `limit` bytes. The view is valid until the next call."""
        if self._low == self._high:
            self._fill()
        size = min(limit, self._high - self._low)
        piece = self._view[self._low:self._low + size]
        self._low += size
        return piece

    def buffered(self):
        return self._high - self._low

    def end(self, fault):
        """Ends the connection as the fault says; always raises."""
        if fault.do == "reset":
            self.reset()
        else:
            self.close()
        raise ConnectionEnded("fault")

    def request(self):
        """The next request, or None when the client has closed the connection."""
        self.deadline = None
        self.rate = 0
        self.sock.settimeout(None)
        try:
            if not self.buffered():
                self._fill()
            if self._buffer[self._low] == TLS_HANDSHAKE:
                # Some clients try https first. Answer in plain text, as Go's server does.
                self.sock.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                return None
            start = self.line()
            while not start:
                start = self.line()
        except ConnectionEnded:
            return None
        headers = []
        while True:
            line = self.line()
            if not line:
                break
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        parts = start.decode("latin-1").split(" ")
        if len(parts) != 3 or parts[2] != "HTTP/1.1":
            raise ConnectionEnded("not HTTP/1.1: " + repr(start))
        return Request(parts[0], parts[1], headers)

    def write(self, data):
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise ConnectionEnded(str(error)) from error

    def reset(self):
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
        except OSError:
            pass

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        try:
            self.sock.close()
        except OSError:
            pass


class Body:
    """The body of a request, read piece by piece; faults at a body offset happen here."""

    def __init__(self, connection, request, expect, stopping):
        self._connection = connection
        self._request = request
        self._stopping = stopping
        self._left = request.length or 0
        self._chunked = request.chunked
        self._in_chunk = 0
        self.done = not self._chunked and self._left == 0
        self.received = 0
        self._continue = expect and "100-continue" in request.headers.get("expect", "").lower()
        self.continued = False
        self._faults = sorted((self._offset(fault), index, fault) for index, fault in
                              enumerate(request.faults) if isinstance(fault.at, int))

    def _offset(self, fault):
        if fault.at >= 0:
            return fault.at
        return max(0, (self._request.length or 0) + fault.at)

    def send_continue(self):
        """Sends 100 Continue when the client waits for it."""
        if self._continue and not self.done:
            self._continue = False
            self.continued = True
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    @property
    def waiting(self):
        """Whether the client still waits for 100 Continue; it may then send no body at all."""
        return self._continue

    def _strike(self):
        while self._faults and self._faults[0][0] <= self.received:
            fault = self._faults.pop(0)[2]
            fault.reached.set()
            if fault.do == "stall":
                fault.stall(self._stopping)
            elif fault.do == "slow":
                self._connection.rate = fault.rate
            elif fault.do == "status":
                raise EarlyAnswer(fault)
            elif fault.do == "flip":
                return True
            elif fault.do in ("reset", "fin"):
                self._connection.end(fault)
        return False

    def read(self):
        """Returns the next piece, b"" at the end."""
        self.send_continue()
        flip = self._strike()
        limit = self._faults[0][0] - self.received if self._faults else BUFFER_SIZE
        if flip:
            limit = 1
        piece = self._chunk(limit) if self._chunked else self._plain(limit)
        self.received += len(piece)
        if flip and len(piece):
            return bytes([piece[0] ^ 1])
        return piece

    def _plain(self, limit):
        if self._left == 0:
            self.done = True
            return b""
        piece = self._connection.take(min(limit, self._left))
        self._left -= len(piece)
        if self._left == 0:
            self.done = True
        return piece

    def _chunk(self, limit):
        if self.done:
            return b""
        if self._in_chunk == 0:
            line = self._connection.line().split(b";")[0]
            try:
                self._in_chunk = int(line, 16)
            except ValueError as error:
                raise ConnectionEnded("bad chunk: " + repr(line)) from error
            if self._in_chunk == 0:
                while self._connection.line():
                    pass
                self.done = True
                return b""
        piece = self._connection.take(min(limit, self._in_chunk))
        self._in_chunk -= len(piece)
        if self._in_chunk == 0:
            # Also read the line end of the chunk. Reading may overwrite the piece, so _line_end()
            # copies the piece when the line end is not in the buffer yet.
            piece = self._line_end(piece)
        return piece

    def _line_end(self, piece):
        connection = self._connection
        if connection.buffered() >= 2:
            connection.line()
            return piece
        piece = bytes(piece)
        connection.line()
        return piece

    def drain(self):
        """Reads and discards the rest of the body."""
        while not self.done and len(self.read()):
            pass

    def all(self, limit=64 << 20):
        out = bytearray()
        while True:
            piece = self.read()
            if not len(piece):
                return bytes(out)
            out += piece
            if len(out) > limit:
                raise ConnectionEnded("body too large for a test")
