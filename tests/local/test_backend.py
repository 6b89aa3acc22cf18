"""The embedded model as a moderation backend: what it computes at once and what it asks for."""

from __future__ import annotations

from typing import Any

from guardrail.checks.protocol import Backend
from guardrail.flow import Call, Effect, run
from guardrail.local import LocalBackend, LocalModeration

BACKEND: Backend = LocalBackend()


def refuse(effect: Effect) -> Any:
    raise AssertionError(f"asked for {type(effect).__name__}")


def test_short_texts_are_judged_at_once() -> None:
    texts = ["hello", "x" * (BACKEND.inline - 5)]
    found = run(BACKEND.moderate(texts), refuse)
    assert [scores.scores for scores in found] == LocalModeration().score(texts)


def test_more_text_is_asked_of_a_worker() -> None:
    asked: list[Effect] = []

    def perform(effect: Effect) -> Any:
        asked.append(effect)
        assert isinstance(effect, Call)
        return effect.fn(*effect.args)

    texts = ["hello", "x" * BACKEND.inline]
    found = run(BACKEND.moderate(texts), perform)
    assert len(asked) == 1
    assert [scores.scores for scores in found] == LocalModeration().score(texts)


def test_it_says_what_it_is_and_leaves_nothing_unseen() -> None:
    (scores,) = run(BACKEND.moderate(["hello"]), refuse)
    assert scores.model == "guardrail-local-1"
    assert scores.flags is None
    assert not scores.unseen
    assert set(scores.scores) == BACKEND.categories
    assert BACKEND.points is not None
    assert all(set(limits) == BACKEND.categories for limits in BACKEND.points.values())
    assert run(BACKEND.moderate([]), refuse) == []
