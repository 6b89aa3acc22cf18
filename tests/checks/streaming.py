"""The laws every scanner keeps, and a reader that lets text go as a stream does."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import re2

from guardrail.checks.protocol import Scanner
from guardrail.verdict import Finding


def stream(scanner: Scanner, pieces: Sequence[str], *, forget: bool) -> list[Finding]:
    """Read pieces one after another, deciding findings as soon as they cannot change any more.

    With ``forget`` the scanner sees only one character before the mark, as text that left is gone.
    """
    text, mark, decided = "", 0, list[Finding]()

    def seen() -> tuple[list[Finding], int]:
        gone = max(0, mark - 1) if forget else 0
        findings = [found.moved(gone) for found in scanner.scan(text[gone:], mark - gone)]
        return findings, len(text) - scanner.tail(text[gone:])

    for piece in pieces:
        text += piece
        findings, frontier = seen()
        while crossing := [found.start for found in findings if found.start < frontier < found.end]:
            frontier = min(crossing)
        decided += [found for found in findings if found.end <= frontier]
        mark = max(mark, frontier)
    return decided + seen()[0]


def cut(text: str, places: Sequence[int]) -> list[str]:
    edges = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    return [text[low:high] for low, high in pairwise(edges)]


def obeys(scanner: Scanner, text: str, places: Sequence[int] = ()) -> None:
    """Assert all the laws of the protocol on one text."""
    everything = list(scanner.scan(text))
    assert all(0 <= found.start < found.end <= len(text) for found in everything)
    frontier, marks = 0, {0}
    for size in range(len(text) + 1):
        prefix = text[:size]
        held = scanner.tail(prefix)
        assert 0 <= held <= size
        assert scanner.reach is None or held <= scanner.reach, "more is held than reach says"
        assert size - held >= frontier, f"the point moved back at {size}"
        frontier = size - held
        found = list(scanner.scan(prefix))
        early = [each for each in everything if each.start < frontier]
        mark = frontier
        while crossing := [each.start for each in found if each.start < mark < each.end]:
            mark = min(crossing)
        marks.add(mark)
        assert [each for each in found if each.start < frontier] == early, f"not the same before the point at {size}"
    for start in range(0, len(text), 3):
        assert all(found.start >= start for found in scanner.scan(text, start))
    for one in everything:
        if one.start not in marks:
            continue  # no text is cut there
        assert list(scanner.scan(text, one.start)) == [each for each in everything if each.start >= one.start]
    for pieces in (list(text), cut(text, places), [text]):
        assert stream(scanner, pieces, forget=False) == everything
        assert stream(scanner, pieces, forget=True) == everything
    if scanner.triggers is not None and not any(re2.search(trigger, text) for trigger in scanner.triggers):
        assert not everything, "something was found where no trigger matches"


def words_found(scanner: Scanner, text: str) -> list[tuple[str, str]]:
    """(category, matched text) of every finding."""
    return [(found.category, text[found.start : found.end]) for found in scanner.scan(text)]
