# SPDX-License-Identifier: Apache-2.0
"""The client: connections, credentials, limits, progress."""
from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from typing import Any, Callable, Dict, Iterable, Iterator, Optional, Union

from . import _layerpipe
from ._results import Event

Path = Union[str, "os.PathLike[str]"]

_open_clients: "weakref.WeakSet[Client]" = weakref.WeakSet()


def path_text(path: Optional[Path]) -> Optional[str]:
    return None if path is None else os.fsdecode(path)


def thread_option(threads: Optional[int]) -> Optional[int]:
    """The value for the library: 0 is "no threads" here, as in the command."""
    return -1 if threads == 0 else threads


class Client:
    """Connections to registries, and what is sent to them. Without a client, each function makes one
    with the default values for its call. Several threads may use a client at the same time.

    username, password: sent to every registry that a reference names; no file is read.
    authfile: read credentials from this file only. anonymous: send no credentials.
    trust_realms: token servers on other hosts that may get the credentials: "host[:port]", or
        "registry[:port]=host[:port]".
    cacert, cert, key: PEM files. tls_verify=False accepts any certificate.
    plain_http: use http for every registry. https: use https for registries on this machine, too.
    upload: "auto", "streamed", "chunked" or "monolithic". chunk_size: bytes.
    spool: a directory for the compressed bytes, from which a lost upload is sent again.
    retry: how often each request is repeated (5); 0 = never. jobs: blobs at a time.
    limit_rate: bytes a second.
    progress: called with an Event, by any thread, while a call runs. It must return soon, and must not
        use this client. If it raises, the call is cancelled and raises that exception.
    log: called with (1, line) for each request, and (2, line) for each header, without secrets.

    After cancel(), after a callback that raised, and after a signal handler that raised
    (KeyboardInterrupt) all calls of the client raise Cancelled: make a new one.
    """

    def __init__(self, *, username: Optional[str] = None, password: Optional[str] = None,
                 authfile: Optional[Path] = None, anonymous: bool = False,
                 trust_realms: Iterable[str] = (), cacert: Optional[Path] = None,
                 cert: Optional[Path] = None, key: Optional[Path] = None, tls_verify: bool = True,
                 plain_http: bool = False, https: bool = False, user_agent: Optional[str] = None,
                 upload: str = "auto", chunk_size: Optional[int] = None,
                 spool: Optional[Path] = None, retry: Optional[int] = None,
                 jobs: Optional[int] = None, limit_rate: Optional[int] = None,
                 progress: Optional[Callable[[Event], object]] = None,
                 log: Optional[Callable[[int, str], object]] = None) -> None:
        options: Dict[str, Any] = {
            "username": username, "password": password, "authfile": path_text(authfile),
            "anonymous": anonymous, "trust_realms": trust_realms, "cacert": path_text(cacert),
            "cert": path_text(cert), "key": path_text(key), "tls_no_verify": not tls_verify,
            "plain_http": plain_http, "https": https, "user_agent": user_agent, "upload": upload,
            "chunk_size": chunk_size, "spool": path_text(spool),
            "retry": -1 if retry == 0 else retry, "jobs": jobs, "limit_rate": limit_rate}
        self._handle: Any = None
        self._process = os.getpid()
        on_event = None if progress is None else lambda *members: progress(Event(*members))
        self._handle = _layerpipe.client_open(options, on_event, log)
        _open_clients.add(self)

    @property
    def handle(self) -> Any:
        """For this package only."""
        if self._handle is None:
            raise ValueError("the client is closed")
        return self._handle

    def cancel(self) -> None:
        """Ends all calls of this client; they raise Cancelled. Any thread may call it. In a child of
        fork() it does nothing: it would also wake the threads of the parent."""
        if self._handle is not None and self._process == os.getpid():
            _layerpipe.client_cancel(self._handle)

    def close(self) -> None:
        """Closes the connections, as soon as no call and no open Layer or Reader uses them."""
        if self._handle is not None:
            _layerpipe.client_close(self._handle)
            self._handle = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def login(self, registry: str, username: str, password: str) -> None:
        """Checks credentials with a registry and stores them: with the credential helper that the
        configuration names, else in the credential file."""
        _layerpipe.client_login(self.handle, registry, username, password)

    def login_realm(self, registry: str) -> Optional[str]:
        """The entry for trust_realms that lets the registry's token server get the credentials; None
        if none is needed. The registry is asked without credentials."""
        return _layerpipe.client_login_realm(self.handle, registry)

    def logout(self, registry: str) -> None:
        """Removes the stored credentials of a registry."""
        _layerpipe.client_logout(self.handle, registry)


@contextlib.contextmanager
def client_for_call(client: Optional[Client]) -> Iterator[Any]:
    """The handle of the client, or of a new one that is closed after the call."""
    if client is not None:
        yield client.handle
        return
    with Client() as own:
        yield own.handle


@atexit.register
def _python_ends() -> None:
    """Threads of the library must not wait for an interpreter that ends."""
    for client in list(_open_clients):
        client.cancel()
    _layerpipe.python_ends()
