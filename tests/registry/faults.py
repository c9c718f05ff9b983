# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, and exactly when. A fault belongs to the n-th request of one step of the
protocol and strikes at one point of it."""
import threading
from dataclasses import dataclass, field

STEPS = ("ping", "token", "token-post", "blob-head", "blob-get", "mount", "open", "patch",
         "status", "commit", "cancel", "manifest-head", "manifest-get", "manifest-put", "tags",
         "referrers", "other")
ACTIONS = ("reset", "fin", "stall", "status", "slow", "forget", "restart", "expire-tokens",
           "answer", "flip", "call")


@dataclass
class Fault:
    step: str | None = None  # None: any request counts
    do: str = "reset"
    nth: int = 1  # the first request of that step that is struck
    times: int | None = 1  # None: for ever
    # Where: "headers" (nothing of the body read), a body offset (negative: from its end, needs a
    # Content-Length), "body" (all of it read, nothing done with what was not stored yet),
    # "done" (the work is done, no answer yet), "answer" (`sent` bytes of the answer written).
    at: str | int = "headers"
    seconds: float = 0.0  # of a stall; 0 = until release() or the end of the server
    rate: int = 0  # bytes a second: of reading (slow) or of writing the answer (answer)
    status: int | None = None  # status: the answer's; answer: replaces the real one
    headers: dict = field(default_factory=dict)  # set in the answer; None removes
    body: bytes | None = None
    raw: bytes | None = None  # written in place of the whole answer
    bare_lf: bool = False
    sent: int = 0
    continued: bool | None = None  # False: never sends 100, True: sends it before striking
    close: bool = False  # closes the connection after the answer
    call: object = None  # function(registry, request, answer or None)
    when: object = None  # function(request): counts only requests for which this is true

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
    """The script of a server. Thread-safe."""

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
        """The faults of this request; each fault counts the requests that it is about."""
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
