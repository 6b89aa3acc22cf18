"""What a tier says of a whole text, and how long texts are taken apart. Values and places only."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
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
    parts: Sequence[tuple[NDArray[np.floating], list[Span]]] = ()
    """Of a long text: the logits (windows, outputs) and the spans of the windows of each part."""


class Worst:
    """Keeps the greatest logit of each output, and where it was."""

    def __init__(self, *, keep: bool = False) -> None:
        """``keep``: all logits, not the greatest alone."""
        self._keep = keep
        self._parts: list[tuple[NDArray[np.floating], list[Span]]] = []
        self._logits: Floats | None = None
        self._spans: list[Span] = []
        self.count = 0

    def add(self, logits: NDArray[np.floating], spans: list[Span]) -> None:
        """Logits (windows, outputs) and the span of each window."""
        best = logits.argmax(axis=0)
        tops = logits.max(axis=0).astype(np.float64)
        self.count += len(logits)
        if self._keep:
            self._parts.append((logits, spans))
        if self._logits is None:
            self._logits, self._spans = tops, [spans[row] for row in best.tolist()]
            return
        for at in np.flatnonzero(tops > self._logits).tolist():
            self._logits[at] = tops[at]
            self._spans[at] = spans[int(best[at])]

    def judged(self) -> Judged | None:
        return None if self._logits is None else Judged(self._logits, self.count, self._spans, self._parts)


_GROWING = str.maketrans({"\ufdfa": "\u0635", "\ufdfb": "\u062c"})
"""Ligatures of which NFKC makes 18 and 8 characters: read as their first letter, or megabytes of them would be more."""


def nfkc(text: str) -> str:
    """The NFKC form, of which no character grows to more than a few."""
    return unicodedata.normalize("NFKC", text.translate(_GROWING) if "\ufdfa" in text or "\ufdfb" in text else text)


def chunks(text: str, start: int = 0, stop: int | None = None) -> Iterator[Span]:
    """Spans of at most ``CHUNK`` characters that cover ``text[start:stop]``, cut at white space where it is near."""
    stop = len(text) if stop is None else stop
    while stop - start > CHUNK:
        end = start + CHUNK
        for at in range(end, end - _SLACK, -1):
            if text[at - 1].isspace():
                end = at
                break
        yield start, end
        start = end - OVERLAP
    yield start, stop
