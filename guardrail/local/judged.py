"""What a tier says of a whole text, and how long texts are taken apart. Values and places only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHUNK = 8192
"""Characters read in one go, so that memory does not grow with the text."""
OVERLAP = 320
"""Characters a chunk shares with the one before: more than a window of English words."""
_SLACK = 64

Floats = NDArray[np.float64]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Judged:
    """Uncalibrated greatest logits (outputs,), of how many windows each is the greatest, and by output
    the (start, end) in characters of the window where it is.
    """

    logits: Floats
    windows: int
    spans: list[Span]


class Worst:
    """Keeps the greatest logit of each output, and where it was."""

    def __init__(self) -> None:
        self._logits: Floats | None = None
        self._spans: list[Span] = []
        self._count = 0

    def add(self, logits: NDArray[np.floating], spans: list[Span]) -> None:
        """Logits (windows, outputs) and the span of each window."""
        best = logits.argmax(axis=0)
        tops = logits.max(axis=0).astype(np.float64)
        self._count += len(logits)
        if self._logits is None:
            self._logits, self._spans = tops, [spans[row] for row in best.tolist()]
            return
        for at in np.flatnonzero(tops > self._logits).tolist():
            self._logits[at] = tops[at]
            self._spans[at] = spans[int(best[at])]

    def judged(self) -> Judged | None:
        return None if self._logits is None else Judged(self._logits, self._count, self._spans)


def chunks(text: str) -> Iterator[Span]:
    """Spans of at most ``CHUNK`` characters that cover ``text``, cut at white space where it is near."""
    start = 0
    while len(text) - start > CHUNK:
        end = start + CHUNK
        for at in range(end, end - _SLACK, -1):
            if text[at - 1].isspace():
                end = at
                break
        yield start, end
        start = end - OVERLAP
    yield start, len(text)
