"""Arithmetic of training: Platt calibration and operating points. Rankings are the evaluation's. Numbers only."""

from __future__ import annotations

import numpy as np

from guardrail.evaluation.figures import Array, AtPoint, Truth, at_point, auprc, auroc

__all__ = [
    "FLOORS",
    "SHARES",
    "Array",
    "AtPoint",
    "Truth",
    "at_point",
    "at_prior",
    "auprc",
    "auroc",
    "platt",
    "threshold",
]

SHARES = {"lenient": 0.001, "balanced": 0.003, "strict": 0.015}
"""Of the benign dev rows, the most that each point may flag in one category."""

FLOORS = {"lenient": 0.5, "balanced": 0.3, "strict": 0.15}
"""No point lies below this calibrated score, however clean the benign rows are."""


def platt(logits: Array, truth: Truth, lowered: Array, steps: int = 60) -> tuple[float, float]:
    """Slope and shift of the logistic curve through (logit, label), by Newton's method.

    ``lowered`` is taken off after slope and shift, a number for each logit: what its windows owe to chance.
    Smoothed labels as in Platt (1999), so that a clean split does not make the slope infinite.
    """
    positives, negatives = int((truth == 1).sum()), int((truth == 0).sum())
    want = np.where(truth == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    design = np.stack([logits, np.ones_like(logits)], axis=1)
    at = np.array([1.0, 0.0])

    def loss(candidate: Array) -> float:
        z = design @ candidate - lowered
        return float((np.logaddexp(0.0, z) - want * z).sum())

    now = loss(at)
    for _ in range(steps):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ at - lowered, -500, 500)))
        slope = design.T @ (chance - want)
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + 1e-6 * np.eye(2)
        move = np.linalg.solve(curve, slope)
        size = 1.0
        while size > 1e-6 and loss(at - size * move) > now:
            size /= 2
        at = at - size * move
        gained, now = now - loss(at), loss(at)
        if gained < 1e-9:
            break
    return max(float(at[0]), 1e-3), float(at[1])


def at_prior(shift: float, truth: Truth, prior: float) -> float:
    """The shift for traffic in which at most ``prior`` of the texts are positive, from one fitted on ``truth``.

    The dev rows hold far more of some harm than any real traffic; the slope is not touched.
    """
    share = (int((truth == 1).sum()) + 1) / (len(truth) + 2)
    prior = min(prior, share)
    return shift + float(np.log(prior / (1 - prior)) - np.log(share / (1 - share)))


def threshold(benign: Array, share: float, floor: float) -> float:
    """The least score that at most ``share`` of the benign rows reach, but not less than ``floor``."""
    ordered = np.sort(benign)[::-1]
    allowed = int(share * len(ordered))
    above = float(np.nextafter(ordered[allowed], 2.0)) if len(ordered) > allowed else 0.0
    return max(above, floor)
