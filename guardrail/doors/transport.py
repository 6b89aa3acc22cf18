"""The transport door: guards any client at its HTTP transport, for httpx and httpx2 alike.

One class body a colour, built once per library, because the two libraries' classes are not
instances of each other's. Knows transports; nothing of wire formats, rules or SDKs.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from ..core import Guard, as_guard, name_user
from ..exchange import Exchange
from ..flow import arun, run
from ..http import Head, Headers, Release, Request, header, with_length, without
from .pulling import BrokenOff, abeside, apulled, beside, pulled

User = str | Callable[[], str | None]
_BROKEN = "the guard broke off this answer: its decision could not be stored"


class Lease:
    """Transports that belong to another client: left open on close, as long as that client lives.

    ``holder`` is kept alive, for some clients close their transports when they are collected.
    """

    def __init__(self, owner: object, holder: object = None) -> None:
        self._owner, self._holder = weakref.ref(owner), holder

    @property
    def over(self) -> bool:
        """Has the owner gone without closing? Then closing is up to whoever is left."""
        return self._owner() is None


@cache
def transports(http: ModuleType) -> tuple[type[Any], type[Any]]:
    """The two transport classes (sync, async) for ``httpx`` or ``httpx2``.

    Each is made as ``Transport(inner=None, *, policy="default", log=None, user=None)``, where
    ``inner`` defaults to the library's own transport; with a ``lease`` it is another client's.
    """

    class Base:
        def __init__(
            self,
            inner: Any = None,
            *,
            policy: str | Path | Guard = "default",
            log: str | None = None,
            user: User | None = None,
            lease: Lease | None = None,
        ) -> None:
            self.guard = as_guard(policy, log)
            self._inner = self._own() if inner is None else inner
            self._user, self._lease = user, lease

        def _own(self) -> Any:
            raise NotImplementedError

        def _open(self, request: Any) -> Exchange | None:
            seen = Request(
                request.method,
                request.url.path,
                _headers(request),
                user=name_user(self._user),
                query=request.url.query.decode("latin-1"),
            )
            return self.guard.open(seen, door="transport", unclaimed="walk")

        def _rebuild(self, exchange: Exchange, request: Any, step: Request, body: bytes | None) -> Any:
            """The request as it goes on: the caller's own object is left alone, and goes on itself where observed."""
            headers = step.headers
            if exchange.plan.observe and headers == _headers(request) and (body is None or step.body == body):
                return request
            if body is None:
                return http.Request(
                    request.method,
                    request.url,
                    headers=_raw(headers),
                    stream=request.stream,
                    extensions=request.extensions,
                )
            if header(headers, "transfer-encoding") is not None:
                headers = (
                    *without(headers, "transfer-encoding", "content-length"),
                    ("content-length", str(len(step.body))),
                )
            headers = with_length(headers, len(step.body))
            return http.Request(
                request.method,
                request.url,
                headers=_raw(headers),
                stream=http.ByteStream(step.body),
                extensions=request.extensions,
            )

        def _respond(self, head: Head, stream: Any, extensions: dict[str, Any]) -> Any:
            return http.Response(head.status, headers=_raw(head.headers), stream=stream, extensions=extensions)

        def _refused(self, release: Release) -> Any:
            assert release.head is not None
            return http.Response(
                release.head.status, headers=_raw(release.head.headers), stream=http.ByteStream(release.body)
            )

    class Stream(http.SyncByteStream):  # type: ignore[misc,name-defined]
        """The answer as the caller reads it. ``close`` closes upstream and exchange, whatever was read."""

        def __init__(self, releases: Any, first: bytes, exchange: Exchange, upstream: Any) -> None:
            self._releases, self._first, self._exchange, self._upstream = releases, first, exchange, upstream

        def __iter__(self) -> Iterator[bytes]:
            if self._first:
                yield self._first
            try:
                for release in self._releases:
                    if release.body:
                        yield release.body
            except BrokenOff:
                self._exchange.close("upstream_error")
                raise http.ReadError(_BROKEN) from None
            except Exception:
                self._exchange.close("upstream_error")
                raise

        def close(self) -> None:
            self._exchange.close("disconnected")
            try:
                if not self._releases.gi_running:
                    self._releases.close()
            finally:
                self._upstream.close()

    class AsyncStream(http.AsyncByteStream):  # type: ignore[misc,name-defined]
        """The answer as the caller reads it. ``aclose`` closes upstream and exchange, whatever was read."""

        def __init__(self, releases: Any, first: bytes, exchange: Exchange, upstream: Any) -> None:
            self._releases, self._first, self._exchange, self._upstream = releases, first, exchange, upstream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            if self._first:
                yield self._first
            try:
                async for release in self._releases:
                    if release.body:
                        yield release.body
            except BrokenOff:
                self._exchange.close("upstream_error")
                raise http.ReadError(_BROKEN) from None
            except Exception:
                self._exchange.close("upstream_error")
                raise

        async def aclose(self) -> None:
            self._exchange.close("disconnected")
            try:
                if not self._releases.ag_running:
                    await self._releases.aclose()
            finally:
                await self._upstream.aclose()

    class Rest(http.SyncByteStream):  # type: ignore[misc,name-defined]
        """A request's body of which the first bytes were looked at."""

        def __init__(self, first: bytes, rest: Iterator[bytes], whole: Any) -> None:
            self._first, self._rest, self._whole = first, rest, whole

        def __iter__(self) -> Iterator[bytes]:
            yield self._first
            yield from self._rest

        def close(self) -> None:
            self._whole.close()

    class AsyncRest(http.AsyncByteStream):  # type: ignore[misc,name-defined]
        """A request's body of which the first bytes were looked at."""

        def __init__(self, first: bytes, rest: AsyncIterator[bytes], whole: Any) -> None:
            self._first, self._rest, self._whole = first, rest, whole

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield self._first
            async for chunk in self._rest:
                yield chunk

        async def aclose(self) -> None:
            await self._whole.aclose()

    def peek(exchange: Exchange, request: Any) -> bool:
        """Is the body a file, by its first bytes? It stays whole."""
        rest = iter(request.stream)
        first = next((chunk for chunk in rest if chunk), b"")
        request.stream = Rest(first, rest, request.stream)
        return exchange.is_file(first)

    async def apeek(exchange: Exchange, request: Any) -> bool:
        """Is the body a file, by its first bytes? It stays whole."""
        rest = aiter(request.stream)
        first = b""
        async for chunk in rest:
            if chunk:
                first = chunk
                break
        request.stream = AsyncRest(first, rest, request.stream)
        return exchange.is_file(first)

    class GuardTransport(Base, http.BaseTransport):  # type: ignore[misc,name-defined]
        def _own(self) -> Any:
            return http.HTTPTransport()

        def handle_request(self, request: Any) -> Any:
            exchange = self._open(request)
            if exchange is None:
                return self._inner.handle_request(request)
            try:
                return self._guarded(exchange, request)
            except Exception:
                exchange.close("upstream_error")
                raise
            except BaseException:
                exchange.close("cancelled")
                raise

        def _guarded(self, exchange: Exchange, request: Any) -> Any:
            perform = self.guard.world().perform
            step: Request | Release | None = run(exchange.admit(), perform)
            body = None
            if step is None:
                body = request.read() if exchange.wants_body or not peek(exchange, request) else None
                step = exchange.unread() if body is None else run(exchange.admit_body(body), perform)
            if isinstance(step, Release):
                return self._refused(step)
            sent = self._rebuild(exchange, request, step, body)
            judging = None
            if exchange.overlaps:
                call = partial(self._inner.handle_request, sent)
                both = beside(exchange, call, self.guard.world(), lambda upstream: upstream.close())
                if isinstance(both, Release):
                    return self._refused(both)
                upstream, judging = both
            else:
                upstream = self._inner.handle_request(sent)
            try:
                exchange.response(Head(upstream.status_code, _headers(upstream)))
                releases = pulled(exchange, upstream.stream, self.guard.world(), upstream.close, judging)
                parts = []
                for release in releases:
                    parts.append(release.body)
                    if release.head is not None:
                        break
                assert release.head is not None
            except BaseException:
                upstream.close()
                raise
            return self._respond(
                release.head, Stream(releases, b"".join(parts), exchange, upstream), upstream.extensions
            )

        def close(self) -> None:
            if self._lease is None or self._lease.over:
                self._inner.close()

    class AsyncGuardTransport(Base, http.AsyncBaseTransport):  # type: ignore[misc,name-defined]
        def _own(self) -> Any:
            return http.AsyncHTTPTransport()

        async def handle_async_request(self, request: Any) -> Any:
            exchange = self._open(request)
            if exchange is None:
                return await self._inner.handle_async_request(request)
            try:
                return await self._guarded(exchange, request)
            except Exception:
                exchange.close("upstream_error")
                raise
            except BaseException:
                exchange.close("cancelled")
                raise

        async def _guarded(self, exchange: Exchange, request: Any) -> Any:
            perform = self.guard.aworld().perform
            step: Request | Release | None = await arun(exchange.admit(), perform)
            body = None
            if step is None:
                body = await request.aread() if exchange.wants_body or not await apeek(exchange, request) else None
                step = exchange.unread() if body is None else await arun(exchange.admit_body(body), perform)
            if isinstance(step, Release):
                return self._refused(step)
            sent = self._rebuild(exchange, request, step, body)
            judging = None
            if exchange.overlaps:
                calling = self._inner.handle_async_request(sent)
                both = await abeside(exchange, calling, perform, lambda upstream: upstream.aclose())
                if isinstance(both, Release):
                    return self._refused(both)
                upstream, judging = both
            else:
                upstream = await self._inner.handle_async_request(sent)
            try:
                exchange.response(Head(upstream.status_code, _headers(upstream)))
                releases = apulled(exchange, aiter(upstream.stream), perform, upstream.aclose, judging)
                parts = []
                async for release in releases:
                    parts.append(release.body)
                    if release.head is not None:
                        break
                assert release.head is not None
            except BaseException:
                await upstream.aclose()
                raise
            return self._respond(
                release.head, AsyncStream(releases, b"".join(parts), exchange, upstream), upstream.extensions
            )

        async def aclose(self) -> None:
            if self._lease is None or self._lease.over:
                await self._inner.aclose()

    for made, name in ((GuardTransport, "GuardTransport"), (AsyncGuardTransport, "AsyncGuardTransport")):
        made.__qualname__ = name
    return GuardTransport, AsyncGuardTransport


def _headers(message: Any) -> Headers:
    return tuple((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in message.headers.raw)


def _raw(headers: Headers) -> list[tuple[bytes, bytes]]:
    """As bytes: a header may hold any of them (RFC 9110 section 5.5), where text would have to be ASCII."""
    return [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers]
