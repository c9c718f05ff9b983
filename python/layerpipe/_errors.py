# SPDX-License-Identifier: Apache-2.0
"""The exceptions: one class for each exit status of the command."""
from __future__ import annotations

import re
from typing import Optional

# Bits of lpipe_error.flags.
_RETRYABLE, _REPLAY, _ADVICE, _MAYBE_PUBLISHED = 1, 2, 4, 8
_NO_OFFSET = 2**64 - 1


class Error(Exception):
    """A failure. str() of it is the message with the hint."""

    #: Name of the status of the C library: "NOT_FOUND".
    status: str = "INVALID_ARGUMENT"
    #: Exit status of the command for this kind of failure, 1 to 10.
    exit_status: int = 1
    #: One line that says what failed, without secrets.
    message: str = ""
    #: What can be tried, or None.
    hint: Optional[str] = None
    #: errno of the call that failed, or 0.
    sys_errno: int = 0
    #: HTTP status of the registry's answer, or 0.
    http_status: int = 0
    #: Code in the registry's answer ("DENIED"), or "".
    registry_code: str = ""
    #: Position in the stream in bytes, or None.
    offset: Optional[int] = None
    #: Whether the same call may succeed later.
    retryable: bool = False
    #: Whether a manifest was sent before the failure, so that a tag may be set.
    maybe_published: bool = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(Error):
    """An argument is wrong; nothing was done."""

    exit_status = 2


class InputError(Error):
    """The input cannot be read, is not a tar archive, or is truncated."""

    exit_status = 3


class AuthenticationError(Error):
    """Credentials are missing or wrong, or do not allow it."""

    exit_status = 4


class NotFoundError(Error):
    """A repository, manifest, blob or tag does not exist."""

    exit_status = 5


class NetworkError(Error):
    """The network or the server failed, after all retries."""

    exit_status = 6


class RefusedError(Error):
    """The registry refused the content, or does not follow the protocol."""

    exit_status = 7


class LocalOutputError(Error):
    """A local file cannot be written."""

    exit_status = 8


class IntegrityError(Error):
    """A digest or a size is not what it must be."""

    exit_status = 9


class ResourceError(Error):
    """Memory, threads or descriptors are not enough."""

    exit_status = 10


class Cancelled(Error):
    """The client was cancelled."""

    status = "CANCELLED"


_CLASSES = {kind.exit_status: kind for kind in (
    UsageError, InputError, AuthenticationError, NotFoundError, NetworkError, RefusedError,
    LocalOutputError, IntegrityError, ResourceError)}

_HINTS = {
    "AUTH_REQUIRED": "log in with layerpipe login, or give the client username and password",
    "NOT_TAR": "to store bytes that are not a tar archive, use raw=True and artifact_type",
    "TRUNCATED": "use allow_truncated=True to accept an incomplete tar archive",
}


# Messages name options and functions as the C headers do. Here they have these names; the others have
# the same name.
_NAMES = {
    "LPIPE_CLIENT_ANONYMOUS": "anonymous=True",
    "LPIPE_CLIENT_PLAIN_HTTP": "plain_http=True",
    "LPIPE_CONTENT_BLOB": "blob=True",
    "LPIPE_COPY_ALL": "all=True",
    "LPIPE_COPY_REFERRERS": "referrers=True",
    "LPIPE_FORMAT_OCI": 'format="oci"',
    "LPIPE_INDEX_APPEND": "append=True",
    "LPIPE_LAYER_ALLOW_EMPTY": "allow_empty=True",
    "LPIPE_LAYER_ALLOW_ODD_ENTRIES": "allow_odd_entries=True",
    "LPIPE_LAYER_RAW": "raw=True",
    "LPIPE_UPLOAD_AUTO": 'upload="auto"',
    "LPIPE_UPLOAD_CHUNKED": 'upload="chunked"',
    "LPIPE_UPLOAD_MONOLITHIC": 'upload="monolithic"',
    "chunk_bytes": "chunk_size",
    "lpipe_copy": "copy()",
    "lpipe_copy_archive": "copy()",
    "lpipe_image_push": "push()",
    "lpipe_login": "layerpipe.login()",
    "memory_bytes_max": "memory",
    "soci_bytes_min": "soci_min_size",
    "spool_dir": "spool",
}


def _python_names(message: str) -> str:
    return re.sub(r"`(\w+)`", lambda match: _NAMES.get(match[1], match[1]), message)


def _hint(status: str, flags: int) -> Optional[str]:
    if flags & _MAYBE_PUBLISHED:
        return "the manifest was sent before, so a tag may be set (inspect() shows it)"
    if flags & _ADVICE:
        return None
    if flags & _REPLAY:
        return "to be able to send it again, use a file as input, or a client with " \
               'upload="chunked" or spool'
    return _HINTS.get(status)


def error_of(status: str, exit_status: int, message: str, sys_errno: int, http_status: int,
             flags: int, offset: int, registry_code: str) -> Error:
    """The exception for a failure of the library. The extension calls this."""
    kind = Cancelled if status == "CANCELLED" else _CLASSES.get(exit_status, Error)
    error = kind(_python_names(message) or status)
    error.status = status
    error.exit_status = exit_status
    error.hint = _hint(status, flags)
    error.sys_errno = sys_errno
    error.http_status = http_status
    error.registry_code = registry_code
    error.offset = None if offset == _NO_OFFSET else offset
    error.retryable = bool(flags & _RETRYABLE)
    error.maybe_published = bool(flags & _MAYBE_PUBLISHED)
    return error
