"""Whole texts turned round: rot13, and read from the end. Told by the little words that every English text has.

Knows whole texts only: a growing text has no such reading. Must never know what is looked for.
"""

from __future__ import annotations

import codecs

from ..runs import AnyOf
from .mapped import Reading

_LITTLE = (
    "the", "and", "you", "that", "this", "with", "for", "how", "what", "have", "about", "make", "from", "your", "can",
    "please", "tell", "will", "they", "which",
)  # fmt: skip
_ROTATED = [codecs.encode(word, "rot13") for word in _LITTLE]
_REVERSED = [word[::-1] for word in _LITTLE]


def _any_of(words: list[str]) -> str:
    return f"(?i)(?:^|[^A-Za-z])(?:{'|'.join(words)})(?:$|[^A-Za-z])"


TURNED = _any_of(_ROTATED + _REVERSED)
"""An RE2 pattern: a text that it does not match was not turned."""

_turned = AnyOf((_any_of(_ROTATED), _any_of(_REVERSED)))


class _Reversed(Reading):
    """A text read from its end."""

    __slots__ = ("_size",)

    def __init__(self, text: str) -> None:
        super().__init__(text[::-1])
        self._size = len(text)

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self._size - end, self._size - start


def turned(text: str) -> list[Reading]:
    """The readings of a whole text that seems to be turned round; mostly none."""
    ways = _turned(text)
    out: list[Reading] = []
    if 0 in ways:
        out.append(Reading(codecs.encode(text, "rot13")))
    if 1 in ways:
        out.append(_Reversed(text))
    return out
