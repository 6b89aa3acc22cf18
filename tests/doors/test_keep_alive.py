"""Comments that say a silent stream is alive: when they are sent, where never, and by one sender."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guardrail.policy.plan import Patience
from tests.support import events

from .calling import playing, spoken, until
from .driver import JSON
from .patient import ALIVE, OPENED, Case
from .remote import NEVER, Desk, Far

doors = pytest.mark.parametrize("door", ["asgi", "gateway"])
pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


@doors
def test_a_caller_of_a_silent_stream_hears_that_it_is_alive(door: str) -> None:
    async def scene() -> None:
        case = Case(door, Patience(None, None, 0.03, None))
        case.tap.head().say(*OPENED, b'data: {"cho')
        await until(lambda: case.ask.body.count(ALIVE) >= 2, 2)
        assert case.ask.body == b"".join(OPENED) + ALIVE * case.ask.body.count(ALIVE)
        case.tap.say(b'ices": []}\n\n', *spoken("x")[2:], events.DONE)
        await until(lambda: events.DONE in case.ask.body)
        said = case.ask.body
        await asyncio.sleep(0.12)
        assert case.ask.body == said, "a comment after the end"
        case.tap.end()
        await case.ask.done()
        assert case.ask.body.replace(ALIVE, b"").startswith(b"".join(OPENED) + b'data: {"choices": []}\n\n')
        assert case.row().ended == "complete"
        await case.left_clean()

    playing(scene())


QUIET = [
    ("observed", {"plan": {"observe": True}}, ()),
    ("json lines", {"path": "/api/chat"}, (200, ("content-type", "application/x-ndjson"))),
    ("whole", {"stream": False}, (200, JSON)),
    ("no head yet", {}, None),
    ("never", {}, ()),
]


@doors
@pytest.mark.parametrize(("name", "more", "head"), QUIET, ids=[name for name, _, _ in QUIET])
def test_where_a_comment_would_not_be_one_there_is_none(door: str, name: str, more: Any, head: Any) -> None:
    async def scene() -> None:
        patience = NEVER if name == "never" else Patience(None, None, 0.02, None)
        case = Case(door, patience, **more)
        if head is not None:
            case.tap.head(*head).say(
                b'{"message": {"content": "so"}, "done": false}\n' if name == "json lines" else b""
            )
        await asyncio.sleep(0.1)
        assert b"keep-alive" not in case.ask.body
        await case.ask.leave()
        assert b"keep-alive" not in case.ask.body
        await case.left_clean()

    playing(scene())


@doors
def test_a_slow_caller_gets_one_message_at_a_time_and_blames_nobody(door: str) -> None:
    """While a send waits nothing else is sent, and upstream is not taken for silent."""

    async def scene() -> None:
        case = Case(door, Patience(0.05, 0.05, 0.02, 0.02))
        await until(case.tap.called.is_set)
        case.ask.pass_on.clear()
        case.tap.head().say(*OPENED)
        await asyncio.sleep(0.2)
        assert case.ask.sending == 1
        assert case.ask.overlapped == 1
        case.ask.pass_on.set()
        case.tap.say(*spoken("x")[2:], events.DONE).end()
        await case.ask.done()
        assert case.row().ended == "complete"
        assert case.ask.body.replace(ALIVE, b"") == b"".join([*OPENED, *spoken("x")[2:], events.DONE])
        await case.left_clean()

    playing(scene())


@doors
def test_no_comment_is_sent_beside_the_end_that_is_being_judged(door: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, Patience(None, None, 0.02, None), Far("peculiar", stride=1000))
        case.tap.head().say(*OPENED, *spoken("x")[2:], events.DONE).end()
        question = await desk.asked()
        await asyncio.sleep(0.08)
        case.ask.pass_on.clear()
        question.answer()
        await asyncio.sleep(0.08)
        assert case.ask.sending <= 1
        case.ask.pass_on.set()
        await case.ask.done()
        assert case.ask.body.endswith(events.DONE)
        assert case.row().ended == "complete"
        await case.left_clean()

    playing(scene())
