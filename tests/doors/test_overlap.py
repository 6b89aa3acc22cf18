"""Input checks that ask somebody far away, beside the upstream call: what leaves, when, and what is stopped."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future
from typing import Any

import pytest

from guardrail import Decision
from guardrail.errors import UpstreamError
from guardrail.verdict import Action
from tests.support import events

from .driver import BAD, EVENTS, JSON, MASKED, guarding
from .remote import ASYNC_DOORS, Ask, Desk, Far, Tap, judging, playing, quiet, spoken, until

ODD = "peculiar"
"""What only the judge far away objects to."""
ANSWER = [*spoken("so ", "it ", "is"), events.DONE]
WHOLE = json.dumps({"choices": [{"index": 0, "message": {"content": "fine"}}]}).encode()
doors = pytest.mark.parametrize("door", ASYNC_DOORS)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


class Case:
    """A call whose input check waits at the desk, and what became of it."""

    def __init__(self, door: str, desk: Desk, text: str = "hello", *, overlap: str = "app", **more: Any) -> None:
        on_error = more.pop("on_error", Action.REFUSE)
        self.far = more.pop("far", None) or Far(ODD)
        plan = judging(more.pop("output", None), self.far, overlap=overlap, on_error=on_error)
        self.guard, self.rows = guarding(plan)
        self.desk, self.tap = desk, Tap()
        self.ask = Ask(door, self.guard, self.tap, text, **more)

    def row(self) -> Decision:
        (row,) = self.rows
        return row

    async def left_clean(self) -> None:
        """No task, no slot and no upstream is left."""
        await quiet()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert self.guard.aworld()._running == 0
        assert self.desk.out == 0
        assert self.tap.open == 0


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
def test_an_upstream_that_fails_first_is_told_as_its_failure(door: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk)
        await desk.asked()
        await until(case.tap.called.is_set)
        if door in ("asgi", "gateway"):
            case.tap.fail(UpstreamError("was not reached", status=502))
            await quiet()
            desk.questions[0].answer()
            await case.ask.done()
            assert (case.ask.status, json.loads(case.ask.body)["error"]["code"]) == (502, "upstream_error")
        else:
            case.tap.fail(case.tap.http.ConnectError("no"))
            with pytest.raises(case.tap.http.ConnectError):
                await case.ask.done()
        row = case.row()
        assert row.ended == "upstream_error"
        assert row.spent is not None
        await case.left_clean()

    playing(scene())


@doors
@pytest.mark.parametrize("verdict", ["allowed", "refused"])
def test_an_upstreams_error_status_waits_for_the_verdict_too(door: str, verdict: str, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk, "hello" if verdict == "allowed" else ODD)
        question = await desk.asked()
        await until(case.tap.called.is_set)
        case.tap.head(429, JSON, ("retry-after", "7")).say(b'{"error": {"message": "busy"}}').end()
        await quiet()
        assert case.ask.status == 0
        question.answer()
        await case.ask.done()
        if verdict == "allowed":
            assert (case.ask.status, case.ask.headers["retry-after"]) == (429, "7")
            assert json.loads(case.ask.body)["error"]["message"] == "busy"
        else:
            assert case.ask.status == 200
            assert b"busy" not in case.ask.body
            assert b"content_filter" in case.ask.body
        assert len(case.rows) == 1
        await case.left_clean()

    playing(scene())


@doors
@pytest.mark.parametrize("come", [False, True])
def test_a_caller_who_leaves_while_both_are_out_leaves_nothing(door: str, come: bool, desk: Desk) -> None:
    async def scene() -> None:
        case = Case(door, desk)
        await desk.asked()
        await until(case.tap.called.is_set)
        if come:
            case.tap.head().say(*ANSWER[:2])
            await until(lambda: case.tap.said == 3)
        await case.ask.leave()
        assert case.ask.body == b""
        assert case.row().ended in ("disconnected", "cancelled")
        assert case.row().spent is not None
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


@pytest.mark.parametrize("door", ["httpx", "httpx2"])
def test_an_answer_that_comes_with_the_refusal_is_closed(door: str, desk: Desk) -> None:
    """Both at the same turn of the loop: what was answered has nobody who would close it."""

    async def at(turns: int) -> None:
        case = Case(door, desk, ODD)
        question = await desk.asked(len(desk.questions) + 1)
        await until(case.tap.called.is_set)
        question.answer()
        await quiet(turns)
        case.tap.head()
        await case.ask.done()
        assert b"content_filter" in case.ask.body
        await case.left_clean()

    async def all_turns() -> None:
        for turns in range(12):
            await at(turns)

    playing(all_turns())


SPOKEN = b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\x00\xff" * 64


def asks_for_sound(door: str, desk: Desk) -> Case:
    return Case(door, desk, path="/v1/audio/speech", input="hello", voice="alloy")


@doors
def test_bytes_that_no_check_reads_come_whole_though_the_row_takes_its_time(door: str, desk: Desk) -> None:
    """Nothing of a sound is judged, and its row is stored before it leaves."""

    async def scene() -> None:
        case = asks_for_sound(door, desk)
        stored: Future[None] = Future()
        rows = case.rows

        def submit(decision: Decision) -> Future[None]:
            rows.append(decision)
            return stored

        case.guard._recorder.submit = submit  # type: ignore[method-assign]
        question = await desk.asked()
        await until(case.tap.called.is_set)
        case.tap.head(200, ("content-type", "audio/mpeg")).say(SPOKEN)
        await until(lambda: case.tap.said == 2)
        question.answer()
        await until(lambda: rows)
        case.tap.say(b"second", b"third").end()
        await quiet()
        assert (case.ask.status, case.ask.body) == (0, b"")
        stored.set_result(None)
        await case.ask.done()
        assert case.ask.body == SPOKEN + b"secondthird"
        await case.left_clean()

    playing(scene())


@doors
def test_a_large_file_is_not_collected_while_the_check_is_out(door: str, desk: Desk) -> None:
    async def scene() -> None:
        case = asks_for_sound(door, desk)
        question = await desk.asked()
        await until(case.tap.called.is_set)
        part = b"\x00\xff" * 16384
        case.tap.head(200, ("content-type", "audio/mpeg")).say(SPOKEN, *[part] * 200).end()
        await quiet(500)
        read_on = case.tap.said
        question.answer()
        await case.ask.done()
        assert case.ask.body == SPOKEN + part * 200
        assert read_on < 40, "upstream is read on without bound"

    playing(scene())
