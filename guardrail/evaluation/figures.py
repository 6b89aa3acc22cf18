"""Arithmetic of evaluation: rankings, decisions at a threshold, intervals.

Knows arrays of numbers. Must never know texts, categories or where a score came from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Truth = NDArray[np.int8]
"""By row: 1 positive, 0 negative; anything else is unknown and must be left out by the caller."""

NONE = float("nan")
_Z = 1.959963984540054  # of the normal distribution, two-sided 95 %


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and its 95 % interval; NaN where it cannot be said."""

    value: float
    low: float = NONE
    high: float = NONE


class Ranking:
    """Scores against truth, sorted once, so that resampling costs no sort. Every row must be known."""

    def __init__(self, scores: Array, truth: Truth) -> None:
        order = np.argsort(-scores, kind="stable")
        self._positive = (truth[order] == 1).astype(np.float64)
        ordered = scores[order]
        self._order = order
        self._starts = np.concatenate(([0], np.flatnonzero(np.diff(ordered)) + 1)) if len(order) else order
        self.thresholds: Array = ordered[self._starts]
        """The distinct scores, highest first."""

    def _sums(self, weights: Array | None) -> tuple[Array, Array]:
        """By distinct score: the positives and the negatives there."""
        if not len(self._order):
            return np.zeros(0), np.zeros(0)
        every = np.ones(len(self._order)) if weights is None else weights[self._order]
        positives: Array = np.add.reduceat(every * self._positive, self._starts)
        negatives: Array = np.add.reduceat(every, self._starts) - positives
        return positives, negatives

    def auprc(self, weights: Array | None = None) -> float:
        """Average precision: precision at each distinct threshold, weighted by the recall gained there.

        NaN without positives. ``weights``: how often each row counts, in the order given to the class.
        """
        positives, negatives = self._sums(weights)
        total = positives.sum()
        if not total:
            return NONE
        found = np.cumsum(positives)
        flagged = found + np.cumsum(negatives)
        precision = np.divide(found, flagged, out=np.zeros_like(found), where=flagged > 0)
        return float((precision * positives).sum() / total)

    def auroc(self, weights: Array | None = None) -> float:
        """The chance that a positive scores above a negative; ties count half. NaN without both."""
        positives, negatives = self._sums(weights)
        of, against = positives.sum(), negatives.sum()
        if not of or not against:
            return NONE
        above = np.cumsum(positives) - positives / 2
        return float((negatives * above).sum() / (of * against))

    def curve(self) -> tuple[Array, Array]:
        """Recall and precision at each of ``thresholds``."""
        positives, negatives = self._sums(None)
        found = np.cumsum(positives)
        flagged = found + np.cumsum(negatives)
        return found / max(float(positives.sum()), 1.0), np.divide(
            found, flagged, out=np.zeros_like(found), where=flagged > 0
        )

    def intervals(self, resamples: int, seed: int) -> tuple[Figure, Figure]:
        """AUPRC and AUROC with percentile intervals of a bootstrap over rows (Efron 1979); the same seed, the same.

        Resamples without a positive (or a negative) say nothing and are left out.
        """
        rng = np.random.default_rng(seed)
        count = len(self._order)
        drawn = np.full((2, max(resamples, 1)), NONE)
        for n in range(resamples if count else 0):
            weights = np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64)
            drawn[:, n] = self.auprc(weights), self.auroc(weights)
        return percentile(self.auprc(), drawn[0]), percentile(self.auroc(), drawn[1])


def percentile(value: float, drawn: Array) -> Figure:
    """A figure with the middle 95 % of what resampling gave; no interval where that gave nothing."""
    kept = drawn[~np.isnan(drawn)]
    if not len(kept) or math.isnan(value):
        return Figure(value)
    low, high = np.percentile(kept, (2.5, 97.5))
    return Figure(value, float(low), float(high))


def auroc(scores: Array, truth: Truth) -> float:
    """``Ranking.auroc`` of rows that are all known."""
    return Ranking(scores, truth).auroc()


def auprc(scores: Array, truth: Truth) -> float:
    """``Ranking.auprc`` of rows that are all known."""
    return Ranking(scores, truth).auprc()


def proportion(hits: int, total: int) -> Figure:
    """A share with its Wilson score interval (Wilson 1927); NaN of nothing.

    Not a bootstrap: resampling rows of which none was a false alarm never gives one, and would call
    "none of 20" as sure as "none of 20,000".
    """
    if not total:
        return Figure(NONE)
    share, squared = hits / total, _Z * _Z
    middle = (share + squared / (2 * total)) / (1 + squared / total)
    half = _Z / (1 + squared / total) * math.sqrt(share * (1 - share) / total + squared / (4 * total * total))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == total else min(1.0, middle + half)
    return Figure(share, low, high)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Decisions against truth: true and false positives, false and true negatives."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def precision(self) -> Figure:
        return proportion(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> Figure:
        return proportion(self.tp, self.tp + self.fn)

    @property
    def fpr(self) -> Figure:
        """The share of negatives that were flagged."""
        return proportion(self.fp, self.fp + self.tn)

    @property
    def f1(self) -> float:
        asked = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / asked if self.tp + self.fn else NONE


def confusion(flagged: NDArray[np.bool_], truth: Truth) -> Confusion:
    """Counts over rows; those of unknown truth are in none of the four."""
    positive, negative = truth == 1, truth == 0
    return Confusion(
        int((flagged & positive).sum()),
        int((flagged & negative).sum()),
        int((~flagged & positive).sum()),
        int((~flagged & negative).sum()),
    )


@dataclass(frozen=True, slots=True)
class AtPoint:
    """What a threshold does on the rows with a known label."""

    threshold: float
    precision: float
    recall: float
    fpr: float


def at_point(scores: Array, truth: Truth, limit: float) -> AtPoint:
    """Precision is NaN where nothing is flagged; recall and false-positive rate are 0 of nothing."""
    found = confusion(scores >= limit, truth)
    positives, negatives = max(found.tp + found.fn, 1), max(found.fp + found.tn, 1)
    return AtPoint(limit, found.precision.value, found.tp / positives, found.fp / negatives)
