"""Masks in answers and streams, as the SDKs give them to their caller, through every door."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from .dialect import Dialect, Heard, Script
from .place import CHAT, DIALECTS, MESSAGES, RESPONSES, Place, colours, hows, ways
from .spoken import Spoken, spoken

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

THREE: list[Dialect] = [CHAT, RESPONSES, MESSAGES]
OTHERS = [dialect for dialect in DIALECTS if dialect not in THREE]
VALUES = ("ticket-", "12345", "23456", "4111", "1111")
"""None of this may reach a caller. Pieces of it are looked for too: a value cut in two is one again in ``everything``."""


CHANCE = re.compile(r"[0-9a-f]{32}|\b1[0-9]{9}\b")
"""Ids of decisions and times in seconds: digits that may be anything."""


@dataclass(frozen=True)
class Case:
    """What the model says, and what of it the caller is to read. ``called``: a tree, for JSON has many spellings."""

    script: Script
    told: dict[str, str] = field(default_factory=dict)
    called: Any = None


TEXTS = {
    "in one chunk": Case(Script(("Take TICKET-123456 now.",)), {"text 0": "Take [redacted] now."}),
    "cut in three": Case(Script(("Take TICK", "ET-12", "3456 now.")), {"text 0": "Take [redacted] now."}),
    "letter by letter": Case(Script(tuple("Take TICKET-123456 now.")), {"text 0": "Take [redacted] now."}),
    "at the very start": Case(Script(("TICKET-1", "23456", " it is.")), {"text 0": "[redacted] it is."}),
    "at the very end": Case(Script(("It is TICKET", "-123", "456")), {"text 0": "It is [redacted]"}),
    "a card cut": Case(
        Script(("Pay with 4111 1", "111 1111", " 1111, please.")), {"text 0": "Pay with [card], please."}
    ),
    "a card at the end": Case(Script(("Pay with 4111", "1111111", "11111")), {"text 0": "Pay with [card]"}),
    "several": Case(
        Script(("TICKET-123456", " TICKET-1234", "56, 4111 1111 ", "1111 1111; TICK", "TACK")),
        {"text 0": "[redacted] [redacted], [card]; TICKTACK"},
    ),
    "almost": Case(Script(("TICK", "ET-12", "x and 4111 ", "1")), {"text 0": "TICKET-12x and 4111 1"}),
}

CALLS = {
    "cut in the value": Case(
        Script(("Wait.",), tool=('{"city": "TICK', "ET-123", '456", "n": [1, ', "true]}")),
        called={"city": "[redacted]", "n": [1, True]},
    ),
    "beside other words": Case(
        Script((), tool=('{"a": {"b": ["see TICKET-12', '3456, \\"then\\" go"]}', ', "c": "ok"}')),
        called={"a": {"b": ['see [redacted], "then" go']}, "c": "ok"},
    ),
    "a card": Case(Script((), tool=('{"card": "4111 1111 ', "1111 ", '1111"}')), called={"card": "[card]"}),
    "cut in an escape": Case(
        Script((), tool=('{"city": "\\u0', "054ICKET-12\\u00", '33456"}')), called={"city": "[redacted]"}
    ),
    "JSON in JSON": Case(
        Script((), tool=('{"inner": "{\\"city\\": \\"TICKET-1', '23456\\"}"}')),
        called={"inner": '{"city": "[redacted]"}'},
    ),
    "letter by letter": Case(
        Script((), tool=tuple('{"city": "TICKET-123456", "n": 1}')), called={"city": "[redacted]", "n": 1}
    ),
}

FIXED = {
    "a number": Script((), tool=('{"card": 41111111', '11111111, "n": 2}')),
    "a key": Script((), tool=('{"TICKET-1', '23456": 2}')),
}
"""What cannot be masked where it stands, and is refused."""

THOUGHTS = {
    "cut in three": Case(
        Script(("Fine.",), reasoning=("hm, TICK", "ET-123", "456, then")), {"thought 0": "hm, [redacted], then"}
    ),
    "a card at the end": Case(
        Script(("Fine.",), reasoning=("hm, 4111 1111", " 1111 11", "11")), {"thought 0": "hm, [card]"}
    ),
}

CHOICES = {
    "in both": Case(
        Script(("Take TICK", "ET-12", "3456 now."), n=2),
        {"text 0": "Take [redacted] now.", "text 1": "Take [redacted] now."},
    ),
    "in one": Case(
        Script(("Take TICK", "ET-12", "3456 now."), second=("Take ", "nothing", " now."), n=2),
        {"text 0": "Take [redacted] now.", "text 1": "Take nothing now."},
    ),
    "in neither, though both together": Case(
        Script(("TICKET-12", "3", " or"), second=("-", "456", " so"), n=2),
        {"text 0": "TICKET-123 or", "text 1": "-456 so"},
    ),
    "at other times": Case(
        Script(("TICKET-12", "3456 and", " more", " words"), second=("No ", "4111 11", "11 1111 ", "1111 card"), n=2),
        {"text 0": "[redacted] and more words", "text 1": "No [card] card"},
    ),
}


def cases(named: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in named.items()])


def hear(place: Place, dialect: Dialect, door: str, colour: str, how: str, script: Script) -> tuple[Heard, Spoken]:
    """Ask, and see that all is as in any other answer but for what is masked."""
    heard = ordinary(dialect, place.ask(dialect, door, colour, how, "How are you?", script))
    said = spoken(dialect.name, heard.chunks)
    assert set(said.repeated) == (set(said.told) if dialect is RESPONSES and how == "streamed" else set())
    for where, repeats in said.repeated.items():
        assert set(repeats) == {said.told[where]}, where
    return heard, said


def ordinary(dialect: Dialect, heard: Heard) -> Heard:
    assert heard.error is None
    assert set(heard.reasons) == {dialect.stop}
    return heard


def hidden(heard: Heard) -> None:
    everything = CHANCE.sub("", heard.everything())
    assert [value for value in VALUES if value in everything] == []


@colours
@cases(TEXTS)
@ways(THREE)
def test_text_is_masked(place: Place, dialect: Dialect, door: str, colour: str, case: Case) -> None:
    heard, said = hear(place, dialect, door, colour, "streamed", case.script)
    assert {where: said.told[where] for where in case.told} == case.told
    if case is not TEXTS["almost"]:
        hidden(heard)


@colours
@ways(THREE)
def test_a_whole_text_is_masked(place: Place, dialect: Dialect, door: str, colour: str) -> None:
    case = TEXTS["several"]
    heard, said = hear(place, dialect, door, colour, "whole", case.script)
    assert said.told["text 0"] == case.told["text 0"]
    hidden(heard)


@colours
@hows
@cases(CALLS)
@ways(THREE)
def test_arguments_stay_json(place: Place, dialect: Dialect, door: str, colour: str, how: str, case: Case) -> None:
    heard, said = hear(place, dialect, door, colour, how, case.script)
    assert said.called() == case.called
    hidden(heard)


@colours
@hows
@pytest.mark.parametrize("where", list(FIXED))
@ways(DIALECTS)
def test_what_cannot_be_masked_is_refused(
    place: Place, dialect: Dialect, door: str, colour: str, how: str, where: str
) -> None:
    heard = place.ask(dialect, door, colour, how, "How are you?", FIXED[where])
    assert heard.error is None
    hidden(heard)
    if dialect in THREE:
        assert set(heard.reasons) <= {"content_filter", "refusal"}
        assert json.loads(spoken(dialect.name, heard.chunks).told.get("call 0") or "{}") == {}


@colours
@hows
@cases(THOUGHTS)
@ways([CHAT, RESPONSES])
def test_thoughts_are_masked(place: Place, dialect: Dialect, door: str, colour: str, how: str, case: Case) -> None:
    heard, said = hear(place, dialect, door, colour, how, case.script)
    assert {where: said.told[where] for where in case.told} == case.told
    assert said.told["text 0"] == "Fine."
    hidden(heard)


@colours
@hows
@cases(THOUGHTS)
@ways([MESSAGES])
def test_signed_thoughts_are_refused(
    place: Place, dialect: Dialect, door: str, colour: str, how: str, case: Case
) -> None:
    heard = place.ask(dialect, door, colour, how, "How are you?", case.script)
    assert heard.error is None
    assert set(heard.reasons) == {"refusal"}
    assert "Fine." not in heard.text
    hidden(heard)


@colours
@hows
@cases(CHOICES)
@ways([CHAT])
def test_each_choice_on_its_own(place: Place, dialect: Dialect, door: str, colour: str, how: str, case: Case) -> None:
    _, said = hear(place, dialect, door, colour, how, case.script)
    assert {where: said.told[where] for where in case.told} == case.told


@colours
@hows
@pytest.mark.parametrize("name", ["cut in three", "letter by letter", "a card cut"])
@ways([CHAT, RESPONSES])
def test_tokens_go_with_what_they_spell(
    place: Place, dialect: Dialect, door: str, colour: str, how: str, name: str
) -> None:
    case = TEXTS[name]
    heard, said = hear(place, dialect, door, colour, how, replace(case.script, logprobs=True))
    assert said.told["text 0"] == case.told["text 0"]
    hidden(heard)


@colours
@hows
@cases({name: TEXTS[name] for name in ("cut in three", "a card at the end")})
@ways(OTHERS)
def test_text_of_other_apis(place: Place, dialect: Dialect, door: str, colour: str, how: str, case: Case) -> None:
    heard = ordinary(dialect, place.ask(dialect, door, colour, how, "How are you?", case.script))
    assert heard.text == case.told["text 0"]
    hidden(heard)


@colours
@hows
@cases({"a call": CALLS["cut in the value"], "thoughts": THOUGHTS["cut in three"]})
@ways(OTHERS)
def test_the_rest_of_other_apis(place: Place, dialect: Dialect, door: str, colour: str, how: str, case: Case) -> None:
    heard = ordinary(dialect, place.ask(dialect, door, colour, how, "How are you?", case.script))
    assert "[redacted]" in heard.everything()
    hidden(heard)
