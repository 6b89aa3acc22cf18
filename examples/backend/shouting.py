"""A backend that minds shouting. In a policy: `use: python`, `backend: examples.backend.shouting:Shouting`.

A package may register it instead, and policies name the entry point:

    [project.entry-points."guardrail.backends"]
    shouting = "shouting:Shouting"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guardrail.checks.protocol import Scores
from guardrail.flow import Call, Flow

CATEGORY = "custom/shouting"


class Shouting:
    """Scores the share of capital letters. ``least``: letters below which nobody shouts."""

    name = "shouting"
    categories = frozenset({CATEGORY})
    points: Mapping[str, Mapping[str, float]] | None = {
        "lenient": {CATEGORY: 0.95},
        "balanced": {CATEGORY: 0.8},
        "strict": {CATEGORY: 0.6},
    }
    longest = 10_000  # characters of one text
    stride = 200  # characters of a stream after which it is worth asking again
    inline = 0
    remote = False  # it asks nothing outside of this process

    def __init__(self, least: int = 12) -> None:
        self._least = least

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """One ``Scores`` a text. What takes its time is yielded as a ``Call``, and runs off the event loop."""
        found: Sequence[Scores] = yield Call(self._score, (tuple(texts),))
        return found

    def _score(self, texts: Sequence[str]) -> Sequence[Scores]:
        return [Scores({CATEGORY: self._share(text)}, model="shouting-1") for text in texts]

    def _share(self, text: str) -> float:
        letters = [letter for letter in text if letter.isalpha()]
        return sum(map(str.isupper, letters)) / len(letters) if len(letters) >= self._least else 0.0
