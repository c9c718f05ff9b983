# SPDX-License-Identifier: Apache-2.0
"""Inputs: where the bytes of a layer come from.

The extension gets a tuple (kind, value, options of the layer, options of the directory). An object that
is read has read_into(buffer, size) and cancel(): see extension/py_layer.h."""
from __future__ import annotations

import contextlib
import io
import os
import select
import stat
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, Optional, Tuple, Union

from ._client import Path, thread_option
from ._results import LayerResult

#: What push() and write_layer() take: a path, a descriptor, a file object that is opened in binary mode,
#: bytes or another buffer, or an iterable of buffers.
Source = Any


@dataclass
class Input:
    """An input with options of its own. None: as the call says for all inputs.

    source: a path of a file or directory, an int (a descriptor, which stays open), a file object in
        binary mode, a buffer (bytes, memoryview, an array), or an iterable of buffers.
    compress: "gzip[:LEVEL]", "zstd[:LEVEL]", "none", "zstd-chunked[:LEVEL]" or "estargz[:LEVEL]".
    media_type: must fit the bytes. threads: compression threads; 0 = none. memory: limit for buffers.
    raw: the input is not a tar. allow_truncated, allow_empty, allow_odd_entries: accept such a tar.
    look_first: a file or directory is hashed first, and sent only if it is missing.
    prefetch: paths of files that a snapshotter fetches first, with estargz.
    title: file name under which programs such as oras write the blob of an artifact.
    name: what progress events call the input. history: text of the layer's history entry.
    owner: "UID:GID", prefix: path in the tar, mode: as chmod takes it, excludes: patterns of paths;
        all of a directory.
    """

    source: Source
    compress: Optional[str] = None
    media_type: Optional[str] = None
    threads: Optional[int] = None
    memory: Optional[int] = None
    raw: Optional[bool] = None
    allow_truncated: Optional[bool] = None
    allow_empty: Optional[bool] = None
    allow_odd_entries: Optional[bool] = None
    look_first: Optional[bool] = None
    spool: Optional[Path] = None
    prefetch: Optional[Iterable[str]] = None
    name: Optional[str] = None
    history: Optional[str] = None
    owner: Optional[str] = None
    prefix: Optional[str] = None
    mode: Optional[str] = None
    excludes: Iterable[str] = ()
    title: Optional[str] = None

    def layer_options(self, defaults: Dict[str, Any]) -> Dict[str, Any]:
        names = ("compress", "media_type", "memory", "raw", "allow_truncated", "allow_empty",
                 "allow_odd_entries", "look_first", "name", "title")
        options = {name: getattr(self, name) for name in names}
        options["threads"] = thread_option(self.threads)
        options["spool"] = None if self.spool is None else os.fsdecode(self.spool)
        options["prefetch"] = None if self.prefetch is None else "\n".join(self.prefetch)
        given = {name: value for name, value in options.items() if value is not None}
        return {**defaults, **given}

    def directory_options(self) -> Dict[str, Any]:
        return {"owner": self.owner, "prefix": self.prefix, "mode": self.mode,
                "excludes": tuple(self.excludes)}


class BufferSource:
    """The bytes of buffers, in order."""

    def __init__(self, buffers: Iterable[Any]) -> None:
        self._buffers: Iterator[Any] = iter(buffers)
        self._left = memoryview(b"")

    def read_into(self, buffer: bytearray, size: int) -> int:
        while not self._left:
            following = next(self._buffers, None)
            if following is None:
                return 0
            view = memoryview(following)
            self._left = (view if view.c_contiguous else memoryview(view.tobytes())).cast("B")
        part = self._left[:size]
        with memoryview(buffer) as target:
            target[:len(part)] = part
        self._left = self._left[len(part):]
        return len(part)

    def cancel(self) -> None:
        pass


class FileSource:
    """A file object. Its read is not interrupted: cancelling waits until it returns."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._readinto = getattr(file, "readinto1", None) or getattr(file, "readinto", None)

    def read_into(self, buffer: bytearray, size: int) -> int:
        if self._readinto is None:
            return self._copy(self._file.read(size), buffer)
        with memoryview(buffer) as whole, whole[:size] as part:
            count = self._readinto(part)
        if count is None:
            raise BlockingIOError("the input is in non-blocking mode and has no data")
        return int(count)

    @staticmethod
    def _copy(data: Any, buffer: bytearray) -> int:
        if isinstance(data, str):
            raise TypeError("the input gives text: open it in binary mode")
        with memoryview(buffer) as target:
            target[:len(data)] = data
        return len(data)

    def cancel(self) -> None:
        pass


class DescriptorSource:
    """Bytes that were read from a descriptor before, and then the descriptor. cancel() ends a wait."""

    def __init__(self, first: bytes, descriptor: int, stack: contextlib.ExitStack) -> None:
        self._first = first
        self._descriptor = descriptor
        self._wake_read, self._wake_write = os.pipe()
        stack.callback(os.close, self._wake_read)
        stack.callback(os.close, self._wake_write)

    def read_into(self, buffer: bytearray, size: int) -> int:
        with memoryview(buffer) as target:
            if self._first:
                part, self._first = self._first[:size], self._first[size:]
                target[:len(part)] = part
                return len(part)
            self._wait()
            return os.readv(self._descriptor, [target[:size]])

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        if any(ready == self._wake_read for ready, _ in poll.poll()):
            raise InterruptedError("cancelled")

    def cancel(self) -> None:
        os.write(self._wake_write, b"x")


def _read_ahead(file: Any, descriptor: int) -> bytes:
    """What a buffered reader of a pipe has read already; never waits."""
    if not isinstance(file, io.BufferedReader):
        return b""
    blocking = os.get_blocking(descriptor)
    os.set_blocking(descriptor, False)
    try:
        return file.read(len(file.peek()))
    finally:
        os.set_blocking(descriptor, blocking)


def _reopen(file: Any, descriptor: int, stack: contextlib.ExitStack) -> int:
    """Another descriptor of a regular file, at the same position, so that the file object's own
    position does not change."""
    if file.writable():
        file.flush()
    again = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, again)
    os.lseek(again, file.tell(), os.SEEK_SET)
    return again


def _open_file(file: Any, stack: contextlib.ExitStack) -> Tuple[str, Any]:
    """Python's own file objects are read by their descriptor: then a wait can be cancelled, and a
    regular file can be read again. All others (gzip.open(), a socket's file) by their methods."""
    raw = file.raw if isinstance(file, (io.BufferedReader, io.BufferedRandom)) else file
    if isinstance(file, io.TextIOBase):
        raise TypeError("the input gives text: open it in binary mode")
    if type(raw) is not io.FileIO or not file.readable():
        return "source", FileSource(file)
    descriptor = raw.fileno()
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return "descriptor", _reopen(file, descriptor, stack)
    first = _read_ahead(file, descriptor)
    if first:
        return "source", DescriptorSource(first, descriptor, stack)
    return "descriptor", descriptor


def _open_path(path: str, stack: contextlib.ExitStack) -> Tuple[str, Any]:
    if os.path.isdir(path):
        return "directory", path
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)
    return "descriptor", descriptor


def _is_buffer(source: Any) -> bool:
    try:
        memoryview(source).release()
    except TypeError:
        return False
    return True


def _open_source(source: Any, stack: contextlib.ExitStack) -> Tuple[str, Any]:
    if isinstance(source, (str, os.PathLike)):
        return _open_path(os.fsdecode(source), stack)
    if isinstance(source, int):
        return "descriptor", source
    if _is_buffer(source):
        return "source", BufferSource([source])
    if hasattr(source, "read") or hasattr(source, "readinto"):
        return _open_file(source, stack)
    return "source", BufferSource(source)


def as_input(source: Source) -> Input:
    if isinstance(source, Input):
        return source
    name = os.fsdecode(source) if isinstance(source, (str, os.PathLike)) else None
    return Input(source, name=name)


def open_input(source: Source, defaults: Dict[str, Any],
               stack: contextlib.ExitStack) -> Union[str, Tuple[str, Any, Any, Any]]:
    """What the extension takes as an input. What is opened for it is closed with the stack."""
    if isinstance(source, LayerResult):
        return source.json()
    given = as_input(source)
    kind, value = _open_source(given.source, stack)
    return kind, value, given.layer_options(defaults), given.directory_options()


def open_archive(source: Source, stack: contextlib.ExitStack) -> Any:
    """An image archive as an object that is read."""
    kind, value = _open_source(source, stack)
    if kind == "directory":
        raise IsADirectoryError(f"{value} is a directory; a layout is written oci:{value}")
    return DescriptorSource(b"", value, stack) if kind == "descriptor" else value
