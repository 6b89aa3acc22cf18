"""Every choice that is made on the development rows: curves, pooling, blend, cascade, operating points.

Knows logits and labels as arrays, and which rows are harmless; never a text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guardrail.categories import OPENAI_MODERATION
from guardrail.local.calibration import ACCURATE, FAST, Calibration, Curve
from guardrail.local.categories import CATEGORIES, COMPOSED, LEARNT, TRAINED
from guardrail.local.judged import Judged
from guardrail.local.minors import compose

from .figures import FLOORS, SHARES, Array, at_prior, auprc, platt, threshold

VERSION = "guardrail-local-2"

PRIOR = 0.05
"""Scores are calibrated for traffic in which at most this share of the texts is positive, by category."""

POOLINGS = (0.0, 0.1, 0.2)
"""More would do better on these rows, whose longest ones are harmless, and would hide a passage in padding."""
SHARED = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
LOSS = 0.003
"""How much AUPRC the cascade may lose against asking both models of every text."""
QUANTILES = (0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.0)
ENOUGH = 30
"""Positives below which a category's AUPRC decides nothing."""


@dataclass(frozen=True, slots=True)
class Logits:
    """Of one model: greatest logits (rows, outputs) and numbers of windows (rows, 1)."""

    logits: Array
    windows: NDArray[np.int64]

    @classmethod
    def of(cls, judged: Sequence[Judged | None]) -> Logits:
        """Where nothing was judged, far below all."""
        out = np.full((len(judged), len(LEARNT)), -20.0)
        windows = np.ones((len(judged), 1), dtype=np.int64)
        for at, one in enumerate(judged):
            if one is not None:
                out[at], windows[at] = one.logits, one.windows
        return cls(out, windows)

    def curved(self, curve: Curve) -> Array:
        found: Array = self.logits * curve.slope + curve.shift - curve.pooling * np.log(self.windows)
        return found


@dataclass(frozen=True, slots=True)
class Dev:
    """Development rows. ``labels``: 1, 0, -1 for unknown. ``benign``: harmless by everyone's word.
    ``minors``: whether a row refers to one.
    """

    labels: NDArray[np.int8]
    benign: NDArray[np.bool_]
    minors: NDArray[np.bool_]
    fast: Logits
    encoder: Logits


def choose(dev: Dev) -> tuple[Calibration, dict[str, Any]]:
    """The calibration, and each choice with the figures that led to it."""
    fast, fast_tried = _best_curve(dev.fast, dev.labels)
    encoder, encoder_tried = _best_curve(dev.encoder, dev.labels)
    by_fast, by_encoder = dev.fast.curved(fast), dev.encoder.curved(encoder)
    tried = {share: mean_auprc(share * by_encoder + (1 - share) * by_fast, dev.labels) for share in SHARED}
    share = max(tried, key=lambda s: (round(tried[s], 4), s))
    mixed = share * by_encoder + (1 - share) * by_fast
    blend = _curve(Logits(mixed, np.ones((len(mixed), 1), dtype=np.int64)), dev.labels, 0.0)
    both = mixed * blend.slope + blend.shift
    points = {FAST: points_of(by_fast, dev), ACCURATE: points_of(both, dev)}
    clear, cascade_tried = _clear(by_fast, both, dev, points[ACCURATE])
    about = {
        "pooling of the fast model": fast_tried,
        "pooling of the encoder": encoder_tried,
        "share of the encoder": {str(s): round(v, 4) for s, v in tried.items()},
        "cascade": cascade_tried,
    }
    return Calibration(VERSION, fast, encoder, share, blend, clear, points), about


def mean_auprc(logits: Array, labels: NDArray[np.int8]) -> float:
    """Over the trained categories of the API's with enough positives, and injections."""
    found = []
    for at, name in enumerate(LEARNT):
        known = labels[:, at] >= 0
        if name != "toxicity" and (labels[:, at] == 1).sum() >= ENOUGH:
            found.append(auprc(logits[known, at], labels[known, at]))
    return float(np.mean(found)) if found else float("nan")


def _best_curve(held: Logits, labels: NDArray[np.int8]) -> tuple[Curve, dict[str, float]]:
    curves = {pooling: _curve(held, labels, pooling) for pooling in POOLINGS}
    tried = {pooling: mean_auprc(held.curved(curve), labels) for pooling, curve in curves.items()}
    best = max(tried, key=lambda pooling: (round(np.nan_to_num(tried[pooling]), 4), -pooling))
    return curves[best], {str(pooling): round(value, 4) for pooling, value in tried.items()}


def _curve(held: Logits, labels: NDArray[np.int8], pooling: float) -> Curve:
    pairs = []
    for at in range(len(LEARNT)):
        known = labels[:, at] >= 0
        truth = labels[known, at]
        if not (truth == 1).any() or not (truth == 0).any():
            pairs.append((1.0, -3.0))
            continue
        lowered = pooling * np.log(held.windows[known, 0])
        slope, shift = platt(held.logits[known, at], truth, lowered)
        pairs.append((slope, at_prior(shift, truth, PRIOR)))
    return Curve(np.array([slope for slope, _ in pairs]), np.array([shift for _, shift in pairs]), pooling)


def chances(logits: Array) -> Array:
    found: Array = 1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0)))
    return found


def with_minors(found: Array, minors: NDArray[np.bool_]) -> Array:
    """Scores (rows, categories) in the order of ``CATEGORIES``, the composed one put in."""
    sexual = found[:, LEARNT.index("sexual")]
    composed = np.array([compose(float(s), bool(m)) for s, m in zip(sexual, minors, strict=True)])
    columns = [composed if name == COMPOSED else found[:, LEARNT.index(name)] for name in CATEGORIES]
    return np.stack(columns, axis=1)


def points_of(logits: Array, dev: Dev) -> dict[str, dict[str, float]]:
    """Thresholds by point and category. ``sexual/minors`` is flagged at the points of ``sexual``: its composed
    score is the higher one wherever a minor is referred to, and near 0 elsewhere.
    """
    benign = chances(logits)[dev.benign]
    found = {}
    for point, share in SHARES.items():
        by = {n: round(threshold(benign[:, LEARNT.index(n)], share, FLOORS[point]), 4) for n in TRAINED}
        by[COMPOSED] = by["sexual"]
        found[point] = {name: by[name] for name in CATEGORIES}
    return found


def _clear(
    fast: Array, both: Array, dev: Dev, points: Mapping[str, Mapping[str, float]]
) -> tuple[Array, dict[str, Any]]:
    """The limits below which the fast tier alone decides: as high as ``LOSS`` allows.

    By output, a quantile of the fast model's logits over the rows that both models together flag at ``strict``.
    """
    whole = mean_auprc(both, dev.labels)
    limits = np.array([points["strict"][name if name in TRAINED else "prompt_injection"] for name in LEARNT])
    flagged: NDArray[np.bool_] = np.greater_equal(chances(both), limits)
    tried: dict[str, Any] = {}
    best = np.full(len(LEARNT), -60.0)
    for quantile in QUANTILES:
        limit = np.array(
            [
                np.quantile(fast[flagged[:, at], at], quantile) if flagged[:, at].any() else -4.0
                for at in range(len(LEARNT))
            ]
        )
        cleared: NDArray[np.bool_] = np.less(fast, limit).all(axis=1)
        lost = whole - mean_auprc(np.where(cleared[:, None], fast, both), dev.labels)
        missed = float((flagged.any(axis=1) & cleared).sum() / max(flagged.any(axis=1).sum(), 1))
        tried[str(quantile)] = {
            "lost": round(lost, 4),
            "flagged ones missed": round(missed, 4),
            "harmless decided": round(float(cleared[dev.benign].mean()), 4),
        }
        if lost <= LOSS and missed <= MISSED and (best == -60.0).all():
            best = limit
    return best, {"AUPRC of both": round(whole, 4), "by quantile": tried}


MISSED = 0.02
"""Of what both models flag at ``strict``, the most that the fast tier alone may let go."""


def binary(scores: Array, labels: NDArray[np.int8]) -> tuple[Array, NDArray[np.int8]]:
    """The highest of the 13 categories' scores, and whether any of their labels is true: -1 where none is
    known to be and not all are known.
    """
    columns = [LEARNT.index(name) for name in OPENAI_MODERATION if name != COMPOSED]
    known = labels[:, columns]
    truth = np.where((known == 1).any(axis=1), 1, np.where((known == 0).sum(axis=1) >= 6, 0, -1)).astype(np.int8)
    top = scores[:, [CATEGORIES.index(name) for name in OPENAI_MODERATION]].max(axis=1)
    return top, truth
