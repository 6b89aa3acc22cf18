"""Segments: edits and spans against naive readings of what they mean."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guardrail.text import Piece, Segment, edited
from guardrail.verdict import Finding, Kind

TEXT = st.text(st.sampled_from("abcdefgh é😀"), min_size=1, max_size=24)
SPAN = st.tuples(st.integers(0, 23), st.integers(1, 8), st.sampled_from(["[x]", "[y]", "", "[long mask]"]))


def segment(*texts: str, apart: bool = False) -> Segment:
    made = Segment(Kind.USER, ("text",))
    for text in texts:
        (made.part if apart else made.add)(text)
    return made


def naive(text: str, spans: list[tuple[int, int, str]]) -> str:
    """Group the spans that share a character; each group becomes the mask of its first span (of two
    that begin together, the lesser word)."""
    groups: list[list[tuple[int, int, str]]] = []
    for span in sorted(spans, key=lambda s: (s[0], s[2])):
        if groups and span[0] < max(end for _, end, _ in groups[-1]):
            groups[-1].append(span)
        else:
            groups.append([span])
    out, cursor = "", 0
    for group in groups:
        out += text[cursor : group[0][0]] + group[0][2]
        cursor = max(end for _, end, _ in group)
    return out + text[cursor:]


def within(text: str, spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    return [(at, min(at + size, len(text)), mask) for at, size, mask in spans if at < len(text)]


@given(TEXT, st.lists(SPAN, max_size=6), st.randoms(use_true_random=False))
def test_edits_in_any_order_are_what_they_mean(text: str, spans: list[tuple[int, int, str]], random: Any) -> None:
    spans = within(text, spans)
    made = segment(text)
    order = list(spans)
    random.shuffle(order)
    for span in order:
        made.edit(*span)
    assert made.written(0, text) == naive(text, spans)
    assert made.edits == sorted(made.edits)
    assert all(a[1] <= b[0] for a, b in pairwise(made.edits))


@given(TEXT, st.lists(SPAN, max_size=6), st.lists(st.integers(1, 23), max_size=5))
def test_the_pieces_of_a_text_give_what_the_whole_gives(
    text: str, spans: list[tuple[int, int, str]], cuts: list[int]
) -> None:
    places = [0, *sorted({c for c in cuts if c < len(text)}), len(text)]
    made = segment(*(text[a:b] for a, b in pairwise(places)))
    spans = within(text, spans)
    for span in spans:
        made.edit(*span)
    assert "".join(piece.written() for piece in made.pieces) == naive(text, spans)
    assert [piece.start for piece in made.pieces] == places[:-1]
    touched = [p for p in made.pieces if p.written() != p.text]
    assert edited(made.pieces) is bool(touched)
    assert made.text == text


@given(st.lists(TEXT, min_size=1, max_size=6), st.data())
def test_a_span_of_the_spaced_text_is_found_again(texts: list[str], data: st.DataObject) -> None:
    made = segment(*texts, apart=True)
    spaced = made.spaced()
    assert spaced == "\n".join(texts)
    start = data.draw(st.integers(0, len(spaced) - 1))
    end = data.draw(st.integers(start + 1, len(spaced)))
    found = made.unspaced(Finding("c", 1.0, start, end, "k"))
    assert made.text[found.start : found.end] == spaced[start:end].replace("\n", "")


@given(TEXT, st.integers(0, 24), TEXT)
def test_what_is_forgotten_is_only_what_stands_before(text: str, upto: int, more: str) -> None:
    made = segment(text)
    made.forget(min(upto, len(text)))
    made.add(more)
    assert made.text == (text + more)[made.base :]
    assert made.base == min(upto, len(text))
    assert made.total == len(text + more)
    made.forget(0)
    assert made.text == (text + more)[made.base :]


def test_a_mask_is_written_once_where_its_span_begins() -> None:
    made = segment("abc", "def", "ghi")
    made.edit(2, 7, "[m]")
    assert [piece.written() for piece in made.pieces] == ["ab[m]", "", "hi"]


def test_an_edit_that_grows_later_does_not_write_its_mask_again() -> None:
    """What has left under a mask stays; the rest of the longer span is dropped with it."""
    made = segment("abcd", "efgh")
    made.edit(1, 4, "[m]")
    first = made.pieces[0].written()
    made.edit(3, 6, "[n]")
    assert (first, made.pieces[1].written()) == ("a[m]", "gh")


def test_neighbours_stay_two() -> None:
    made = segment("abcd")
    made.edit(2, 4, "[y]")
    made.edit(0, 2, "[x]")
    assert made.written(0, "abcd") == "[x][y]"


def test_many_pieces_and_edits_are_not_a_square() -> None:
    """Each piece looks at the edits that touch it, and no other."""
    made = Segment(Kind.USER, ())
    for _ in range(50_000):
        made.part("ab")
    for at in range(0, 100_000, 2):
        made.edits.append((at, at + 1, "x"))

    looks = 0

    class Counted(list[Any]):
        def __getitem__(self, at: Any) -> Any:
            nonlocal looks
            looks += len(range(*at.indices(len(self)))) if isinstance(at, slice) else 1
            return super().__getitem__(at)

    made.edits = Counted(made.edits)
    assert "".join(piece.written() for piece in made.pieces) == "xb" * 50_000
    assert looks < 50_000 * 40
    positions = [made.unspaced(Finding("c", 1.0, p, p + 1, "k")).start for p in range(0, 149_999, 3)]
    assert positions == list(range(0, 100_000, 2))


def test_a_piece_knows_where_it_ends() -> None:
    piece = Piece(segment("abc"), 3, "de", None, None)
    assert (piece.start, piece.end) == (3, 5)
