"""How a text repeats itself: three numbers, blind to what it is about.

Language models choose likely words, and so say the same ones again sooner than most people do. Knows no label and
no model. Richer descriptions (rates of words of grammar, punctuation, lengths of sentences, phrases) told the
sources of the training data apart and were worse on sources not seen: docs/ai-text.md.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

NAMES = ("variety of words", "pairs said again", "threes said again")
"""What each number of ``measured`` is, in order."""

BLOCK = 100
"""Words in which variety and repetition are counted: both depend on how much text there is."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")
_STRAIGHT = str.maketrans({"\u2019": "'"})

Array = NDArray[np.float64]


def words(text: str) -> list[str]:
    """Its words of Latin letters, in small letters, with straight apostrophes."""
    return _WORD.findall(text.translate(_STRAIGHT).lower())


def measured(text: str) -> Array:
    """Shares in [0, 1]: means over blocks of ``BLOCK`` words that overlap by half. Zeros where there are no words."""
    found = words(text)
    blocks = [found[at : at + BLOCK] for at in range(0, max(1, len(found) - BLOCK + 1), BLOCK // 2)]
    if not found:
        return np.zeros(len(NAMES))
    numbers: Array = np.array([[_different(b, 1), 1 - _different(b, 2), 1 - _different(b, 3)] for b in blocks])
    return np.asarray(numbers.mean(axis=0), dtype=np.float64)


def _different(block: list[str], run: int) -> float:
    """Of all runs of so many words the share that is left when each is counted once."""
    runs = list(zip(*(block[at:] for at in range(run)), strict=False))
    return len(set(runs)) / len(runs) if runs else 1.0
