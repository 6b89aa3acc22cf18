"""One scale for backends whose scores mean different things: so that they can be compared, averaged and joined.

Knows scores, flags and thresholds. A score at a backend's own threshold for a point becomes that point's place on the
scale, whatever the backend; between the points it goes in a straight line.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..checks.protocol import Scores

Points = Mapping[str, Mapping[str, float]]

PLACES = (("strict", 0.25), ("balanced", 0.5), ("lenient", 0.75))
"""Where the operating points lie on the common scale."""


def points(categories: frozenset[str]) -> Points:
    """The operating points of scores on the common scale."""
    return {point: dict.fromkeys(categories, place) for point, place in PLACES}


def common(said: Scores, own: Points | None) -> Mapping[str, float]:
    """The scores on the common scale.

    ``own``: the backend's points; None where its flags are its decision: what it flags is at ``balanced`` or above,
    all else below. What it flags beside its points is at ``balanced`` at least.
    """
    found = {}
    flags = said.flags or {}
    for name in {**said.scores, **flags}:
        score = said.scores.get(name, 1.0 if flags.get(name) else 0.0)
        if own is None:
            found[name] = 0.5 + score / 2 if flags.get(name) else min(score / 2, 0.499)
        else:
            placed = _placed(score, name, own)
            found[name] = max(placed, 0.5) if flags.get(name) else placed
    return found


def _placed(score: float, name: str, own: Points) -> float:
    low, low_place = 0.0, 0.0
    for point, place in PLACES:
        high = own.get(point, {}).get(name, 1.1)
        if score < high:
            # A threshold of 1 or more is out of reach: what lies below it is spread below its place.
            return low_place + (score - low) / (high - low) * (place - low_place) if high > low else low_place
        low, low_place = max(low, high), place
    return low_place + ((score - low) / (1.0 - low) * (1.0 - low_place) if low < 1.0 else 1.0 - low_place)
