"""What turns the tiers' logits into scores: curves, the blend, the cascade's limits, the operating points.

One JSON file beside the models holds them, with the figures they were chosen by and the data they were
learnt from. Knows numbers by output; never a text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .categories import LEARNT
from .judged import Floats, Judged

FILE = Path(__file__).with_name("model.json")
FORM = 1
FAST, ACCURATE = "fast", "accurate"
TIERS = (FAST, ACCURATE)

Points = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """Logit to calibrated logit, by output: ``slope * x + shift - pooling * ln(windows)``.

    A window is wrong by chance now and then, so the greatest of many is high in harmless text too, and the
    more so the longer it is. At a pooling of 1 the odds of a long text would be those of a window, divided by
    the number of windows (Bonferroni); that would let padding hide a harmful passage.
    """

    slope: Floats
    shift: Floats
    pooling: float

    def __call__(self, judged: Judged) -> Floats:
        found: Floats = self.slope * judged.logits + self.shift - self.pooling * np.log(judged.windows)
        return found


@dataclass(frozen=True, slots=True)
class Calibration:
    """``fast`` and ``encoder``: the curve of either model. ``share`` of the encoder in the blend, whose
    sum ``blend`` (slope, shift by output) calibrates again. ``clear``: where the fast tier's calibrated
    logit is below it for every output, the encoder is not asked. ``points``: by tier, point, category.
    """

    version: str
    fast: Curve
    encoder: Curve
    share: float
    blend: Curve
    clear: Floats
    points: Mapping[str, Points]

    def blended(self, fast: Floats, encoder: Floats) -> Floats:
        """Calibrated logits of the accurate tier, from both models' calibrated ones."""
        found: Floats = self.blend.slope * (self.share * encoder + (1 - self.share) * fast) + self.blend.shift
        return found


def load(path: Path = FILE) -> Calibration:
    """Read it. Raises OSError where there is none, ValueError where it has another form."""
    held = metadata(path)
    if held.get("form") != FORM or tuple(held["outputs"]) != LEARNT:
        raise ValueError(f"{path.name}: not of the form that this release reads. Train it again.")
    return Calibration(
        version=held["version"],
        fast=_curve(held["fast"]),
        encoder=_curve(held["encoder"]),
        share=held["share"],
        blend=_curve(held["blend"]),
        clear=np.asarray(held["clear"]),
        points=held["points"],
    )


def metadata(path: Path = FILE) -> dict[str, Any]:
    """All that the file says: also figures, choices, and the data the models were made from."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def save(path: Path, held: Calibration, about: Mapping[str, Any]) -> None:
    """Write it, for a person to read too."""
    said = {
        "form": FORM,
        "version": held.version,
        "outputs": LEARNT,
        "fast": _written(held.fast),
        "encoder": _written(held.encoder),
        "share": held.share,
        "blend": _written(held.blend),
        "clear": [round(x, 4) for x in held.clear.tolist()],
        "points": held.points,
        **about,
    }
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _curve(held: Mapping[str, Any]) -> Curve:
    return Curve(np.asarray(held["slope"]), np.asarray(held["shift"]), held["pooling"])


def _written(curve: Curve) -> dict[str, Any]:
    slope, shift = ([round(x, 6) for x in part.tolist()] for part in (curve.slope, curve.shift))
    return {"slope": slope, "shift": shift, "pooling": curve.pooling}
