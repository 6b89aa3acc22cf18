"""Somebody far away who judges, and a model that speaks, each only when a test says so.

``Far`` is a moderator that asks; a ``Desk`` holds its questions until they are answered, in both worlds.
A ``Tap`` is what stands behind a door, an ``Ask`` the call in front of it: both for the ASGI doors and
for the async transports.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest

from guardrail import Guard, GuardrailMiddleware, transports
from guardrail.doors import delivery
from guardrail.doors.gateway import gateway
from guardrail.errors import NotEvaluated
from guardrail.flow import Fetch, Flow, Reply
from guardrail.policy.plan import Patience, Plan
from guardrail.verdict import Action, Finding, Kind
from guardrail.worlds import AsyncWorld, SyncWorld, loop, threads
from tests.support import events, plans

from .driver import BAD, CHAT, EVENTS, JSON, MASKED, chat, request, scope_of

NEVER = Patience(None, None, None, None)
ASYNC_DOORS = ("asgi", "gateway", "httpx", "httpx2")
LIBRARIES: dict[str, ModuleType] = {"httpx": httpx, "httpx2": httpx2}


# -- who judges ------------------------------------------------------------------------------------


@dataclass
class Far(plans.Judge):
    """A moderator that asks somebody else about its windows."""

    name: str = "far"
    remote: bool = True
    timeout: float = 20.0
    reads: frozenset[Kind] = frozenset({Kind.USER, Kind.ASSISTANT})
    closed: int = 0  # questions that were given up

    def ask(self, texts: Sequence[str]) -> Flow[Sequence[Sequence[Finding]]]:
        self.asked += texts
        try:
            reply = yield Fetch("POST", "http://far.example/", json.dumps(list(texts)).encode(), timeout=self.timeout)
        except GeneratorExit:
            self.closed += 1
            raise
        if reply.status != 200:
            raise NotEvaluated("status", f"it answered {reply.status}")
        return [[Finding(self.category, 1.0, 0, len(t), self.name)] if self.word in t else [] for t in texts]


@dataclass
class Question:
    texts: list[str]
    reply: asyncio.Future[Reply] | Future[Reply]

    def answer(self, status: int = 200) -> None:
        if not self.reply.done():
            self.reply.set_result(Reply(status, (), b""))


class Desk:
    """Where the questions arrive. ``out``: how many wait for an answer; ``most``: how many did at one time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.questions: list[Question] = []
        self.out = self.most = 0
        self.at_once = False  # every question is answered as it comes, after one turn of the loop

        async def exchange(client: Any, fetch: Fetch, end: float) -> Reply:
            question = self._take(fetch, asyncio.get_running_loop().create_future())
            try:
                if self.at_once:
                    await asyncio.sleep(0)
                    question.answer()
                assert isinstance(question.reply, asyncio.Future)
                return await question.reply
            finally:
                self.out -= 1

        def blocking(client: Any, fetch: Fetch, end: float) -> Reply:
            question = self._take(fetch, Future())
            if self.at_once:
                question.answer()
            assert isinstance(question.reply, Future)
            try:
                return question.reply.result(20)
            finally:
                self.out -= 1

        async def no_client(self: AsyncWorld) -> None:
            await asyncio.sleep(0)

        monkeypatch.setattr(delivery, "GRACE", 0.05)
        monkeypatch.setattr(loop, "_exchange", exchange)
        monkeypatch.setattr(threads, "_exchange", blocking)
        monkeypatch.setattr(AsyncWorld, "_get_client", no_client)
        monkeypatch.setattr(SyncWorld, "_get_client", lambda self: None)

    def _take(self, fetch: Fetch, reply: Any) -> Question:
        question = Question(json.loads(fetch.body), reply)
        self.out += 1
        self.most = max(self.most, self.out)
        self.questions.append(question)
        return question

    async def asked(self, n: int = 1) -> Question:
        """The n-th question, once it has come."""
        await until(lambda: len(self.questions) >= n)
        return self.questions[n - 1]

    def waited_for(self, n: int = 1) -> Question:
        """``asked`` for threads."""
        end = time.monotonic() + 5
        while len(self.questions) < n:
            assert time.monotonic() < end, "no question came"
            time.sleep(0.001)
        return self.questions[n - 1]


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


# -- plans -----------------------------------------------------------------------------------------


def judging(
    far: plans.Judge | None = None,
    near: plans.Judge | None = None,
    *,
    overlap: str = "none",
    on_error: Action = Action.REFUSE,
    patience: Patience = NEVER,
    strategy: str = "window",
    **changes: Any,
) -> Plan:
    """``far`` judges the answer, ``near`` the request; one word is refused and one masked everywhere by exact checks."""
    exact = (plans.Word(BAD), plans.Word(MASKED, plans.MASKED))
    errors = {"far": on_error}

    def lane(judge: plans.Judge | None, words: dict[str, str]) -> Any:
        return replace(plans.lane(*exact, *([judge] if judge else [])), on_error=errors, strategies=words)

    words = {far.name: strategy} if far is not None and strategy != "window" else {}
    made = plans.plan()
    return replace(made, input=lane(near, {}), output=lane(far, words), overlap=overlap, patience=patience, **changes)


def spoken(*texts: str) -> list[bytes]:
    """The events of an answer, each by itself, without the end."""
    return [events.sse(tree, done=False) for tree in events.said(*texts)]


# -- what stands behind a door ---------------------------------------------------------------------


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
