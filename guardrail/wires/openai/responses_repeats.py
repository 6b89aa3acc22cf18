"""Repeats in a Responses stream: a part's end says its deltas once more, and is masked as they were.

Deltas of all parts of an item read as one text (``responses_events``), so a span may lie over the border of
two; the events that end a part tell only its half (API reference, "Streaming events"). Each is read by
itself all the same. Of what is looked for, and of what the caller has seen, this file must never know.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from ...text import Path, Piece, Segment
from ..protocol import Frame
from .responses_events import place_of, type_of

_LISTS = {"content_index": "content", "summary_index": "summary"}
_ADDS = frozenset(
    f"response.{word}"
    for word in (
        "output_text.delta",
        "refusal.delta",
        "reasoning_text.delta",
        "reasoning_summary_text.delta",
        "content_part.added",
        "reasoning_part.added",
        "reasoning_summary_part.added",
    )
)
_ENDS = frozenset(name.replace(".delta", ".done").replace(".added", ".done") for name in _ADDS)


@dataclass(slots=True)
class _Said:
    """What the deltas of one part have said. ``runs``: where, in the text of the item; others may speak between."""

    segment: Segment
    runs: list[tuple[int, int]] = field(default_factory=list)
    length: int = 0
    digest: Any = field(default_factory=lambda: blake2b(digest_size=16))

    def add(self, piece: Piece) -> None:
        if self.runs and self.runs[-1][1] == piece.start:
            self.runs[-1] = (self.runs[-1][0], piece.end)
        else:
            self.runs.append((piece.start, piece.end))
        self.length += len(piece.text)
        self.digest.update(_bytes(piece.text))

    def same(self, text: str) -> bool:
        """Is this what they have said?"""
        if self.length != len(text):
            return False
        return bool(blake2b(_bytes(text), digest_size=16).digest() == self.digest.digest())


class Repeat(Piece):
    """A piece of no characters at the end of what the deltas said, so that their repeat waits until that is
    clear. ``of``: the repeat, in a segment of its own."""

    __slots__ = ("of", "runs")

    def __init__(self, said: _Said, of: Piece) -> None:
        super().__init__(said.segment, said.segment.total, "", None, None)
        self.of, self.runs = of, tuple(said.runs)

    def mask(self) -> None:
        """Put the edits of the deltas into the repeat. A mask stands in the part in which its span begins."""
        edits, at = self.segment.edits, self.of.start
        for begin, end in self.runs:
            for n in range(max(0, bisect_left(edits, (begin,)) - 1), len(edits)):
                start, stop, mask = edits[n]
                if start >= end:
                    break
                if stop > begin:
                    first, last = max(start, begin) - begin, min(stop, end) - begin
                    self.of.segment.edit(at + first, at + last, mask if start >= begin else "")
            at += end - begin


class Repeats:
    """What the parts of one stream have said so far."""

    def __init__(self) -> None:
        self._said: dict[Path, dict[Path, _Said]] = {}  # of items that are not complete, by their parts

    def read(self, name: str, frame: Frame) -> None:
        """An event was read: remember what it adds to a part, and note in its frame what it repeats."""
        kind, tree = type_of(name, frame.tree), frame.tree
        if not isinstance(tree, dict):
            return
        at = place_of(name, tree).at
        if kind == "response.output_item.done":
            self._said.pop(at, None)
        elif kind in _ADDS:
            self._add(at, _part(tree), _texts(frame, tree, tree.get("part")))
        elif kind in _ENDS:
            said = self._said.get(at, {}).get(_part(tree))
            texts = list(_texts(frame, tree, tree.get("part")))
            frame.pieces += [Repeat(said, piece) for piece in texts if said is not None and said.same(piece.text)]
        elif kind == "response.output_item.added" and isinstance(item := tree.get("item"), dict):
            for word in _LISTS.values():
                for n, part in enumerate(item[word] if isinstance(item.get(word), list) else ()):
                    self._add(at, (word, n), _texts(frame, part))

    def _add(self, at: Path, part: Path, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            parts = self._said.setdefault(at, {})
            said = parts.get(part)
            if said is None or said.segment is not piece.segment:
                said = parts[part] = _Said(piece.segment)
            said.add(piece)


def _part(tree: dict[str, Any]) -> Path:
    """Which part of its item an event speaks of."""
    for name, word in _LISTS.items():
        if type(number := tree.get(name)) is int:
            return word, number
    return ()


def _texts(frame: Frame, *homes: Any) -> Iterator[Piece]:
    """The pieces of a frame that are the text of a part: not its citations or log-probabilities."""
    for piece in frame.pieces:
        if piece.key in ("delta", "text", "refusal") and any(piece.home is home for home in homes):
            yield piece


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
