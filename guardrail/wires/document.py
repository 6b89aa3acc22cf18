"""A whole body whose texts can be read, edited and written back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from ..errors import BadRequest
from ..http import Request
from ..text import Medium, Restored, Segment
from ..verdict import Gap, Kind
from . import jsontext
from .table import EMPTY, Node
from .walk import Walker


class Document:
    """One body, parsed once.

    Unedited, ``body()`` gives the very bytes that came; edited, the tree goes out, keys in order
    and numbers as written. Raises BadRequest where the bytes have no single reading. ``keys``: keys
    are read as well, though they name fields. ``root``: the table, or what picks it for a tree.
    ``numbers``: those that tools are called with are read.
    """

    def __init__(
        self,
        raw: bytes,
        root: Node | Callable[[Any], Node],
        kind: Kind,
        *,
        keys: bool = False,
        numbers: bool = True,
    ) -> None:
        self.raw = raw
        self.tree: Any = jsontext.decode(raw)
        walker = Walker(root if isinstance(root, Node) else root(self.tree), kind, keys=keys, numbers=numbers)
        walker.walk(self.tree)
        jsontext.unique(raw, walker.pairs)
        names = walker.segments.pop("names", None)
        self.segments: list[Segment] = [*walker.segments.values(), *([names] if names is not None else ())]
        self.media: list[Medium] = list(walker.media)
        self.gaps: list[Gap] = []
        self.touched = False  # the tree was changed other than by an edit
        self.asked: Request | None = None

    def set(self, key: str, value: Any) -> None:
        """Put a top-level field, for what the policy adds (an id, a cap)."""
        if isinstance(self.tree, dict) and self.tree.get(key) != value:
            self.tree[key] = value
            self.touched = True

    def drop(self, key: str) -> None:
        """Take a top-level field away."""
        if isinstance(self.tree, dict) and key in self.tree:
            del self.tree[key]
            self.touched = True

    def edited(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.edits]

    def body(self, *, restored: bool = True) -> bytes:
        changed = self.edited()
        if not changed and not self.touched:
            return self.raw
        for segment in changed:
            for piece in segment.pieces:
                said = piece.written() if restored else piece.kept()
                if piece.home is not None:
                    piece.home[piece.key] = said
                elif type(self.tree) is str:
                    self.tree = said
        return jsontext.encode(self.tree)


class Plain:
    """A body of plain text: one segment."""

    def __init__(self, raw: bytes, kind: Kind) -> None:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadRequest(f"the text is not UTF-8 (byte {error.start})", code="invalid_text") from None
        if "\x00" in text:  # how UTF-16 and UTF-32 look to a reader of UTF-8, and other readers detect them
            raise BadRequest("the text has NUL characters, so it is not UTF-8 text", code="invalid_text")
        self.raw = raw
        self.tree: Any = None
        self.media: list[Medium] = []
        self.gaps: list[Gap] = []
        self.touched = False
        self.asked: Request | None = None
        segment = Segment(kind, ("text",))
        if text:
            segment.add(text)
        self.segments = [segment, *unescaped(segment)] if text else []

    def set(self, key: str, value: Any) -> None:
        """Plain text has no fields."""

    def drop(self, key: str) -> None:
        """Nor any to take away."""

    def edited(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.edits and not segment.fixed]

    def body(self) -> bytes:
        if not self.edited():
            return self.raw
        return self.segments[0].pieces[0].written().encode()


class Form(Plain):
    """A form's body: read as the text its percent-coding stands for, which cannot be rewritten."""

    def __init__(self, raw: bytes, kind: Kind) -> None:
        super().__init__(b"", kind)
        self.raw = raw
        try:
            text = unquote_plus(raw.decode("utf-8"), errors="strict")
        except UnicodeDecodeError:
            raise BadRequest("the form is not UTF-8", code="invalid_text") from None
        if "\x00" in text:
            raise BadRequest("the form has NUL characters, so it is not UTF-8 text", code="invalid_text")
        if text:
            segment = Segment(kind, ("form",), fixed=True)
            segment.add(text)
            self.segments = [segment, *unescaped(segment)]


class Opaque(Plain):
    """A body that is no text: a picture, a sound, a file."""

    def __init__(self, raw: bytes, modality: str) -> None:
        super().__init__(b"", Kind.OTHER)
        self.raw = raw
        self.media = [Medium(modality, ("body",))]


_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_DEEPEST = 3
"""Levels of JSON inside JSON whose escapes are undone."""
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def unescape(text: str) -> str:
    """A text with JSON's escapes undone."""
    undone = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _SHORT.get(m[2], m[2]), text)
    return undone.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def unescaped(outer: Segment) -> list[Segment]:
    """What a text that is no valid JSON says to a reader who takes it for JSON all the same.

    Other readers forgive what ours refuses (NaN, a key named twice, a missing brace), and then
    undo the escapes, those of JSON inside JSON as well. It cannot be rewritten; none where there
    are no ``\\u`` escapes.
    """
    text = outer.text
    found: list[Segment] = []
    while "\\u" in text and len(found) < _DEEPEST:
        text = unescape(text)
        segment = Segment(outer.kind, outer.path, fixed=True)
        segment.add(text)
        found.append(segment)
    return found


def hidden(outer: Segment) -> list[Segment]:
    """What a string that looks like JSON says, where its escapes may hide it."""
    text = outer.text
    return unescaped(outer) if "\\u" in text and text.lstrip()[:1] in ("{", "[", '"') else []


class Nested:
    """JSON inside JSON: a tool call's arguments, read leaf by leaf when they are complete.

    ``segments`` are its leaves; ``settle`` writes them back into the outer segment as one edit,
    so that what goes out is still valid JSON. Where the text is no JSON with one reading, the
    outer text is judged, and what its escapes spell.
    """

    def __init__(self, outer: Segment) -> None:
        self.outer = outer
        document: Document | None = None
        if outer.total and outer.text.lstrip()[:1] in ("{", "[", '"'):
            try:
                # The outer text shows every number, and every key, unless escapes hide it.
                hides = "\\u" in outer.text
                document = Document(outer.text.encode(), EMPTY, outer.kind, keys=hides, numbers=False)
            except BadRequest:
                document = None
        self.document = document
        self.segments = document.segments if document is not None else unescaped(outer)
        for segment in self.segments:
            segment.path = (*outer.path, *segment.path)

    def settle(self) -> None:
        if self.document is not None and self.document.edited():
            kept = self.document.body(restored=False).decode()
            said = self.document.body().decode()
            self.outer.edits = [(0, self.outer.total, said if said == kept else Restored(said, kept))]
