"""Several backends as one: what each manner says, and that a member which cannot answer is never a clean result."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from guardrail.backends.combined import Combined, Manner, Member
from guardrail.backends.moderation import Moderation
from guardrail.backends.only import Only
from guardrail.checks.protocol import Backend, Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Call, Flow, together

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
    weights = options.pop("weights", [1.0] * len(backends))
    members = [Member("abc"[n], backend, weights[n]) for n, backend in enumerate(backends)]
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


def test_a_combination_within_one_names_the_models_below_it(world: Threads | Loop) -> None:
    nested: Backend = combined("all", Says(HIGH), Says(LOW))
    nested = combined("any", combined("first", nested, Says(LOW)), Says(LOW))
    (found,) = world.all(Moderation("top", nested, {"*": 0.05}).ask(["t"]))
    assert found.models == {"a: a: a: model-x", "a: a: b: model-x", "b: model-x"}
    assert dict(found[0][0].by) == {"a: a: a: model-x": 0.9, "a: a: b: model-x": 0.1, "b: model-x": 0.1}


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


@pytest.mark.parametrize("manner", ["any", "all", "weighted"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_member_goes_on_while_another_has_not_answered(world: Threads | Loop, manner: Manner, nested: bool) -> None:
    second = threading.Event()

    class Slow(Says):
        def _answer(self, texts: Sequence[str]) -> Sequence[Scores]:
            assert second.wait(10), "the other member's second question waited for this one's first"
            return super()._answer(texts)

    class Twice(Says):
        def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
            yield from super().moderate(texts)
            answers: Sequence[Scores] = yield Call(self._again, (tuple(texts),))
            return answers

        def _again(self, texts: Sequence[str]) -> Sequence[Scores]:
            second.set()
            return self._answer(texts)

    backend = combined(manner, Slow(LOW), Twice(HIGH))
    if nested:
        backend = combined(manner, Slow(LOW), backend)
    check = Moderation("harm", backend, {"*": 0.3})
    (settled,) = world.all(together([check.ask(["t"])], 20))
    (found,) = settled[0].value
    heard = {model.partition(":")[0] for finding in found for model, _ in finding.by}
    assert heard == (set() if manner == "all" else {"a", "b"})


def test_what_one_finds_stands_where_another_has_not_answered_in_the_time_of_all(world: Threads | Loop) -> None:
    over = threading.Event()

    class Hangs(Says):
        def _answer(self, texts: Sequence[str]) -> Sequence[Scores]:
            over.wait(20)
            return super()._answer(texts)

    check = Moderation("harm", combined("any", Hangs(LOW), Says(HIGH)), dict.fromkeys(CATEGORIES, 0.5))
    ((found, clean),) = world.all(together([check.ask(["t"]), check.ask(["u"])], 0.5))
    over.set()
    assert [finding.category for finding in found.value[0]] == ["hate"]
    assert clean.error.reason == "timeout"


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


def test_a_text_flagged_as_a_whole_counts_in_every_manner_and_where_harm_is_all_that_is_wanted(
    world: Threads | Loop,
) -> None:
    class Flags(Says):
        def _answer(self, texts: Sequence[str]) -> Sequence[Scores]:
            return [Scores({}, {"harm": True, "hate": False, "violence": False}) for _ in texts]

    flags = Flags({}, flags=True)
    nested = combined("any", combined("any", flags, flags), Says(LOW))
    for backend in (combined("any", flags, Says(LOW)), combined("first", flags, Says(LOW)), nested):
        (said,) = ask(world, backend, "t")
        assert backend.points is not None
        assert said.scores["harm"] >= backend.points["balanced"]["harm"]
    (said,) = ask(world, Only(flags, CATEGORIES | {"harm"}), "t")
    assert said.flags is not None
    assert said.flags["harm"]


def test_of_first_what_nobody_who_answered_judges_is_unseen_and_what_was_said_before_is_kept(
    world: Threads | Loop,
) -> None:
    narrow = Says({"t": {"hate": 0.5}}, categories=frozenset({"hate"}))
    (said,) = ask(world, combined("first", narrow, Says(HIGH)), "t")
    assert said.unseen == {"violence"}
    down = Says(NotEvaluated("timeout"))
    (said,) = ask(world, combined("first", down, narrow), "t")
    assert said.unseen == {"violence"}
    wide = Says({"t": {"hate": 0.5, "violence": 0.6}})
    (said,) = ask(world, combined("first", wide, narrow, between=(0.25, 0.75)), "t")
    assert (said.unseen, said.scores["violence"]) == (frozenset(), pytest.approx(0.6))


def test_what_is_not_enough_to_decide_by_does_not_hide_what_nobody_looked_at(world: Threads | Loop) -> None:
    partly = Says({"t": {"hate": 0.9}}, unseen=frozenset({"violence"}))
    for decides, reason in ((lambda _: False, "unseen"), (lambda _: True, "")):
        check = Moderation(
            "harm", partly, dict.fromkeys(CATEGORIES, 0.5), needed=frozenset({"violence"}), decides=decides
        )
        (found,) = world.all(check.ask(["t"]))
        assert getattr(found, "reason", "") == reason
    check = Moderation("harm", partly, dict.fromkeys(CATEGORIES, 0.5), needed=frozenset({"hate"}))
    (found,) = world.all(check.ask(["u"]))
    assert found == [()]


def test_what_wraps_a_backend_hides_nothing_of_it() -> None:
    class Whole(Says):
        window = 7

        def on(self, side: str) -> Says:
            return Says({"t": {"hate": 0.1 if side == "input" else 0.9}})

        def of_tools(self) -> Says:
            return Says({"tools": {"hate": 1.0}})

        def stats(self) -> Mapping[str, Any]:
            return {"requests": 3}

    only = Only(Whole(HIGH), frozenset({"hate"}))
    assert only.window == 7
    assert only.stats() == {"requests": 3}
    assert only.on("output").backend is not only.backend
    assert only.of_tools().categories == {"hate"}
    both = combined("any", only, Says(LOW))
    assert both.on("output") is not both
    assert both.of_tools() is not both
    assert combined("any", Says(LOW), Says(HIGH)).on("output").of_tools().members[0].backend.name == "says"
