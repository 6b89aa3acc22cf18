"""The official SDKs, in both colours, through every door, whole and streamed."""

from __future__ import annotations

import pytest

from .dialect import Dialect, Heard, Script
from .place import DIALECTS, Place, colours, hows, ways

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

EXPECTS: dict[str, frozenset[str]] = {
    "openai.chat": frozenset({"content_filter"}),
    "openai.responses": frozenset({"content_filter"}),
    "anthropic.messages": frozenset({"refusal"}),
    "gemini": frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "OTHER"}),
    "mistral": frozenset({"content_filter"}),
    "cohere": frozenset({"ERROR", "ERROR_TOXIC", "COMPLETE"}),
    "ollama": frozenset({"stop", "content_filter"}),
}
"""The reasons a refused answer may end with; an empty set means that the SDK raises its API's error."""

PLACES = {
    "first chunk": Script(("forbidden", " and", " on.")),
    "middle chunk": Script(("ok ", "for", "bidden", " so", " on.")),
    "last chunk": Script(("ok ", "so ", "forb", "idden")),
    "tool call": Script(("Wait. ",), tool=('{"city": "for', 'bidden"}')),
    "reasoning": Script(("Fine.",), reasoning=("hm, for", "bidden, ", "then")),
    "choices": Script(("ok ", "for", "bidden", " so"), n=2),
}


@colours
@hows
@ways(DIALECTS)
def test_a_clean_answer_is_unchanged(place: Place, dialect: Dialect, door: str, colour: str, how: str) -> None:
    script = Script(reasoning=("let me", " see"), tool=('{"city": "Pa', 'ris"}'), n=2 if dialect.choices else 1)
    bare = place.ask(dialect, "none", colour, how, "How are you?", script)
    sent = list(place.upstream.asked)
    heard = place.ask(dialect, door, colour, how, "How are you?", script)
    assert heard.error is None
    assert "Hello" in heard.text
    assert set(heard.reasons) == {dialect.stop}
    assert heard.chunks == bare.chunks
    assert place.upstream.asked == sent


@colours
@hows
@ways(DIALECTS)
def test_a_refused_prompt_is_an_answer(place: Place, dialect: Dialect, door: str, colour: str, how: str) -> None:
    heard = place.ask(dialect, door, colour, how, "a forbidden thing", Script())
    assert place.upstream.asked == []
    check(dialect, heard)


@colours
@hows
@pytest.mark.parametrize("where", list(PLACES))
@ways(DIALECTS)
def test_a_refused_answer_is_parsed(
    place: Place, dialect: Dialect, door: str, colour: str, how: str, where: str
) -> None:
    if (where == "choices" and not dialect.choices) or (where == "reasoning" and not dialect.reasons):
        pytest.skip("this API has no such thing")
    heard = place.ask(dialect, door, colour, how, "How are you?", PLACES[where])
    assert place.upstream.asked
    check(dialect, heard)


def check(dialect: Dialect, heard: Heard) -> None:
    """What the SDK gave is a refusal in the API's own shape, and holds nothing that was refused."""
    assert "forb" not in heard.everything()
    assert "bidden" not in heard.everything()
    if not EXPECTS[dialect.name]:
        assert heard.error is not None
        return
    assert heard.error is None
    assert heard.chunks
    assert heard.reasons
    assert set(heard.reasons) <= EXPECTS[dialect.name]
    assert "Hello there." not in heard.text
