"""The figures of a subject on labelled rows, by category and by part.

Knows what was said and what is true. Must never know how figures are shown, nor a text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import GuardrailError
from .figures import NONE, Array, Confusion, Figure, Ranking, Truth, confusion
from .rows import ANY, Data, DataError
from .scoring import Scored
from .slices import BY, slices

RESAMPLES = 500
POINTS = 200
"""Points kept of a precision-recall curve."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one category. ``unknown``: rows judged whose label is not known; they are in no figure.

    ``threshold`` is None where the subject's own decision is measured. ``curve``: recall and precision, highest
    threshold first; empty where there is no ranking.
    """

    name: str
    positives: int
    negatives: int
    unknown: int
    threshold: float | None
    auprc: Figure
    auroc: Figure
    counts: Confusion
    curve: Sequence[tuple[float, float]] = ()

    def figure(self, metric: str) -> float:
        """A figure by its name. Raises KeyError."""
        found: dict[str, float] = {
            "auprc": self.auprc.value,
            "auroc": self.auroc.value,
            "precision": self.counts.precision.value,
            "recall": self.counts.recall.value,
            "fpr": self.counts.fpr.value,
            "f1": self.counts.f1,
        }
        return found[metric]


METRICS = ("auprc", "auroc", "precision", "recall", "fpr", "f1")


@dataclass(frozen=True, slots=True)
class Part:
    """Figures of the rows of one slice; those of categories without a known label there are left out."""

    by: str
    value: str
    rows: int
    overall: Measured
    categories: Sequence[Measured]


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of one subject. ``unscored``: categories with labels that it cannot find.

    ``unjudged``: rows it could say nothing of, by reason; they are in no figure. Latencies are seconds a text.
    """

    subject: str
    ranks: bool
    judged: int
    unjudged: Mapping[str, int]
    overall: Measured
    categories: Sequence[Measured]
    unscored: Sequence[str]
    parts: Sequence[Part]
    p50: float
    p95: float

    def figure(self, name: str) -> float:
        """``auprc`` (of any of the 13), ``macro.auprc`` (the plain mean over categories), ``sexual.recall``.

        NaN where it cannot be said. Raises GuardrailError for a name that is none.
        """
        category, _, metric = name.rpartition(".")
        category = category or ANY
        if metric not in METRICS:
            raise GuardrailError(f"no figure is called that. Figures are: {', '.join(METRICS)}.")
        if category == "macro":
            known = [v for m in self.categories if not math.isnan(v := m.figure(metric))]
            return sum(known) / len(known) if known else NONE
        for measured in (self.overall, *self.categories):
            if measured.name == category:
                return measured.figure(metric)
        here = ", ".join([ANY, "macro", *(m.name for m in self.categories)])
        raise GuardrailError(f"{self.subject} was not measured on that category. Here are: {here}.")


@dataclass(frozen=True, slots=True)
class Report:
    """All results on one file, and what is needed to get the same again."""

    data: Data
    seed: int
    resamples: int
    results: Sequence[Result]


def measure(data: Data, scored: Scored, *, seed: int = 0, resamples: int = RESAMPLES, by: Sequence[str] = BY) -> Result:
    """Figures by category for the labels of ``data``. Raises DataError where no label is of use."""
    asked = [name for name in data.labelled if name in scored.flagged]
    truths = {name: data.truth(name) for name in (*asked, ANY)}
    if not asked and not (truths[ANY] >= 0).any():
        labels = ", ".join(data.labelled[:20]) or "none"
        raise DataError(f"{scored.name} can find none of the categories that {data.name} labels: {labels}")
    seconds = scored.seconds[scored.judged]
    return Result(
        scored.name,
        scored.ranks,
        int(scored.judged.sum()),
        scored.unjudged,
        _measured(ANY, scored, truths[ANY], scored.judged, seed, resamples),
        [_measured(name, scored, truths[name], scored.judged, seed, resamples) for name in asked],
        [name for name in data.labelled if name not in scored.flagged],
        list(_parts(data, scored, truths, by)),
        float(np.percentile(seconds, 50)),
        float(np.percentile(seconds, 95)),
    )


def _parts(data: Data, scored: Scored, truths: Mapping[str, Truth], by: Sequence[str]) -> Sequence[Part]:
    parts = []
    for kind, value, inside in slices(data.rows, by):
        of = inside & scored.judged
        figures = [_measured(name, scored, truth, of, 0, 0) for name, truth in truths.items()]
        known = [m for m in figures if m.name != ANY and m.positives + m.negatives]
        parts.append(Part(kind, value, int(of.sum()), next(m for m in figures if m.name == ANY), known))
    return parts


def _measured(name: str, scored: Scored, truth: Truth, rows: NDArray[np.bool_], seed: int, resamples: int) -> Measured:
    """``resamples`` 0: no intervals of rankings, and no curve."""
    looked = rows & ~np.isnan(scored.scores[name]) if scored.ranks else rows
    known = looked & (truth >= 0)
    auprc = auroc = Figure(NONE)
    curve: Sequence[tuple[float, float]] = ()
    if scored.ranks:
        ranking = Ranking(scored.scores[name][known], truth[known])
        auprc, auroc = ranking.intervals(resamples, seed)
        curve = _thinned(*ranking.curve()) if resamples and (truth[known] == 1).any() else ()
    positives = int((truth[known] == 1).sum())
    return Measured(
        name,
        positives,
        int(known.sum()) - positives,
        int((looked & (truth < 0)).sum()),
        scored.thresholds.get(name),
        auprc,
        auroc,
        confusion(scored.flagged[name][known], truth[known]),
        curve,
    )


def _thinned(recall: Array, precision: Array) -> Sequence[tuple[float, float]]:
    """At most ``POINTS`` of them, the last among them."""
    at = np.unique(np.linspace(0, len(recall) - 1, min(POINTS, len(recall))).round().astype(int))
    return [(float(recall[n]), float(precision[n])) for n in at]
