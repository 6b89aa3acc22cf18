"""The helper streams of the openai and anthropic SDKs, which put events together, through every door."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from .dialect import Dialect, Script, tree
from .helpers import Read, read
from .place import CHAT, MESSAGES, RESPONSES, Place, colours, ways
from .spoken import Spoken, spoken

DIALECTS: list[Dialect] = [CHAT, RESPONSES, MESSAGES]
REFUSED = {"openai.chat": "content_filter", "openai.responses": "content_filter", "anthropic.messages": "refusal"}

SCRIPTS = {
    "first chunk": Script(("forbidden", " and", " on.")),
    "middle chunk": Script(("ok ", "for", "bidden", " so", " on.")),
    "last chunk": Script(("ok ", "so ", "forb", "idden")),
    "after a mask": Script(("Take TICK", "ET-123456", " and ", "for", "bidden", " things.")),
    "tool call": Script(("Wait. ",), tool=('{"city": "for', 'bidden"}')),
    "tool call alone": Script((), tool=('{"city": "for', 'bidden"}')),
    "tool call, last": Script(("Wait. ",), tool=('{"city": "Paris, ', "Rome, for", "bidden", '"}')),
    "reasoning": Script(("Fine.",), reasoning=("hm, for", "bidden, ", "then")),
    "text after reasoning": Script(("ok ", "for", "bidden"), reasoning=("let me", " see")),
}


class Look(BaseModel):
    """Looks at a city."""

    city: str


def parts(dialect: Dialect, got: Read) -> Spoken:
    return spoken(dialect.name, [tree(got.whole)])


def refused(dialect: Dialect, got: Read) -> None:
    """The whole is a refusal, holds a notice, and no call that could be run."""
    everything = got.everything()
    assert [word for word in ("forb", "bidden", "ticket-", "123456") if word in everything] == []
    assert set(dialect.reason(got.whole)) == {REFUSED[dialect.name]}
    assert dialect.text(got.whole)
    assert json.loads(parts(dialect, got).told.get("call 0") or "{}") == {}


@colours
@ways(DIALECTS)
def test_clean(place: Place, dialect: Dialect, door: str, colour: str) -> None:
    place.says(Script(("Hello", " there", "."), reasoning=("let me", " see"), tool=('{"city": "Pa', 'ris"}')))
    bare, got = read(place, dialect, "none", colour), read(place, dialect, door, colour)
    assert got.raised is None
    assert [tree(event) for event in got.events] == [tree(event) for event in bare.events]
    assert tree(got.whole) == tree(bare.whole)
    said = parts(dialect, got)
    assert (said.told["text 0"], said.told["thought 0"], said.called()) == (
        "Hello there.",
        "let me see",
        {"city": "Paris"},
    )


@colours
@ways(DIALECTS)
def test_masked(place: Place, dialect: Dialect, door: str, colour: str) -> None:
    arguments = ('{"city": "TICK', "ET-123", '456", "card": "4111 1111', ' 1111 1111"}')
    place.says(Script(("Take TICK", "ET-12", "3456 and 4111 1", "111 1111 1111", " now."), tool=arguments))
    got = read(place, dialect, door, colour)
    assert got.raised is None
    assert dialect.reason(got.whole) == [dialect.stop]
    said = parts(dialect, got)
    assert said.told["text 0"] == "Take [redacted] and [card] now."
    assert said.called() == {"city": "[redacted]", "card": "[card]"}
    everything = got.everything()
    assert [value for value in ("ticket-", "12345", "4111", "1111") if value in everything] == []


@colours
@pytest.mark.parametrize("where", list(SCRIPTS))
@ways(DIALECTS)
def test_a_refused_answer(place: Place, dialect: Dialect, door: str, colour: str, where: str) -> None:
    place.says(SCRIPTS[where])
    got = read(place, dialect, door, colour)
    refused(dialect, got)
    if where == "after a mask":
        assert dialect.text(got.whole).startswith("Take [redacted] and ")


@colours
@ways(DIALECTS)
def test_a_refused_prompt(place: Place, dialect: Dialect, door: str, colour: str) -> None:
    place.says(Script())
    refused(dialect, read(place, dialect, door, colour, "a forbidden thing"))
    assert place.upstream.asked == []


@colours
@pytest.mark.parametrize("where", ["middle chunk", "first chunk", "masked"])
@ways([CHAT])
def test_each_choice(place: Place, dialect: Dialect, door: str, colour: str, where: str) -> None:
    """Where one choice is refused, all end: none is left open."""
    masked = Script(("Take TICK", "ET-12", "3456 now."))
    clean = ("all", " is", " well", " here", " too")
    place.says(Script((masked if where == "masked" else SCRIPTS[where]).text, second=clean, n=2))
    got = read(place, dialect, door, colour, n=2)
    if where == "masked":
        assert parts(dialect, got).told["text 0"] == "Take [redacted] now."
        assert parts(dialect, got).told["text 1"] == "all is well here too"
    else:
        refused(dialect, got)
        assert [choice.index for choice in got.whole.choices] == [0, 1]


TOOLS = [openai.pydantic_function_tool(Look, name="look")]
"""Strict, so that the SDK parses the arguments by itself."""


def arguments(whole: Any) -> list[Any]:
    """The arguments as the SDK parsed them for its caller."""
    if whole.object == "chat.completion":
        return [call.function.parsed_arguments for c in whole.choices for call in c.message.tool_calls or ()]
    return [item.parsed_arguments for item in whole.output if item.type == "function_call"]


@colours
@ways([CHAT, RESPONSES])
def test_parsed_arguments_are_masked(place: Place, dialect: Dialect, door: str, colour: str) -> None:
    place.says(Script((), tool=('{"city": "TICK', "ET-123", '456"}')))
    got = read(place, dialect, door, colour, tools=TOOLS)
    assert arguments(got.whole) == [Look(city="[redacted]")]


@colours
@pytest.mark.parametrize("where", list(SCRIPTS))
@ways([CHAT, RESPONSES])
def test_refused_where_arguments_are_parsed(place: Place, dialect: Dialect, door: str, colour: str, where: str) -> None:
    place.says(SCRIPTS[where])
    got = read(place, dialect, door, colour, tools=TOOLS)
    refused(dialect, got)
