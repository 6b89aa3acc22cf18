"""What the codecs of JSON streams share: events in, frames out, masks put in where they stand.

A codec of one API says what an event's texts belong to (``place``), which event ends the answer,
what the caller has seen opened, and how it is closed. Framings know the bytes; the walker the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..text import Medium, Path, Piece, Segment, edited
from ..verdict import Kind
from . import jsontext
from .framing import Event, Framing
from .inline import MOST, Left
from .likeness import Likeness
from .protocol import Frame, Notice, Reference
from .table import Node
from .walk import Walker

_ASKED = frozenset({Kind.DEFINITION, Kind.SYSTEM, Kind.USER})


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


class Like(NamedTuple):
    """In place of a tree: the data of an event that is like one before it, and where the texts of both belong."""

    data: bytes
    place: Place


def unknown(root: Node, *at: str) -> Place:
    """The place of an event nobody has heard of: it may be a delta, or a message of its own. It is read
    as going on from the last one of its kind, and by itself as well (masks are put in but once)."""
    return Place(root, ("other", *at), open=True)


def _is_answer(piece: Piece) -> bool:
    """Is it text that a model may have written, and no field's name, nor what a response repeats of its request?"""
    return bool(piece.text) and piece.segment.kind not in _ASKED


class JsonStream:
    """Base of the codecs. A subclass overrides the five hooks at the end."""

    done = b"[DONE]"
    """Data that is no JSON and ends the answer; empty where the API has none."""
    alike = False
    """Does ``note`` learn nothing from an event that is like the one before it but for its text?"""
    moderates = False
    hides_moderation = False

    def __init__(self, framing: Framing, root: Node) -> None:
        self.framing = framing
        self.incident: str | None = None
        self._root = root
        self._walker = Walker(root, Kind.ASSISTANT, frames=True)
        self._kinds: set[Kind] = set()
        self._issued: dict[Reference, None] = {}
        self._last = Likeness()
        self._last_place = Place(root)
        self.moderations: list[bytes] = []
        self.stale = self.failed = self._spoke = self._ended = False

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
        if self.alike and not event.aside:
            text = self._last.text(data, event.name)
            if text is not None and self._last.segment is not None:
                self.stale = self.stale or bool(text and self.moderations and not self._ended)
                return Frame(
                    event.raw,
                    Like(data, self._last_place),
                    [self._last.segment.add(text)] if text else [],
                    event=event,
                )
        aside = self._walker.aside(event.aside) if event.aside else []
        if event.name and event.name not in self._walker.names:
            aside += self._walker.name(event.name)
        if not data or data == self.done:
            self._ended = self._ended or bool(data)
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
        told = self.moderates and self._moderation(event.name, tree, bool(media) or any(map(_is_answer, pieces)))
        if closes:
            self._last.segment = None  # a text that goes on after its end is read in full
        elif self.alike and not (place.whole or place.open or media or told):
            self._last.learn(data, pieces, event.name)
            self._last_place = place
        ends = self.terminal(event.name, tree)
        self._ended = self._ended or ends
        return Frame(event.raw, tree, pieces + aside, ends, closes, event, media)

    def _moderation(self, name: str, tree: Any, says: bool) -> bool:
        """Note what the API itself says of request and answer, and whether it says so of all that has come."""
        if self._ended:
            return False
        said = self.moderated(name, tree)
        if said is not None:
            self.stale = len(self.moderations) >= MOST
            self.moderations = [*self.moderations, said][:MOST]
        elif says:
            failing = self.failing(name, tree)
            self._spoke = self._spoke or not failing
            self.failed = (self.failed or failing) and not self._spoke
            self.stale = self.stale or (bool(self.moderations) and not failing)
        return said is not None

    def encode(self, frame: Frame) -> bytes:
        assert frame.event is not None
        self.framing.left(frame.event)
        if frame.tree is None:
            return frame.raw
        if isinstance(frame.tree, Like):
            if not edited(frame.pieces):
                return frame.raw  # like the frame before it, which was noted
            self._read_again(frame)
        # Masks are put in before the event is noted: an ending may repeat what the caller has seen.
        if changed := edited(frame.pieces):
            for piece in frame.pieces:
                if piece.home is not None:
                    piece.home[piece.key] = piece.written()
        self.note(frame.event.name, frame.tree)
        left = self.unmoderated(frame.event.name, frame.tree) if self.hides_moderation else "same"
        if left == "nothing" and frame.event.aside:
            left = "less"
        if not changed and left == "same":
            return frame.raw
        if changed:
            self.changed(frame.event.name, frame.tree)
        elif left == "nothing":
            return b""
        return self.framing.rewrite(frame.event, jsontext.encode(frame.tree))

    def comment(self) -> bytes:
        return self.framing.comment()

    def _read_again(self, frame: Frame) -> None:
        """A frame that was known by its likeness is edited after all: find where its text stands."""
        data, place = frame.tree
        frame.tree = jsontext.decode(data)
        found = Walker(place.root, Kind.ASSISTANT, frames=True).walk(frame.tree, place.root, place.at, place.kind)
        (at,) = [piece for piece in found if piece.home is not None]
        frame.pieces[0].home, frame.pieces[0].key = at.home, at.key

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

    def moderated(self, name: str, tree: Any) -> bytes | None:
        """What the API itself says of request and answer, as JSON, where this event tells it."""
        return None

    def failing(self, name: str, tree: Any) -> bool:
        """Does the API say in this event that it failed, with nothing of a model's in it?"""
        return False

    def unmoderated(self, name: str, tree: Any) -> Left:
        """Take out of this event what the API says so."""
        return "same"

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """Events (name, tree) that end the answer with the notice, closing what the caller has seen opened."""
        raise NotImplementedError

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """Events that tell the caller the stream broke off."""
        raise NotImplementedError
