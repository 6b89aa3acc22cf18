"""Cancelled or left at any point: one row, no task, and nothing of the upstream stays open (threat T38)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from guardrail import Guard, GuardrailMiddleware, transports
from guardrail.store.reader import read
from tests.support import events, plans

from .cancelling import at_each_await, settled
from .driver import BAD, CHAT, Answer, call, chat, request, scope_of


@pytest.fixture(params=["inline", "worker"])
def guard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Guard]:
    """By ``worker`` every scan is an await too; the log is a real one, so that commits are."""
    inline = 0 if request.param == "worker" else 4096
    made = Guard(plans.plan(plans.Word(BAD, inline=inline)), log=f"sqlite:///{tmp_path / 'decisions.db'}")
    yield made
    made.close()


def rows(guard: Guard) -> list[Any]:
    guard.flush()
    return list(read(f"sqlite:///{guard._recorder.url.removeprefix('sqlite:///')}"))


class Model:
    """A Starlette app that streams or answers whole, awaiting between all it does."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.opened = self.closed = 0
        self.app = Starlette(routes=[Route("/{path:path}", self.answer, methods=["POST"])])

    async def answer(self, asked: Request) -> Response:
        stream = (await asked.json()).get("stream")
        await asyncio.sleep(0)
        if not stream:
            return JSONResponse({"choices": [{"index": 0, "message": {"content": "".join(self.texts)}}]})
        return StreamingResponse(self.stream(), media_type="text/event-stream")

    async def stream(self) -> AsyncIterator[bytes]:
        self.opened += 1
        try:
            for tree in events.said(*self.texts):
                await asyncio.sleep(0)
                yield events.sse(tree, done=False)
            yield events.DONE
        finally:
            self.closed += 1


async def slow_call(
    app: Any, body: bytes, answer: Answer, gone: asyncio.Event | None = None, version: str = "2.4"
) -> Any:
    """One call in which each message is awaited for."""

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        async def slow_receive() -> Any:
            await asyncio.sleep(0)
            return await receive()

        async def slow_send(message: Any) -> None:
            await asyncio.sleep(0)
            await send(message)

        await app(scope, slow_receive, slow_send)

    scope = scope_of(CHAT, asgi={"version": "3.0", "spec_version": version})
    return await call(slow, scope, request(body, (10, 20)), answer, gone)


@pytest.mark.parametrize("version", ["2.3", "2.4"])  # from 2.4 on Starlette does not watch the caller itself
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("said", ["fine", BAD])
def test_a_call_cancelled_at_any_await_has_one_row(guard: Guard, stream: bool, said: str, version: str) -> None:
    model = Model("so ", said, " it is")
    middleware = GuardrailMiddleware(model.app, guard)
    answers: list[Answer] = []

    async def work() -> None:
        answers.append(Answer())
        await slow_call(middleware, chat("hello", stream=stream), answers[-1], version=version)

    async def after(cancelled: bool) -> None:
        assert BAD.encode() not in answers[-1].body
        assert answers[-1].complete or cancelled

    async def main() -> None:
        async with aclosing(AsyncGenerators()):
            await at_each_await(work, after)

    asyncio.run(main())
    made = rows(guard)
    assert len(made) == len(answers)
    assert {row.ended for row in made} <= {"cancelled", "complete", "refused"}
    assert [row.ended for row in made].count("cancelled") > 2
    assert made[-1].ended == ("refused" if said == BAD else "complete")
    assert model.opened == model.closed


class AsyncGenerators:
    """Closes what an event loop closes at its end, so that a test can count it."""

    async def aclose(self) -> None:
        await asyncio.get_running_loop().shutdown_asyncgens()


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_who_leaves_at_any_message_has_one_row(guard: Guard, stream: bool) -> None:
    model = Model("so ", "fine ", "it is")
    middleware = GuardrailMiddleware(model.app, guard)

    async def leave_after(n: int) -> int:
        gone, answer = asyncio.Event(), Answer()
        if n == 0:
            gone.set()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            async def counting(message: Any) -> None:
                await send(message)
                if len(answer.messages) == n:
                    gone.set()
                await asyncio.sleep(0)

            await middleware(scope, receive, counting)

        await slow_call(app, chat("hello", stream=stream), answer, gone, "2.3")
        await settled()
        return len(answer.messages)

    async def main() -> list[int]:
        async with aclosing(AsyncGenerators()):
            return [await leave_after(n) for n in range(12)]

    sent = asyncio.run(main())
    made = rows(guard)
    assert len(made) == len(sent) == 12
    assert {row.ended for row in made} <= {"disconnected", "complete"}
    assert made[-1].ended == "complete"
    assert model.opened == model.closed
    if stream:
        assert [row.ended for row in made].count("disconnected") > 3


@pytest.mark.parametrize("at", range(3))
def test_a_caller_who_leaves_in_its_body_has_a_row_and_reaches_nobody(guard: Guard, at: int) -> None:
    model = Model("x")
    messages = [*request(chat("hello"), (5, 10))[:at], {"type": "http.disconnect"}]
    answer = asyncio.run(call(GuardrailMiddleware(model.app, guard), scope_of(CHAT), messages))
    assert (answer.messages, model.opened) == ([], 0)
    assert [row.ended for row in rows(guard)] == ["disconnected"]


# -- the transports --------------------------------------------------------------------------------


class Upstream:
    """What stands behind a transport: streams what a model says; counts what is opened and closed."""

    def __init__(self, http: ModuleType, *texts: str) -> None:
        self.http = http
        self.chunks = [*(events.sse(t, done=False) for t in events.said(*texts)), events.DONE]
        self.opened = self.closed = 0
        upstream = self

        class AsyncStream(http.AsyncByteStream):  # type: ignore[misc,name-defined]
            def __init__(self) -> None:
                self.open = True

            async def __aiter__(self) -> AsyncIterator[bytes]:
                for chunk in upstream.chunks:
                    await asyncio.sleep(0)
                    yield chunk

            async def aclose(self) -> None:
                upstream.closed += self.open
                self.open = False
                await asyncio.sleep(0)

        class Stream(http.SyncByteStream):  # type: ignore[misc,name-defined]
            def __init__(self) -> None:
                self.open = True

            def __iter__(self) -> Iterator[bytes]:
                yield from upstream.chunks

            def close(self) -> None:
                upstream.closed += self.open
                self.open = False

        class AsyncTransport(http.AsyncBaseTransport):  # type: ignore[misc,name-defined]
            async def handle_async_request(self, request: Any) -> Any:
                await asyncio.sleep(0)
                upstream.opened += 1
                return http.Response(200, headers={"content-type": "text/event-stream"}, stream=AsyncStream())

        class Transport(http.BaseTransport):  # type: ignore[misc,name-defined]
            def handle_request(self, request: Any) -> Any:
                upstream.opened += 1
                return http.Response(200, headers={"content-type": "text/event-stream"}, stream=Stream())

        self.transport, self.async_transport = Transport(), AsyncTransport()


libraries = pytest.mark.parametrize("http", [httpx, httpx2], ids=["httpx", "httpx2"])
URL = f"http://model{CHAT}"
HEADERS = {"content-type": "application/json"}


@libraries
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("said", ["fine", BAD])
def test_an_async_client_cancelled_at_any_await_leaves_nothing_open(
    guard: Guard, http: ModuleType, whole: bool, said: str
) -> None:
    upstream = Upstream(http, "so ", said, " it is")
    calls = 0

    async def main() -> None:
        client = http.AsyncClient(transport=transports(http)[1](upstream.async_transport, policy=guard))

        async def work() -> None:
            nonlocal calls
            calls += 1
            if whole:
                answer = await client.post(URL, content=chat("hello", stream=True), headers=HEADERS)
                assert BAD not in answer.text
                return
            async with client.stream("POST", URL, content=chat("hello", stream=True), headers=HEADERS) as answer:
                async for chunk in answer.aiter_bytes():
                    assert BAD.encode() not in chunk

        async def after(cancelled: bool) -> None:
            assert upstream.opened == upstream.closed

        await at_each_await(work, after)
        await client.aclose()

    asyncio.run(main())
    made = rows(guard)
    assert len(made) == calls > 5
    assert {row.ended for row in made} <= {"cancelled", "disconnected", "complete", "refused"}
    assert "upstream_error" not in {row.ended for row in made}
    assert made[-1].ended == ("refused" if said == BAD else "complete")


@libraries
@pytest.mark.parametrize("said", ["fine", BAD])
def test_a_sync_answer_closed_after_any_chunk_leaves_nothing_open(guard: Guard, http: ModuleType, said: str) -> None:
    upstream = Upstream(http, "so ", said, " it is")
    client = http.Client(transport=transports(http)[0](upstream.transport, policy=guard))
    for taken in range(8):
        with client.stream("POST", URL, content=chat("hello", stream=True), headers=HEADERS) as answer:
            got = list(itertools.islice(answer.iter_raw(), taken))
        assert upstream.opened == upstream.closed == taken + 1
        assert BAD.encode() not in b"".join(got)
    client.close()
    made = rows(guard)
    assert len(made) == 8
    # before the end it was left; after that it is what it is
    assert made[0].ended == "disconnected"
    assert made[-1].ended == ("refused" if said == BAD else "complete")


@libraries
def test_an_async_answer_closed_after_any_chunk_leaves_nothing_open(guard: Guard, http: ModuleType) -> None:
    upstream = Upstream(http, "so ", "fine", " it is")

    async def main() -> None:
        async with http.AsyncClient(transport=transports(http)[1](upstream.async_transport, policy=guard)) as client:
            for taken in range(8):
                async with client.stream("POST", URL, content=chat("hi", stream=True), headers=HEADERS) as answer:
                    chunks = answer.aiter_raw()
                    for _ in range(taken):
                        await anext(chunks, None)
                    await chunks.aclose()
                await settled()
                assert upstream.opened == upstream.closed == taken + 1

    asyncio.run(main())
    assert len(rows(guard)) == 8


@libraries
def test_an_interrupt_is_no_fault_of_the_upstream(guard: Guard, http: ModuleType) -> None:
    class Interrupted(http.BaseTransport):  # type: ignore[misc,name-defined]
        def handle_request(self, request: Any) -> Any:
            raise KeyboardInterrupt

    client = http.Client(transport=transports(http)[0](Interrupted(), policy=guard))
    with pytest.raises(KeyboardInterrupt):
        client.post(URL, content=chat("hello"), headers=HEADERS)
    client.close()
    assert [row.ended for row in rows(guard)] == ["cancelled"]
