"""The numbers behind ``ai_text``: an artifact of weights, a scale and measured rates, and their arithmetic.

Imports numpy, so it is imported on first use only. Knows no label and no word of what a score is used for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import style

ARTIFACT = Path(__file__).with_name("ai_text.npz")
FORM = 1
"""The artifact's form; one written for another reading of text is refused."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """``weights`` by number of ``style.measured``, less ``mean``, over ``spread``, within ``CLIP``.

    ``human``: by score in ``grid``, the logit that so large a share of human-written texts stays below. ``found``
    and ``wrong``: by the same, the shares of AI-written and human-written texts that score as much or more.
    """

    mean: Array
    spread: Array
    weights: Array
    grid: Array
    human: Array
    found: Array
    wrong: Array
    version: str

    CLIP = 4.0

    def logit(self, text: str) -> float:
        scaled = np.clip((style.measured(text) - self.mean) / self.spread, -self.CLIP, self.CLIP)
        return float(scaled @ self.weights)

    def score(self, text: str) -> float:
        return self.at(self.logit(text))

    def at(self, logit: float) -> float:
        """The score of a logit: never 0 and never 1, for there were only so many texts to compare with."""
        return float(np.interp(logit, self.human, self.grid))

    def shares(self, edge: float) -> tuple[float, float]:
        """Of AI-written and of human-written texts, the shares that score ``edge`` or more."""
        return float(np.interp(edge, self.grid, self.found)), float(np.interp(edge, self.grid, self.wrong))


def metadata(path: Path = ARTIFACT) -> dict[str, Any]:
    """What the artifact says of itself: version, figures, the data it was made from."""
    with np.load(path, allow_pickle=False) as held:
        found: dict[str, Any] = json.loads(held["meta"].tobytes())
        return found


_ARRAYS = ("mean", "spread", "weights", "grid", "human", "found", "wrong")


def save(path: Path, model: Model, about: dict[str, Any]) -> None:
    """Write the artifact: the numbers, and one JSON text with all else."""
    meta = json.dumps({**about, "form": FORM, "version": model.version}).encode()
    np.savez_compressed(
        path, meta=np.frombuffer(meta, dtype=np.uint8), **{name: getattr(model, name) for name in _ARRAYS}
    )


def load(path: Path = ARTIFACT) -> Model:
    """Read an artifact. Raises OSError where there is none, ValueError where it has another form."""
    meta = metadata(path)
    if meta["form"] != FORM:
        raise ValueError(f"{path.name}: form {meta['form']}, this release reads form {FORM}. Train it again.")
    with np.load(path, allow_pickle=False) as held:
        return Model(**{name: held[name] for name in _ARRAYS}, version=meta["version"])
