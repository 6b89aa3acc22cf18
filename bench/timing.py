"""Times of two sides as a row: their medians, and beside them how the slowest compare.

Knows figures only, not what took the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .measure import middle, quantile
from .rows import Aim, Row

Notes = Mapping[str, str | float | None]


def timed(
    suite: str,
    name: str,
    unit: str,
    guarded: Sequence[float],
    bare: Sequence[float],
    aim: Aim | None = None,
    notes: Notes | None = None,
) -> Row:
    """p50 is the row's value; p99 is told for both, and what was added there."""
    slow, slow_bare = quantile(guarded, 0.99), quantile(bare, 0.99)
    told = {"p99": slow, "p99 unguarded": slow_bare, "added at p99": slow - slow_bare, **(notes or {})}
    samples = {"guarded": guarded, "bare": bare}
    return Row(suite, name, unit, middle(guarded), middle(bare), "unguarded", aim, told, samples)
