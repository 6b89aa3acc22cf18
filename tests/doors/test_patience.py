"""How long a stream is waited for: timeouts, comments that say it is alive, held text that is let go; one sender."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import anthropic
import openai
import pytest

from guardrail import Decision
from guardrail.doors.gateway import gateway
from guardrail.policy.plan import Patience
from tests.support import events

from .driver import JSON, guarding
from .remote import NEVER, Ask, Desk, Far, Tap, judging, playing, quiet, spoken, until
from .servers import serving

ALIVE = b": keep-alive\n"
OPENED = spoken("so ", "it ", "is")[:3]
doors = pytest.mark.parametrize("door", ["asgi", "gateway"])
pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


class Case:
    def __init__(self, door: str, patience: Patience, far: Any = None, **more: Any) -> None:
        self.guard, self.rows = guarding(judging(far, patience=patience, **more.pop("plan", {})))
        self.tap = Tap()
        self.ask = Ask(door, self.guard, self.tap, **more)

    def row(self) -> Decision:
        (row,) = self.rows
        return row

    async def left_clean(self) -> None:
        await quiet()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert self.tap.open == 0
        assert self.ask.overlapped <= 1, "two senders at one time"


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


# -- real clients ----------------------------------------------------------------------------------

CLAUDE: list[tuple[str, Any]] = [
    (
        "message_start",
        {
            "message": {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "m",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            }
        },
    ),
    ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
    ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "so it "}}),
    ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "is"}}),
    ("content_block_stop", {"index": 0}),
    ("message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 3}}),
    ("message_stop", {}),
]


class Pausing:
    """Says events with a pause after each of the first ones, one of them within an event."""

    def __init__(self, frames: list[bytes]) -> None:
        self._parts = [*frames[:2], frames[2][:9], frames[2][9:], b"".join(frames[3:])]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        head = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        for part in self._parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(0.08)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@contextmanager
def pausing(frames: list[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """A gateway before a model that pauses, and what it sent to its callers."""
    guard, _ = guarding(judging(patience=Patience(None, None, 0.02, None)))
    sent: list[bytes] = []
    app = gateway(guard, Pausing(frames))

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def noting(message: Any) -> None:
            sent.append(message.get("body", b""))
            await send(message)

        await app(scope, receive, noting)

    with serving(watched) as url:
        yield url, sent


def test_the_openai_sdk_reads_through_the_comments() -> None:
    with (
        pausing([*spoken("so ", "it ", "is"), events.DONE]) as (url, sent),
        openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client,
    ):
        stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}], stream=True)
        assert "".join(c.choices[0].delta.content or "" for c in stream) == "so it is"
    assert sent.count(ALIVE) >= 3


def test_the_anthropic_sdk_reads_through_the_comments() -> None:
    frames = [f"event: {n}\ndata: {json.dumps({'type': n, **tree})}\n\n".encode() for n, tree in CLAUDE]
    with (
        pausing(frames) as (url, sent),
        anthropic.Anthropic(base_url=url, api_key="x", max_retries=0) as client,
        client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}]) as stream,
    ):
        assert "".join(stream.text_stream) == "so it is"
    assert sent.count(ALIVE) >= 3
