"""The shared reading of text: nothing is skipped, memory is bounded, pieces do not invent words."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.local import ngrams

words = st.lists(st.text("abcdefgh", min_size=1, max_size=12), min_size=1, max_size=60).map(" ".join)


def buckets_of(text: str) -> set[int]:
    return {
        int(bucket)
        for _, piece in ngrams.pieces(ngrams.normalised(text))
        for bucket in ngrams.hashed(piece).buckets.tolist()
    }


@given(words)
def test_the_n_grams_of_a_word_do_not_depend_on_what_stands_around(text: str) -> None:
    around = buckets_of(f"before {text} after")
    assert all(buckets_of(word) <= around for word in text.split())


@given(words, st.integers(80, 300))
def test_cutting_a_long_text_in_pieces_adds_and_loses_no_n_gram(text: str, times: int) -> None:
    once = buckets_of(f"{text} {text}")
    assert buckets_of(" ".join([text] * times)) == once


@pytest.mark.parametrize("text", ["word " * 5000, "漢" * 20_000, "a" * 20_000, "a b " * 7000])
def test_pieces_cover_everything_and_stay_small(text: str) -> None:
    codes = ngrams.normalised(text)
    found = [piece for _, piece in ngrams.pieces(codes)]
    assert all(len(piece) <= ngrams.PIECE + 2 for piece in found)
    assert sum(map(len, found)) >= len(codes)
    assert sum(map(len, found)) <= 1.2 * len(codes)


def test_windows_are_pairs_of_blocks_and_reach_the_end() -> None:
    codes = ngrams.normalised("the quick brown fox " * 60)
    buckets, edges, words, word_edges = ngrams.hashed(codes)
    spans = ngrams.windows(edges)
    assert spans[0][0] == 0
    assert spans[-1][1] == len(buckets)
    assert all(later[0] < earlier[1] for earlier, later in pairwise(spans))
    assert np.all((buckets >= 0) & (buckets < ngrams.BUCKETS))
    assert len(words) == word_edges[-1] == 240
    assert len(word_edges) == len(edges)
    assert np.all((words >= 0) & (words < ngrams.WORDS))


def test_one_and_two_characters_count_in_scripts_without_spaces() -> None:
    assert len(ngrams.hashed(ngrams.normalised("漢字")).buckets) > len(ngrams.hashed(ngrams.normalised("ab")).buckets)


@given(st.text(max_size=60))
def test_a_place_is_where_the_code_stands_in_the_text(text: str) -> None:
    places, codes = ngrams.places(text), ngrams.normalised(text)
    if places is None:
        assert not text.isascii()
        return
    assert len(places) == len(codes)
    for place, code in zip(places.tolist(), codes.tolist(), strict=True):
        if text.isascii() and code:
            assert text[place].lower() == chr(code)
