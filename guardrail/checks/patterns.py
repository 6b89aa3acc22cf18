"""The pattern scanner: an operator's own regular expressions, run by RE2 in linear time.

Knows how far each pattern can reach and what it costs. Knows nothing of what it looks for.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from time import perf_counter_ns

import re2

from ..verdict import Finding, Kind
from .protocol import EVERYTHING
from .runs import sound

_SAMPLE = ("The quick brown fox, 12 of them; paid 3.50 at example.org/a?b=c (see page 7). " * 60)[:4096].encode()
_PROBES = (b"", b"a", b" a1.")
_BUDGET = 300_000  # nanoseconds that a scan on an event loop may take
_INLINE = range(256, 65_537)
_escaped_or_class = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]", re.DOTALL)


class Patterns:
    """Finds what any of some RE2 patterns matches; the findings of one pattern do not overlap.

    ``longest`` declares, in characters, the longest match of patterns that state no bound
    themselves; matches beyond it may be missed in a stream. Without it, such a pattern needs the
    whole text, as does one with ``^ $ \\A \\z``. Raises ValueError, with the place in the list, for
    a pattern that RE2 refuses or that matches the empty text.
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
        reaches = [reach(pattern, longest) for pattern in patterns]
        bounded = [each for each in reaches if each is not None]
        self.reach: int | None = max(bounded) if len(bounded) == len(reaches) else None
        # Equal openings are one question; the longest reach covers them all.
        furthest: dict[str, int] = {}
        for pattern, far in zip(patterns, bounded if self.reach is not None else (), strict=False):
            furthest[opening(pattern)] = max(far, furthest.get(opening(pattern), 0))
        self._openings = tuple((far, text) for text, far in furthest.items())
        self.triggers: tuple[str, ...] | None = None if any(map(anchored, patterns)) else tuple(patterns)
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
        return max(_live(text, reach, opening) for reach, opening in self._openings)


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


def anchored(pattern: str) -> bool:
    r"""Whether a pattern asks, by ``^ $ \A \z``, where the text or a line begins or ends."""
    escapes = _escaped_or_class.findall(pattern)
    bare = _escaped_or_class.sub("", pattern)
    return "^" in bare or "$" in bare or any(each in (r"\A", r"\z", r"\Z", r"\Q") for each in escapes)


def reach(pattern: str, longest: int | None = None) -> int | None:
    """The characters of the longest match, and one for the boundary after it; None: no bound.

    The width is read from the standard library's parser where it reads the pattern as RE2 does.
    """
    if anchored(pattern):
        return None
    width = None
    # RE2 takes "{,5}" for plain characters.
    if "{," not in pattern:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                width = int(re._parser.parse(pattern).getwidth()[1])  # type: ignore[attr-defined]
        except (re.error, OverflowError):
            width = None
    if width is None or width > 1_000_000:
        width = longest
    return None if width is None else width + 1


def opening(pattern: str) -> str:
    """The literal text every match begins with; empty where there is none, or it cannot be told."""
    if "{," in pattern or "(?" in pattern:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = re._parser.parse(pattern)  # type: ignore[attr-defined]
    except (re.error, OverflowError):
        return ""
    out = ""
    for code, value in parsed:
        if str(code) == "LITERAL":
            out += chr(value)
        elif str(code) != "AT" or out:
            break
    return out


def _live(text: str, far: int, start: str) -> int:
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
