"""JSON lines (NDJSON): one JSON value a line, as Ollama streams them.

Knows where lines end (LF, or CRLF; U+2028 and a lone CR end none). Never parses the values.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import NotEvaluated
from .framing import Event

MAX_LINE = 8 << 20
"""Bytes in one event; larger ones are not evaluated."""
_SPACE = b" \t\r"
_ENDS = (b"\r\n", b"\n", b"\r", b"")  # a CR alone: of a CRLF whose LF never came


class JsonLines:
    """Cuts and writes JSON lines; see ``framing.Framing``.

    An event's data is its line without the end. Empty lines belong to the event that follows; at
    the end of the stream they are an event without data.
    """

    media = "application/x-ndjson"

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0  # of the line that is not whole yet: empty lines may stand before it
        self._seen = 0
        self._missing = b""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that are whole now. Raises NotEvaluated where one outgrows the cap."""
        buffer = self._buffer
        buffer += chunk
        begin, start, search = 0, self._start, self._seen
        while (found := buffer.find(b"\n", search)) >= 0:
            search = found + 1
            if search - begin > MAX_LINE:
                raise NotEvaluated("event_too_large")
            line = bytes(buffer[start:found])
            if line.strip(_SPACE):
                yield Event(bytes(buffer[begin:search]), "", line.removesuffix(b"\r"))
                begin = search
            start = search
        if begin:
            del buffer[:begin]
        self._start, self._seen = start - begin, len(buffer)
        if self._seen > MAX_LINE:
            raise NotEvaluated("event_too_large")

    def finish(self) -> list[Event]:
        """The last line may lack its end."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        line = rest[self._start :]
        self._start = self._seen = 0
        if not rest:
            return []
        return [Event(rest, "", line.removesuffix(b"\r") if line.strip(_SPACE) else b"")]

    def left(self, event: Event) -> None:
        """Notes whether the line lacks its end, which ``write`` then supplies."""
        self._missing = b"" if event.raw.endswith(b"\n") else b"\n"

    def rewrite(self, event: Event, data: bytes) -> bytes:
        """The line with other data (one JSON value without line ends); its end stays."""
        if not event.data:
            return event.raw
        end = next(end for end in _ENDS if event.raw.endswith(end))
        return event.raw[: len(event.raw) - len(end) - len(event.data)] + data + end

    def write(self, data: bytes, name: str = "") -> bytes:
        """A line of our own: one JSON value without line ends. Lines have no names."""
        before, self._missing = self._missing, b""
        return before + data + b"\n"

    def comment(self) -> bytes:
        return b""

    def end(self) -> bytes:
        return b""
