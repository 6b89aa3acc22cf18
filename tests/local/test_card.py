"""The model card: each number in it is one that was measured, of the very files that ship."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from guardrail.local import calibration
from guardrail.local.categories import CATEGORIES, TRAINED
from training import card, measure
from training.twins import TEST, twins

ROOT = Path(__file__).parents[2]


def held() -> dict[str, object]:
    found: dict[str, object] = json.loads((ROOT / card.FIGURES).read_text(encoding="utf-8"))
    return found


def test_the_card_shows_the_figures_that_were_measured() -> None:
    text = (ROOT / card.CARD).read_text(encoding="utf-8")
    assert card.filled(text, held()) == text


def test_the_figures_are_of_the_points_that_ship() -> None:
    models = held()["models"]
    assert isinstance(models, dict)
    for tier, name in (("fast", "fast"), ("accurate", measure.CASCADE)):
        points = calibration.load().points[tier]
        for category in TRAINED:
            said = models[name]["categories"][category]["points"]
            assert {p: of["threshold"] for p, of in said.items()} == {p: points[p][category] for p in points}


def test_a_card_without_a_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="no marks for `compared`"):
        card.filled("# A card\n", held())


def test_over_refusal_is_the_share_of_harmless_twins_above_the_threshold_that_a_recall_needs() -> None:
    found = [twin for twin in twins(TEST) if twin.topic == twins(TEST)[0].topic]
    harmful = np.array([bool(twin.labels) for twin in found])
    apart = np.where(harmful, 2.0, 1.0) + np.arange(len(found)) / 1e3
    assert [of.harmless.value for of in measure.over_refusal(apart, found)] == [0.0] * len(measure.RECALLS)
    assert [of.harmless.value for of in measure.over_refusal(-apart, found)] == [1.0] * len(measure.RECALLS)


def test_any_of_the_categories_is_unknown_where_hardly_one_is_known() -> None:
    truth = np.full((3, len(CATEGORIES)), -1, dtype=np.int8)
    truth[0, 0] = 1
    truth[1, :10] = 0
    assert measure.any_of(truth).tolist() == [1, 0, -1]
