"""Streams of no known API, read event by event: JSON events are walked, others are text.

The same place in later events continues the text; it is read event by event as well, for events
may be messages of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..errors import BadRequest, NotEvaluated
from ..http import Head, header, media_type
from ..text import Segment, edited
from ..verdict import Kind
from . import generic, jsontext
from .document import unescape
from .framing import Event, Framing
from .ndjson import JsonLines
from .plain_text import TextStream
from .protocol import Frame, Notice
from .sse import ServerSent
from .stream import JsonStream
from .table import EMPTY, Node

_REACH = 4096
"""Characters before the first escape that may belong to what it spells."""
_ESCAPE_BEGUN = re.compile(r"\\(?:u[0-9a-fA-F]{0,4}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)?\Z")


def open_stream(head: Head, root: Node = EMPTY, *, text: bool = False) -> JsonStream | None:
    """The codec of an answer by its media type; None where it is no stream, and is judged whole.

    ``text``: plain text may come in pieces. (Of an API that answers in JSON it is JSON by another name.)
    """
    media, _ = media_type(head.headers)
    if media == "text/event-stream":
        return OpenStream(ServerSent(), root)
    if media in generic.LINES:
        return OpenStream(JsonLines(), root)
    if text and media == "text/plain" and header(head.headers, "content-length") is None:
        return OpenText(TextStream())
    return None


class OpenStream(JsonStream):
    """Any stream of events."""

    def __init__(self, framing: Framing, root: Node = EMPTY) -> None:
        super().__init__(framing, root)
        self._walker.echo = True

    def _read(self, event: Event) -> Frame:
        data = event.data.strip()
        aside = self._aside(event)
        if not data or data == self.done:
            return Frame(event.raw, None, aside, terminal=bool(data), event=event)
        tree, is_tree = _tree(data, event.data)
        bare = isinstance(tree, str)
        tree = [tree] if bare else tree
        pieces = self._walker.walk(tree)
        if is_tree:
            jsontext.unique(data, self._walker.pairs)
        elif "\\u" in tree[0]:  # others may take it for JSON all the same
            pieces = pieces + self._walker.aside(unescape(tree[0]))
        return Frame(event.raw, (tree, bare, is_tree), pieces + aside, event=event)

    def encode(self, frame: Frame) -> bytes:
        assert frame.event is not None
        self.framing.left(frame.event)
        if frame.tree is None or not edited(frame.pieces):
            return frame.raw
        tree, bare, is_tree = frame.tree
        for piece in frame.pieces:
            if piece.home is not None:
                piece.home[piece.key] = piece.written()
        out = tree[0] if bare else tree
        return self.framing.rewrite(frame.event, jsontext.encode(out) if is_tree else out.encode())

    def _aside(self, event: Event) -> list[Any]:
        said = f"{event.name}\n{event.aside}" if event.name and event.aside else event.name or event.aside
        return self._walker.aside(said)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "", generic.problem(notice)

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "", generic.problem(notice)


class OpenText(OpenStream):
    """Plain text that comes in pieces: one text, and what its escapes spell to a reader of JSON."""

    def __init__(self, framing: Framing) -> None:
        super().__init__(framing)
        self._walker.echo = False
        self._begun = ""  # an escape that is not whole yet
        self._before = ""  # the end of what came before the first escape
        self._twin: Segment | None = None  # the text with its escapes undone

    def _read(self, event: Event) -> Frame:
        text = event.data.decode()
        tree = [text]
        pieces = self._walker.walk(tree)
        spelled = self._begun + text
        match = _ESCAPE_BEGUN.search(spelled)
        spelled, self._begun = (spelled[: match.start()], match[0]) if match else (spelled, "")
        if self._twin is None and "\\u" in spelled:
            self._twin = Segment(Kind.ASSISTANT, ("text",), fixed=True)
            self._twin.keep = False
            self._walker.segments["spelled"] = self._twin
            spelled = self._before + spelled
        if self._twin is not None:
            pieces = [*pieces, self._twin.add(unescape(spelled))]
        else:
            self._before = (self._before + spelled)[-_REACH:]
        return Frame(event.raw, (tree, True, False), pieces, event=event)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "", f"\n\n{notice.text}".encode()

    breaking = closing


def _tree(data: bytes, whole: bytes) -> tuple[Any, bool]:
    """An event's data as JSON where it is that (then True), else as one text."""
    if generic.looks_like_json(data):
        try:
            return jsontext.decode(data), True
        except BadRequest as error:
            if error.code != "invalid_json":
                raise
    try:
        return whole.decode("utf-8"), False
    except UnicodeDecodeError:
        raise BadRequest("the event is not UTF-8", code="invalid_text") from None


_SSE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:")


def said_in_events(raw: bytes) -> list[Segment]:
    """What the events of a whole answer say together, where it is a stream by another name (SSE or lines
    of JSON under no or another media type): clients parse those whatever they are called. Readings only."""
    framing: Framing
    if _SSE.match(raw):
        framing = ServerSent()
    elif raw[:1] == b"{" and b"\n{" in raw:
        framing = JsonLines()
    else:
        return []
    codec = OpenStream(framing)
    try:
        for _ in (*codec.feed(raw), *codec.finish()):
            pass
    except (BadRequest, NotEvaluated):
        return []  # then it is no stream to a client either; its text is read as it stands
    for segment in codec.segments():
        segment.echo = True
    return codec.segments()
