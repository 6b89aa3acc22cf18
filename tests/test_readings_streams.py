"""Disguised words in streams: nothing of them leaves, whatever the cuts, and a mask covers the whole disguise."""

from __future__ import annotations

from typing import Any

import pytest

from guardrail.checks.disguised import Disguised
from guardrail.checks.words import Words
from guardrail.verdict import Action
from tests.checks.disguises import DISGUISES
from tests.streams.apis import APIS
from tests.streams.laws import Trial
from tests.streams.parts import text
from tests.streams.test_spans import cuts, spoken
from tests.support.plans import MASK, MASKED, REFUSED

PHRASE = "zorben blatquux"
BEFORE = "All is well. I and you say so. "
TRIED = ["full width", "zero-width spaces", "stretched", "spaced", "leet", "base64", "hex", "percent"]


def trial(api: str, name: str, category: str, size: int) -> tuple[Trial, str]:
    hidden = DISGUISES[name](PHRASE)
    whole = f"{BEFORE}A {hidden}, you see."
    check: Any = Disguised(Words("list", [PHRASE], category))
    return Trial(APIS[api](text(*(whole[n : n + size] for n in range(0, len(whole), size)))), (check,)), hidden


@pytest.mark.parametrize(
    ("name", "api", "size"),
    [(name, "openai chat", 5) for name in TRIED] + [(name, "anthropic messages", 1) for name in ("leet", "spaced")],
)
def test_a_disguised_phrase_is_refused_before_any_of_it_leaves(name: str, api: str, size: int) -> None:
    made, _ = trial(api, name, REFUSED, size)
    assert made.action is Action.REFUSE
    for way in cuts(made.raw, name):
        assert not made.broken(way), way
    said = spoken(made.talk, made.talk.go(made.plan, made.raw, range(len(made.raw))).body)
    assert said.startswith(BEFORE.rstrip())


@pytest.mark.parametrize(
    "name", ["overridden direction", "Cyrillic", "dotted words", "base64 twice", "entities", "tags"]
)
def test_a_disguised_phrase_is_masked_whole(name: str) -> None:
    made, hidden = trial("gemini", name, MASKED, 3)
    assert made.action is Action.REDACT
    for way in cuts(made.raw, name):
        assert not made.broken(way), way
    rest = "\u202c" if hidden.endswith("\u202c") else ""
    assert spoken(made.talk, made.reference.body) == f"{BEFORE}A {MASK}{rest}, you see."
