"""Input checks beside the upstream call: what their verdict lets out, stops, or never sends."""

from __future__ import annotations

import json

import pytest

from guardrail.verdict import Action
from tests.support import events

from .calling import ASYNC_DOORS, playing, quiet, spoken, until
from .driver import BAD, EVENTS, JSON, MASKED
from .overlapping import ANSWER, ODD, WHOLE, Case
from .remote import Desk, Far

doors = pytest.mark.parametrize("door", ASYNC_DOORS)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


@doors
@pytest.mark.parametrize("stream", [True, False])
def test_upstream_is_asked_at_once_and_its_answer_waits_for_the_verdict(door: str, stream: bool, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk, stream=stream)
        question = await desk.asked()
        await until(case.tap.called.is_set)
        if stream:
            case.tap.head().say(*ANSWER[:3])
            await until(lambda: case.tap.said == 4)
        else:
            case.tap.head(200, JSON).say(WHOLE).end()
        await quiet()
        assert (case.ask.status, case.ask.body) == (0, b"")
        question.answer()
        if stream:
            await until(lambda: b"it " in case.ask.body)  # before upstream has ended
            case.tap.say(*ANSWER[3:]).end()
        await case.ask.done()
        assert case.ask.ended
        assert case.ask.body == (b"".join(ANSWER) if stream else WHOLE)
        assert (case.row().ended, case.row().outcome, case.row().spent) == ("complete", "allowed", None)
        await case.left_clean()

    playing(scene())


@doors
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("come", ["nothing", "a head", "a part", "all"])
def test_a_refusal_comes_alone_and_stops_upstream(door: str, stream: bool, come: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk, f"a {ODD} wish", stream=stream)
        question = await desk.asked()
        await until(case.tap.called.is_set)
        tap, head = case.tap, EVENTS if stream else JSON
        if come != "nothing":
            tap.head(200, head)
        if come in ("a part", "all"):
            tap.say(*(ANSWER[:3] if stream else [WHOLE[:20]]))
        if come == "all":
            tap.say(*(ANSWER[3:] if stream else [WHOLE[20:]])).end()
        await until(lambda: tap.queue.empty())
        await quiet()
        assert (case.ask.status, case.ask.body) == (0, b"")
        question.answer()
        await until(lambda: case.ask.ended, 1)
        await until(lambda: tap.closed, 1)
        await case.ask.done()
        assert case.ask.status == 200
        if stream:
            assert set(events.finishes(case.ask.body).values()) == {"content_filter"}
            assert case.ask.body.endswith(events.DONE)
        else:
            assert json.loads(case.ask.body)["choices"][0]["finish_reason"] == "content_filter"
        assert b"it " not in case.ask.body
        row = case.row()
        assert (row.ended, row.outcome, [f.check for f in row.findings]) == ("refused", "refused", ["far"])
        assert row.spent is not None
        least = {"a part": 20, "all": 20}.get(come, 0)
        assert row.spent.bytes >= least
        assert row.spent.seconds >= 0
        await case.left_clean()

    playing(scene())


@doors
@pytest.mark.parametrize(("on_error", "passes"), [(Action.ALLOW, True), (Action.REFUSE, False)])
@pytest.mark.parametrize("how", ["500", "timeout"])
def test_a_check_that_fails_is_ruled_by_its_own_word(
    door: str, on_error: Action, passes: bool, how: str, desk: Desk
) -> None:
    async def scene() -> None:
        far = Far(ODD, timeout=20 if how == "500" else 0.03)
        case = Case(door, desk, on_error=on_error, far=far)
        question = await desk.asked()
        await until(case.tap.called.is_set)
        case.tap.head().say(*ANSWER).end()
        if how == "500":
            question.answer(500)
        await case.ask.done()
        assert case.ask.ended
        assert (case.ask.body == b"".join(ANSWER)) == passes
        assert (b"it " in case.ask.body) == passes
        (gap,) = case.row().not_evaluated
        assert (gap.check, gap.reason) == ("far", "status" if how == "500" else "timeout")
        assert (case.row().outcome, case.row().action) == ("not_evaluated", on_error)
        await case.left_clean()

    playing(scene())


@doors
def test_what_refuses_here_never_reaches_upstream_and_what_masks_here_does_first(door: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk, BAD)
        await case.ask.done()
        assert b"content_filter" in case.ask.body
        assert (case.tap.calls, desk.questions, case.row().spent) == (0, [], None)
        case = Case(door, desk, f"see {MASKED}")
        question = await desk.asked()
        await until(case.tap.called.is_set)
        assert MASKED.encode() not in case.tap.bodies[0]
        assert b"see [gone]" in case.tap.bodies[0]
        question.answer()
        case.tap.head().say(*ANSWER).end()
        await case.ask.done()
        assert case.row().outcome == "changed"
        await case.left_clean()

    playing(scene())


@doors
@pytest.mark.parametrize("overlap", ["none", "upstream"])
def test_without_it_upstream_is_asked_after_the_verdict(door: str, overlap: str, desk: Desk) -> None:
    """In an app ``upstream`` overlaps nothing: its own code would run on what nobody has judged."""

    async def scene() -> None:
        case = Case(door, desk, overlap=overlap)
        question = await desk.asked()
        await quiet()
        overlaps = overlap == "upstream" and door != "asgi"
        assert case.tap.called.is_set() == overlaps
        question.answer()
        case.tap.head().say(*ANSWER).end()
        await case.ask.done()
        assert case.ask.body == b"".join(ANSWER)
        await case.left_clean()

    playing(scene())


@doors
def test_an_answer_is_judged_by_its_own_checks_when_the_request_is_cleared(door: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk)
        question = await desk.asked()
        case.tap.head().say(*spoken("so ", BAD, " it is")[:4])
        await until(lambda: case.tap.said == 5)
        question.answer()
        await until(lambda: case.ask.ended, 2)
        await case.ask.done()
        assert b"content_filter" in case.ask.body
        assert BAD.encode() not in case.ask.body
        assert (case.row().ended, len(case.rows)) == ("refused", 1)
        await case.left_clean()

    playing(scene())
