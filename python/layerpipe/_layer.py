# SPDX-License-Identifier: Apache-2.0
"""A layer that is written."""
from __future__ import annotations

from types import TracebackType
from typing import Any, Dict, Optional, Tuple, Type

from . import _layerpipe
from ._client import Client, Path, client_for_call, path_text, thread_option
from ._errors import Error, UsageError
from ._results import LayerResult, Reference, layer_result, parse_reference

_LOCAL = ("oci:", "null:", "oci-archive:", "docker-archive:")
_BUFFER_BYTES = 1 << 18


def parse_repository(repository: str) -> Tuple[Reference, int]:
    """A repository and the flags to parse it with."""
    flags = 0 if repository.startswith(_LOCAL) else _layerpipe.REF_REPOSITORY
    parsed = parse_reference(repository, flags)
    if parsed.tag or parsed.digest:
        raise UsageError(f"a layer has no tag and its digest is not known yet: drop "
                         f'"{parsed.tag or parsed.digest}" from {repository}')
    return parsed, flags


def layer_reference(repository: Reference, digest: str) -> str:
    place = {"registry": f"{repository.registry}/{repository.repository}",
             "layout": f"oci:{repository.repository}"}.get(repository.kind, "null:")
    return f"{place}@{digest}"


class Layer:
    """A layer whose bytes are written to it: a file object for tarfile.open(fileobj=..., mode="w|").

    As a context manager it finishes the layer at the end of the block; after an exception the upload
    is abandoned and the registry does not get the blob. Without a block call finish() or abort().
    write() blocks while the buffers are full. One thread at a time may use a layer.

    repository: "registry/repository", "oci:DIR" or "null:". The other parameters: see Input.
    """

    def __init__(self, repository: str, *, client: Optional[Client] = None,
                 compress: Optional[str] = None, media_type: Optional[str] = None,
                 threads: Optional[int] = None, memory: Optional[int] = None, raw: bool = False,
                 allow_truncated: bool = False, allow_empty: bool = False, docker: bool = False,
                 spool: Optional[Path] = None, name: Optional[str] = None) -> None:
        self._handle: Any = None
        self._result: Optional[LayerResult] = None
        self._position = 0
        self._used = 0
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._repository, flags = parse_repository(repository)
        options: Dict[str, Any] = {
            "compress": compress, "media_type": media_type, "threads": thread_option(threads),
            "memory": memory, "raw": raw, "allow_truncated": allow_truncated,
            "allow_empty": allow_empty, "docker": docker, "spool": path_text(spool), "name": name}
        with client_for_call(client) as handle:  # the layer uses its connections until it is closed
            self._handle = _layerpipe.writer_open(handle, repository, flags, options)

    @property
    def result(self) -> LayerResult:
        """The values of the layer. Raises Error with the status NOT_COMPUTED before finish()."""
        if self._result is None:
            error = Error("the layer was not finished, so it has no digest")
            error.status = "NOT_COMPUTED"
            raise error
        return self._result

    @property
    def closed(self) -> bool:
        return self._handle is None

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        """How many bytes were written."""
        return self._position

    def write(self, data: Any) -> int:
        """Writes all of a buffer (bytes, memoryview, an array). Returns its size in bytes."""
        self._check_open()
        view = memoryview(data)
        view = (view if view.c_contiguous else memoryview(view.tobytes())).cast("B")
        done = 0
        while done < len(view):
            part = view[done:done + _BUFFER_BYTES - self._used]
            self._view[self._used:self._used + len(part)] = part
            self._used += len(part)
            done += len(part)
            if self._used == _BUFFER_BYTES:
                self.flush()
        self._position += done
        return done

    def flush(self) -> None:
        """Gives what was written to the library. This does not mean that it was sent."""
        self._check_open()
        size, self._used = self._used, 0
        if size > 0:
            _layerpipe.writer_write(self._handle, self._buffer, size)

    def finish(self) -> LayerResult:
        """Ends the stream and commits the blob. Before this the registry does not have it."""
        self.flush()
        members = _layerpipe.writer_finish(self._handle)
        self._result = layer_result(members, layer_reference(self._repository, members["digest"]))
        self.abort()
        return self._result

    def abort(self) -> None:
        """Abandons the upload, unless it was finished."""
        if self._handle is not None:
            _layerpipe.writer_free(self._handle)
            self._handle = None

    def close(self) -> None:
        """The same as abort(): a layer is committed by finish() only, or by the end of its block."""
        self.abort()

    def _check_open(self) -> None:
        if self._handle is None:
            raise ValueError("the layer is closed")

    def __enter__(self) -> "Layer":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        try:
            if kind is None and self._handle is not None:
                self.finish()
        finally:
            self.abort()
