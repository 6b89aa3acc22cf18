"""A scanner that also finds what is disguised: it asks another scanner about a text and about its readings.

Keeps that scanner's laws: a match in a reading stands at the stretch of the text that was read so, and is held back
while that stretch, or the match in it, is open. Knows no disguise and no check.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from ..verdict import Finding
from .protocol import Scanner
from .readings import clean, plain, plainly_held, readings, settled, turned
from .readings.letters import is_leet

PIECE = 16_384
"""Characters whose readings are made at a time, so that memory does not grow with the text."""
MORE = 2_048
"""Characters after a piece that are read with it: a longer match in a reading may be missed where pieces meet."""


class Disguised:
    """A ``Scanner`` of what ``scanner`` finds in a text and in its readings.

    ``whole``: texts come whole, so that those turned round (rot13, reversed) are read too. ``spelled``: it looks for
    words, so that letters put together and digits as letters matter. A scanner that needs the whole text (``reach``
    None) has readings only of texts up to ``PIECE`` characters.
    """

    def __init__(self, scanner: Scanner, *, whole: bool = False, spelled: bool = True) -> None:
        self.scanner, self.whole, self.spelled = scanner, whole, spelled
        self.name, self.reads, self.categories = scanner.name, scanner.reads, scanner.categories
        self.inline = min(scanner.inline, 2_048)
        self.reach: int | None = None if scanner.reach is None else sys.maxsize  # a disguise goes on as a text does
        self.triggers: tuple[str, ...] | None = None  # see Prefilter, which knows those of all disguises

    def scan(self, text: str, start: int = 0) -> Sequence[Finding]:
        bare = self.scanner.scan(text, start)
        if plain(text):
            return bare
        found = list(self._disguised(text, start))
        if self.whole and start == 0:
            for reading in turned(text):
                turned_ = self.scanner.scan(reading.text)
                found += [_placed(each, *reading.span(each.start, each.end)) for each in turned_]
        return _together(bare, found) if found else bare

    def tail(self, text: str) -> int:
        held = self.scanner.tail(text)
        if self.reach is None:
            return held
        point = len(text) - held
        zones: list[tuple[int, int]] = []
        for sure in settled(text):
            for reading in (sure.undone, *sure.spelled) if self.spelled else (sure.undone,):
                point = min(point, reading.origin(len(reading.text) - self.scanner.tail(reading.text)))
            for reading in sure.soft if self.spelled else ():
                if open_ := self.scanner.tail(reading.text):
                    point = min(point, reading.origin(len(reading.text) - open_))
            zones += sure.all_zones if self.spelled else sure.zones
        return len(text) - self._uncrossed(text, zones, point)

    def _uncrossed(self, text: str, zones: list[tuple[int, int]], point: int) -> int:
        """The place at or before ``point`` where a text may be cut, moved back until nothing found lies across it:
        where something found begins, a text may not be cut for that alone."""
        place = clean(zones, point)
        if zones:
            starts = (0, 1) if len(settled(text)) > 1 else (0,)
            found = [each for start in starts for each in (*self.scanner.scan(text, start), *self._read(text, start))]
            while crossing := [each.start for each in found if each.start < place < each.end]:
                place = clean(zones, min(crossing))
        return place

    def _disguised(self, text: str, start: int) -> Iterator[Finding]:
        """What is found in readings only, piece by piece."""
        size = len(text)
        if size - start <= PIECE + MORE:
            yield from self._read(text, start)
        elif self.reach is not None:
            while start < size:
                begin = max(0, start - 1)
                piece = text[begin : start + PIECE + MORE]
                last = begin + len(piece) == size
                # A piece ends where no disguise does; one from end to end of it is cut.
                end = begin + clean(readings(piece, start - begin).zones, start + PIECE - begin)
                end = size if last else end if end > start else start + PIECE
                yield from (e.moved(begin) for e in self._read(piece, start - begin) if e.start + begin < end)
                start = end

    def _read(self, text: str, start: int) -> Iterator[Finding]:
        read = readings(text, start)
        for reading in (*read.undone, *read.spelled) if self.spelled else read.undone:
            for each in self.scanner.scan(reading.text, reading.at(start)):
                begin, end = reading.span(each.start, each.end)
                if begin < start or text[begin:end] == reading.text[each.start : each.end]:
                    continue
                if reading.written is None or is_leet(reading.written[each.start : each.end]):
                    yield _placed(each, begin, end)


def _placed(found: Finding, start: int, end: int) -> Finding:
    return replace(found, start=start, end=end)


def _together(plain: Sequence[Finding], disguised: Sequence[Finding]) -> list[Finding]:
    """Both, in order. Of one category, what begins inside something that began before it is left out."""
    out = list(plain)
    taken: dict[str, list[tuple[int, int]]] = {}
    for each in plain:
        taken.setdefault(each.category, []).append((each.start, each.end))
    free: dict[str, int] = {}
    for each in sorted(disguised, key=lambda each: (each.start, -each.end, each.category)):
        spans = taken.get(each.category, [])
        n = bisect_left(spans, (each.start + 1,)) - 1
        if each.start >= free.get(each.category, 0) and (n < 0 or spans[n][1] <= each.start):
            free[each.category] = each.end
            out.append(each)
    return sorted(out, key=lambda each: (each.start, each.end, each.category))


def plain_tails(scanners: Sequence[Scanner]) -> tuple[Callable[[str], int], ...]:
    """What tells how much of a plain text is held for these scanners: one answer for all their disguises."""
    inner = tuple(each.scanner.tail for each in scanners if isinstance(each, Disguised))
    tails = tuple(each.scanner.tail if isinstance(each, Disguised) else each.tail for each in scanners)
    return (*tails, partial(plainly_held, tails=inner)) if inner else tails
