"""A JSON array that is sent in pieces, as Gemini's streamGenerateContent does without ``alt=sse``.

Knows where the elements of the outer array begin and end (RFC 8259). Never parses an element:
that the bytes between its brackets are JSON is for the codec to find out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

from ..errors import BadRequest, NotEvaluated
from . import jsontext
from .framing import Event

MAX_ELEMENT = 8 << 20
"""Bytes in one event; larger ones are not evaluated."""
_SPACE = re.compile(rb"[ \t\r\n]*+")
_SCALAR = re.compile(rb"[-+.0-9A-Za-z]*+")
_AFTER_SCALAR = b" \t\r\n,]"
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)  # or to an open string
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)  # to its end, or to half an escape
_QUOTE, _BACKSLASH = b'"\\'
_OPENING, _CLOSING = b"[{", b"]}"


class Place(Enum):
    """What was last, of the stream as it comes or of what has left; the ``form`` of an event says
    what is last once the event has left."""

    NOTHING = auto()
    OPENED = auto()
    ELEMENT = auto()
    SEPARATED = auto()
    CLOSED = auto()
    ALONE = auto()
    """The stream is no array but one value, which stands alone."""


class JsonArray:
    """Cuts and writes the elements of one array; see ``framing.Framing``.

    What stands before an element (bracket, comma, white space) belongs to its raw. The closing
    bracket is an event without data, given at the end, for white space may follow it. An element
    that the stream breaks off in is an event too: its data is what came of it.
    """

    media = "application/json"

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0  # all before it is read, and never read again
        self._begin = -1  # of the element that is read; -1 between elements
        self._depth = 0
        self._quoted = False
        self._came = self._sent = Place.NOTHING

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The elements that are whole now.

        Raises NotEvaluated where one outgrows the cap, BadRequest (``invalid_json``) where what
        stands between elements is neither white space nor the one comma, (``too_deep``) where
        brackets are nested deeper than JSON is read here.
        """
        self._buffer += chunk
        base = 0
        while (self._begin >= 0 or self._to_element()) and self._to_end():
            if self._at - base > MAX_ELEMENT:
                raise NotEvaluated("event_too_large")
            raw = bytes(self._buffer[base : self._at])
            yield Event(raw, "", raw[self._begin - base :], form=self._came)
            base, self._begin = self._at, -1
        if base:
            del self._buffer[:base]
            self._at -= base
            self._begin = self._begin - base if self._begin >= 0 else -1
        if len(self._buffer) > MAX_ELEMENT:
            raise NotEvaluated("event_too_large")

    def finish(self) -> list[Event]:
        """The closing bracket, and whatever else is left."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        data = rest[self._begin :] if self._begin >= 0 else b""
        return [Event(rest, "", data, form=self._came)] if rest else []

    def left(self, event: Event) -> None:
        """Notes what the next event has to be separated from."""
        self._sent = event.form

    def rewrite(self, event: Event, data: bytes) -> bytes:
        """The element with other data; what stands before it stays. An event without data stays as it is."""
        return event.raw[: len(event.raw) - len(event.data)] + data if event.data else event.raw

    def write(self, data: bytes, name: str = "") -> bytes:
        """An element of our own with what has to stand before it; elements have no names.

        Nothing where the array has closed, or one value stands alone: nothing can follow those.
        """
        if self._sent in (Place.CLOSED, Place.ALONE):
            return b""
        before = {Place.NOTHING: b"[", Place.ELEMENT: b"\n,\r\n"}.get(self._sent, b"")
        self._sent = Place.ELEMENT
        return before + data

    def comment(self) -> bytes:
        return b""

    def end(self) -> bytes:
        """The closing bracket, where an array is open."""
        if self._sent in (Place.NOTHING, Place.CLOSED, Place.ALONE):
            return b""
        self._sent = Place.CLOSED
        return b"\n]"

    def _to_element(self) -> bool:
        """Go on to the next element; False where its beginning has not come."""
        buffer = self._buffer
        while (at := _end(_SPACE, buffer, self._at)) < len(buffer):
            byte = buffer[at]
            self._at = at + 1
            if self._came is Place.NOTHING and byte == _OPENING[0]:
                self._came = Place.OPENED
            elif self._came in (Place.OPENED, Place.ELEMENT) and byte == _CLOSING[0]:
                self._came = Place.CLOSED
            elif self._came is Place.ELEMENT and byte == b","[0]:
                self._came = Place.SEPARATED
            elif self._came in (Place.NOTHING, Place.OPENED, Place.SEPARATED) and byte in b'{["-0123456789tfn':
                self._came = Place.ALONE if self._came is Place.NOTHING else Place.ELEMENT
                self._begin, self._depth, self._quoted = at, int(byte in _OPENING), byte == _QUOTE
                return True
            else:
                raise _no_array()
        self._at = at
        return False

    def _to_end(self) -> bool:
        """Go on to the end of the element; False where it has not come."""
        buffer = self._buffer
        if not self._depth and not self._quoted:
            self._at = _end(_SCALAR, buffer, self._at)
            if self._at < len(buffer) and buffer[self._at] not in _AFTER_SCALAR:
                raise _no_array()
            return self._at < len(buffer)
        while True:
            at = self._at = _end(_IN_STRING if self._quoted else _TO_BRACKET, buffer, self._at)
            if at == len(buffer) or (buffer[at] == _BACKSLASH and self._quoted):
                return False
            byte = buffer[at]
            self._at = at + 1
            if byte == _QUOTE:
                self._quoted = not self._quoted
            else:
                self._depth += 1 if byte in _OPENING else -1
            if not self._depth and not self._quoted:
                return True
            if self._depth > jsontext.MAX_DEPTH:
                raise jsontext.too_deep()


def _end(pattern: re.Pattern[bytes], buffer: bytearray, at: int) -> int:
    match = pattern.match(buffer, at)
    assert match is not None, "all patterns here match nothing at least"
    return match.end()


def _no_array() -> BadRequest:
    return BadRequest(
        "the stream is no JSON array: between two elements stand one comma and white space", code="invalid_json"
    )
