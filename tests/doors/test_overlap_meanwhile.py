"""What happens while an input check is out beside the upstream call: upstream fails or sends much, a caller leaves."""

from __future__ import annotations

import json
from concurrent.futures import Future

import pytest

from guardrail import Decision
from guardrail.errors import UpstreamError

from .calling import ASYNC_DOORS, playing, quiet, until
from .driver import JSON
from .overlapping import ANSWER, ODD, Case
from .remote import Desk

doors = pytest.mark.parametrize("door", ASYNC_DOORS)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


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
