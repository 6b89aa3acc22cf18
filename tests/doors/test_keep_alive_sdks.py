"""The comments that say a stream is alive, as real clients read them: OpenAI's and Anthropic's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import openai
import pytest

from guardrail.doors.gateway import gateway
from guardrail.policy.plan import Patience
from tests.support import events

from .calling import spoken
from .driver import guarding
from .patient import ALIVE
from .remote import Desk, judging
from .servers import serving

pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


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
