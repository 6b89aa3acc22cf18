"""Segments: texts that read as one, made of pieces that know where they live and can be written back.

One class serves whole bodies and streams, so a word split over two parts or two frames is one
case. Positions count characters from the segment's first one, for as long as it lives. This file
knows nothing of JSON, of wire formats or of what a check is looking for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from .verdict import Finding, Kind

Path = tuple[str | int, ...]
"""Where a text stands: keys and list positions, from the root."""


@dataclass(frozen=True, slots=True)
class Medium:
    """Content that no text check can read: an image, a sound, a file, token ids, an encrypted block.

    ``source``: the link or data URL, where a check that can see may be given it. ``beside``: the path
    of the message it belongs to, whose text goes with it.
    """

    modality: str
    path: Path
    source: str = field(default="", repr=False)
    beside: Path = ()

    @property
    def where(self) -> str:
        return spell(self.path)


class Piece:
    """One string of a body or a stream: where it sits in its segment, and in its tree."""

    __slots__ = ("home", "key", "segment", "start", "text")

    def __init__(self, segment: Segment, start: int, text: str, home: Any, key: Any) -> None:
        self.segment, self.start, self.text, self.home, self.key = segment, start, text, home, key

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def written(self) -> str:
        """The text with the segment's edits applied."""
        return self.segment.written(self.start, self.text)

    def kept(self) -> str:
        """``written``, less what belongs to the caller alone: as it may be kept."""
        return self.segment.written(self.start, self.text, restored=False)


class Restored(str):
    """An edit that puts back what the caller wrote: it goes to the caller, and is kept nowhere.

    ``kept``: what is kept in its place; None: what stood there.
    """

    __slots__ = ("kept",)
    kept: str | None

    def __new__(cls, text: str, kept: str | None = None) -> Restored:
        made = super().__new__(cls, text)
        made.kept = kept
        return made


class Segment:
    """Text of one kind that reads as one.

    ``nested``: the text is itself JSON (a tool call's arguments) and is judged when complete.
    ``fixed``: the text cannot be rewritten where it stands (a key), so a mask becomes a refusal.
    ``echo``: the text is another reading of text that stands elsewhere, where masks are put in.
    ``apart``: each addition is a text of its own, complete when it comes.
    ``joints``: positions at which one part ends and another begins, where parts are not deltas.
    ``marks``: for each check that reads this segment, the position up to which it is cleared; ``floor``: for
    all that compute, where they were asked together.
    ``clear``: the least of them: text before it may leave.
    """

    __slots__ = (
        "_parts",
        "apart",
        "base",
        "clear",
        "echo",
        "edits",
        "fixed",
        "floor",
        "joints",
        "keep",
        "kind",
        "marks",
        "nested",
        "path",
        "pieces",
        "total",
    )

    def __init__(
        self, kind: Kind, path: Path, *, nested: bool = False, fixed: bool = False, echo: bool = False
    ) -> None:
        self.kind, self.path, self.nested, self.fixed, self.echo = kind, path, nested, fixed, echo
        self.apart = echo
        self.base = 0  # position of the first character still kept
        self.total = 0
        self.edits: list[tuple[int, int, str]] = []  # sorted, never overlapping
        self.joints: list[int] = []
        self.marks: dict[str, int] = {}
        self.clear = self.floor = 0
        self.pieces: list[Piece] = []
        self.keep = True  # whole bodies keep their pieces; a stream's live in its frames
        self._parts: list[str] = []

    @property
    def where(self) -> str:
        return spell(self.path)

    def add(self, text: str, home: Any = None, key: Any = None) -> Piece:
        piece = Piece(self, self.total, text, home, key)
        if self.keep:
            self.pieces.append(piece)
        self._parts.append(text)
        self.total += len(text)
        return piece

    def part(self, text: str, home: Any = None, key: Any = None) -> Piece:
        """Add a text that stands apart from the one before it (a content part, not a delta)."""
        if self.total:
            self.joints.append(self.total)
        return self.add(text, home, key)

    @property
    def text(self) -> str:
        """What is kept of the text; begins at ``base``."""
        if len(self._parts) != 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0]

    def spaced(self) -> str:
        """The text with a line break at each joint: parts read apart, where ``text`` joins them."""
        text, cuts = self.text, [0, *self.joints, self.total]
        return "\n".join(text[a:b] for a, b in pairwise(cuts))

    def unspaced(self, finding: Finding) -> Finding:
        """A finding in ``spaced()`` with its span in ``text``."""
        start = finding.start - self._breaks_before(finding.start)
        end = finding.end - self._breaks_before(finding.end)
        return finding.at(start, end)

    def _breaks_before(self, position: int) -> int:
        return bisect_left(range(len(self.joints)), position, key=lambda n: self.joints[n] + n)

    def forget(self, upto: int) -> None:
        """Drop text before a position; nobody will look at it again."""
        if upto > self.base:
            self._parts = [self.text[upto - self.base :]]
            self.base = upto

    def edit(self, start: int, end: int, mask: str) -> None:
        """Replace a span by a mask. Spans that overlap become one, under the first one's mask.

        Where two begin together the words decide which: never which of them was found earlier. A mask goes
        before what is put back for the caller.
        """
        edits = self.edits
        at = bisect_left(edits, (start,))
        if at and edits[at - 1][1] > start:
            at -= 1
        until = at
        while until < len(edits) and edits[until][0] < end:
            until += 1
        touched = edits[at:until]
        if touched:
            end = max(end, touched[-1][1])
            edits_here = [(start, mask), *((begun, told) for begun, _, told in touched)]
            # What is hidden stays hidden, whatever is put back beside it.
            masks = [each for each in edits_here if not isinstance(each[1], Restored)]
            start, mask = min(edits_here)[0], min(masks or edits_here)[1]
        edits[at:until] = [(start, end, mask)]

    def written(self, at: int, text: str, *, restored: bool = True) -> str:
        """A text that stands at position ``at``, edits applied. A mask is written where its span begins.

        Without ``restored`` what was put back for the caller is left out.
        """
        if not self.edits:
            return text
        end, out, cursor = at + len(text), [], at
        first = max(0, bisect_left(self.edits, (at,)) - 1)
        for n in range(first, len(self.edits)):
            start, stop, mask = self.edits[n]
            if start >= end:
                break
            if stop <= cursor:
                continue
            if not restored and isinstance(mask, Restored):
                if mask.kept is None:
                    continue
                mask = mask.kept
            if start >= cursor:
                out += [text[cursor - at : start - at], mask]
            cursor = min(stop, end)
        out.append(text[cursor - at :])
        return "".join(out)


def spell(path: Path) -> str:
    """A path as people write it. Keys a caller made up are cut short: they may be text."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        else:
            word = step if step.replace("_", "").isalnum() and step.isascii() and len(step) <= 40 else "?"
            out += f".{word}" if out else word
    return out


def edited(pieces: Sequence[Piece]) -> bool:
    """Is any of these pieces touched by an edit?"""
    for piece in pieces:  # noqa: SIM110 - asked of every frame
        if piece.segment.edits and piece.written() != piece.text:
            return True
    return False
