"""The one walker: every string of a tree becomes a piece of a segment, less the written list.

Serves whole bodies, stream frames and JSON inside JSON. Knows tables, never a particular API.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from ..text import Medium, Path, Piece, Segment
from ..verdict import Kind
from . import jsontext
from .encoded import is_encoded, is_link, spelled
from .table import Anchor, Media, Node, Silent, Text

_TAIL, _MOST_TAILS = 256, 1_000
_NAME = re.compile(r"[$@]?[A-Za-z_][A-Za-z0-9_-]{0,63}|[0-9]{1,7}")
"""Keys that name a field (or a token, in ``logit_bias``); any other is read, for it may be text."""
_CALL = Kind.TOOL_CALL


@dataclass(slots=True)
class Walker:
    """Collects the segments of one body, or of all the frames of one stream.

    ``frames``: trees are frames of one stream: the same place in a later frame continues the
    text, and list items that name their own ``index`` go by it. ``keys``: every key is read
    as text. ``echo``: what a frame adds to a text is also read by itself (masks are put in but once).
    ``numbers``: those that tools are called with are read.
    """

    root: Node
    kind: Kind
    frames: bool = False
    keys: bool = False
    echo: bool = False
    numbers: bool = True
    segments: dict[Hashable, Segment] = field(default_factory=dict)
    media: dict[Medium, None] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    pairs: int = 0
    pieces: list[Piece] = field(default_factory=list)
    tails: dict[Hashable, str] = field(default_factory=dict)
    """How texts ended that were said to be complete."""
    counted: list[str] = field(default_factory=list)
    """The numbers of the tree that is being read, as JSON spells them, each with its key."""

    def walk(self, tree: Any, root: Node | None = None, at: Path = (), kind: Kind | None = None) -> list[Piece]:
        """Read one tree, which stands ``at`` a place of a larger whole; returns its pieces.

        Raises BadRequest where it is too deep.
        """
        self.pairs = 0
        self.pieces = []
        root, kind = root or self.root, kind or self.kind
        if type(tree) is str:
            self._leaf(None, None, tree, root, kind, at, at)
        else:
            self._descend(tree, root, kind, at, at, 0)
        if self.counted:
            self.pieces.append(self.segments["numbers"].add("".join(self.counted)))
            self.counted.clear()
        return self.pieces

    def walk_whole(
        self, tree: Any, root: Node | None = None, at: Path = (), kind: Kind | None = None
    ) -> tuple[list[Piece], list[Segment]]:
        """Read a tree whose texts are complete in themselves, whatever stood at these places before.

        Returns its pieces, and its segments, to which nothing will be added.
        """
        growing, self.segments = self.segments, {}
        tails, self.tails = self.tails, {}
        try:
            pieces = self.walk(tree, root, at, kind)
        finally:
            fresh, self.segments, self.tails = self.segments, growing, tails
        for segment in fresh.values():
            segment.apart = True
        return pieces, list(fresh.values())

    def complete(self, at: Path) -> list[Segment]:
        """The segments that stand at a place or below it: they are complete now, and are let go of."""
        size = len(at)
        done = [key for key, segment in self.segments.items() if segment.path[:size] == at]
        for key in done:
            if len(self.tails) < _MOST_TAILS:
                self.tails[key] = self.segments[key].text[-_TAIL:]
        return [self.segments.pop(key) for key in done]

    def _descend(self, value: Any, node: Node | None, kind: Kind, path: Path, anchor: Path, depth: int) -> None:
        if depth >= jsontext.MAX_DEPTH:
            raise jsontext.too_deep()
        if type(value) is dict:
            self.pairs += len(value)
            names = node.names if node is not None else {}
            other = node.any if node is not None else None
            for key, item in value.items():
                below = names.get(key)
                if below is None:
                    below = other
                    if self.keys or not _NAME.fullmatch(key):
                        self._key(key, kind, (*path, key))
                    elif key not in self.names:
                        self._named(key)
                shape = type(item)
                if shape is str:
                    self._leaf(value, key, item, below, kind, (*path, key), anchor)
                elif shape is dict or shape is list:
                    inner = _kind(below, item, kind)
                    self._descend(item, below, inner, (*path, key), anchor, depth + 1)
                elif (kind is _CALL or below is not None) and (shape is int or shape is jsontext.Number):
                    self._number(item, key, below, kind, path)
        elif type(value) is list:
            below = node.items if node is not None else None
            entry = below.entry if below is not None else None
            anchored = type(entry) is Anchor and entry.stands
            for n, item in enumerate(value):
                shape = type(item)
                if shape is str:
                    self._leaf(value, n, item, below, kind, (*path, n), anchor)
                elif shape is dict or shape is list:
                    at = _index(item.get("index", n), n) if self.frames and shape is dict else n
                    inner = _kind(below, item, kind)
                    self._descend(item, below, inner, (*path, at), (*anchor, at) if anchored else anchor, depth + 1)
                elif type(entry) is Text and entry.tokens and (shape is int or shape is jsontext.Number):
                    self.media[Medium("tokens", path)] = None
                elif (kind is _CALL or below is not None) and (shape is int or shape is jsontext.Number):
                    self._number(item, "", below, kind, path)

    def _leaf(self, home: Any, key: Any, text: str, node: Node | None, kind: Kind, path: Path, anchor: Path) -> None:
        if not text:
            return
        entry = node.entry if node is not None else None
        join = None
        nested = fixed = False
        if entry is not None:
            if type(entry) is Silent:
                if entry.passes(text):
                    return
            elif type(entry) is Text:
                kind, join, nested = entry.kind or kind, entry.join, entry.nested
                fixed = entry.fixed or (entry.signed != () and entry.is_signed(home))
            elif type(entry) is Anchor:
                kind = entry.kind or kind  # where an object is meant, and a bare text stands
            elif type(entry) is Media and self._medium(entry, home, text, kind, path, anchor):
                return
        name: Hashable = path if join is None else (anchor, join, kind)
        segment = self.segments.get(name)
        if segment is None:
            if len(self.segments) >= jsontext.MAX_TEXTS:
                raise jsontext.too_many_texts()
            # A string that is a whole frame cannot be exchanged in it.
            fixed = fixed or (home is None and self.frames)
            segment = self.segments[name] = Segment(kind, path, nested=nested, fixed=fixed)
            segment.keep = not self.frames
            if name in self.tails:  # it goes on after all: what it ended with is read before it
                segment.add(self.tails.pop(name))
        elif fixed:
            segment.fixed = True
        add = segment.add if self.frames else segment.part
        self.pieces.append(add(text, home, key))
        if self.echo:
            twin = self.segments.get(("echo", name))
            if twin is None:
                twin = self.segments["echo", name] = Segment(kind, path, echo=True)
                twin.keep = False
            self.pieces.append(twin.add(text + "\n"))

    def _medium(self, entry: Media, home: Any, text: str, kind: Kind, path: Path, anchor: Path) -> bool:
        """Is this content that no text check can read? Text in disguise is read here, as what it spells."""
        if type(home) is dict and type(label := home.get("type")) is str and label in entry.texts:
            return False
        text = text.strip()
        if not is_encoded(text):  # a link, or words: read as they stand, and a medium all the same
            self.media[Medium(entry.of(home), path, text if is_link(text) else "", anchor)] = None
            return False
        plain = spelled(text)
        if plain is None and self.frames:  # of a stream that many pieces of one sound may be, none is kept
            self.media[Medium(entry.of(home), path)] = None
        elif plain is None:
            self.media[Medium(entry.of(home), path, text, anchor)] = None
        elif plain:
            segment = self.segments.get(("spelled", path))
            if segment is None:
                segment = self.segments["spelled", path] = Segment(kind, path, fixed=True)
                segment.keep = not self.frames
            self.pieces.append(segment.add(plain))
        return True

    def _number(self, value: Any, key: str, node: Node | None, kind: Kind, path: Path) -> None:
        """A number that a tool is called with is read as JSON spells it, like one in arguments that are a string."""
        entry = node.entry if node is not None else None
        if _kind(node, value, kind) is not _CALL or type(entry) is Silent or not self.numbers:
            return
        if "numbers" not in self.segments:
            # All of a tree are one text: there may be many, and none can be rewritten.
            segment = self.segments["numbers"] = Segment(_CALL, path, fixed=True)
            segment.keep, segment.apart = not self.frames, True
        number = value.text if type(value) is jsontext.Number else value
        self.counted.append(f'"{key}":{number},' if key else f"{number},")

    def _named(self, key: str) -> None:
        """A key that names a field is read once, by exact checks: no model has a use for it."""
        self.names.add(key)
        segment = self.segments.get("names")
        if segment is None:
            segment = self.segments["names"] = Segment(Kind.DEFINITION, ("keys",), fixed=True)
            segment.keep, segment.apart = False, True
        self.pieces.append(segment.add(key + "\n"))

    def name(self, name: str) -> list[Piece]:
        """The name of a kind of event: as little text as a key is, and read once like one."""
        self.pieces = []
        self._named(name)
        return self.pieces

    def aside(self, text: str) -> list[Piece]:
        """Text beside the trees of a stream (comments, ids of events); it cannot be rewritten."""
        if not text:
            return []
        segment = self.segments.get("aside")
        if segment is None:
            segment = self.segments["aside"] = Segment(Kind.OTHER, ("comment",), fixed=True)
            segment.keep, segment.apart = False, True
        return [segment.add(text + "\n")]

    def _key(self, key: str, kind: Kind, path: Path) -> None:
        """A key that reads like text is read too; it cannot be rewritten."""
        segment = self.segments.get(("key", path))
        if segment is None:
            segment = self.segments["key", path] = Segment(kind, path[:-1], fixed=True)
            segment.keep, segment.apart = not self.frames, True
        self.pieces.append(segment.add(key + "\n" if self.frames else key))


def _index(given: Any, place: int) -> int:
    """The number an item bears, in any spelling that readers take for one; else its place."""
    if type(given) is int:
        return given
    if type(given) is jsontext.Number and float(given.text).is_integer():
        return int(float(given.text))
    return int(given) if type(given) is str and given.isdecimal() and len(given) < 10 else place


def _kind(node: Node | None, item: Any, kind: Kind) -> Kind:
    entry = node.entry if node is not None else None
    if type(entry) is Anchor:
        return entry.kind_of(item, kind)
    if type(entry) is Text:
        return entry.kind or kind
    return kind
