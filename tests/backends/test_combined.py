"""Several backends as one: what each manner says, and that a member which cannot answer is never a clean result."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from guardrail.backends.combined import Combined, Manner, Member
from guardrail.backends.moderation import Moderation
from guardrail.backends.only import Only
from guardrail.checks.protocol import Backend, Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Call, Flow

from .plain import Loop, Threads

CATEGORIES = frozenset({"hate", "violence"})


class Says:
    """A backend that says what it is told to, off this thread, and notes what it was asked."""

    name, longest, stride, inline, remote = "says", 2000, 400, 0, True

    def __init__(
        self,
        scores: Mapping[str, Mapping[str, float]] | Exception,
        *,
        categories: frozenset[str] = CATEGORIES,
        unseen: frozenset[str] = frozenset(),
        flags: bool = False,
    ) -> None:
        self.categories, self.asked = categories, list[str]()
        places = {"strict": 0.25, "balanced": 0.5, "lenient": 0.75}  # those of the common scale
        self.points = None if flags else {p: dict.fromkeys(categories, at) for p, at in places.items()}
        self._scores, self._unseen, self._flags = scores, unseen, flags

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        self.asked += texts
        answers: Sequence[Scores] = yield Call(self._answer, (tuple(texts),))
        return answers

    def _answer(self, texts: Sequence[str]) -> Sequence[Scores]:
        if isinstance(self._scores, Exception):
            raise self._scores
        found = [self._scores.get(text, {}) for text in texts]
        return [
            Scores(
                {name: one.get(name, 0.0) for name in self.categories - self._unseen},
                {name: one.get(name, 0.0) >= 0.5 for name in self.categories} if self._flags else None,
                self._unseen,
                "model-x",
            )
            for one in found
        ]


@pytest.fixture(params=["threads", "loop"])
def world(request: pytest.FixtureRequest) -> Any:
    made = Threads() if request.param == "threads" else Loop()
    yield made
    made.close()


def combined(manner: Manner, *backends: Backend, **options: Any) -> Combined:
    needed = options.pop("needed", [True] * len(backends))
    weights = options.pop("weights", [1.0] * len(backends))
    members = [Member("abc"[n], backend, needed[n], weights[n]) for n, backend in enumerate(backends)]
    return Combined(manner, members, **options)


def ask(world: Threads | Loop, backend: Backend, *texts: str) -> Any:
    (answer,) = world.all(backend.moderate(texts))
    if isinstance(answer, Exception):
        raise answer
    return answer


HIGH, LOW = {"t": {"hate": 0.9}}, {"t": {"hate": 0.1}}


def test_any_takes_the_highest_all_the_lowest_and_weighted_the_mean(world: Threads | Loop) -> None:
    for manner, expected in (("any", 0.9), ("all", 0.1), ("weighted", 0.3)):
        (said,) = ask(world, combined(manner, Says(HIGH), Says(LOW), weights=[1.0, 3.0]), "t")  # type: ignore[arg-type]
        assert said.scores["hate"] == pytest.approx(expected)
        assert said.by == {"a: model-x": {"hate": 0.9, "violence": 0.0}, "b: model-x": {"hate": 0.1, "violence": 0.0}}
        assert said.flags is None


def test_who_does_not_judge_a_category_has_no_say_in_it(world: Threads | Loop) -> None:
    blind = Says(LOW, categories=frozenset({"violence"}))
    for manner in ("any", "all", "weighted"):
        (said,) = ask(world, combined(manner, Says(HIGH), blind), "t")
        assert said.scores["hate"] == pytest.approx(0.9)
        assert said.unseen == frozenset()


@pytest.mark.parametrize("manner", ["any", "all", "weighted"])
def test_what_nobody_looked_at_is_unseen(world: Threads | Loop, manner: Manner) -> None:
    seen_by_none = Says(HIGH, unseen=frozenset({"violence"}))
    (said,) = ask(world, combined(manner, seen_by_none, seen_by_none), "t")
    assert said.unseen == {"violence"}
    assert "violence" not in said.scores


def test_of_any_what_one_finds_stands_and_what_none_finds_needs_all(world: Threads | Loop) -> None:
    down = Says(NotEvaluated("timeout"))
    backend = combined("any", Says(HIGH), down)
    (said, clean) = ask(world, backend, "t", "u")
    assert said.scores["hate"] > 0.8
    assert clean.unseen == CATEGORIES
    check = Moderation("harm", backend, dict.fromkeys(CATEGORIES, 0.5))
    (found,) = world.all(check.ask(["t"]))
    assert [finding.category for finding in found[0]] == ["hate"]
    (error,) = world.all(check.ask(["u"]))
    assert error.reason == "timeout"


@pytest.mark.parametrize("manner", ["all", "weighted"])
def test_of_all_and_weighted_every_member_is_needed(world: Threads | Loop, manner: Manner) -> None:
    down = Says(NotEvaluated("open"))
    with pytest.raises(NotEvaluated, match="open"):
        ask(world, combined(manner, Says(HIGH), down), "t")
    (said,) = ask(world, combined(manner, Says(HIGH), down, needed=[True, False]), "t")
    assert said.scores["hate"] == pytest.approx(0.9)
    with pytest.raises(NotEvaluated, match="open"):
        ask(world, combined(manner, down, down, needed=[False, False]), "t")


def test_first_asks_on_only_where_the_first_is_not_sure(world: Threads | Loop) -> None:
    cheap = Says({"sure": {"hate": 0.99}, "clear": {"hate": 0.05}, "maybe": {"hate": 0.5}})
    dear = Says({"maybe": {"violence": 0.8}})
    backend = combined("first", cheap, dear, between=(0.25, 0.75))
    sure, clear, maybe = ask(world, backend, "sure", "clear", "maybe")
    assert dear.asked == ["maybe"]
    assert sure.scores["hate"] > 0.9
    assert clear.scores["hate"] < 0.1
    assert (maybe.scores["hate"], maybe.scores["violence"] > 0.5) == (0.0, True)
    assert list(maybe.by) == ["a: model-x", "b: model-x"]
    assert list(sure.by) == ["a: model-x"]


def test_first_asks_on_where_the_first_cannot_answer(world: Threads | Loop) -> None:
    down, up = Says(NotEvaluated("connect")), Says(HIGH)
    (said,) = ask(world, combined("first", down, up), "t")
    assert said.scores["hate"] > 0.8
    assert up.asked == ["t"]
    with pytest.raises(NotEvaluated, match="connect"):
        ask(world, combined("first", down, Says(NotEvaluated("connect"))), "t")


def test_first_does_not_settle_for_an_unsure_word_where_the_next_is_down(world: Threads | Loop) -> None:
    unsure = Says({"t": {"hate": 0.45}})
    backend = combined("first", unsure, Says(NotEvaluated("timeout")), between=(0.25, 0.75))
    with pytest.raises(NotEvaluated, match="timeout"):
        ask(world, backend, "t")


def test_flags_and_scores_meet_on_one_scale(world: Threads | Loop) -> None:
    (said,) = ask(world, combined("any", Says(LOW), Says(HIGH, flags=True)), "t")
    assert said.scores["hate"] == pytest.approx(0.95)
    (said,) = ask(world, combined("all", Says(LOW), Says(HIGH, flags=True)), "t")
    assert said.scores["hate"] < 0.5


def test_combinations_may_stand_in_combinations(world: Threads | Loop) -> None:
    inner = combined("all", Says(HIGH), Says(LOW))
    (said,) = ask(world, combined("any", inner, Says({"t": {"violence": 0.7}})), "t")
    assert said.scores["hate"] < 0.5 < said.scores["violence"]


def test_the_strictest_length_is_that_of_all() -> None:
    short = Says(HIGH)
    short.longest = 100
    assert combined("any", Says(HIGH), short).longest == 100


@pytest.mark.parametrize(
    "wanted", [frozenset(c) for n in (1, 2) for c in itertools.combinations(sorted(CATEGORIES), n)]
)
def test_only_some_categories_are_heard(world: Threads | Loop, wanted: frozenset[str]) -> None:
    (said,) = ask(world, Only(Says({"t": {"hate": 0.9, "violence": 0.9}}, flags=True), wanted), "t")
    assert said.scores.keys() == said.flags.keys() == wanted
    assert Only(Says(HIGH), wanted).categories == wanted
