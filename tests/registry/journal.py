# SPDX-License-Identifier: Apache-2.0
"""The journal: every request in the order of arrival, with its answer."""
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Entry:
    number: int
    connection: int
    method: str
    path: str
    query: str
    headers: dict  # lower-case names, first value
    step: str
    repository: str | None
    session: str | None = None
    received: int = 0  # bytes of the body that the server took
    continued: bool = False
    body: bytes | None = None  # of small documents
    status: int = 0  # 0: no answer was written
    answer: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)
    connected: float = 0.0  # when its connection was accepted
    started: float = 0.0
    answered: float = 0.0  # just before the answer was written; 0: not yet
    ended: float = 0.0  # 0: not yet, its answer may still be under way

    def __str__(self):
        target = self.path + ("?" + self.query if self.query else "")
        return f"#{self.number} c{self.connection} {self.method} {target} -> {self.status}"


class Journal:
    def __init__(self):
        self._lock = threading.Lock()
        self._entries = []

    def add(self, connection, request):
        with self._lock:
            entry = Entry(len(self._entries) + 1, connection.number, request.method, request.path,
                          request.query, request.headers, request.step, request.repository,
                          connected=connection.accepted, started=time.monotonic())
            self._entries.append(entry)
        return entry

    def entries(self, *steps):
        """Returns all entries, or those of the given steps."""
        with self._lock:
            return [entry for entry in self._entries if not steps or entry.step in steps]

    def steps(self):
        return [entry.step for entry in self.entries()]

    def clear(self):
        with self._lock:
            self._entries = []

    def __iter__(self):
        return iter(self.entries())

    def __len__(self):
        return len(self.entries())

    def __str__(self):
        return "\n".join(map(str, self.entries()))
