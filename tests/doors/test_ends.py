"""How a stream ends while somebody far away judges it: refused, left, broken off; and what stops then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guardrail import Decision, GuardrailMiddleware
from guardrail.errors import UpstreamError
from tests.support import events

from .calling import ASYNC_DOORS, Ask, Tap, playing, quiet, spoken, until
from .driver import CHAT, call, chat, guarding, request, scope_of
from .remote import Desk, Far, judging

ODD = "peculiar"
HEAD = [(b"content-type", b"text/event-stream")]
doors = pytest.mark.parametrize("door", ASYNC_DOORS)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


class Case:
    """A stream whose text is judged far away, four characters at a time."""

    def __init__(self, door: str, desk: Desk, **more: Any) -> None:
        self.guard, self.rows = guarding(judging(Far(ODD, stride=8), **more))
        self.desk, self.tap = desk, Tap()
        self.ask = Ask(door, self.guard, self.tap)

    def row(self) -> Decision:
        (row,) = self.rows
        return row

    async def left_clean(self) -> None:
        await quiet()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert self.guard.aworld()._running == 0
        assert (self.desk.out, self.tap.open) == (0, 0)
        assert self.ask.overlapped <= 1


@doors
def test_a_refusal_does_not_wait_for_a_silent_upstream(door: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk)
        case.tap.head().say(*spoken("so ", f"{ODD} it is so")[:3])
        question = await desk.asked()
        await until(lambda: case.ask.status == 200)
        assert b"so " not in case.ask.body
        question.answer()
        await until(lambda: case.ask.ended, 1)
        await until(lambda: case.tap.closed, 1)
        await case.ask.done()
        assert set(events.finishes(case.ask.body).values()) == {"content_filter"}
        assert case.ask.body.endswith(events.DONE)
        assert ODD.encode() not in case.ask.body
        row = case.row()
        assert (row.ended, row.outcome) == ("refused", "refused")
        assert row.spent is not None
        assert row.spent.bytes == sum(map(len, spoken("so ", f"{ODD} it is so")[:3]))
        await case.left_clean()

    playing(scene())


@doors
@pytest.mark.parametrize("more", ["speaks", "ends", "fails", "nothing"])
def test_a_refusal_reaches_a_slow_caller_whatever_upstream_does_meanwhile(door: str, more: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk)
        case.tap.head().say(*spoken("so ", f"{ODD} it is so")[:3])
        question = await desk.asked()
        await until(lambda: case.ask.status == 200)
        case.ask.pass_on.clear()
        question.answer()
        await quiet()
        if more == "speaks":
            case.tap.say(*spoken("x", " and more")[2:3])
        elif more == "fails":
            case.tap.fail(OSError("gone"))
        elif more == "ends":
            case.tap.end()
        await asyncio.sleep(0.02)
        case.ask.pass_on.set()
        await case.ask.done()
        assert case.ask.ended
        assert case.ask.body.endswith(events.DONE)
        assert b"content_filter" in case.ask.body
        assert case.row().ended == "refused"
        await case.left_clean()

    playing(scene())


@doors
@pytest.mark.parametrize("cleared", [False, True])
def test_a_caller_who_leaves_while_a_check_is_out_stops_all(door: str, cleared: bool, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk)
        case.tap.head().say(*spoken("so long", " and so on")[:3])
        question = await desk.asked()
        if cleared:
            question.answer()
            await until(lambda: b"so long" in case.ask.body)
            case.tap.say(*spoken("x", " and so forth")[2:3])
            await desk.asked(2)
        await case.ask.leave()
        await until(lambda: case.tap.closed, 1)
        row = case.row()
        assert row.ended in ("disconnected", "cancelled")
        assert row.spent is not None
        await case.left_clean()

    playing(scene())


@doors
@pytest.mark.parametrize("out", [False, True])
def test_an_upstream_that_breaks_off_is_told_unlike_a_refusal(door: str, out: bool, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk)
        case.tap.head().say(*spoken("so long", " and so on")[:3])
        question = await desk.asked()
        if not out:
            question.answer()
            await until(lambda: b"so long" in case.ask.body)
        if door in ("asgi", "gateway"):
            case.tap.fail(UpstreamError("broke off"))
            await quiet()
            question.answer()
            await case.ask.done()
            assert events.trees(case.ask.body)[-1]["error"]["code"] == "upstream_error"
            assert b"content_filter" not in case.ask.body
            assert events.DONE not in case.ask.body
        else:
            error = case.tap.http.ReadError
            case.tap.fail(error("broke off"))
            with pytest.raises(error, match="broke off"):
                await case.ask.done()
        assert case.row().ended == "upstream_error"
        assert case.row().spent is not None
        await case.left_clean()

    playing(scene())


@pytest.mark.parametrize("raises", [True, False])
def test_the_task_of_an_app_that_was_stopped_is_not_left_cancelled(raises: bool, desk: Desk) -> None:
    """Whose task it is goes on with its own work, and its own timeouts."""

    async def scene() -> None:
        guard, rows = guarding(judging(Far(ODD, stride=8)))
        desk.at_once = True

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": HEAD})
            for chunk in spoken("so ", f"{ODD} it is so")[:3]:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if raises:
                    raise

        answer = await call(GuardrailMiddleware(app, guard), scope_of(CHAT), request(chat("hello", stream=True)))
        assert answer.complete
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        assert [row.ended for row in rows] == ["refused"]

    playing(scene())
