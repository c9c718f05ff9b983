# SPDX-License-Identifier: Apache-2.0
"""Content that is read back."""
from __future__ import annotations

import io
from typing import Any, List

from . import _layerpipe

_BUFFER_BYTES = 1 << 18


class Reader(io.RawIOBase):
    """A file object with verified content, as cat() returns it. Its end is given only after all bytes
    were verified: before that read() raises IntegrityError. Use what was read only if the end has come.
    """

    def __init__(self, client_handle: Any, reference: str, options: Any) -> None:
        super().__init__()
        self._handle: Any = None
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)[:0]
        self._handle = _layerpipe.content_open(client_handle, reference, options)

    def readable(self) -> bool:
        return True

    def _fill(self) -> memoryview:
        """What was read and not used yet; empty at the end."""
        if self._handle is None:
            raise ValueError("the content is closed")
        if not self._view:
            count = _layerpipe.content_read(self._handle, self._buffer)
            self._view = memoryview(self._buffer)[:count]
        return self._view

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer).cast("B") as target:
            if not target:
                return 0
            part = self._fill()[:len(target)]
            target[:len(part)] = part
        self._view = self._view[len(part):]
        return len(part)

    def readall(self) -> bytes:
        parts: List[bytes] = []
        while self._fill():
            parts.append(bytes(self._view))
            self._view = self._view[:0]
        return b"".join(parts)

    def close(self) -> None:
        """Ends reading. Before the end nothing that was read is verified."""
        if self._handle is not None:
            _layerpipe.content_close(self._handle)
            self._handle = None
        super().close()
