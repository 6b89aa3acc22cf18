"""A call under way through a door, with a model behind it that speaks only when a test says so.

A ``Tap`` is what stands behind a door, an ``Ask`` the call in front of it: both for the ASGI doors and
for the async transports. ``playing`` runs such a scene; ``until`` and ``quiet`` wait in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import httpx
import httpx2

from guardrail import Guard, GuardrailMiddleware, transports
from guardrail.doors.gateway import gateway
from tests.support import events

from .driver import CHAT, EVENTS, JSON, chat, request, scope_of

ASYNC_DOORS = ("asgi", "gateway", "httpx", "httpx2")
LIBRARIES: dict[str, ModuleType] = {"httpx": httpx, "httpx2": httpx2}


# -- how a scene is played -------------------------------------------------------------------------


async def until(true: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait for something that nothing tells."""
    end = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < end, "it did not come"
        await asyncio.sleep(0.001)


async def quiet(turns: int = 30) -> None:
    """Let everything run that can run without waiting."""
    for _ in range(turns):
        await asyncio.sleep(0)


def playing(scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene on a loop of its own; it may not take forever."""

    async def bounded() -> None:
        async with asyncio.timeout(10):
            await scene

    asyncio.run(bounded())


# -- what stands behind a door ---------------------------------------------------------------------


def spoken(*texts: str) -> list[bytes]:
    """The events of an answer, each by itself, without the end."""
    return [events.sse(tree, done=False) for tree in events.said(*texts)]


@dataclass
class Tap:
    """Says what a test lets it say: a head, bytes, an error, the end. It never looks whether its caller left."""

    http: ModuleType = httpx
    called: asyncio.Event = field(default_factory=asyncio.Event)
    bodies: list[bytes] = field(default_factory=list)
    said: int = 0  # how many parts were taken from it
    open: int = 0
    calls: int = 0
    queue: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)

    @property
    def closed(self) -> bool:
        return self.calls > 0 and self.open == 0

    def head(self, status: int = 200, *headers: tuple[str, str]) -> Tap:
        self.queue.put_nowait((status, headers or (EVENTS,)))
        return self

    def say(self, *chunks: bytes) -> Tap:
        for chunk in chunks:
            self.queue.put_nowait(chunk)
        return self

    def fail(self, error: Exception) -> Tap:
        self.queue.put_nowait(error)
        return self

    def end(self) -> Tap:
        self.queue.put_nowait(None)
        return self

    async def take(self) -> Any:
        await asyncio.sleep(0)
        item = await self.queue.get()
        if isinstance(item, Exception):
            raise item
        self.said += 1
        return item

    def _begin(self, body: bytes) -> None:
        self.calls += 1
        self.open += 1
        self.bodies.append(body)
        self.called.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        self._begin(body)
        try:
            status, headers = await self.take()
            raw = [(k.encode(), v.encode()) for k, v in headers]
            await send({"type": "http.response.start", "status": status, "headers": raw})
            while (chunk := await self.take()) is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.open -= 1

    def transport(self) -> Any:
        tap, http = self, self.http

        class Stream(http.AsyncByteStream):  # type: ignore[misc,name-defined]
            open = True

            async def __aiter__(self) -> AsyncIterator[bytes]:
                while (chunk := await tap.take()) is not None:
                    yield chunk

            async def aclose(self) -> None:
                tap.open -= self.open
                self.open = False
                await asyncio.sleep(0)

        class Transport(http.AsyncBaseTransport):  # type: ignore[misc,name-defined]
            async def handle_async_request(self, request: Any) -> Any:
                tap._begin(await request.aread())
                try:
                    status, headers = await tap.take()
                except BaseException:
                    tap.open -= 1
                    raise
                return http.Response(status, headers=list(headers), stream=Stream())

        return Transport()


# -- who asks --------------------------------------------------------------------------------------


class Ask:
    """One call through a door, under way. ``body`` is what has come; ``leave`` hangs up."""

    def __init__(
        self,
        door: str,
        guard: Guard,
        tap: Tap,
        text: str = "hello",
        path: str = CHAT,
        *,
        start: bool = True,
        **more: Any,
    ) -> None:
        more.setdefault("stream", True)
        self.path = path
        self.status, self.body, self.ended, self.headers = 0, b"", False, dict[str, str]()
        self.gone = asyncio.Event()
        self.pass_on = asyncio.Event()  # a slow caller takes nothing while it is not set
        self.pass_on.set()
        self.sending = self.overlapped = 0  # sends under way, and whether two ever were
        sent = chat(text, **more)
        if door in LIBRARIES:
            tap.http = LIBRARIES[door]
            self.work = self._fetch(LIBRARIES[door], guard, tap, sent)
        else:
            app = GuardrailMiddleware(tap, guard) if door == "asgi" else gateway(guard, tap)
            self.work = self._call(app, sent)
        if start:
            self.task = asyncio.create_task(self.work)

    async def _fetch(self, http: ModuleType, guard: Guard, tap: Tap, sent: bytes) -> None:
        async with (
            http.AsyncClient(transport=transports(http)[1](tap.transport(), policy=guard)) as client,
            client.stream("POST", f"http://model{self.path}", content=sent, headers=dict([JSON])) as answer,
        ):
            self.status, self.headers = answer.status_code, dict(answer.headers)
            async for chunk in answer.aiter_bytes():
                self.body += chunk
                await self.pass_on.wait()
        self.ended = True

    async def _call(self, app: Any, sent: bytes) -> None:
        waiting = list(reversed(request(sent)))

        async def receive() -> Any:
            if waiting:
                return waiting.pop()
            await self.gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            self.sending += 1
            self.overlapped = max(self.overlapped, self.sending)
            try:
                await asyncio.sleep(0)
                await self.pass_on.wait()
                self._got(message)
            finally:
                self.sending -= 1

        await app(scope_of(self.path), receive, send)

    def _got(self, message: Any) -> None:
        assert not self.ended, "more after the end"
        if message["type"] == "http.response.start":
            assert not self.status, "a second head"
            self.status = message["status"]
            self.headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
            return
        assert self.status, "a body before the head"
        self.body += message.get("body", b"")
        self.ended = not message.get("more_body", False)

    async def leave(self) -> None:
        """Hang up: a server tells an app so; a client closes its answer, or is cancelled."""
        self.gone.set()
        await quiet()
        if not self.task.done():
            self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    async def done(self, seconds: float = 5.0) -> None:
        await asyncio.wait_for(asyncio.shield(self.task), seconds)
