"""What the codecs of JSON streams share: events in, frames out, masks put in where they stand.

A codec of one API says what an event's texts belong to (``place``), which event ends the answer,
what the caller has seen opened, and how it is closed. Framings know the bytes; the walker the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..text import Medium, Path, Segment, edited
from ..verdict import Kind
from . import jsontext
from .framing import Event, Framing
from .protocol import Frame, Notice, Reference
from .table import Node
from .walk import Walker


@dataclass(frozen=True, slots=True)
class Place:
    """Where the texts of one event belong.

    ``root``: the table of the event's own tree. ``at``: what precedes its paths, so that the same
    block in later events continues the text. ``whole``: its texts are complete in themselves
    (repeats, results). ``closes``: places to which nothing is added after this event. ``open``: see
    ``unknown``.
    """

    root: Node
    at: Path = ()
    whole: bool = False
    kind: Kind | None = None
    closes: tuple[Path, ...] = ()
    open: bool = False


def unknown(root: Node, *at: str) -> Place:
    """The place of an event nobody has heard of: it may be a delta, or a message of its own. It is read
    as going on from the last one of its kind, and by itself as well (masks are put in but once)."""
    return Place(root, ("other", *at), open=True)


class JsonStream:
    """Base of the codecs. A subclass overrides the five hooks at the end."""

    done = b"[DONE]"
    """Data that is no JSON and ends the answer; empty where the API has none."""

    def __init__(self, framing: Framing, root: Node) -> None:
        self.framing = framing
        self.incident: str | None = None
        self._root = root
        self._walker = Walker(root, Kind.ASSISTANT, frames=True)
        self._kinds: set[Kind] = set()
        self._issued: dict[Reference, None] = {}

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        return map(self._read, self.framing.feed(chunk))

    def finish(self) -> Iterator[Frame]:
        return map(self._read, self.framing.finish())

    def segments(self) -> list[Segment]:
        return list(self._walker.segments.values())

    def kinds(self) -> set[Kind]:
        return self._kinds | {segment.kind for segment in self._walker.segments.values()}

    def media(self) -> list[Medium]:
        return list(self._walker.media)

    def issued(self) -> list[Reference]:
        return list(self._issued)

    def _read(self, event: Event) -> Frame:
        data = event.data.strip()
        aside = self._walker.aside(event.aside) if event.aside else []
        if event.name and event.name not in self._walker.names:
            aside += self._walker.name(event.name)
        if not data or data == self.done:
            return Frame(event.raw, None, aside, terminal=bool(data), event=event)
        tree = jsontext.decode(data)
        place = self.place(event.name, tree)
        closes: list[Segment] = []
        known = len(self._walker.media)
        self._walker.echo = place.open
        if place.whole:
            pieces, closes = self._walker.walk_whole(tree, place.root, place.at, place.kind)
        else:
            pieces = self._walker.walk(tree, place.root, place.at, place.kind)
        jsontext.unique(data, self._walker.pairs)
        for at in place.closes:
            closes += self._walker.complete(at)
        self._kinds.update(segment.kind for segment in closes)
        self._issued.update(dict.fromkeys(self.made(event.name, tree)))
        self.incident = self.incident or self.refused(event.name, tree)
        media = list(self._walker.media)[known:]
        return Frame(event.raw, tree, pieces + aside, self.terminal(event.name, tree), closes, event, media)

    def encode(self, frame: Frame) -> bytes:
        assert frame.event is not None
        self.framing.left(frame.event)
        if frame.tree is None:
            return frame.raw
        self.note(frame.event.name, frame.tree)
        if not edited(frame.pieces):
            return frame.raw
        for piece in frame.pieces:
            if piece.home is not None:
                piece.home[piece.key] = piece.written()
        self.changed(frame.event.name, frame.tree)
        return self.framing.rewrite(frame.event, jsontext.encode(frame.tree))

    def comment(self) -> bytes:
        return self.framing.comment()

    def refuse(self, notice: Notice) -> bytes:
        return self._write(self.closing(notice))

    def fail(self, notice: Notice) -> bytes:
        return self._write(self.breaking(notice))

    def _write(self, events: Iterable[tuple[str, Any]]) -> bytes:
        out = [
            self.framing.write(tree if isinstance(tree, bytes) else jsontext.encode(tree), name)
            for name, tree in events
        ]
        return b"".join([*out, self.framing.end()])

    # -- what an API's codec says --------------------------------------------------------------

    def place(self, name: str, tree: Any) -> Place:
        """Where the texts of this event belong. By default all events share one tree that grows."""
        return Place(self._root)

    def terminal(self, name: str, tree: Any) -> bool:
        """Does this event tell the caller that the answer is complete?"""
        return False

    def note(self, name: str, tree: Any) -> None:
        """This event goes to the caller: remember what it opens and closes."""

    def changed(self, name: str, tree: Any) -> None:
        """Masks were put into this event: drop what repeats its text otherwise (log-probabilities)."""

    def made(self, name: str, tree: Any) -> Iterable[Reference]:
        """Objects that the API has made, as this event says."""
        return ()

    def refused(self, name: str, tree: Any) -> str | None:
        """The provider's own word, where this event says that it refused for safety."""
        return None

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """Events (name, tree) that end the answer with the notice, closing what the caller has seen opened."""
        raise NotImplementedError

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """Events that tell the caller the stream broke off."""
        raise NotImplementedError
