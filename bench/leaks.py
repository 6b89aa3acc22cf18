"""How much of a sentence that a model refuses has left when its verdict comes, by the way streams are judged.

The model is far away and tells no span. The sentence is said at a model's own pace, through the gateway.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .fleet import answered, fleet
from .measure import Effort, progress
from .model import said
from .paced import Script
from .rows import Aim, Row
from .service import SENTENCES
from .strategies import STRATEGIES, strategy

_NAMES = {"soon": "a refused sentence", "late": "a long one, refused for its last word"}
_NOTHING = Aim(0.0)


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:  # noqa: ARG001 - as all suites
    progress("leak: starting the gateways")
    named = {which: Script(tokens=40, rate=50.0, refused=which) for which in SENTENCES}
    with fleet(
        folder, "leak", lambda service: {word: strategy("remote", word, service, "refuse") for word in STRATEGIES}
    ) as ships:
        for which, script in named.items():
            size, text = len(SENTENCES[which]), "".join(script.pieces())
            for word in STRATEGIES:
                progress(f"leak: {_NAMES[which]}, {word}")
                left = _alike("".join(said(answered(ships.gateways[word].url, script))), text)
                values = float(min(left, size)), float(size)
                # What a verdict cleared is not taken back: only what was never judged counts as a leak.
                aim = None if word == "after" or (word, which) == ("window", "late") else _NOTHING
                notes = {"left after it": f"{max(left - size, 0)} of {len(text) - size}"}
                samples = {"guarded": values[:1]}
                yield Row(
                    "leak", f"{_NAMES[which]}, {word}, what left", "characters", *values, "said", aim, notes, samples
                )


def _alike(given: str, text: str) -> int:
    """How many characters at the beginning are the same."""
    pairs = enumerate(zip(given, text, strict=False))
    return next((n for n, (one, other) in pairs if one != other), min(len(given), len(text)))
