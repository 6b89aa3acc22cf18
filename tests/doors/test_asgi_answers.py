"""The middleware on the way back: answers are judged, edited, stopped, and else left alone."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from guardrail import GuardrailMiddleware
from tests.support import events

from .driver import (
    BAD,
    EVENTS,
    JSON,
    MASKED,
    Answer,
    Inner,
    guarding,
    post,
)

FORM = ("content-type", "application/x-www-form-urlencoded")
FILES = ("content-type", "multipart/form-data; boundary=x")


def refused(answer: Answer) -> bool:
    return answer.status == 400 and answer.json()["error"]["code"] == "content_refused" and answer.complete


@pytest.mark.parametrize("shape", ["json", "text"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_refused_event_of_an_unknown_stream_ends_it_validly(shape: str, at: int) -> None:
    said = [f"event {n}" for n in range(3)]
    said[at] = f"so {BAD} it is"
    chunks = tuple(f"data: {json.dumps({'t': t}) if shape == 'json' else t}\n\n".encode() for t in said)
    inner, (guard, rows) = Inner(chunks, (EVENTS,)), guarding()
    answer = post(GuardrailMiddleware(inner, guard), {})
    assert answer.complete
    assert BAD.encode() not in answer.body
    got: list[Any] = [json.loads(data) if data[:1] == "{" else data for _, data in events.read(answer.body)]
    assert got[-1]["error"]["code"] == "content_refused"
    assert len(got) == at + 1
    assert [(row.ended, row.status) for row in rows] == [("refused", 200)]


def test_an_edited_answer_has_its_true_length() -> None:
    body = json.dumps({"reply": f"see {MASKED}"}).encode()
    headers = (JSON, ("content-length", str(len(body))), ("etag", '"1"'))
    answer = post(GuardrailMiddleware(Inner((body,), headers), guarding()[0]), {})
    assert answer.json() == {"reply": "see [gone]"}
    assert answer.headers["content-length"] == str(len(answer.body))
    assert "etag" not in answer.headers


@pytest.mark.parametrize("reply", ["fine " * 300, MASKED * 300, f"{'x' * 900} {BAD}"], ids=["clean", "masked", "bad"])
@pytest.mark.parametrize("how", ["asked", "unasked", "stream"])
def test_answers_that_an_inner_app_compresses_are_still_judged(reply: str, how: str) -> None:
    """``asked``: by Starlette's own middleware, where the caller says that it takes gzip."""
    guard, _ = guarding()
    head: tuple[tuple[str, str], ...]
    if how == "stream":
        plain = f"data: {json.dumps({'t': reply})}\n\n".encode()
        head = (EVENTS, ("content-encoding", "gzip"))
        inner: Any = Inner((gzip.compress(plain),), head)
    elif how == "unasked":
        coded = gzip.compress(json.dumps({"reply": reply}).encode())
        head = (JSON, ("content-encoding", "gzip"), ("content-length", str(len(coded))))
        inner = Inner((coded[:20], coded[20:]), head)
    else:
        inner = GZipMiddleware(Inner((json.dumps({"reply": reply}).encode(),)))
    answer = post(GuardrailMiddleware(inner, guard), {}, headers=(JSON, ("accept-encoding", "gzip")))
    assert answer.complete
    assert BAD.encode() not in answer.body
    if how == "stream":
        assert "content-encoding" not in answer.headers
        assert (b"content_refused" in answer.body) == (BAD in reply)
        return
    raw = gzip.decompress(answer.body) if "content-encoding" in answer.headers else answer.body
    expected = {"reply": reply.replace(MASKED, "[gone]")}
    assert refused(answer) if BAD in reply else json.loads(raw) == expected
    assert answer.headers.get("content-length", str(len(answer.body))) == str(len(answer.body))


def test_background_tasks_still_run() -> None:
    ran: list[int] = []

    async def ask(asked: Request) -> Response:
        return JSONResponse({"reply": "fine"}, background=BackgroundTask(ran.append, 1))

    guard, rows = guarding()
    app = Starlette(
        routes=[Route("/ask", ask, methods=["POST"])], middleware=[Middleware(GuardrailMiddleware, policy=guard)]
    )
    assert post(app, {}).complete
    assert (ran, [row.ended for row in rows]) == ([1], ["complete"])


def test_what_a_background_task_raises_is_not_swallowed() -> None:
    def fails() -> None:
        raise ZeroDivisionError

    async def ask(asked: Request) -> Response:
        return JSONResponse({"reply": "fine"}, background=BackgroundTask(fails))

    guard, rows = guarding()
    app = Starlette(routes=[Route("/ask", ask, methods=["POST"])])
    with pytest.raises(ZeroDivisionError):
        post(GuardrailMiddleware(app, guard), {})
    assert [row.ended for row in rows] == ["complete"]


@pytest.mark.parametrize("chunks", [1, 3])
def test_what_an_app_raises_goes_on_with_a_row(chunks: int) -> None:
    guard, rows = guarding()
    inner = Inner((b"data: a\n\n",) * chunks, (EVENTS,), raises=KeyError("x"))
    with pytest.raises(KeyError):
        post(GuardrailMiddleware(inner, guard), {})
    assert [row.ended for row in rows] == ["error"]


def test_a_stream_is_stopped_where_it_is_refused() -> None:
    """Starlette's own streaming response sees a lost connection, and its generator is closed."""
    closed: list[int] = []

    async def says() -> AsyncIterator[bytes]:
        try:
            yield b"data: fine\n\n"
            yield f"data: {BAD}\n\n".encode()
            for n in range(1000):
                closed.append(n)
                yield b"data: more\n\n"
        finally:
            closed.append(-1)

    async def ask(asked: Request) -> Response:
        return StreamingResponse(says(), media_type="text/event-stream")

    guard, rows = guarding()
    app = Starlette(routes=[Route("/ask", ask, methods=["POST"])])
    answer = post(GuardrailMiddleware(app, guard), {})
    assert answer.complete
    assert closed == [-1]
    assert [row.ended for row in rows] == ["refused"]
