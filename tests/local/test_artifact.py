"""The artifact in the package: small, read-only, and saying what it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from guardrail.local import linear, ngrams
from guardrail.local.categories import CATEGORIES, TRAINED

NOTICE = Path(__file__).parents[2] / "NOTICE"


def test_it_is_small_and_cannot_be_written_to() -> None:
    assert linear.ARTIFACT.stat().st_size < 4_000_000
    model = linear.load()
    assert model.weights.shape == (ngrams.BUCKETS, 16)
    assert model.weights.dtype == np.int8
    with pytest.raises(ValueError, match="read-only"):
        model.weights[0, 0] = 1


def test_it_carries_its_figures_points_and_sources() -> None:
    meta = linear.metadata()
    assert meta["version"] == "guardrail-local-1"
    assert tuple(meta["labels"]) == TRAINED
    assert set(meta["figures"]["categories"]) == set(TRAINED)
    assert all(set(limits) == set(CATEGORIES) for limits in meta["points"].values())
    notice = NOTICE.read_text(encoding="utf-8")
    missing = [entry["source"] for entry in meta["data"] if entry["source"] not in notice]
    assert missing == []
    assert not any("unclear" in entry["source"] for entry in meta["data"])


def test_another_form_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.npz"
    linear.save(path, linear.load(), {})
    assert linear.load(path).score("hello there") == linear.load().score("hello there")
    monkeypatch.setattr(linear, "FORM", linear.FORM + 1)
    with pytest.raises(ValueError, match="Train it again"):
        linear.load(path)
