"""Cutting a long text into windows that a service takes, counted in the service's own unit.

Knows texts and lengths. Must never know who reads the windows.
"""

from __future__ import annotations

import re
from collections.abc import Callable

SENTENCE_END = re.compile(r"[.!?\u2026][\"')\]\u201d\u2019]*(?=\s)|\n|[\u3002\uff01\uff1f]")

Span = tuple[int, int]


def windows(text: str, longest: int, size: Callable[[str], int] = len) -> list[Span]:
    """Spans of at most ``longest`` units that cover ``text``, cut at a sentence's end, else at white space.

    Neighbours share a tenth of their characters: whatever is no longer than that stands whole in one. ``size``
    counts units, at least one a character.
    """
    spans: list[Span] = []
    start = 0
    while (most := _most(text, start, longest, size)) < len(text):
        end = _cut(text, most - (most - start) * 3 // 10, most)
        spans.append((start, end))
        start = max(end - (most - start) // 10, start + 1)
    if len(text) > start:
        spans.append((start, len(text)))
    return spans


def _most(text: str, start: int, longest: int, size: Callable[[str], int]) -> int:
    """The furthest end of a window from ``start``, or nearly; at least one character on."""
    end = min(len(text), start + longest)
    while size is not len and (units := size(text[start:end])) > longest and end > start + 1:
        end = start + max(1, (end - start) * longest // units)
    return end


def _cut(text: str, least: int, most: int) -> int:
    """The last place in ``(least, most]`` after a sentence; else after white space; else ``most``."""
    end = least
    # One character more, for an end is known by the space behind it.
    for found in SENTENCE_END.finditer(text, least, min(len(text), most + 1)):
        if found.end() <= most:
            end = found.end()
    if end > least:
        return end
    for end in range(most, least, -1):
        if text[end - 1].isspace():
            return end
    return most
