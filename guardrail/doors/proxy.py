"""A small reverse proxy as an ASGI app: what stands behind the guard in the gateway.

Knows HTTP between two servers (RFC 9110 section 7.6); nothing of wire formats or rules.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from ..errors import UpstreamError
from ..http import Headers
from .asgi import Scope, headers_of
from .delivery import Message, Receive, Send

_HOP = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
    }
)
_TIMEOUT = {"connect": 10.0, "write": 60.0, "pool": 30.0}
"""Seconds."""
_SAFE = "/~!$&'()*+,;=:@-._"


class Proxy:
    """Sends requests on to one upstream. ``upstream`` is its origin, with or without a path such as
    ``/v1``, which is never doubled. ``key`` replaces the caller's Authorization where given. ``read``: seconds
    that a read may take, for ever where None; by default as long as OpenAI's own SDK waits (10 minutes).

    Raises UpstreamError where the upstream is not reached, is too slow, or breaks off.
    """

    def __init__(self, upstream: str, *, key: str | None = None, read: float | None = 600.0) -> None:
        parts = urlsplit(upstream)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("the upstream must be an http:// or https:// address")
        self._origin, self._base = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        self._key = key
        self._timeout = {**_TIMEOUT, "read": read}
        self._transport: httpx.AsyncBaseTransport | None = None
        self._errors: tuple[type[Exception], ...] = (httpx.HTTPError,)

    def address(self, path: str, query: bytes) -> str:
        """The upstream's address for a path as the caller asked for it."""
        base = "" if path == self._base or path.startswith(f"{self._base}/") else self._base
        text = self._origin + base + quote(path, safe=_SAFE)
        return f"{text}?{query.decode('latin-1')}" if query else text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = httpx.Request(
            scope["method"],
            self.address(scope["path"], scope.get("query_string", b"")),
            headers=list(self._headers(headers_of(scope["headers"]))),
            content=await _body(receive),
            extensions={"timeout": self._timeout},
        )
        async with _until_left(receive):
            await self._forward(request, send)

    async def _forward(self, request: httpx.Request, send: Send) -> None:
        try:
            response = await self._open().handle_async_request(request)
        except self._errors as error:
            raise _trouble(error, "was not reached") from None
        try:
            await send(_start(response))
            async for chunk in response.stream:  # type: ignore[union-attr]
                if chunk:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except self._errors as error:
            raise _trouble(error, "broke off") from None
        finally:
            await response.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _headers(self, given: Headers) -> Headers:
        named = {w.strip().lower() for k, v in given if k == "connection" for w in v.split(",")}
        kept = [(k, v) for k, v in given if k not in _HOP and k not in named and not k.startswith("x-guardrail")]
        if self._key is not None:
            kept = [(k, v) for k, v in kept if k not in ("authorization", "x-api-key", "api-key")]
            kept.append(("authorization", f"Bearer {self._key}"))
        return tuple(kept)

    def _open(self) -> httpx.AsyncBaseTransport:
        if self._transport is None:
            self._transport, self._errors = _transport()
        return self._transport

    async def aclose(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()


def _transport() -> tuple[httpx.AsyncBaseTransport, tuple[type[Exception], ...]]:
    """A transport, and what it raises.

    aiohttp under httpx's interface where it is installed: a sixth of the CPU a request (see bench/).
    """
    try:
        import aiohttp
        from httpx_aiohttp import AiohttpTransport
    except ImportError:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=256)
        return httpx.AsyncHTTPTransport(limits=limits), (httpx.HTTPError,)

    def session() -> aiohttp.ClientSession:
        # Left to itself it gives one caller's cookies to the next, asks for compression that nobody
        # wanted, and opens no more than 100 connections.
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=5.0, ssl=httpx.create_ssl_context()),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
        )

    return AiohttpTransport(client=session), (httpx.HTTPError, aiohttp.ClientError)


def _trouble(error: Exception, what: str) -> UpstreamError:
    slow = isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout)
    said = "did not answer in time" if slow else what
    return UpstreamError(f"the upstream {said} ({type(error).__name__})", status=504 if slow else 502)


def _start(response: httpx.Response) -> Message:
    named = {w.strip().lower() for w in response.headers.get("connection", "").split(",")}
    headers = [
        (k.lower(), v)
        for k, v in response.headers.raw
        if (name := k.decode("latin-1").lower()) == "content-length" or (name not in _HOP and name not in named)
    ]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


@contextlib.asynccontextmanager
async def _until_left(receive: Receive) -> AsyncIterator[None]:
    """Break off where the caller leaves: an answer that nobody reads costs the upstream's time."""
    work, left = asyncio.current_task(), False

    async def watch() -> None:
        nonlocal left
        while (await receive())["type"] != "http.disconnect":
            pass
        left = True
        assert work is not None
        work.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not left or work is None or work.uncancel() > 0:
            raise
        raise UpstreamError("the caller left before its answer was complete", status=499) from None
    finally:
        watcher.cancel()


async def _body(receive: Receive) -> bytes:
    chunks: list[Any] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise UpstreamError("the caller left before its request was complete", status=499)
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
