"""The linear model itself: an artifact of int8 weights, read once and shared, and its arithmetic.

Imports numpy, so it is imported on first use only. Knows buckets and numbers, never what is done
with a score.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import ngrams
from .categories import CATEGORIES, COMPOSED
from .minors import WORTH_A_LOOK, compose, refers_to_minor

ARTIFACT = Path(__file__).with_name("model.npz")
FORM = 2
"""The artifact's form; a model written for another reading of text is refused."""

DAMPING = 8.0
"""Added to the count of n-grams, so that a text of one short word is not judged by two n-grams."""

POOLING = 0.2
"""How much a text's calibrated logit is lowered for each e-fold of its windows (see ``lowering``)."""

_ONES = np.ones(ngrams.PIECE * 8, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Weights by bucket and category, and what turns their sum into a score.

    ``weights``: int8 (buckets, width), its first ``len(labels)`` columns in use. Of a window with
    ``n`` n-grams whose rows add up to ``s``, the logit is ``scale * s / sqrt(n + DAMPING) + bias``;
    of a text, the greatest of its windows and half windows; ``slope`` and ``shift`` calibrate that (Platt),
    after which it is lowered for the number of windows (``lowering``).
    """

    labels: tuple[str, ...]
    weights: NDArray[np.int8]
    scale: NDArray[np.float64]
    bias: NDArray[np.float64]
    slope: NDArray[np.float64]
    shift: NDArray[np.float64]
    points: Mapping[str, Mapping[str, float]]
    version: str

    def logits(self, codes: ngrams.Codes) -> tuple[NDArray[np.float64], int] | None:
        """Uncalibrated, by label, of a normalised text, and of how many windows and half windows each
        is the greatest; None where the text holds no word at all.
        """
        if len(codes) < 3:
            return None
        worst = np.full(len(self.labels), -np.inf)
        windows = 0
        for piece in ngrams.pieces(codes):
            buckets, edges = ngrams.hashed(piece)
            found = self._windows(self.weights.take(buckets, axis=0), edges)
            worst = np.maximum(worst, found.max(axis=0))
            windows += len(found)
        return worst, windows

    def calibrated(self, logits: NDArray[np.float64], windows: int | NDArray[np.int64]) -> NDArray[np.float64]:
        """Calibrated, of greatest logits (labels,) or (texts, labels); ``windows``: how many, or (texts, 1)."""
        found: NDArray[np.float64] = logits * self.slope + self.shift - lowering(windows)
        return found

    def _windows(self, rows: NDArray[np.int8], edges: list[int]) -> NDArray[np.float64]:
        """Logits (windows, labels) of one piece's windows and half windows. Sums are whole numbers: exact."""
        numbers = rows.astype(np.float32)
        sums = np.stack([_ONES[: b - a] @ numbers[a:b] for a, b in pairwise(edges)])
        counts = np.diff(edges)
        if len(edges) > 2:  # blocks alone too: a short threat in long filler is thinned out by half as much
            sums = np.concatenate((sums, sums[:-1] + sums[1:]))
            counts = np.concatenate((counts, counts[:-1] + counts[1:]))
        used = sums[:, : len(self.labels)].astype(np.float64)
        logits: NDArray[np.float64] = used * self.scale / np.sqrt(counts + DAMPING)[:, None] + self.bias
        return logits

    def score(self, text: str) -> dict[str, float]:
        """Scores in [0, 1] by category, in the order of ``CATEGORIES``."""
        codes = ngrams.normalised(text)
        judged = self.logits(codes)
        if judged is None:
            return dict.fromkeys(CATEGORIES, 0.0)
        found = dict(zip(self.labels, map(_sigmoid, self.calibrated(*judged).tolist()), strict=True))
        sexual = found["sexual"]
        found[COMPOSED] = compose(sexual, sexual > WORTH_A_LOOK and refers_to_minor(ngrams.words(codes)))
        return {name: found[name] for name in CATEGORIES}


def lowering(windows: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """What the best of so many windows owes to chance, as a logit: ``POOLING * ln(windows)``, 0 for one.

    A window is wrong by chance now and then, so the greatest of many is high in harmless text too, and the
    more so the longer it is. At a factor of 1 the odds of a long text would be those of a window, divided by
    the number of windows (Bonferroni). That would let padding hide a harmful passage; a fifth of it was
    chosen on measured false alarms and recall in long text (the model card).
    """
    found: NDArray[np.float64] = POOLING * np.log(windows)
    return found


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x > -700.0 else 0.0


def pack(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Float weights (buckets, labels) as int8 in rows of 16, and what one unit is worth by label."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127.0
    rows = np.zeros((len(weights), 16), dtype=np.int8)
    rows[:, : weights.shape[1]] = np.rint(weights / scale)
    return rows, scale.astype(np.float64)


def save(path: Path, model: LinearModel, about: Mapping[str, Any]) -> None:
    """Write the artifact: the weights in use and one JSON text with all else (``about`` included)."""
    meta = {
        **about,
        "form": FORM,
        "version": model.version,
        "labels": model.labels,
        "scale": model.scale.tolist(),
        "bias": model.bias.tolist(),
        "calibration": {"slope": model.slope.tolist(), "shift": model.shift.tolist()},
        "points": model.points,
    }
    used = np.ascontiguousarray(model.weights[:, : len(model.labels)].T)
    np.savez_compressed(path, weights=used, meta=np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8))


def metadata(path: Path = ARTIFACT) -> dict[str, Any]:
    """What the artifact says of itself: version, figures, the data it was made from."""
    with np.load(path, allow_pickle=False) as held:
        found: dict[str, Any] = json.loads(held["meta"].tobytes())
        return found


def load(path: Path = ARTIFACT) -> LinearModel:
    """Read an artifact. Raises OSError where there is none, ValueError where it has another form."""
    meta = metadata(path)
    if meta["form"] != FORM:
        raise ValueError(f"{path.name}: form {meta['form']}, this release reads form {FORM}. Train it again.")
    with np.load(path, allow_pickle=False) as held:
        used: NDArray[np.int8] = held["weights"].T
    weights = np.zeros((ngrams.BUCKETS, 16), dtype=np.int8)
    weights[:, : used.shape[1]] = used
    weights.flags.writeable = False
    return LinearModel(
        labels=tuple(meta["labels"]),
        weights=weights,
        scale=_numbers(meta["scale"]),
        bias=_numbers(meta["bias"]),
        slope=_numbers(meta["calibration"]["slope"]),
        shift=_numbers(meta["calibration"]["shift"]),
        points=meta["points"],
        version=meta["version"],
    )


def _numbers(values: Sequence[float]) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)
