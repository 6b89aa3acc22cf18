"""The trainer end to end on rows written here, and its arithmetic on numbers worked out by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from guardrail.local import linear
from guardrail.local.categories import TRAINED
from training import everyday, figures, long_prose, near_misses, positives
from training.data import NoData, Row, folds, read
from training.train import main, own_rows, table, train

CLEAR = dict.fromkeys(TRAINED, 0)


def small_set() -> list[Row]:
    """60 rows of 6 sources: weather talk, and threats to a teapot that stand in for violence."""
    rows = []
    for at in range(30):
        rows.append(Row(f"the weather in town {at} is mild and dry", CLEAR, f"w{at % 3}", "own", benign=True))
        rows.append(Row(f"teapot {at}, i will smash you to bits", {"violence": 1}, f"t{at % 3}", "own"))
    return rows


def test_a_model_is_learnt_saved_and_read_back(tmp_path: Path) -> None:
    model, found = train(small_set(), epochs=3)
    path = tmp_path / "model.npz"
    linear.save(path, model, {"figures": found})
    read_back = linear.load(path)
    threat, talk = "teapot, i will smash you", "the weather is mild"
    assert read_back.score(threat)["violence"] > 0.5 > read_back.score(talk)["violence"]
    assert read_back.score(threat) == model.score(threat)
    assert found["categories"]["violence"]["auprc"] == pytest.approx(1.0)
    assert found["benign_rows"] == 30
    assert "| violence | 30 / 30 (3) |" in table(found)


def test_an_unknown_label_is_not_a_negative() -> None:
    rows = [*small_set(), *(Row("teapot, i will smash you", {"sexual": 0}, "u", "own") for _ in range(300))]
    model, _ = train(rows, epochs=3)
    assert model.score("teapot, i will smash you")["violence"] > 0.5


def test_the_same_seed_gives_the_same_model() -> None:
    one, _ = train(small_set(), epochs=2)
    other, _ = train(small_set(), epochs=2)
    assert np.array_equal(one.weights, other.weights)
    assert one.points == other.points


def test_a_source_is_in_one_fold_only() -> None:
    rows = [*small_set(), *own_rows()]
    dealt = folds(rows, seed=7)
    by = {name: {f for row, f in zip(rows, dealt, strict=True) if row.source == name} for name in ("w0", "t1", "t2")}
    assert all(len(found) == 1 for found in by.values())
    assert {f for row, f in zip(rows, dealt, strict=True) if row.source == "own positives"} == {0, 1, 2}


def test_without_the_data_it_says_so_and_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "model.npz")]) == 2
    assert "moderation.jsonl.gz" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_only_plain_files_are_read(tmp_path: Path) -> None:
    row = {"text": "hello", "labels": {"hate": 0, "ai_text": 1}, "source": "s", "license": "l", "split": "train"}
    names = ("moderation", "benign", "injection", "moderation_unclear", "ai_text")
    for name in names:
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as out:
            out.write(json.dumps({**row, "source": name, "weak": True}) + "\n")
    found = read(tmp_path)
    assert [row.source for row in found] == ["moderation", "benign", "injection"]
    assert all(row.weight == 0.5 and row.labels == {"hate": 0} for row in found)
    (tmp_path / "benign.jsonl.gz").unlink()
    with pytest.raises(NoData, match="benign"):
        read(tmp_path)


def test_ranking_figures() -> None:
    truth = np.array([1, 0, 1, 0], dtype=np.int8)
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    assert figures.auroc(scores, truth) == pytest.approx(3 / 4)
    assert figures.auprc(scores, truth) == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert figures.auroc(np.ones(4), truth) == pytest.approx(0.5)
    assert np.isnan(figures.auroc(scores, np.zeros(4, dtype=np.int8)))


def test_calibration_recovers_a_known_curve() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, 40_000)
    truth = (rng.random(40_000) < 1 / (1 + np.exp(-(0.5 * logits - 1.0)))).astype(np.int8)
    slope, shift = figures.platt(logits, truth, np.zeros(len(logits)))
    assert slope == pytest.approx(0.5, abs=0.03)
    assert shift == pytest.approx(-1.0, abs=0.05)
    _, shift = figures.platt(logits, truth, np.full(len(logits), 2.0))
    assert shift == pytest.approx(1.0, abs=0.05)  # what is taken off afterwards is made up for


def test_a_point_flags_no_more_than_its_share() -> None:
    benign = np.linspace(0.0, 1.0, 1000)
    limit = figures.threshold(benign, 0.005, 0.1)
    assert (benign >= limit).sum() == 5
    assert figures.threshold(np.zeros(10), 0.005, 0.1) == 0.1


def test_own_sentences_are_distinct_and_labelled() -> None:
    clear, wanted = near_misses.sentences(), positives.sentences()
    assert len(set(clear)) == len(clear)
    assert not set(clear) & {text for text, _ in wanted}
    assert all(set(labels) <= set(TRAINED) for _, labels in wanted)


def test_long_prose_is_filled_in_distinct_and_long() -> None:
    texts = long_prose.texts()
    assert texts == long_prose.texts()
    assert len(set(texts)) == len(texts) > 1000
    assert not any(mark in text for text in texts for mark in "{}|")
    assert sum(len(text) > 1000 for text in texts) >= 50
    assert {kind: len(of) for kind, of in long_prose.sentences().items() if len(of) < 50} == {}


def test_filler_is_distinct_harmless_only_and_of_all_lengths() -> None:
    texts = everyday.fillers()
    assert texts == everyday.fillers()
    assert len(set(texts)) == len(texts) > 1000
    assert not set(texts) & {text for text, _ in positives.sentences()}
    assert sum(len(text) < 40 for text in texts) > 100 < sum(len(text) > 400 for text in texts)
    assert {row.text for row in own_rows() if not any(row.labels.values())} >= set(texts)
