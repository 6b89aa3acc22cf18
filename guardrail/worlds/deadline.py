"""The end of the time that a thread has for one HTTP exchange, kept by every step it takes on a socket.

httpx counts its timeout anew with each piece that it reads: a server that sends a byte now and then, in a head that
never ends, would hold the thread for ever. Knows sockets and time; of requests and replies it must never know. Loads
httpcore: import it where an exchange is made, not before.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

import httpcore
import httpx

from .fetch import remaining

_PIECE = 1 << 14
"""Bytes written between two looks at the clock."""

_here = threading.local()


@contextmanager
def until(end: float) -> Iterator[None]:
    """What this thread does on the sockets of a client that is kept raises ``timeout`` after ``end`` (monotonic)."""
    _here.end = end
    try:
        yield
    finally:
        _here.end = inf


def keep(client: httpx.Client) -> httpx.Client:
    """The same client, whose connections keep to ``until``, those through a proxy too."""
    for transport in (client._transport, *client._mounts.values()):  # httpx has no public way to a network backend
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _Backend(transport._pool._network_backend)
    return client


def _seconds(timeout: float | None) -> float | None:
    end: float = getattr(_here, "end", inf)
    if end == inf:
        return timeout
    left = remaining(end)
    return left if timeout is None else min(timeout, left)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_tcp(host, port, _seconds(timeout), local_address, socket_options))

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_unix_socket(path, _seconds(timeout), socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _seconds(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._inner.write(buffer[start : start + _PIECE], _seconds(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _seconds(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
