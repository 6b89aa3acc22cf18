from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.evaluation.figures import Confusion, Ranking, at_point, auprc, auroc, confusion, proportion

ROWS = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), st.booleans()), min_size=1, max_size=30)


def arrays(rows: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in rows]), np.array([int(label) for _, label in rows], dtype=np.int8)


@given(ROWS)
def test_auprc_is_precision_at_each_threshold_by_the_recall_gained_there(rows: list[tuple[float, bool]]) -> None:
    total = sum(label for _, label in rows)
    value, before = 0.0, 0.0
    for limit in sorted({score for score, _ in rows}, reverse=True):
        flagged = [label for score, label in rows if score >= limit]
        recall = sum(flagged) / total if total else 0.0
        value += sum(flagged) / len(flagged) * (recall - before)
        before = recall
    found = auprc(*arrays(rows))
    assert found == pytest.approx(value) if total else math.isnan(found)


@given(ROWS)
def test_auroc_is_how_often_a_positive_stands_above_a_negative(rows: list[tuple[float, bool]]) -> None:
    good, bad = [s for s, label in rows if label], [s for s, label in rows if not label]
    found = auroc(*arrays(rows))
    if not good or not bad:
        assert math.isnan(found)
    else:
        pairs = [(p > n) + (p == n) / 2 for p in good for n in bad]
        assert found == pytest.approx(sum(pairs) / len(pairs))


@given(ROWS, st.lists(st.integers(0, 3), min_size=30, max_size=30))
def test_a_weight_is_a_row_so_many_times(rows: list[tuple[float, bool]], times: list[int]) -> None:
    weights = np.array(times[: len(rows)], dtype=np.float64)
    again = [row for row, n in zip(rows, times, strict=False) for _ in range(n)]
    ranking = Ranking(*arrays(rows))
    for found, expected in (
        (ranking.auprc(weights), auprc(*arrays(again))),
        (ranking.auroc(weights), auroc(*arrays(again))),
    ):
        assert found == pytest.approx(expected, nan_ok=True)


def test_the_curve_ends_where_everything_is_flagged() -> None:
    recall, precision = Ranking(*arrays([(0.9, True), (0.8, False), (0.8, True), (0.1, False)])).curve()
    assert recall.tolist() == [0.5, 1.0, 1.0]
    assert precision.tolist() == pytest.approx([1.0, 2 / 3, 0.5])


def test_intervals_are_the_same_for_the_same_seed_and_hold_the_figure() -> None:
    rng = np.random.default_rng(3)
    truth = (rng.random(300) < 0.3).astype(np.int8)
    scores = rng.random(300) * 0.6 + truth * 0.3
    ranking = Ranking(scores, truth)
    first, again, other = (ranking.intervals(200, seed) for seed in (1, 1, 2))
    assert first == again != other
    for figure in first:
        assert figure.low < figure.value < figure.high
        assert figure.high - figure.low < 0.2


def test_nothing_is_said_of_nothing() -> None:
    figure, _ = Ranking(np.zeros(0), np.zeros(0, dtype=np.int8)).intervals(10, 0)
    assert math.isnan(figure.value)
    assert math.isnan(proportion(0, 0).value)
    assert math.isnan(Confusion(0, 3, 0, 4).f1)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (8, 10, 0.4902, 0.9433), (5, 10, 0.2366, 0.7634)],
)
def test_wilson_intervals_are_those_of_the_tables(hits: int, total: int, low: float, high: float) -> None:
    figure = proportion(hits, total)
    assert [figure.low, figure.high] == pytest.approx([low, high], abs=1e-4)


def test_what_is_unknown_is_in_none_of_the_four() -> None:
    truth = np.array([1, 1, 0, 0, -1, -1], dtype=np.int8)
    found = confusion(np.array([True, False, True, False, True, False]), truth)
    assert found == Confusion(1, 1, 1, 1)
    assert found.f1 == pytest.approx(0.5)
    assert at_point(np.array([0.9, 0.1, 0.9, 0.1, 0.9, 0.1]), truth, 0.5).fpr == 0.5
