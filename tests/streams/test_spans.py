"""Point by point, where a span can lie in a stream: over frames, parts, repeats, choices, thoughts and calls.

The word is one that no API uses, so any four of its characters in what left are a leak, and are looked for
here without help from the laws, which hold besides.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from guardrail.checks.patterns import Patterns
from guardrail.verdict import Action
from tests.streams import apis
from tests.streams.apis import APIS
from tests.streams.laws import Trial
from tests.streams.parts import Part, call, text, thought
from tests.streams.picking import places
from tests.streams.reading import read, unescaped
from tests.streams.responses import repeated
from tests.streams.talk import Talk
from tests.support.plans import MASK, MASKED, REFUSED, Word

WORD, SHORT = "zorbenblat", "glorp"
LONG = "zorb" + " quux vexil" * 27 + " blat"
INNOCENT = "All is well. "


@dataclass(frozen=True)
class Hidden:
    """An answer with a span in it. ``plain``: the answer as it is told with the span masked, where that is
    one text; ``before``: what the caller has read before it is refused."""

    parts: tuple[Part, ...]
    span: str = WORD
    before: str = ""
    plain: str = ""

    def check(self, category: str) -> Any:
        if self.span == LONG:
            return Patterns("long", ["zorb[a-z ]{280,310}blat"], category)
        return Word(self.span, category)


def pieces(whole: str, size: int) -> list[str]:
    return [whole[n : n + size] for n in range(0, len(whole), size)]


HIDDEN = {
    "in one frame": Hidden((text(INNOCENT, "A zorbenblat, ", "you see."),), before=INNOCENT,
                           plain=f"{INNOCENT}A {MASK}, you see."),
    "over three frames": Hidden((text(INNOCENT, "A zor", "benb", "lat, ", "you see."),), before=INNOCENT,
                                plain=f"{INNOCENT}A {MASK}, you see."),
    "a letter a frame": Hidden((text(*f"{INNOCENT}A zorbenblat, you see."),), before=f"{INNOCENT}A ",
                               plain=f"{INNOCENT}A {MASK}, you see."),
    "twice": Hidden((text(INNOCENT, "zorben", "blatzorb", "enblat", " zorbe"),), before=INNOCENT,
                    plain=f"{INNOCENT}{MASK}{MASK} zorbe"),
    "300 characters": Hidden((text(INNOCENT, *pieces(f"Now {LONG}, you see.", 17)),), LONG, before=INNOCENT,
                             plain=f"{INNOCENT}Now {MASK}, you see."),
    "over two parts": Hidden((text(INNOCENT, "A zorb"), text("enblat, ", "you see.")), before=INNOCENT,
                             plain=f"{INNOCENT}A {MASK}, you see."),
    "in a thought": Hidden((thought(INNOCENT, "A zorb", "enblat, "), text("Yes.")), before=INNOCENT),
    "in arguments": Hidden((text(INNOCENT), call('{"place": "the zor', "ben", 'blat inn", "days": 2}')),
                           before=INNOCENT),
    "in an escape": Hidden((text(INNOCENT), call('{"place": "the \\u0', "07aorb\\u006", '5nblat inn"}')),
                           before=INNOCENT),
    "in escaped quotes": Hidden((call('{"place": "{\\"name\\": \\"zorb', 'enblat\\"}"}'),)),
    "in the second call": Hidden((call('{"place": "home"}'), call('{"place": "zorb', 'enblat"}'))),
    "the last five characters": Hidden((text(INNOCENT, "It is a ", "glo", "rp"),), SHORT, before=f"{INNOCENT}It is a ",
                                       plain=f"{INNOCENT}It is a {MASK}"),
    "the last frame": Hidden((text(INNOCENT, "A zorbenblat"),), before=INNOCENT, plain=f"{INNOCENT}A {MASK}"),
}  # fmt: skip


def cuts(raw: bytes, seed: str) -> Iterator[list[int]]:
    """None, all, between events, some where it hurts, and some by chance."""
    generator = random.Random(seed)
    where = places(raw)
    yield from ([], [*range(len(raw))], [*range(0, len(raw), 7)])
    for _ in range(4):
        yield sorted(generator.sample(where, min(len(where), 5)))
        yield [generator.randrange(len(raw))]


def grams(span: str) -> set[str]:
    return {span[n : n + 4] for n in range(len(span) - 3)}


def told(raw: bytes, media: str) -> str:
    """All that can be read in these bytes, at whatever place."""
    texts = read(raw, media).texts.values()
    return "\0".join([*texts, *(unescaped(text) for text in texts)])


_TOLD_AGAIN = (".done", "completed", "incomplete", "part.added", "item.added")


def spoken(talk: Talk, body: bytes) -> str:
    """The answer's texts, part after part, less the repeats of them."""
    said = {"text", "content", "delta", "thinking", "reasoning_content"}
    texts = read(body, talk.media).texts.items()
    return "".join(t for at, t in texts if at.rpartition(".")[2] in said and not any(r in at for r in _TOLD_AGAIN))


def held(trial: Trial, span: str, innocent: str = "") -> None:
    """The laws hold with all cuts, and no four characters of the span are in what left, but for innocent ones."""
    wanted = {gram for gram in grams(span) if gram not in innocent}
    for way in cuts(trial.raw, span):
        assert not trial.broken(way), (trial, way)
        left = told(trial.talk.go(trial.plan, trial.raw, way).body, trial.talk.media)
        assert not [gram for gram in wanted if gram in left], way


def arguments(talk: Talk, body: bytes) -> list[Any]:
    """The arguments of the calls in an answer that is complete."""
    ends = ("arguments", "partial_json", "toolUse.input")
    found = read(body, talk.media).texts.items()
    return [json.loads(t) for at, t in found if at.endswith(ends) and not any(r in at for r in _TOLD_AGAIN)]


@pytest.mark.parametrize("where", HIDDEN)
@pytest.mark.parametrize("api", APIS)
def test_a_refused_span_does_not_leave(api: str, where: str) -> None:
    hidden = HIDDEN[where]
    trial = Trial(APIS[api](*hidden.parts), (hidden.check(REFUSED),))
    assert trial.action is Action.REFUSE
    held(trial, hidden.span, hidden.plain)


@pytest.mark.parametrize("where", [where for where, hidden in HIDDEN.items() if hidden.before])
@pytest.mark.parametrize("api", APIS)
def test_what_was_said_before_it_does(api: str, where: str) -> None:
    """Also one frame a read: text that no check has an eye on waits for nothing."""
    hidden = HIDDEN[where]
    trial = Trial(APIS[api](*hidden.parts), (hidden.check(REFUSED),))
    for way in (range(0), range(len(trial.raw))):
        body = trial.talk.go(trial.plan, trial.raw, way).body
        assert spoken(trial.talk, body).startswith(hidden.before)


@pytest.mark.parametrize("where", HIDDEN)
@pytest.mark.parametrize("api", APIS)
def test_a_masked_span_does_not_leave(api: str, where: str) -> None:
    hidden = HIDDEN[where]
    trial = Trial(APIS[api](*hidden.parts), (hidden.check(MASKED),))
    held(trial, hidden.span, hidden.plain)
    if (api, where) in SIGNED:
        assert trial.action is Action.REFUSE
        return
    assert trial.action is Action.REDACT
    body = trial.reference.body
    assert MASK in told(body, trial.talk.media)
    if hidden.plain:
        assert spoken(trial.talk, body).removesuffix("[DONE]") == hidden.plain
    for n, given in enumerate(arguments(trial.talk, body)):
        asked = [json.loads(part.whole) for part in hidden.parts if part.kind == "call"][n]
        assert given == json.loads(json.dumps(asked).replace(hidden.span, MASK))


SIGNED = {("anthropic messages", "in a thought"), ("bedrock converse", "in a thought")}
"""Thoughts that their provider signs cannot be rewritten, so what should be masked in them is refused."""


@pytest.mark.parametrize("api", [*APIS, "cohere version 1"])
def test_what_was_masked_is_not_told_by_the_ending_of_a_refusal(api: str) -> None:
    made = APIS.get(api, apis.legacy)
    talk = made(text(INNOCENT, "A zorb", "enblat, you see. ", "And so on. ", "Now a flor", "bwhistle."))
    trial = Trial(talk, (Word(WORD, MASKED), Word("florbwhistle")))
    assert trial.action is Action.REFUSE
    assert spoken(talk, trial.reference.body).startswith(f"{INNOCENT}A {MASK}, you see. And so on. ")
    held(trial, WORD)


@pytest.mark.parametrize("category", [REFUSED, MASKED])
@pytest.mark.parametrize("made", [apis.choices, apis.candidates], ids=["chat", "gemini"])
def test_a_span_in_the_third_of_four_choices_does_not_leave(made: Any, category: str) -> None:
    pieces = [(2, piece) for piece in ("It is a ", "zor", "benb", "lat, ", "you see.")]
    talk = made(*(each for piece in pieces for each in ((0, "fine "), (1, "good "), piece, (3, "well "))), n=4)
    trial = Trial(talk, (Word(WORD, category),))
    held(trial, WORD)
    texts = read(trial.reference.body, talk.media).texts
    said = [next(t for at, t in texts.items() if f"[{n}]" in at and at.endswith(("text", "content"))) for n in range(4)]
    if category == MASKED:
        assert said == ["fine " * 5, "good " * 5, f"It is a {MASK}, you see.", "well " * 5]
    else:
        assert trial.action is Action.REFUSE
        assert [text.partition("\n")[0] for text in said] == ["fine fine ", "good good ", "It is a ", "well "]


@pytest.mark.parametrize("made", [apis.choices, apis.candidates], ids=["chat", "gemini"])
def test_innocent_halves_in_two_choices_pass_untouched(made: Any) -> None:
    for spoken_ in (
        [(0, "It is a zorben"), (1, "blat, you see."), (0, " or so"), (1, " or so")],
        [(0, "It is a "), (1, "It is a "), (0, "zorben"), (1, "blat")],
    ):
        talk = made(*spoken_, n=2)
        for category in (REFUSED, MASKED):
            trial = Trial(talk, (Word(WORD, category),))
            for way in cuts(trial.raw, "halves"):
                assert talk.go(trial.plan, trial.raw, way).body == trial.raw
                assert not trial.broken(way)


@pytest.mark.parametrize("category", [REFUSED, MASKED])
@pytest.mark.parametrize(
    ("said", "again"),
    [(f"A {WORD}, you see.", f"A {WORD}, you see."), ("All is well.", f"A {WORD}, you see."), ("A zorb", f"A {WORD}")],
    ids=["said and repeated", "only in the repeats", "begun, and ended in the repeats"],
)
def test_a_span_in_the_repeats_of_a_response_does_not_leave(said: str, again: str, category: str) -> None:
    trial = Trial(repeated(said, again), (Word(WORD, category),))
    assert trial.action is (Action.REFUSE if category == REFUSED else Action.REDACT)
    held(trial, WORD, "" if WORD in said else said)


@pytest.mark.parametrize("category", [REFUSED, MASKED])
def test_a_span_in_a_json_array_that_comes_in_pieces_does_not_leave(category: str) -> None:
    for hidden in HIDDEN.values():
        held(Trial(apis.gemini(*hidden.parts, events=False), (hidden.check(category),)), hidden.span, hidden.plain)
