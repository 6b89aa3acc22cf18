"""The fast tier: what its arithmetic says, that all of a text is read, and where a finding is."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.local import fast, ngrams
from guardrail.local.categories import LEARNT
from guardrail.local.judged import CHUNK, Judged, chunks

MODEL = fast.load()
SENTENCE = "The committee met in the town hall and spoke about the budget of the library. "
THREAT = "I am going to find you and I will kill you tonight."
VIOLENCE = LEARNT.index("violence")


def judged(text: str) -> Judged:
    found = MODEL.judge(text)
    assert found is not None
    return found


def test_the_logits_of_a_short_text_are_the_formula() -> None:
    held = ngrams.hashed(ngrams.normalised("hello there"))
    sums = MODEL.weights[held.buckets].astype(np.int64).sum(axis=0)[: len(LEARNT)]
    words = MODEL.vectors[held.words].astype(np.int64).sum(axis=0) * MODEL.unit / (2 + fast.WORD_DAMPING)
    hidden = np.tanh(words @ MODEL.inner + MODEL.inner_bias)
    expected = sums * MODEL.scale / math.sqrt(len(held.buckets) + fast.DAMPING) + hidden @ MODEL.outer + MODEL.bias
    assert judged("hello there").logits == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("length", "windows"), [(60, 1), (200, 3), (300, 5)])
def test_windows_and_half_windows_are_counted(length: int, windows: int) -> None:
    assert judged((SENTENCE * 8)[:length]).windows == windows


def test_all_of_a_long_text_counts() -> None:
    text = SENTENCE * 800
    assert judged(text).windows == pytest.approx(2 * len(text) / ngrams.BLOCK, rel=0.1)


@pytest.mark.parametrize("before", [0, 30, 400])
def test_the_span_holds_the_worst_place(before: int) -> None:
    text = SENTENCE * before + THREAT + " " + SENTENCE * before
    start, end = judged(text).spans[VIOLENCE]
    at = text.index(THREAT)
    assert max(start, at) < min(end, at + len(THREAT))
    assert end - start <= max(3 * ngrams.BLOCK, len(THREAT) + 1)


def test_where_folding_moves_places_the_span_is_the_whole_chunk() -> None:
    text = "\ufb01 " + SENTENCE * 8 + THREAT
    assert judged(text).spans[VIOLENCE] == (0, len(text))


def test_no_word_is_no_verdict() -> None:
    assert all(MODEL.judge(text) is None for text in ("", " \n", "...!?", "\u200b\u200d"))


@settings(max_examples=20)
@given(st.text("ab \n\u6f22", max_size=40), st.integers(1, 2500))
def test_chunks_cover_a_text_and_overlap(text: str, times: int) -> None:
    whole = text * times
    spans = list(chunks(whole))
    assert spans[0][0] == 0
    assert spans[-1][1] == len(whole)
    assert all(end - start <= CHUNK for start, end in spans)
    assert all(later[0] < earlier[1] for earlier, later in pairwise(spans))


def test_it_is_small_and_cannot_be_written_to() -> None:
    assert fast.ARTIFACT.stat().st_size < 7_000_000
    assert MODEL.weights.shape == (ngrams.BUCKETS, 16)
    assert MODEL.vectors.shape[0] == ngrams.WORDS
    for table in (MODEL.weights, MODEL.vectors):
        assert table.dtype == np.int8
        with pytest.raises(ValueError, match="read-only"):
            table[0, 0] = 1


def test_another_form_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "fast.npz"
    fast.save(path, MODEL, len(LEARNT))
    found = fast.load(path).judge("hello there")
    assert found is not None
    assert np.array_equal(found.logits, judged("hello there").logits)
    monkeypatch.setattr(fast, "FORM", fast.FORM + 1)
    with pytest.raises(ValueError, match="Train it again"):
        fast.load(path)


def test_megabytes_of_a_character_that_grows_are_no_more_than_others() -> None:
    assert judged("\ufdfa" * 8_000).windows == judged("\u0635" * 8_000).windows
