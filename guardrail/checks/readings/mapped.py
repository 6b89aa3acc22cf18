"""A text rewritten in places, that knows where each of its characters stood before.

Knows edits and positions. Must never know why a text was rewritten, nor what is looked for in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

Edit = tuple[int, int, str]
"""Start and end of what is replaced, and what stands there instead."""
Zone = tuple[int, int]
"""Start and end of a stretch that is only understood as a whole: no text may be cut inside it."""


def apart(edits: list[Edit]) -> list[Edit]:
    """The edits in order, less those that overlap one that begins before them."""
    edits.sort()
    free, out = 0, []
    for each in edits:
        if each[0] >= free:
            out.append(each)
            free = each[1]
    return out


class Layer:
    """One rewriting of a text: ``edits`` are sorted and do not overlap."""

    __slots__ = ("_after", "_before", "_ends", "_starts", "text")

    def __init__(self, text: str, edits: Sequence[Edit]) -> None:
        out: list[str] = []
        self._before: list[tuple[int, int]] = []  # of each edit, its span in the old text
        self._starts: list[int] = []  # and in the new one
        self._ends: list[int] = []
        self._after: list[int] = []  # where its span begins in the old text
        at = size = 0
        for start, end, new in edits:
            out += [text[at:start], new]
            size += start - at
            self._before.append((start, end))
            self._after.append(start)
            self._starts.append(size)
            size += len(new)
            self._ends.append(size)
            at = end
        out.append(text[at:])
        self.text = "".join(out)

    def old_start(self, place: int) -> int:
        """Where what stands at ``place`` began; inside an edit: where the edit did."""
        n = bisect_right(self._starts, place) - 1
        if n < 0:
            return place
        start, end = self._before[n]
        return start if place < self._ends[n] else end + place - self._ends[n]

    def old_end(self, place: int) -> int:
        """Where what stands before ``place`` ended."""
        n = bisect_right(self._starts, place - 1) - 1
        if n < 0:
            return place
        end = self._before[n][1]
        return end if place <= self._ends[n] else end + place - self._ends[n]

    def new_start(self, place: int) -> int:
        """Where what stood at ``place`` stands now; inside an edit: where the edit begins."""
        n = bisect_right(self._after, place) - 1
        if n < 0:
            return place
        end = self._before[n][1]
        return self._starts[n] if place < end else self._ends[n] + place - end


class Reading:
    """A text as it may be meant, and where each piece of it stands in the text itself.

    ``written``: the same place for place with digits where letters are read; None: there are none.
    """

    __slots__ = ("layers", "text", "written")

    def __init__(self, text: str, layers: tuple[Layer, ...] = (), written: str | None = None) -> None:
        self.text, self.layers, self.written = text, layers, written

    def then(self, edits: Sequence[Edit]) -> Reading:
        """The reading of this reading."""
        layer = Layer(self.text, edits)
        written = None if self.written is None else Layer(self.written, edits).text
        return Reading(layer.text, (*self.layers, layer), written)

    def cut(self, end: int) -> Reading:
        """The same up to a place."""
        return self if end == len(self.text) else Reading(self.text[:end], self.layers)

    def origin(self, place: int) -> int:
        for layer in reversed(self.layers):
            place = layer.old_start(place)
        return place

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the text itself that is read as ``text[start:end]``."""
        for layer in reversed(self.layers):
            start, end = layer.old_start(start), layer.old_end(end)
        return start, end

    def at(self, place: int) -> int:
        """Where this place of the text itself is in the reading."""
        for layer in self.layers:
            place = layer.new_start(place)
        return place
