"""The embedded model as a moderation backend: what it computes at once and what it asks for."""

from __future__ import annotations

from typing import Any

import pytest

from guardrail.checks.protocol import Backend
from guardrail.flow import Call, Effect, run
from guardrail.local import LocalBackend, LocalModeration

BACKEND: Backend = LocalBackend()
FAST: Backend = LocalBackend("fast")


def refuse(effect: Effect) -> Any:
    raise AssertionError(f"asked for {type(effect).__name__}")


class Worker:
    """Performs what is asked of a worker thread, and counts it."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, effect: Effect) -> Any:
        assert isinstance(effect, Call)
        self.asked += 1
        return effect.fn(*effect.args)


DECIDED = "What time does the bakery in Mill Lane open on Sunday?"
UNDECIDED = "I will kill you tonight."


def test_what_is_short_and_decided_by_the_fast_tier_is_judged_at_once() -> None:
    for backend, texts in ((BACKEND, [DECIDED]), (FAST, [UNDECIDED, "x" * (FAST.inline - 30)])):
        found = run(backend.moderate(texts), refuse)
        assert [scores.model for scores in found] == ["guardrail-local-2-fast"] * len(texts)


def test_the_encoder_is_asked_of_a_worker_once_for_all_texts() -> None:
    worker = Worker()
    texts = [DECIDED, UNDECIDED, "I am going to find you and hurt you"]
    found = run(BACKEND.moderate(texts), worker)
    assert worker.asked == 1
    assert [scores.scores for scores in found] == LocalModeration().score(texts)
    assert [scores.model for scores in found][:2] == ["guardrail-local-2-fast", "guardrail-local-2-accurate"]


def test_more_text_is_asked_of_a_worker() -> None:
    worker = Worker()
    texts = ["hello", "x " * BACKEND.inline]
    found = run(BACKEND.moderate(texts), worker)
    assert worker.asked == 1
    assert [scores.scores for scores in found] == LocalModeration().score(texts)


def test_it_says_where_and_leaves_nothing_unseen() -> None:
    text = "The weather is mild. " * 60 + "I will kill you tonight, I will hurt you. " + "The weather is mild. " * 60
    (scores,) = run(BACKEND.moderate([text]), Worker())
    assert scores.flags is None
    assert not scores.unseen
    assert set(scores.scores) == set(scores.spans) == BACKEND.categories
    start, end = scores.spans["violence"]
    assert start < text.index("kill you") < end
    assert end - start < 500
    assert run(BACKEND.moderate([]), refuse) == []


@pytest.mark.parametrize("backend", [BACKEND, FAST], ids=["cascade", "fast"])
def test_every_point_has_every_category(backend: Backend) -> None:
    assert backend.points is not None
    assert list(backend.points) == ["lenient", "balanced", "strict"]
    assert all(set(limits) == backend.categories for limits in backend.points.values())
