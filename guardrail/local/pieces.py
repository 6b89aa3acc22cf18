"""Where a text of word pieces is cut into windows: the one rule that training and scoring share.

Knows places only. Changing anything here means training the encoder again.
"""

from __future__ import annotations

from collections.abc import Sequence

WINDOW = 62
"""Word pieces in a window: about 45 English words; two more places go to the marks at either end."""
STEP = 42
"""How far the next window starts, at least a word's start being near: neighbours share about a third."""
SLACK = 8
"""How far back a window's edge may move, so that no word is cut."""


def cut(words: Sequence[int | None]) -> list[tuple[int, int]]:
    """Windows (start, end) over a text's pieces, given the word each piece is of; none for no pieces.

    Every piece is in a window. The last window is moved back to be full, so that an end alone is not
    judged without what led to it.
    """
    size = len(words)
    if size <= WINDOW:
        return [(0, size)] if size else []
    spans: list[tuple[int, int]] = []
    start = 0
    while size - start > WINDOW:
        spans.append((start, _edge(words, start + WINDOW)))
        start = _edge(words, start + STEP)
    last = _edge(words, size - WINDOW)
    if last <= spans[-1][0]:
        last = start
    spans.append((last if size - last <= WINDOW + SLACK else start, size))
    return spans


def _edge(words: Sequence[int | None], place: int) -> int:
    """The nearest place at or before ``place`` where a word begins; ``place`` where none is near."""
    for at in range(place, place - SLACK, -1):
        if words[at] != words[at - 1]:
            return at
    return place
