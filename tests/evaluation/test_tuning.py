"""Thresholds from known scores, and the laws they keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.evaluation.rows import read
from guardrail.evaluation.scoring import Scored, score
from guardrail.evaluation.subjects import BackendSubject
from guardrail.evaluation.tuning import Choice, Goal, for_budget, for_recall, merged, tune

from .fakes import Fake, lines

SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
TRUTH = np.array([1, 1, 0, 1, 1, 0, 0, 0], dtype=np.int8)
ROWS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("share", "threshold"), [(0.0, 0.8), (0.24, 0.8), (0.25, 0.5), (0.5, 0.4), (0.75, 0.3), (0.99, 0.3)]
)
def test_the_threshold_of_a_budget(share: float, threshold: float) -> None:
    assert for_budget(SCORES, TRUTH, share) == threshold


@pytest.mark.parametrize(
    ("target", "threshold"), [(0.1, 0.9), (0.25, 0.9), (0.5, 0.8), (0.75, 0.6), (0.76, 0.5), (1.0, 0.5)]
)
def test_the_threshold_of_a_recall(target: float, threshold: float) -> None:
    assert for_recall(SCORES, TRUTH, target) == threshold


def test_a_goal_that_no_threshold_reaches() -> None:
    assert for_budget(np.array([1.0, 1.0]), np.array([0, 1], dtype=np.int8), 0.0) is None
    assert for_recall(np.array([0.0, 1.0]), np.array([1, 1], dtype=np.int8), 1.0) is None
    assert for_budget(np.array([0.5]), np.array([0], dtype=np.int8), 0.0) == 0.500001


@given(ROWS, st.floats(0, 0.99))
def test_a_budget_is_kept_and_no_lower_score_would_keep_it(rows: list[tuple[float, bool]], share: float) -> None:
    scores, truth = np.array([s for s, _ in rows]), np.array([int(label) for _, label in rows], dtype=np.int8)
    negatives = scores[truth == 0]
    limit = for_budget(scores, truth, share)
    if limit is None:
        return
    assert 0 < limit <= 1
    assert (negatives >= limit).sum() <= share * len(negatives) + 1e-6
    lower = scores[scores < limit - 2e-6]
    if len(lower):
        assert (negatives >= lower.max()).sum() > share * len(negatives) - 1e-6


@given(ROWS, st.floats(0.01, 1))
def test_a_recall_is_reached_and_by_no_higher_score(rows: list[tuple[float, bool]], target: float) -> None:
    scores, truth = np.array([s for s, _ in rows]), np.array([int(label) for _, label in rows], dtype=np.int8)
    positives = scores[truth == 1]
    limit = for_recall(scores, truth, target)
    if limit is None:
        return
    assert (positives >= limit).sum() >= target * len(positives) - 1e-6
    higher = positives[positives > limit + 2e-6]
    if len(higher):
        assert (positives >= higher.min()).sum() < target * len(positives) + 1e-6


def chosen(tmp_path: Path, goal: Goal, rows: list[dict[str, object]], *categories: str) -> dict[str, Choice]:
    data = read(lines(tmp_path / "d.jsonl", rows))
    scored = score(data.rows, BackendSubject(Fake()))
    return {choice.category: choice for choice in tune(data, scored, goal, categories, least=2)}


def known(category: str, *scores: tuple[float, int]) -> list[dict[str, object]]:
    return [{"text": f"[{category}={value}]", "labels": {category: label}} for value, label in scores]


HATE = known("hate", (0.9, 1), (0.8, 1), (0.7, 0), (0.6, 1), (0.5, 0), (0.1, 0))
THREAT = known("hate/threatening", (0.95, 1), (0.9, 1), (0.85, 0), (0.1, 0))


def test_a_choice_holds_its_evidence(tmp_path: Path) -> None:
    (choice,) = chosen(tmp_path, Goal(max_fpr=0.34), [*HATE, {"text": "x", "labels": {"hate": None}}], "hate").values()
    assert (choice.threshold, choice.rows, choice.positives) == (0.6, 6, 3)
    assert choice.counts is not None
    assert [choice.counts.recall.value, choice.counts.fpr.value] == pytest.approx([1.0, 1 / 3])


def test_for_a_budget_a_parent_is_raised_to_its_child(tmp_path: Path) -> None:
    found = chosen(tmp_path, Goal(max_fpr=0), [*HATE, *THREAT], "hate", "hate/threatening")
    assert found["hate/threatening"].threshold == 0.9
    assert found["hate"].threshold == 0.9
    assert "raised from 0.8" in found["hate"].note
    assert all(choice.counts is not None and choice.counts.fp == 0 for choice in found.values())


def test_for_a_recall_a_child_is_lowered_to_its_parent(tmp_path: Path) -> None:
    found = chosen(tmp_path, Goal(target_recall=1), [*HATE, *THREAT], "hate", "hate/threatening")
    assert found["hate"].threshold == found["hate/threatening"].threshold == 0.6
    assert "lowered from 0.9" in found["hate/threatening"].note
    assert all(choice.counts is not None and choice.counts.fn == 0 for choice in found.values())


def test_a_category_with_too_few_rows_is_left_and_so_is_its_child_for_a_budget(tmp_path: Path) -> None:
    few = known("hate", (0.9, 1), (0.1, 0), (0.2, 0))
    for goal, child in ((Goal(max_fpr=0), None), (Goal(target_recall=1), 0.9)):
        found = chosen(tmp_path, goal, [*few, *THREAT], "hate", "hate/threatening")
        assert found["hate"].threshold is None
        assert found["hate"].why == "fewer than 2 rows of one kind"
        assert found["hate/threatening"].threshold == child


def test_several_checks_are_one_by_their_highest_score_where_they_read() -> None:
    def scored(scores: list[float], judged: list[bool]) -> Scored:
        return Scored("s", True, {}, {"hate": np.array(scores)}, {}, np.array(judged), np.zeros(3), {})

    both = merged(
        {"a": scored([0.1, 0.9, 0.3], [True, True, True]), "b": scored([0.5, 0.2, 0.8], [True, True, False])},
        {"a": np.array([True, True, True]), "b": np.array([True, False, True])},
    )
    assert both.scores["hate"].tolist() == [0.5, 0.9, 0.8]
    assert both.judged.tolist() == [True, True, False]
