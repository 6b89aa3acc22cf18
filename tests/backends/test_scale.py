"""The common scale: a point lies where it lies for every backend, and order is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.merged import merged
from guardrail.backends.scale import PLACES, common, points
from guardrail.checks.protocol import Scores

OWN = {"strict": {"hate": 0.1, "sexual": 0.3}, "balanced": {"hate": 0.4, "sexual": 0.3}, "lenient": {"hate": 0.9}}


def placed(score: float, name: str = "hate") -> float:
    return common(Scores({name: score}), OWN)[name]


def test_a_backends_own_points_are_the_scales() -> None:
    assert [placed(0.0), placed(0.1), placed(0.4), placed(0.9), placed(1.0)] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert placed(0.25) == pytest.approx(0.375)
    assert points(frozenset({"hate"})) == {point: {"hate": place} for point, place in PLACES}


def test_points_that_fall_together_or_are_out_of_reach() -> None:
    assert placed(0.299, "sexual") < 0.25
    assert placed(0.3, "sexual") == pytest.approx(0.5)
    assert 0.5 < placed(0.99, "sexual") <= 0.75  # no lenient point: never that sure
    assert placed(1.0, "violence") < 0.25  # no points at all: no reason to act


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(["hate", "sexual", "violence"]))
def test_order_is_kept_and_the_range_is_too(one: float, other: float, name: str) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= placed(low, name) <= placed(high, name) <= 1.0


@given(st.floats(0, 1), st.booleans())
def test_a_service_that_decides_itself_is_at_balanced_where_it_says_yes(score: float, flag: bool) -> None:
    found = common(Scores({"hate": score}, {"hate": flag}), None)["hate"]
    assert (found >= 0.5) is flag
    assert common(Scores({}, {"hate": flag}), None)["hate"] == (1.0 if flag else 0.0)
    assert common(Scores({"hate": 0.01}, {"hate": True}), OWN)["hate"] == 0.5


def test_what_one_answer_judged_is_not_unseen_in_the_whole() -> None:
    one = Scores({"hate": 0.2}, None, frozenset({"violence"}), "m", {"hate": (0, 1)})
    other = Scores({"hate": 0.7, "violence": 0.1}, None, frozenset({"sexual"}), "m", {"hate": (3, 4)})
    whole = merged([one, other])
    assert whole == Scores({"hate": 0.7, "violence": 0.1}, None, frozenset({"sexual"}), "m", {"hate": (3, 4)})
    assert merged([one]) is one
    assert merged([Scores({}, {"hate": True}), Scores({}, {"hate": False})]).flags == {"hate": True}
