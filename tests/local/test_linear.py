"""The arithmetic of a text's score: what many windows cost, and that a single one costs nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.local import linear, ngrams
from guardrail.local.categories import CATEGORIES, TRAINED

MODEL = linear.load()
SENTENCE = "The committee met in the town hall and spoke about the budget of the library. "


def judged(text: str) -> tuple[list[float], int]:
    found = MODEL.logits(ngrams.normalised(text))
    assert found is not None
    return found[0].tolist(), found[1]


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_more_windows_never_cost_less_and_one_costs_nothing(some: int, more: int) -> None:
    few, many = sorted((some, more))
    assert linear.lowering(1) == 0.0
    assert linear.lowering(few) <= linear.lowering(many)
    assert linear.lowering(np.array([few, many])).tolist() == [linear.lowering(few), linear.lowering(many)]


@pytest.mark.parametrize(("length", "windows"), [(60, 1), (200, 3), (300, 5)])
def test_windows_and_half_windows_are_counted(length: int, windows: int) -> None:
    assert judged((SENTENCE * 8)[:length])[1] == windows


def test_every_piece_of_a_long_text_counts() -> None:
    text = SENTENCE * 800
    assert judged(text)[1] == pytest.approx(2 * len(text) / ngrams.BLOCK, rel=0.1)


@pytest.mark.parametrize("text", ["hello there", SENTENCE * 3, SENTENCE * 90])
def test_a_score_is_the_greatest_logit_calibrated_and_lowered(text: str) -> None:
    logits, windows = judged(text)
    scores = MODEL.score(text)
    assert tuple(scores) == CATEGORIES
    for at, name in enumerate(TRAINED):
        logit = logits[at] * MODEL.slope[at] + MODEL.shift[at] - linear.POOLING * math.log(windows)
        assert scores[name] == pytest.approx(1 / (1 + math.exp(-logit)))
