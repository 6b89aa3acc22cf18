"""Answers that the openai and anthropic SDKs parse into a class of the app's, whole and streamed.

A refusal is not of that class. Chat says so by an error of its own, Responses by a response that is not
complete and has nothing parsed (the openai SDK parses neither a refusal nor what an assistant said on the
way). Anthropic's SDK parses all text there is, so it raises what pydantic raises, with none of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel, ValidationError

from .dialect import Dialect, Script, tree
from .helpers import Read, read
from .place import CHAT, MESSAGES, RESPONSES, TWO, Place, colours, ways

SCRIPTS = {
    "first chunk": Script(('{"city": "forbidden', ' things"}')),
    "middle chunk": Script(('{"city": "Paris, Rome, Oslo', ", Bern, for", "bidden", ' things"}')),
    "second field": Script(('{"city": "Paris", ', '"note": "so it is, for', "bidden", '"}')),
    "last chunk": Script(('{"city": "Paris"', ', "note": "forbidden"}')),
}
FORMATS = {"openai.chat": "response_format", "openai.responses": "text_format", "anthropic.messages": "output_format"}


class City(BaseModel):
    """What the app asked for."""

    city: str
    note: str = ""


def parsed(whole: Any) -> Iterator[Any]:
    """What the SDK made of the answer."""
    if getattr(whole, "object", None) == "chat.completion":
        yield from (choice.message.parsed for choice in whole.choices)
    elif getattr(whole, "object", None) == "response":
        yield whole.output_parsed
    else:
        yield from (block.parsed_output for block in whole.content)


def whole(place: Place, dialect: Dialect, door: str, colour: str, prompt: str = "How are you?") -> Any:
    """The answer by the SDK's ``parse``."""
    client = place.client(dialect, door, later=colour == "async")
    messages = [{"role": "user", "content": prompt}]
    if dialect is CHAT:
        made = client.chat.completions.parse(model="m", messages=messages, response_format=City)
    elif dialect is RESPONSES:
        made = client.responses.parse(model="m", input=prompt, text_format=City)
    else:
        made = client.messages.parse(model="m", max_tokens=100, messages=messages, output_format=City)
    return place.run(made) if colour == "async" else made


def stream(place: Place, dialect: Dialect, door: str, colour: str, prompt: str = "How are you?") -> Read:
    return read(place, dialect, door, colour, prompt, **{FORMATS[dialect.name]: City})


def clean(text: str) -> None:
    assert [word for word in ("forb", "bidden", "ticket-", "123456") if word in text.lower()] == []


@colours
@ways([CHAT, RESPONSES, MESSAGES], TWO)
def test_masked(place: Place, dialect: Dialect, door: str, colour: str) -> None:
    place.says(Script(('{"city": "TICK', "ET-123", '456", "note": "4111 1111 ', '1111 1111"}')))
    for made in (whole(place, dialect, door, colour), stream(place, dialect, door, colour).whole):
        assert dialect.reason(made) == [dialect.stop]
        assert list(parsed(made)) == [City(city="[redacted]", note="[card]")]


@colours
@pytest.mark.parametrize("where", ["prompt", *SCRIPTS])
@ways([CHAT], TWO)
def test_chat_raises_its_own_error(place: Place, dialect: Dialect, door: str, colour: str, where: str) -> None:
    place.says(SCRIPTS.get(where, Script()))
    prompt = "a forbidden thing" if where == "prompt" else "How are you?"
    with pytest.raises(openai.ContentFilterFinishReasonError) as raised:
        whole(place, dialect, door, colour, prompt)
    assert raised.value.completion is not None
    clean(raised.value.completion.model_dump_json())
    got = stream(place, dialect, door, colour, prompt)
    assert isinstance(got.raised, openai.ContentFilterFinishReasonError)
    clean(got.everything())


@colours
@pytest.mark.parametrize("where", ["prompt", *SCRIPTS])
@ways([RESPONSES], TWO)
def test_a_whole_response_has_nothing_parsed(
    place: Place, dialect: Dialect, door: str, colour: str, where: str
) -> None:
    place.says(SCRIPTS.get(where, Script()))
    made = whole(place, dialect, door, colour, "a forbidden thing" if where == "prompt" else "How are you?")
    assert dialect.reason(made) == ["content_filter"]
    assert made.output_parsed is None
    clean(made.model_dump_json(warnings=False))


@colours
@pytest.mark.parametrize("where", ["prompt", *SCRIPTS])
@ways([RESPONSES], TWO)
def test_a_streamed_response_is_not_complete(
    place: Place, dialect: Dialect, door: str, colour: str, where: str
) -> None:
    place.says(SCRIPTS.get(where, Script()))
    got = stream(place, dialect, door, colour, "a forbidden thing" if where == "prompt" else "How are you?")
    assert dialect.reason(got.whole) == ["content_filter"]
    clean(got.everything())


@colours
@pytest.mark.parametrize("where", ["prompt", *SCRIPTS])
@ways([MESSAGES], TWO)
def test_a_message_is_no_city(place: Place, dialect: Dialect, door: str, colour: str, where: str) -> None:
    place.says(SCRIPTS.get(where, Script()))
    prompt = "a forbidden thing" if where == "prompt" else "How are you?"
    for way in (whole, stream):
        with pytest.raises(ValidationError) as raised:
            way(place, dialect, door, colour, prompt)
        clean(str(raised.value))


def test_what_the_words_are(place: Place) -> None:
    """Unguarded, the very same answers are parsed: what is refused above is refused by the guard."""
    for script in SCRIPTS.values():
        place.says(script)
        made = whole(place, CHAT, "none", "sync")
        assert "forbidden" in str(tree(made))
        assert all(isinstance(city, City) for city in parsed(made))
