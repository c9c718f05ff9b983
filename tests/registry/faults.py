# SPDX-License-Identifier: Apache-2.0
"""Faults: what goes wrong in which request. A fault belongs to the n-th request of one step of the
protocol, and happens at one point of that request."""
import threading
from dataclasses import dataclass, field

STEPS = ("ping", "token", "token-post", "blob-head", "blob-get", "mount", "open", "patch",
         "status", "commit", "cancel", "manifest-head", "manifest-get", "manifest-put", "tags",
         "referrers", "other")
ACTIONS = ("reset", "fin", "stall", "status", "slow", "forget", "restart", "expire-tokens",
           "answer", "flip", "call")


@dataclass
class Fault:
    step: str | None = None  # None: every request counts
    do: str = "reset"
    nth: int = 1  # the first request of that step that has the fault
    times: int | None = 1  # how many requests have the fault; None: all after it, too
    # Where the fault happens: "headers" (before the body is read), a body offset (negative: from
    # the end, needs a Content-Length), "body" (the body is read; only a PATCH has stored it),
    # "done" (after the work, before the answer), "answer" (after `sent` bytes of the answer).
    at: str | int = "headers"
    seconds: float = 0.0  # how long "stall" waits; 0 = until release() or the end of the server
    rate: int = 0  # bytes a second: for reading ("slow") or for writing the answer ("answer")
    status: int | None = None  # the answer's status; for "answer" it replaces the real status
    headers: dict = field(default_factory=dict)  # set in the answer; the value None removes one
    body: bytes | None = None
    raw: bytes | None = None  # replaces the whole answer
    bare_lf: bool = False
    sent: int = 0
    continued: bool | None = None  # False: 100 is never sent; True: 100 is sent before the fault
    close: bool = False  # closes the connection after the answer
    call: object = None  # function(registry, request, answer or None)
    when: object = None  # function(request): only requests for which it is true count

    def __post_init__(self):
        assert self.step is None or self.step in STEPS, self.step
        assert self.do in ACTIONS, self.do
        self.seen = 0
        self.hits = 0
        self.reached = threading.Event()
        self._released = threading.Event()

    def release(self):
        self._released.set()

    def stall(self, stopping):
        waited = 0.0
        while not stopping.is_set() and not self._released.wait(0.02):
            waited += 0.02
            if self.seconds and waited >= self.seconds:
                return


class FaultList:
    """All faults of a server. Thread-safe."""

    def __init__(self, faults=()):
        self._lock = threading.Lock()
        self._faults = list(faults)

    def add(self, *faults):
        with self._lock:
            self._faults.extend(faults)

    def clear(self):
        with self._lock:
            for fault in self._faults:
                fault.release()
            self._faults = []

    def release(self):
        with self._lock:
            for fault in self._faults:
                fault.release()

    def pick(self, request):
        """Returns the faults for this request, and counts the request for each matching fault."""
        picked = []
        with self._lock:
            for fault in self._faults:
                if fault.step is not None and fault.step != request.step:
                    continue
                if fault.when is not None and not fault.when(request):
                    continue
                fault.seen += 1
                if fault.seen < fault.nth:
                    continue
                if fault.times is not None and fault.seen >= fault.nth + fault.times:
                    continue
                fault.hits += 1
                picked.append(fault)
        return picked
