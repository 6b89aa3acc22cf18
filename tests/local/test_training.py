"""The trainer's choices and arithmetic, on rows written here and numbers worked out by hand. Needs no torch."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from guardrail.local import calibration
from guardrail.local.categories import LEARNT, TRAINED
from training import choose, everyday, figures, gather, long_prose, near_misses, positives, windows
from training.data import DEV, NoData, Row, read, split

ROOT = Path(__file__).parents[2]


def numbers(*rows: list[float]) -> choose.Logits:
    """Logits of that many rows for every output alike."""
    held = np.array(rows, dtype=np.float64).T
    return choose.Logits(np.repeat(held, len(LEARNT), axis=1), np.ones((len(held), 1), dtype=np.int64))


def development(fast: list[float], encoder: list[float], truth: list[int]) -> choose.Dev:
    labels = np.repeat(np.array(truth, dtype=np.int8)[:, None], len(LEARNT), axis=1)
    benign = labels[:, 0] == 0
    return choose.Dev(labels, benign, np.zeros(len(truth), dtype=bool), numbers(fast), numbers(encoder))


def test_the_better_model_gets_the_greater_share_and_the_cascade_costs_no_more_than_allowed() -> None:
    rng = np.random.default_rng(3)
    truth = [1] * 300 + [0] * 700
    good = [*rng.normal(4, 1, 300), *rng.normal(-4, 1, 700)]
    poor = [*rng.normal(0.5, 2, 300), *rng.normal(-0.5, 2, 700)]
    found, about = choose.choose(development(poor, good, truth))
    assert found.share >= 0.7
    lost = [of["lost"] for of in about["cascade"]["by quantile"].values() if of["harmless decided"] > 0]
    assert min(lost) <= choose.LOSS
    assert set(found.points) == {"fast", "accurate"}
    swapped, _ = choose.choose(development(good, poor, truth))
    assert swapped.share < 1.0


def test_an_unknown_label_is_no_negative_for_any_choice() -> None:
    """Rows that nobody labelled change nothing."""
    truth = [1] * 60 + [0] * 200
    logits = [*np.linspace(0, 4, 60), *np.linspace(-4, 1, 200)]
    alone, _ = choose.choose(development(logits, logits, truth))
    more, _ = choose.choose(development([*logits, *[3.0] * 500], [*logits, *[3.0] * 500], [*truth, *[-1] * 500]))
    assert more.fast.slope == pytest.approx(alone.fast.slope)
    assert more.points == alone.points


def test_what_was_chosen_is_saved_and_read_back(tmp_path: Path) -> None:
    truth = [1] * 60 + [0] * 200
    logits = [*np.linspace(0, 4, 60), *np.linspace(-4, 1, 200)]
    found, about = choose.choose(development(logits, logits, truth))
    calibration.save(tmp_path / "model.json", found, {"chosen": about})
    read_back = calibration.load(tmp_path / "model.json")
    assert read_back.points == found.points
    assert read_back.blend.slope == pytest.approx(found.blend.slope, abs=1e-5)
    said = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    said["outputs"] = said["outputs"][1:]
    (tmp_path / "model.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(ValueError, match="Train it again"):
        calibration.load(tmp_path / "model.json")


def test_no_source_and_no_text_is_on_both_sides() -> None:
    rows = [Row(f"text {at}", {"hate": 0}, source, "own") for at, source in enumerate([*sorted(DEV)[:3], "a", "b"])]
    learn, dev = split([*rows, Row("text 0", {"hate": 0}, "a", "own")])
    assert {row.source for row in dev} == set(sorted(DEV)[:3])
    assert [row.text for row in learn] == ["text 3", "text 4"]


def test_a_long_row_is_learnt_from_its_worst_window_once_it_is_known() -> None:
    first = np.array([0, 1, 4, 7])
    labels = np.array([[1], [1], [0]], dtype=np.int8)
    sources = np.zeros(3, dtype=np.int64)
    judged = (windows.long_positives(first, labels), np.array([[0.1], [0.9], [0.2]], dtype=np.float32))
    assert judged[0].tolist() == [1, 2, 3]
    drawn = windows.draw(first, labels, sources, np.random.default_rng(1), judged)
    assert drawn[:2].tolist() == [0, 2]
    assert len(drawn) == 4  # of the harmless one two windows, for all of them are negatives
    assert {4, 5, 6} >= set(drawn[2:].tolist())


def test_the_greatest_logit_of_each_row_is_kept() -> None:
    logits = np.array([[1.0], [3.0], [2.0]], dtype=np.float32)
    assert windows.worst(np.array([0, 1, 1, 3]), logits).tolist() == [[1.0], [-30.0], [3.0]]


def test_without_the_data_it_says_so_and_stops(tmp_path: Path) -> None:
    with pytest.raises(NoData, match=r"moderation\.jsonl\.gz"):
        gather.gather(tmp_path)
    said = subprocess.run(["make", "train", f"DATA={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert "no training data" in said.stderr


def test_only_plain_files_are_read(tmp_path: Path) -> None:
    row = {
        "text": "hello",
        "labels": {"hate": 0, "ai_text": 1},
        "source": "s",
        "license": "l",
        "split": "train",
        "lang": "en",
        "direction": "prompt",
    }
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
    assert {row.text for row in gather.own() if not any(row.labels.values())} >= set(texts)


def test_short_windows_are_put_in_harmless_text_whatever_they_are_and_keep_their_pieces() -> None:
    clear, harmful = np.zeros(len(LEARNT), dtype=np.int8), np.ones(len(LEARNT), dtype=np.int8)
    unknown = np.full(len(LEARNT), -1, dtype=np.int8)
    lengths = np.array([60, 5, 5, 60])  # harmless and long, harmful and short, unknown and short, harmful and long
    ends = np.cumsum(lengths)
    ids = np.repeat(np.arange(1, 5, dtype=np.int32), lengths)
    held = windows.Corpus(
        ids,
        ends - lengths,
        ends,
        np.arange(5),
        np.stack([clear, harmful, unknown, harmful]),
        np.ones(4, np.float32),
        np.array([True, False, False, False]),
    )
    chosen = np.repeat(np.arange(4), 200)
    pieces, drawn = windows.surrounded(held, chosen, np.random.default_rng(1))
    kinds = {int(chosen[place]) for place in drawn}
    assert kinds == {1, 2}
    assert 0.15 < len(drawn) / 400 < 0.35
    for place, (own, found) in enumerate(zip(chosen.tolist(), pieces, strict=True)):
        surrounded = place in drawn
        assert (found == own + 1).sum() == lengths[own]
        assert set(found.tolist()) <= {own + 1, 1} if surrounded else len(found) == lengths[own]
        assert len(found) <= 62
    begins = {bool(pieces[place][0] == 1) for place in drawn}
    finishes = {bool(pieces[place][-1] == 1) for place in drawn}
    assert begins == finishes == {True, False}


def test_without_harmless_rows_nothing_is_surrounded() -> None:
    held = windows.Corpus(
        np.ones(5, np.int32), np.array([0]), np.array([5]), np.array([0, 1]), np.ones((1, len(LEARNT)), np.int8),
        np.ones(1, np.float32), np.zeros(1, np.bool_),
    )  # fmt: skip
    pieces, drawn = windows.surrounded(held, np.zeros(9, dtype=np.int64), np.random.default_rng(1))
    assert len(drawn) == 0
    assert {len(one) for one in pieces} == {5}


def test_everyday_questions_are_of_sixteen_languages() -> None:
    found = everyday.languages()
    assert len({lang for _, lang in found}) == 16
    assert len({text for text, _ in found}) == len(found) > 1500
    assert not any("{" in text for text, _ in found)
