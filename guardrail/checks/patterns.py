"""The pattern scanner: an operator's own regular expressions, run by RE2 in linear time.

Knows how far each pattern can reach and what it costs. Knows nothing of what it looks for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from time import perf_counter_ns

import re2

from ..verdict import Finding, Kind
from .prefixes import PROSE, Part, Prefixes, read
from .protocol import EVERYTHING
from .runs import sound

_SAMPLE = PROSE.encode()
_PROBES = (b"", b"a", b" a1.")
_BUDGET = 300_000  # nanoseconds that a scan on an event loop may take
_INLINE = range(256, 65_537)

ENDLESS = sys.maxsize
"""The reach of a pattern whose matches have no bound: what is held is a match that is open, however long."""


class Patterns:
    r"""Finds what any of some RE2 patterns matches; the findings of one pattern do not overlap.

    In a stream it holds what may still become a match, and no more. A pattern with ``^ $ \A \z``
    needs the whole text. ``longest`` declares, in characters, the longest match of patterns that state
    no bound themselves: what is held is no more than that, and longer matches may be missed.

    ``open_ended``: the places, from 1, of the patterns that state no bound. ``waiting``: the places of
    those that need the whole text. Raises ValueError, with the place, for a pattern that RE2 refuses
    or that matches the empty text.
    """

    def __init__(
        self,
        name: str,
        patterns: Sequence[str],
        category: str,
        *,
        reads: frozenset[Kind] = EVERYTHING,
        longest: int | None = None,
    ) -> None:
        if not patterns:
            raise ValueError("the pattern list is empty; give at least one pattern")
        if longest is not None and longest < 1:
            raise ValueError(f"longest is {longest}; give the characters of the longest match, at least 1")
        self.name, self.reads, self.category = name, reads, category
        self.categories = frozenset({category})
        self._compiled = [_compile(pattern, place) for place, pattern in enumerate(patterns, 1)]
        known = [
            (place, part, far)
            for place, part in enumerate(map(read, patterns), 1)
            if part is not None and (far := reach(part, longest)) is not None
        ]
        waiting = set(range(1, len(patterns) + 1)) - {place for place, _, _ in known}
        self.triggers: tuple[str, ...] | None = None if waiting else tuple(patterns)
        self._holds = [
            *_holds([each for each in known if each[2] < ENDLESS], waiting),
            *_holds([each for each in known if each[2] == ENDLESS], waiting),
        ]
        self.waiting = tuple(sorted(waiting))
        self.open_ended = tuple(place for place, part, _ in known if part.width == inf and place not in waiting)
        self.reach: int | None = None if waiting else max(far for _, _, far in known)
        nanoseconds = sum(map(_cost, self._compiled))
        self.inline = max(_INLINE[0], min(_INLINE[-1], int(_BUDGET / max(nanoseconds, 0.001))))

    def scan(self, text: str, start: int = 0) -> Sequence[Finding]:
        plain = text.isascii()
        data = text.encode() if plain else sound(text).encode()
        begin = start if plain else len(sound(text[:start]).encode())
        spans = {found.span() for pattern in self._compiled for found in pattern.finditer(data, begin)}
        spans = {(low, high) for low, high in spans if low < high}
        if not spans:
            return ()
        place = {at: at for span in spans for at in span} if plain else _characters(data, spans)
        return [Finding(self.category, 1.0, place[low], place[high], self.name) for low, high in sorted(spans)]

    def tail(self, text: str) -> int:
        if self.reach is None:
            return len(text)
        held = 0
        for hold in self._holds:
            held = max(held, hold(text))
        return held


def _compile(pattern: str, place: int) -> re2._Regexp:
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "no reason given"
        reason = reason.decode() if isinstance(reason, bytes) else reason
        raise ValueError(f"pattern {place} is not one that RE2 takes: {reason}") from None
    if any(found.end() == found.start() for text in _PROBES for found in compiled.finditer(text)):
        raise ValueError(f"pattern {place} matches the empty text; make it match at least one character")
    return compiled


def reach(part: Part, longest: int | None = None) -> int | None:
    """The characters of the longest match, and one for the boundary after it; None: the whole text."""
    if part.anchored:
        return None
    if part.width < inf:
        return int(part.width) + 1
    return ENDLESS if longest is None else longest + 1


def _holds(patterns: Sequence[tuple[int, Part, int]], waiting: set[int]) -> list[Callable[[str], int]]:
    """What tells how much is held for patterns with their places and reaches; few questions for many patterns.

    Where one cannot be asked about, all it can reach is held from where it may open, or it joins ``waiting``.
    """
    if not patterns:
        return []
    far = max(each for _, _, each in patterns)
    try:
        return [Prefixes([part for _, part, _ in patterns], far).held]
    except ValueError:
        if half := len(patterns) // 2:
            return [*_holds(patterns[:half], waiting), *_holds(patterns[half:], waiting)]
    place, part, _ = patterns[0]
    if far == ENDLESS:
        waiting.add(place)
        return []
    return [partial(_near, far, part.opening)]


def _near(far: int, start: str, text: str) -> int:
    """How much of the end could still become a match that is ``far`` characters at most and begins with ``start``."""
    if not start:
        return min(len(text), far)
    size = len(text)
    at = text.find(start, max(0, size - far))
    if at >= 0:
        return size - at
    for length in range(min(len(start) - 1, size), 0, -1):
        if text.endswith(start[:length]):
            return length
    return 0


def _cost(pattern: re2._Regexp) -> float:
    """Nanoseconds a character takes on a sample of prose, at best of a few tries."""
    best = 0
    for _ in range(3):
        begin = perf_counter_ns()
        for _found in pattern.finditer(_SAMPLE):
            pass
        took = perf_counter_ns() - begin
        best = took if not best else min(best, took)
    return best / len(_SAMPLE)


def _characters(data: bytes, spans: set[tuple[int, int]]) -> dict[int, int]:
    """Character positions of byte positions, in one pass."""
    places: dict[int, int] = {}
    last = count = 0
    for at in sorted({at for span in spans for at in span}):
        count += len(data[last:at].decode())
        places[at] = count
        last = at
    return places
