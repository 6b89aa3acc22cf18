"""Bodies of no known API, read leaf by leaf: JSON, plain text, event streams.

Serves what the policy word ``walk`` lets the guard read, and people's own chat apps (``custom``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import BadRequest
from ..http import Head, Release
from ..text import Segment, edited
from ..verdict import Gap, Kind
from . import jsontext, sse
from .document import Body, Document, Form, Plain, unescape
from .protocol import Frame, Notice
from .table import EMPTY, Node
from .walk import Walker

_JSON = ("content-type", "application/json")
_OPENS = (b"{", b"[", b'"')
FORM = "application/x-www-form-urlencoded"


def body(raw: bytes, media: str, root: Node, kind: Kind) -> Body:
    """Read a body that calls itself JSON as that; any other as JSON if it is that, else as text.

    Many apps parse JSON whatever the media type says, so it does not decide alone.
    """
    if not raw:
        return Plain(raw, kind)
    if is_json(media):
        return Document(raw, root, kind)
    if media == FORM and raw.lstrip()[:1] not in _OPENS:
        return Form(raw, kind)
    if raw.lstrip()[:1] not in _OPENS:
        return Plain(raw, kind)
    try:
        return Document(raw, root, kind)
    except BadRequest as error:
        if error.code != "invalid_json":
            raise
        return Plain(raw, kind)


def answer(raw: bytes, media: str, root: Node) -> Body:
    """An answer; one that calls itself JSON and is not is read as text, which is what is left to do."""
    try:
        return body(raw, media, root, Kind.ASSISTANT)
    except BadRequest as error:
        if error.code != "invalid_json":
            raise
        return Plain(raw, Kind.ASSISTANT)


def is_json(media: str) -> bool:
    return media == "application/json" or media.endswith("+json")


def is_text(media: str) -> bool:
    """Media that are text to read as a whole: JSON by any name, lines of JSON, plain text of all kinds but HTML."""
    return "json" in media or (media.startswith("text/") and media != "text/html")


def looks_like_json(raw: bytes) -> bool:
    """Does a body begin as JSON does, whatever it calls itself?"""
    return raw.lstrip()[:1] in _OPENS


class Walk:
    """The wire format of nobody in particular."""

    name = "walk"

    def claims(self, method: str, path: str) -> bool:
        return False

    def request(self, body_: bytes, media: str) -> Body:
        return body(body_, media, EMPTY, Kind.USER)

    def response(self, body_: bytes, media: str) -> Body:
        return answer(body_, media, EMPTY)

    def stream(self, asked: Body | None) -> EventStream:
        return EventStream()

    def render(self, asked: Body | None, notice: Notice) -> Release:
        status = 400 if notice.answer else notice.status
        return Release(problem(notice), Head(status, (_JSON, *notice.headers())), end=True)

    def messages(self, asked: Body) -> int:
        return 0

    def limit_output(self, asked: Body, tokens: int) -> None:
        """An unknown body has no known field for this."""

    def forward(self, asked: Body, name: str, user: str | None) -> None:
        """Nor for an id."""

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Nor known repeats."""


def problem(notice: Notice) -> bytes:
    """A plain error object any client can read."""
    return jsontext.encode({"error": {"code": notice.code, "message": notice.text, "decision_id": notice.decision}})


def _tree(data: bytes, whole: bytes) -> tuple[Any, bool]:
    """An event's data as JSON where it is that (then True), else as one text."""
    if data[:1] in _OPENS:
        try:
            return jsontext.decode(data), True
        except BadRequest as error:
            if error.code != "invalid_json":
                raise
    try:
        return whole.decode("utf-8"), False
    except UnicodeDecodeError:
        raise BadRequest("the event is not UTF-8", code="invalid_text") from None


class EventStream:
    """Any event stream: JSON events are walked, others are text. The same place in later events
    continues the text; it is read event by event as well, for they may be messages of their own."""

    def __init__(self, root: Node = EMPTY) -> None:
        self._split = sse.Splitter()
        self._walker = Walker(root, Kind.ASSISTANT, frames=True, echo=True)

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        return map(self._read, self._split.feed(chunk))

    def finish(self) -> Iterator[Frame]:
        return map(self._read, self._split.finish())

    def segments(self) -> list[Segment]:
        return list(self._walker.segments.values())

    def gaps(self) -> list[Gap]:
        return list(self._walker.gaps)

    def _read(self, event: sse.Event) -> Frame:
        data = event.data.strip()
        if data == b"[DONE]":
            return Frame(event.raw, None, self._walker.aside(event.aside), terminal=True)
        tree, is_tree = _tree(data, event.data)
        bare = isinstance(tree, str)
        tree = [tree] if bare else tree
        pieces = self._walker.walk(tree)
        if is_tree:
            jsontext.unique(data, self._walker.pairs)
        if not is_tree and "\\u" in tree[0]:  # others may take it for JSON all the same
            pieces = pieces + self._walker.aside(unescape(tree[0]))
        if event.aside:
            pieces = pieces + self._walker.aside(event.aside)
        return Frame(event.raw, (event.name, tree, bare, is_tree), pieces)

    def encode(self, frame: Frame) -> bytes:
        if frame.tree is None or not edited(frame.pieces):
            return frame.raw
        name, tree, bare, is_tree = frame.tree
        for piece in frame.pieces:
            if piece.home is not None:
                piece.home[piece.key] = piece.written()
        out = tree[0] if bare else tree
        if is_tree:
            return sse.encode(jsontext.encode(out), name)
        return sse.encode(b"\ndata: ".join(out.encode().split(b"\n")), name)

    def refuse(self, notice: Notice) -> bytes:
        return sse.encode(problem(notice))

    def fail(self, notice: Notice) -> bytes:
        return sse.encode(problem(notice))
