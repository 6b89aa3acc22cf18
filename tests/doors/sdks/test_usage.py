"""What a refused answer says was used: apps count by it, and SDKs hold it to be there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from .dialect import Dialect, Script
from .helpers import read
from .place import CHAT, MESSAGES, RESPONSES, TWO, Place, colours, ways

SCRIPTS = {
    "prompt": Script(),
    "first chunk": Script(("forbidden", " and", " on.")),
    "middle chunk": Script(("ok ", "for", "bidden", " so", " on.")),
    "last chunk": Script(("ok ", "so ", "forb", "idden")),
    "tool call": Script(("Wait. ",), tool=('{"city": "for', 'bidden"}')),
    "two choices": Script(("forbidden", " and", " on."), n=2),
}
wheres = pytest.mark.parametrize("where", [name for name in SCRIPTS if name != "two choices"])


def prompt(where: str) -> str:
    return "a forbidden thing" if where == "prompt" else "How are you?"


def chunks(place: Place, door: str, colour: str, where: str, usage: str = "", **more: Any) -> list[Any]:
    """The chunks of a refused chat answer."""
    script = replace(SCRIPTS[where], usage=usage)
    place.says(script)
    client = place.client(CHAT, door, later=colour == "async")
    messages = [{"role": "user", "content": prompt(where)}]
    made = client.chat.completions.create(model="m", messages=messages, stream=True, n=script.n, **more)
    if colour == "sync":
        return list(made)

    async def reading() -> list[Any]:
        return [chunk async for chunk in await made]

    read: list[Any] = place.run(reading())
    return read


@colours
@pytest.mark.parametrize("where", list(SCRIPTS))
@ways([CHAT], TWO)
@pytest.mark.parametrize("usage", ["last", "each"])
def test_chat_ends_with_a_chunk_of_usage(
    place: Place, dialect: Dialect, door: str, colour: str, usage: str, where: str
) -> None:
    """As the API does, and as servers do that count in each chunk (vLLM)."""
    *before, last = chunks(place, door, colour, where, usage, stream_options={"include_usage": True})
    assert "content_filter" in [reason for chunk in before for reason in dialect.reason(chunk)]
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens
    if usage == "last":
        assert [chunk for chunk in before if chunk.usage is not None] == []


@colours
@pytest.mark.parametrize("where", list(SCRIPTS))
@ways([CHAT], TWO)
def test_chat_says_no_usage_unasked(place: Place, dialect: Dialect, door: str, colour: str, where: str) -> None:
    got = chunks(place, door, colour, where)
    assert [chunk for chunk in got if chunk.usage is not None or not chunk.choices] == []


@colours
@wheres
@pytest.mark.parametrize("usage", ["last", "each"])
@ways([CHAT], TWO)
def test_the_chat_helper_has_it(place: Place, dialect: Dialect, door: str, colour: str, usage: str, where: str) -> None:
    place.says(replace(SCRIPTS[where], usage=usage))
    got = read(place, dialect, door, colour, prompt(where), stream_options={"include_usage": True})
    assert got.raised is not None
    assert got.whole.usage is not None


@colours
@wheres
@ways([MESSAGES], TWO)
def test_a_message_ends_with_usage(place: Place, dialect: Dialect, door: str, colour: str, where: str) -> None:
    place.says(SCRIPTS[where])
    got = read(place, dialect, door, colour, prompt(where))
    (delta,) = [event for event in got.events if event.type == "message_delta"]
    assert delta.usage.output_tokens >= 0
    assert got.whole.usage.input_tokens == (0 if where == "prompt" else 3)


@colours
@wheres
@ways([RESPONSES], TWO)
def test_an_incomplete_response_has_usage(place: Place, dialect: Dialect, door: str, colour: str, where: str) -> None:
    place.says(SCRIPTS[where])
    got = read(place, dialect, door, colour, prompt(where))
    assert got.events[-1].type == "response.incomplete"
    usage = got.events[-1].response.usage
    assert usage is not None
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
