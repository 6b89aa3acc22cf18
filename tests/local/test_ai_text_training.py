"""The trainer of the AI-text signal on rows written here: what it learns from, and that it measures on what it did not."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest

from guardrail.local import ai_model
from training import ai_text
from training.ai_text import GRID, main, read, samples, scale, table, train
from training.data import NoData, Row
from training.figures import Array, Truth

COMMON = [
    "the",
    "and",
    "that",
    "with",
    "this",
    "from",
    "they",
    "would",
    "there",
    "about",
    "what",
    "when",
    "because",
    "should",
    "could",
    "into",
    "those",
    "which",
]
OTHERS = [
    "garden",
    "river",
    "window",
    "letter",
    "summer",
    "market",
    "stone",
    "paper",
    "engine",
    "bridge",
    "doctor",
    "winter",
    "kitchen",
    "island",
    "harbour",
]
MORE = [
    "carried",
    "opened",
    "walked",
    "painted",
    "remembered",
    "gathered",
    "promised",
    "listened",
    "borrowed",
    "quiet",
    "narrow",
    "golden",
    "heavy",
]
WORDS = [*COMMON, *OTHERS, *MORE]


def text(seed: str, *, again: float) -> str:
    """About 1,300 characters; ``again``: how often the words just said are said once more."""
    rng = random.Random(seed)
    words: list[str] = []
    while len(" ".join(words)) < 1300:
        if len(words) > 6 and rng.random() < again:
            words += words[-3:]
        words.append(rng.choice(WORDS))
    return " ".join(words)


def rows() -> list[Row]:
    by = [Row(text(f"a{s}{n}", again=0.15), {"ai_text": 1}, f"a{s}", "own") for s in range(3) for n in range(20)]
    return by + [Row(text(f"p{s}{n}", again=0.0), {"ai_text": 0}, f"p{s}", "own") for s in range(3) for n in range(20)]


def test_a_model_is_learnt_and_measured_on_sources_it_did_not_see() -> None:
    model, figures = train(rows())
    assert figures["auroc_unseen"] > 0.9
    assert model.score(text("new", again=0.15)) > 0.5 > model.score(text("new", again=0.0)) - 0.45
    assert "| a0 | AI | 20 (0) |" in table(figures)
    again, _ = train(rows())
    assert np.array_equal(model.weights, again.weights)


def test_labels_that_say_nothing_give_figures_that_say_so() -> None:
    mixed = [Row(row.text, {"ai_text": n % 2}, f"s{n % 8}", "own") for n, row in enumerate(rows()[:60])]
    _, figures = train(mixed)
    assert figures["auroc_unseen"] < 0.75


def test_sources_that_answer_the_same_are_held_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[set[tuple[str, int]]] = []
    plain = ai_text.fit

    def spy(rates: Array, truth: Truth, groups: list[tuple[str, int]]) -> ai_text.Fit:
        fitted.append(set(groups))
        return plain(rates, truth, groups)

    monkeypatch.setattr(ai_text, "fit", spy)
    monkeypatch.setattr(ai_text, "TOGETHER", {"a0": "both", "p0": "both"})
    train(rows())
    assert all(("a0", 1) in groups or ("p0", 0) not in groups for groups in fitted)
    assert any(("a0", 1) not in groups for groups in fitted)


def test_short_texts_are_joined_only_where_long_ones_are_few() -> None:
    short = [Row(text(f"s{n}", again=0.0)[:600], {"ai_text": 0}, "few", "own") for n in range(5)]
    found = samples(short)
    assert [sample.joined for sample in found] == [True, True]
    assert all(1000 <= len(sample.text) <= 1800 for sample in found)
    many = [Row(text(f"m{n}", again=0.0), {"ai_text": 0}, "few", "own") for n in range(ai_text.ENOUGH)]
    assert not any(sample.joined for sample in samples([*short, *many]))


def test_what_would_not_be_judged_is_not_learnt() -> None:
    code = Row("x = f(1);\n" * 200, {"ai_text": 1}, "code", "own")
    other = Row("le chat et le chien mangent dans la cuisine " * 40, {"ai_text": 1}, "french", "own")
    assert samples([code, other]) == []


def test_the_scale_is_the_share_of_human_texts_below() -> None:
    logits = np.arange(1000, dtype=np.float64)
    of = scale(logits, np.ones(1000))
    assert np.interp(950.0, of, GRID) == pytest.approx(0.95, abs=0.01)
    assert np.all(np.diff(of) > 0)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with gzip.open(tmp_path / ai_text.FILE, "wt", encoding="utf-8") as out:
        for n, row in enumerate(rows()):
            held = {"text": row.text, "labels": row.labels, "source": row.source, "license": "own"}
            out.write(json.dumps({**held, "split": "train" if n else "test"}) + "\n")
    assert len(read(tmp_path)) == len(rows()) - 1
    path = tmp_path / "made.npz"
    assert main(["--data", str(tmp_path), "--out", str(path)]) == 0
    assert "AUROC, known sources" in capsys.readouterr().out
    assert 0 < ai_model.load(path).score(text("x", again=0.0)) < 1


def test_no_data_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    assert "no ai_text.jsonl.gz there" in capsys.readouterr().err
    with pytest.raises(NoData, match="fewer than three sources"):
        train(rows()[:20])
