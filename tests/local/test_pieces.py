"""Windows of word pieces: all is read, no word is cut where it need not be, neighbours overlap."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from guardrail.local.pieces import SLACK, STEP, WINDOW, cut

texts = st.lists(st.integers(1, 12), max_size=120).map(
    lambda lengths: [word for word, length in enumerate(lengths) for _ in range(length)]
)


@given(texts)
def test_every_piece_is_in_a_window_that_is_no_longer_than_allowed(words: list[int]) -> None:
    spans = cut(words)
    assert {at for low, high in spans for at in range(low, high)} == set(range(len(words)))
    assert all(0 < high - low <= WINDOW + SLACK for low, high in spans)
    assert all(later[0] > earlier[0] and later[1] > earlier[1] for earlier, later in pairwise(spans))


@given(texts)
def test_neighbours_share_a_third_or_so(words: list[int]) -> None:
    assert all(earlier[1] - later[0] >= WINDOW - STEP - SLACK for earlier, later in pairwise(cut(words)))


@given(texts)
def test_no_word_is_cut(words: list[int]) -> None:
    """Words here are no longer than 12 pieces, and an edge may move back by 8: a longer one may be cut."""
    edges = {at for span in cut(words) for at in span} - {0, len(words)}
    long = {word for word in set(words) if words.count(word) > SLACK}
    assert all(words[at] != words[at - 1] or words[at] in long for at in edges)


def test_the_number_of_windows_is_linear_in_length() -> None:
    few, many = (len(cut(list(range(size)))) for size in (1_000, 100_000))
    assert many <= 101 * few
