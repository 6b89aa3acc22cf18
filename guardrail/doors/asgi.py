"""The ASGI door: guards any app, requests and answers, whole and streamed.

Carries messages between server, exchange and app. Knows ASGI and nothing of wire formats or rules.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from ..core import Guard, as_guard, name_user, new_id
from ..errors import UpstreamError
from ..exchange import Exchange
from ..flow import arun
from ..http import Head, Headers, Release, Request
from ..ledger import Ledger
from ..verdict import Action
from .delivery import Delivery, Message, Receive, Send

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
User = str | Callable[[Scope], str | None]

_UNREAD = ("http.response.pathsend", "http.response.zerocopysend", "http.response.trailers")
"""Ways to answer that go past the guard."""


class GuardrailMiddleware:
    """Pure ASGI middleware: ``GuardrailMiddleware(app)`` or ``app.add_middleware(GuardrailMiddleware)``.

    ``policy`` is a name, a path or a Guard; ``log`` a SQLAlchemy URL; ``user`` an id, or a function
    of the scope that gives one. Raises PolicyError at once where the policy cannot be used.
    """

    def __init__(
        self, app: App, policy: str | Path | Guard = "default", *, log: str | None = None, user: User | None = None
    ) -> None:
        self.app = app
        self.guard = as_guard(policy, log)
        self._user = user
        self.door, self.unclaimed = "asgi", "walk"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await self._websocket(scope, receive, send)
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        client = scope.get("client")
        request = Request(
            scope["method"],
            path_of(scope),
            headers_of(scope["headers"]),
            peer=client[0] if client else None,
            scope=scope,
            user=name_user(self._user, scope),
            query=scope.get("query_string", b"").decode("latin-1"),
        )
        exchange = self.guard.open(request, door=self.door, unclaimed=self.unclaimed)
        if exchange is None:
            return await self.app(scope, receive, send)
        await _Call(self, exchange, scope, receive, send).run()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket is not read: it passes or is refused by the policy's word, with a row that says so."""
        guard, plan = self.guard, self.guard.plan
        word = plan.scope.unclaimed or self.unclaimed
        if plan.websockets is not None:
            word = "refuse" if plan.websockets == "refuse" else "walk"
        if not guard.looks_at(path_of(scope)) or word == "pass":
            return await self.app(scope, receive, send)
        refuse = word == "refuse" and not plan.observe
        route = f"WS {path_of(scope)[:200]}"
        ledger = Ledger(plan, new_id(), time.time(), door=self.door, wire="websocket", route=route)
        ledger.gap("*", "websocket", "", Action.REFUSE if word == "refuse" else Action.ALLOW)
        guard.submit(ledger.decision(time.time(), "refused" if refuse else "opened"))
        if refuse:
            return await send({"type": "websocket.close", "code": 1008, "reason": "not a guarded route"})
        return await self.app(scope, receive, send)


class _Stopped(OSError):
    """Raised into the app where the caller has had its last byte: what a lost connection looks like."""


class _Call:
    """One HTTP call on its way through the middleware."""

    def __init__(
        self, door: GuardrailMiddleware, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._door, self._exchange, self._scope, self._receive = door, exchange, scope, receive
        self._perform = door.guard.aworld().perform
        self._delivery = Delivery(exchange, self._perform, send)
        self._replay: list[Message] = []
        self._gone = self._stopped = self._unread = False

    async def run(self) -> None:
        exchange, delivery, ended = self._exchange, self._delivery, "incomplete"
        try:
            await self._run()
            await self._told()
            ended = "disconnected" if self._gone else "incomplete"
        except asyncio.CancelledError:
            ended = "disconnected" if self._gone else "cancelled"
            if not delivery.cut or delivery.uncut() > 0:  # it was not us who broke the app off
                raise
        except UpstreamError as error:
            ended = "disconnected" if self._gone else "upstream_error"
            if not self._gone and not await self._failed(error):
                raise
        except Exception:
            ended = "disconnected" if self._gone else "error"
            await self._told()
            if not (self._stopped or delivery.halted):  # what an app raises after we stopped it is our doing
                raise
        finally:
            exchange.close(ended)
            await delivery.close()
        if delivery.broken is not None and not self._gone:
            raise delivery.broken

    async def _told(self) -> None:
        """The app has come to its end, and the caller may not have heard all of the one that we made."""
        if self._exchange.told and not self._gone:
            await self._delivery.settle()

    async def _failed(self, error: UpstreamError) -> bool:
        """Tell the caller. False: its answer had begun and cannot be ended validly."""
        await self._delivery.settle()
        if self._exchange.over:
            return True
        release = await arun(self._exchange.fail(error), self._perform)
        await self._delivery.emit(release)
        return release.end

    async def _run(self) -> None:
        exchange, delivery = self._exchange, self._delivery
        if (release := await arun(exchange.admit(), self._perform)) is not None:
            return await delivery.emit(release)
        body = await self._read()
        scope = self._scope
        step: Request | Release | None = None
        if self._unread:
            step = exchange.unread()
        elif body is not None:
            step = await arun(exchange.request(body), self._perform)
        if isinstance(step, Release):
            return await delivery.emit(step)
        if step is not None and body is not None and step.body is not body:
            self._replay = [{"type": "http.request", "body": step.body, "more_body": False}]
        if step is not None:
            scope = {**scope, "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in step.headers]}
        if exchange.over or (self._gone and not exchange.passing):
            return None
        if any(name in (scope.get("extensions") or ()) for name in _UNREAD):
            scope = {**scope, "extensions": {k: v for k, v in scope["extensions"].items() if k not in _UNREAD}}
        self._replay.reverse()
        delivery.begin(waits=exchange.claimed or self._door.unclaimed == "refuse")
        await self._door.app(scope, self._receive_checked, self._send_checked)

    async def _read(self) -> bytes | None:
        """The body, up to the cap. None: it is over, and was refused or (observing) goes by unread; or it is a file."""
        limit, size, chunks = self._exchange.plan.caps.body, 0, []
        doubtful = not self._exchange.wants_body
        while True:
            message = await self._receive()
            self._replay.append(message)
            if message["type"] == "http.disconnect":
                self._gone = True
                return None
            chunk = message.get("body", b"")
            if doubtful and chunk:
                doubtful = False
                if self._exchange.is_file(chunk):
                    self._unread = True
                    return None
            size += len(chunk)
            if size > limit:
                if (release := await arun(self._exchange.too_large(), self._perform)) is not None:
                    await self._delivery.emit(release)
                return None
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _receive_checked(self) -> Message:
        if self._replay:
            return self._replay.pop()
        if self._exchange.over:
            return {"type": "http.disconnect"}
        message = await self._delivery.receive(self._receive)
        if message is None:
            return {"type": "http.disconnect"}
        self._gone = self._gone or message["type"] == "http.disconnect"
        return message

    async def _send_checked(self, message: Message) -> None:
        exchange = self._exchange
        if exchange.over and not exchange.plan.observe:
            raise self._stop()
        if message["type"] == "http.response.start":
            exchange.response(Head(message["status"], headers_of(message.get("headers", ()))))
            self._delivery.heard()
            if exchange.plan.observe:
                exchange.take()
                await self._delivery.send(message)
        elif message["type"] == "http.response.body":
            last = not message.get("more_body", False)
            await self._delivery.body(message, last)
            if exchange.over and not (last and self._delivery.ended):
                raise self._stop()
        else:
            await self._delivery.send(message)

    def _stop(self) -> _Stopped:
        self._stopped = True
        return _Stopped("the guard ended this answer")


def headers_of(raw: Any) -> Headers:
    return tuple((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in raw)


def path_of(scope: Scope) -> str:
    """The path below the mount point, as the app's router sees it (never from the Host header)."""
    path: str = scope["path"]
    root = scope.get("root_path", "").rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else "/" if path == root else path
