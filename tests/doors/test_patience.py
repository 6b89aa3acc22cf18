"""How long a stream is waited for: a silent upstream is given up, held text is judged in a pause."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future

import pytest

from guardrail import Decision
from guardrail.policy.plan import Patience
from tests.support import events

from .calling import playing, quiet, spoken, until
from .driver import JSON
from .patient import OPENED, Case
from .remote import NEVER, Desk, Far

doors = pytest.mark.parametrize("door", ["asgi", "gateway"])
pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


@doors
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("head", [True, False])
def test_an_upstream_that_says_nothing_is_given_up(door: str, stream: bool, head: bool) -> None:
    async def scene() -> None:
        case = Case(door, Patience(0.05, None, None, None), stream=stream)
        await until(case.tap.called.is_set)
        if head:
            case.tap.head(*(() if stream else (200, JSON)))
        await until(lambda: case.ask.ended, 1)
        await until(lambda: case.tap.closed, 1)
        await case.ask.done()
        assert case.ask.status == 504
        assert json.loads(case.ask.body)["error"]["code"] == "upstream_error"
        assert (case.row().ended, case.row().status) == ("upstream_error", 504)
        assert case.row().spent is not None
        await case.left_clean()

    playing(scene())


@doors
def test_an_upstream_that_falls_silent_is_given_up(door: str) -> None:
    async def scene() -> None:
        case = Case(door, Patience(10, 0.05, None, None))
        case.tap.head().say(*OPENED)
        await until(lambda: case.ask.ended, 1)
        await case.ask.done()
        assert case.ask.body.startswith(b"".join(OPENED))
        assert events.trees(case.ask.body)[-1]["error"]["code"] == "upstream_error"
        assert b"content_filter" not in case.ask.body
        assert events.DONE not in case.ask.body
        assert (case.row().ended, case.row().status) == ("upstream_error", 200)
        await case.left_clean()

    playing(scene())


@doors
def test_each_sign_of_life_counts(door: str) -> None:
    async def scene() -> None:
        case = Case(door, Patience(0.15, 0.15, None, None))
        case.tap.head()
        for chunk in [*spoken("so ", "it ", "is"), events.DONE]:
            await asyncio.sleep(0.07)
            case.tap.say(chunk)
        case.tap.end()
        await case.ask.done()
        assert case.row().ended == "complete"
        await case.left_clean()

    playing(scene())


@doors
def test_held_text_is_judged_as_far_as_it_is_when_upstream_pauses(door: str, desk: Desk) -> None:
    async def scene() -> None:
        far = Far("peculiar", stride=1000, window=1000)
        case = Case(door, Patience(None, None, None, 0.04), far)
        case.tap.head().say(*OPENED)
        question = await desk.asked()
        assert question.texts == ["so it "]
        assert b"it " not in case.ask.body
        question.answer()
        await until(lambda: b"it " in case.ask.body, 1)
        case.tap.say(*spoken("and so on")[1:], events.DONE).end()
        last = await desk.asked(2)
        assert last.texts == ["so it and so on"]
        last.answer()
        await case.ask.done()
        assert case.row().ended == "complete"
        assert len(desk.questions) == 2
        await case.left_clean()

    playing(scene())


@doors
def test_held_text_stays_held_without_it(door: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, NEVER, Far("peculiar", stride=1000))
        case.tap.head().say(*OPENED)
        await asyncio.sleep(0.1)
        assert desk.questions == []
        assert b"it " not in case.ask.body
        await case.ask.leave()
        await case.left_clean()

    playing(scene())


@doors
def test_held_text_that_is_refused_in_a_pause_ends_the_stream(door: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, Patience(None, None, None, 0.04), Far("so it", stride=1000))
        case.tap.head().say(*OPENED)
        (await desk.asked()).answer()
        await until(lambda: case.ask.ended, 1)
        await case.ask.done()
        assert b"it " not in case.ask.body
        assert set(events.finishes(case.ask.body).values()) == {"content_filter"}
        assert case.row().ended == "refused"
        await case.left_clean()

    playing(scene())


@doors
@pytest.mark.parametrize("how", ["speaks", "returns", "raises"])
def test_an_app_that_stirs_as_it_is_given_up_does_not_cost_the_caller_its_end(door: str, how: str) -> None:
    """The row takes its time; meanwhile the app goes on, and finds its answer ended."""

    async def scene() -> None:
        case = Case(door, Patience(0.05, 0.05, None, None))
        stored: Future[None] = Future()

        def submit(decision: Decision) -> Future[None]:
            case.rows.append(decision)
            return stored

        case.guard._recorder.submit = submit  # type: ignore[method-assign]
        case.tap.head().say(*OPENED)
        await until(lambda: case.rows, 1)
        if how == "raises":
            case.tap.fail(OSError("gone"))
        elif how == "speaks":
            case.tap.say(*spoken("x")[1:2])
        else:
            case.tap.end()
        await quiet()
        stored.set_result(None)
        await case.ask.done()
        assert case.ask.ended
        assert events.trees(case.ask.body)[-1]["error"]["code"] == "upstream_error"
        await case.left_clean()

    playing(scene())


@doors
def test_a_service_that_takes_its_time_is_no_silent_upstream(door: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, Patience(0.05, 0.05, None, None), Far("peculiar", stride=4))
        case.tap.head().say(*OPENED)
        question = await desk.asked()
        await asyncio.sleep(0.15)
        assert not case.ask.ended
        desk.at_once = True
        question.answer()
        case.tap.say(*spoken("x")[2:], events.DONE).end()
        await case.ask.done()
        assert case.row().ended == "complete"
        await case.left_clean()

    playing(scene())
