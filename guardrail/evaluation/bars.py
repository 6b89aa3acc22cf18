"""Bars that figures are held to: ``sexual.recall=.6`` and the like.

Knows how a bar is written and when it is missed. Must never know where figures come from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import GuardrailError
from .measures import Result


@dataclass(frozen=True, slots=True)
class Bar:
    """``most``: the figure may be at most ``value``; else at least."""

    figure: str
    value: float
    most: bool = False


def bar(text: str, *, most: bool = False) -> Bar:
    """From ``NAME=NUMBER``. Raises GuardrailError."""
    name, equals, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not equals or not name or not 0 <= value <= 1:
        raise GuardrailError("write a bar as NAME=NUMBER with a number from 0 to 1, such as sexual.recall=.6")
    return Bar(name.strip(), value, most)


def missed(result: Result, bars: Sequence[Bar]) -> list[str]:
    """A sentence for each bar that is missed. A figure that cannot be said misses its bar. Raises GuardrailError."""
    out = []
    for held in bars:
        value = result.figure(held.figure)
        met = value <= held.value if held.most else value >= held.value  # never of NaN
        if not met:
            word = "over" if held.most else "under"
            said = "cannot be said" if math.isnan(value) else f"is {value:.4f}, {word} {held.value:g}"
            out.append(f"{result.subject}: {held.figure} {said}")
    return out
