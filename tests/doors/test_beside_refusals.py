"""What an upstream says beside a refusal of its request, or after its answer was given up, reaches nobody."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from concurrent.futures import Future
from typing import Any

import pytest

from guardrail.policy.plan import Patience

from .calling import ASYNC_DOORS, Ask, Tap, playing, quiet, until
from .driver import guarding
from .overlapping import ODD, Case
from .remote import Desk, judging

SPOKEN = b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\x00\xff" * 64
SPEECH = "/v1/audio/speech"
server_doors = pytest.mark.parametrize("door", ["asgi", "gateway"])


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def slow_to_store(case: Case) -> Future[None]:
    """The row of this call is handed over, and stored when the test says so."""
    stored: Future[None] = Future()

    def submit(decision: Any) -> Future[None]:
        case.rows.append(decision)
        return stored

    case.guard._recorder.submit = submit  # type: ignore[method-assign]
    return stored


@pytest.mark.parametrize("door", ASYNC_DOORS)
def test_a_file_is_stopped_when_its_request_is_refused(door: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk, path=SPEECH, input=f"{ODD} hello", voice="alloy")
        question = await desk.asked()
        await until(case.tap.called.is_set)
        case.tap.head(200, ("content-type", "audio/mpeg")).say(SPOKEN)
        await until(lambda: case.tap.said == 2)
        await quiet()
        assert case.ask.body == b""
        question.answer()
        await until(lambda: bool(case.ask.ended or case.ask.task.done()))
        await until(lambda: bool(case.tap.closed))
        case.tap.say(b"MORE-SOUND").end()
        await case.ask.done()
        assert b"MORE-SOUND" not in case.ask.body
        assert b"ID3" not in case.ask.body
        assert [row.ended for row in case.rows] == ["refused"]

    playing(scene())


@server_doors
def test_a_head_that_comes_while_a_refusal_is_stored_is_not_sent(door: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk, f"a {ODD} wish", stream=True)
        stored = slow_to_store(case)
        question = await desk.asked()
        await until(case.tap.called.is_set)
        question.answer()
        await until(lambda: bool(case.rows))
        await quiet()
        case.tap.head(204, ("x-secret", "leak"))
        await quiet()
        stored.set_result(None)
        await until(lambda: bool(case.ask.ended))
        await case.ask.done()
        assert case.ask.status == 200
        assert "x-secret" not in case.ask.headers
        assert b"content_filter" in case.ask.body

    playing(scene())


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_page_is_not_sent_after_the_refusal_of_its_request(when: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case("asgi", desk, f"a {ODD} wish", stream=False, path="/my/page")
        stored = slow_to_store(case)
        got: list[MutableMapping[str, Any]] = []
        case.ask._got = got.append  # type: ignore[method-assign,assignment]
        question = await desk.asked()
        await until(case.tap.called.is_set)
        if when == "before":
            case.tap.head(200, ("content-type", "text/html")).say(b"<p>one")
            await quiet()
        question.answer()
        await until(lambda: bool(case.rows))
        if when == "during":
            case.tap.head(200, ("content-type", "text/html")).say(b"<p>one")
            await quiet()
        stored.set_result(None)
        await quiet()
        case.tap.say(b"<p>two").end()
        await until(lambda: case.ask.task.done())
        assert [m["type"] for m in got].count("http.response.start") == 1
        assert not any(b"<p>" in m.get("body", b"") for m in got)

    playing(scene())


@server_doors
def test_a_file_that_falls_silent_is_given_up(door: str) -> None:
    async def scene() -> None:
        guard, rows = guarding(judging(None, None, patience=Patience(0.05, 0.05, None, None)))
        tap = Tap()
        ask = Ask(door, guard, tap, path=SPEECH, input="hello", voice="alloy")
        await until(tap.called.is_set)
        tap.head(200, ("content-type", "audio/mpeg")).say(SPOKEN)
        await until(lambda: ask.body != b"")
        await until(lambda: ask.task.done())
        assert tap.closed
        assert len(rows) == 1
        await asyncio.gather(ask.task, return_exceptions=True)

    playing(scene())
