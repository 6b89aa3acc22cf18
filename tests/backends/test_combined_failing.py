"""A failure within a combination, however deep: it is never a clean result, hides no finding, and is nobody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from guardrail.backends.combined import Combined, Manner
from guardrail.backends.moderation import Moderation
from guardrail.checks.protocol import Backend, Heard, PartlyAnswered, PartlyJudged, Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Call, Flow

from .plain import Loop, Threads
from .test_combined import CATEGORIES, Says, ask, combined

HIGH = {"t": {"violence": 0.95}}
LOW: dict[str, dict[str, float]] = {"t": {"hate": 0.02, "violence": 0.02}}
VIOLENCE = {"violence"}
MANNERS: tuple[Manner, ...] = ("any", "all", "weighted", "first")


@pytest.fixture(params=["threads", "loop"])
def world(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = Threads() if request.param == "threads" else Loop()
    yield made
    made.close()


def down() -> Says:
    return Says(NotEvaluated("timeout"))


def partly(scores: Mapping[str, Mapping[str, float]] = LOW) -> Says:
    return Says(scores, unseen=frozenset(VIOLENCE))


def judged(world: Threads | Loop, backend: Backend, text: str = "t") -> tuple[set[str], str]:
    """What is found in a text, and why it was not judged in full."""
    check = Moderation("harm", backend, dict.fromkeys(CATEGORIES, 0.5), decides=lambda _: False)
    (answer,) = world.all(check.ask([text]))
    if isinstance(answer, PartlyAnswered):
        (said,) = answer.answers
        assert isinstance(said, PartlyJudged)
        return {finding.category for finding in said.findings}, answer.reason
    if isinstance(answer, NotEvaluated):
        return set(), answer.reason
    assert isinstance(answer, Heard)
    return {finding.category for finding in answer[0]}, ""


@pytest.mark.parametrize("outer", ["any", "all", "weighted"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_failure_in_a_combination_within_one_is_no_clean_result(
    world: Threads | Loop, outer: Manner, turned: bool
) -> None:
    for scores in (HIGH, LOW):
        members: list[Backend] = [combined("any", down(), Says(scores)), Says(LOW)]
        found, why = judged(world, combined(outer, *(members[::-1] if turned else members)))
        assert why == "timeout"
        assert found == (VIOLENCE if outer == "any" and scores is HIGH else set())


@pytest.mark.parametrize("inner", MANNERS)
@pytest.mark.parametrize("outer", MANNERS)
def test_where_all_below_are_down_or_did_not_look_nothing_is_clean(
    world: Threads | Loop, inner: Manner, outer: Manner
) -> None:
    for lost in (down, partly):
        backend = combined(outer, combined(inner, lost(), lost()), lost())
        assert judged(world, backend)[1] == ("timeout" if lost is down else "unseen")


def test_what_is_found_deep_within_any_stands(world: Threads | Loop) -> None:
    deep: Backend = combined("any", down(), Says(HIGH))
    for _ in range(3):
        deep = combined("any", Says(LOW), deep)
        (said,) = ask(world, deep, "t")
        assert said.scores["violence"] == pytest.approx(0.95)
        assert (said.unseen, said.why) == (CATEGORIES, "timeout")


@pytest.mark.parametrize("manner", ["any", "weighted"])
def test_what_one_service_did_not_look_at_is_not_clean_as_another_did(world: Threads | Loop, manner: Manner) -> None:
    for members in ([partly(), Says(LOW)], [Says(LOW), partly()]):
        assert judged(world, combined(manner, *members)) == (set(), "unseen")
    blind = Says(LOW, categories=frozenset({"hate"}))
    assert judged(world, combined(manner, blind, Says(LOW))) == (set(), ""), "it never judges violence"


def test_of_all_it_is_enough_that_one_found_nothing(world: Threads | Loop) -> None:
    assert judged(world, combined("all", partly(), Says(LOW))) == (set(), "")
    assert judged(world, combined("all", partly(), Says(HIGH))) == (VIOLENCE, "")


def test_first_asks_the_next_where_one_did_not_look_at_all(world: Threads | Loop) -> None:
    for before in (partly(), combined("any", down(), Says(LOW))):
        for scores, found in ((LOW, set()), (HIGH, VIOLENCE)):
            third = Says(scores)
            assert judged(world, combined("first", before, third)) == (found, "")
            assert third.asked == ["t"]
    never = Says(LOW)
    assert judged(world, combined("first", Says(LOW), never)) == (set(), "")
    assert never.asked == []


def test_who_is_asked_only_about_the_rest_takes_nothing_back(world: Threads | Loop) -> None:
    found = combined("any", down(), Says(HIGH))
    for band in (None, (0.25, 0.75)):
        backend = combined("first", found, Says(LOW), between=band)
        (said,) = ask(world, backend, "t")
        assert said.scores["violence"] == pytest.approx(0.95)
        assert said.unseen == set()
    hate = partly({"t": {"hate": 0.9}})
    (said,) = ask(world, combined("first", hate, Says(LOW, unseen=frozenset({"hate"}))), "t")
    assert (said.scores["hate"], said.unseen) == (pytest.approx(0.9), frozenset())
    (said,) = ask(world, combined("first", hate, down()), "t")
    assert (said.scores["hate"], said.unseen) == (pytest.approx(0.9), frozenset(VIOLENCE))


def test_first_keeps_what_it_knows_of_a_text_where_the_next_is_down_for_another(world: Threads | Loop) -> None:
    cheap = Says({"sure": {"hate": 0.99}, "maybe": {"hate": 0.5}})
    sure, maybe = ask(world, combined("first", cheap, down(), between=(0.25, 0.75)), "sure", "maybe")
    assert sure.scores["hate"] > 0.9
    assert (maybe.scores, maybe.unseen, maybe.why) == ({}, CATEGORIES, "timeout")


class Wrong(Says):
    """Raises as it is called, or answers about ``more`` texts than there are."""

    def __init__(self, more: int | None) -> None:
        super().__init__(LOW)
        self._more = more

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        if self._more is None:
            raise NotEvaluated("open")
        return self._counted(texts)

    def _counted(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        answers: Sequence[Scores] = yield Call(self._answer, (("t",) * (len(texts) + (self._more or 0)),))
        return answers


@pytest.mark.parametrize(("more", "why"), [(None, "open"), (-1, "malformed"), (1, "malformed")])
def test_a_member_that_misbehaves_fails_alone(world: Threads | Loop, more: int | None, why: str) -> None:
    for members in ([Wrong(more), Says(HIGH)], [Says(HIGH), Wrong(more)]):
        assert judged(world, combined("any", *members)) == (VIOLENCE, why)
    assert judged(world, combined("any", Wrong(more), Says(LOW))) == (set(), why)
    assert judged(world, combined("all", Wrong(more), Says(HIGH))) == (set(), why)
    following = Says(HIGH)
    assert judged(world, combined("first", Wrong(more), following)) == (VIOLENCE, "")
    assert following.asked == ["t"]
    assert judged(world, combined("first", Wrong(more), Wrong(more))) == (set(), why)


@pytest.mark.parametrize("manner", ["all", "weighted", "first"])
def test_where_one_that_is_needed_is_down_the_others_are_named_all_the_same(
    world: Threads | Loop, manner: Manner
) -> None:
    inner = combined(manner, Says(LOW), down(), between=(0.0, 1.0) if manner == "first" else None)
    for backend, models in (
        (inner, {"a: model-x"}),
        (combined("all", Says(LOW), inner), {"a: model-x", "b: a: model-x"}),
        (combined("any", inner, Says(LOW)), {"a: a: model-x", "b: model-x"}),
        (combined("first", inner, Says(LOW)), {"a: a: model-x", "b: model-x"}),
    ):
        (said,) = world.all(Moderation("top", backend, {"*": 0.5}).ask(["t"]))
        assert said.models == models
        assert getattr(said, "reason", "timeout") == "timeout"


def test_a_program_error_of_a_member_is_told_by_its_kind(world: Threads | Loop) -> None:
    (said,) = ask(world, combined("any", Says(ZeroDivisionError()), Says(LOW)), "t")
    assert (said.unseen, said.why) == (CATEGORIES, "ZeroDivisionError")


def test_a_combination_of_nested_ones_is_one_for_each_side() -> None:
    inner = combined("any", Says(LOW), Says(LOW))
    assert isinstance(combined("any", inner, Says(LOW)).on("output"), Combined)
