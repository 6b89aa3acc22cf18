"""Server-sent events (WHATWG HTML, section 9.2): split a byte stream, keeping every byte; write events.

Lines end in LF, CR or CRLF and nothing else. Nothing is decoded across events, so a cut inside a
UTF-8 sequence or between CR and LF is one case. What the data says is never this module's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..errors import NotEvaluated
from .framing import Event

__all__ = ["MAX_EVENT", "Event", "ServerSent", "Splitter", "encode"]

MAX_EVENT = 8 << 20
"""Bytes in one event; larger ones are not evaluated."""
_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")  # atomic: CRLF is never read as two line ends
_LINE = re.compile(rb"\r\n|\n|\r")
_WHOLE_LINE = re.compile(rb"[^\r\n]*+(?:\r\n|\n|\r)|[^\r\n]++")
_ASIDE = (b"", b"id", b"retry")
_BOM = b"\xef\xbb\xbf"
_UNENDED = "unended"  # the form of a last event that lacks its blank line


def encode(data: bytes, name: str = "") -> bytes:
    """One event whose data has no line end."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + data + b"\n\n"


class ServerSent:
    """Cuts and writes server-sent events; see ``framing.Framing``.

    An event's data is its data lines joined by LF. ``aside`` is what its comments, id and
    retry lines say. Blank lines before an event belong to it.
    """

    media = "text/event-stream; charset=utf-8"

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._seen = 0
        self._first = True
        self._commented = self._gone = False
        self._missing = b""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that are whole now; to be read to the end before more is fed.

        Raises NotEvaluated, after the events before it, where one outgrows the cap or is none.
        """
        buffer = self._buffer
        if not buffer and b"\r" not in chunk:
            # Most reads are whole events: no copy is needed to find their ends.
            start = 0
            while (end := chunk.find(b"\n\n", start) + 2) > 1:
                if end - start > MAX_EVENT:
                    raise NotEvaluated("event_too_large")
                yield self._event(chunk[start:end])
                start = end
            chunk = chunk[start:]
            self._seen = 0
            if not chunk:
                return
        buffer += chunk
        start = 0
        search = max(0, self._seen - 4)
        while match := _END.search(buffer, max(start, search)):
            end = match.end()
            if end == len(buffer) and buffer[-1:] == b"\r":
                break  # an LF that belongs to this line end may still come
            if end - start > MAX_EVENT:
                raise NotEvaluated("event_too_large")
            yield self._event(bytes(buffer[start:end]))
            start = end
        if start:
            del buffer[:start]
        self._seen = len(buffer)
        if self._seen > MAX_EVENT:
            raise NotEvaluated("event_too_large")

    def finish(self) -> list[Event]:
        """The stream has ended: what is left counts as an event, though its blank line is missing."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return [self._event(rest, _UNENDED)] if rest else []

    def left(self, event: Event) -> None:
        """Notes whether the event lacks its blank line, which ``write`` then supplies."""
        self._gone = True
        # Two, because an LF alone would be taken for the second half of a CRLF after a lone CR.
        self._missing = b"\n\n" if event.form == _UNENDED else b""

    def rewrite(self, event: Event, data: bytes) -> bytes:
        """The event with other data; all its other lines, their order and its line ends stay."""
        head = _BOM if event.raw.startswith(_BOM) else b""
        lines = _WHOLE_LINE.findall(event.raw, len(head)) or [b""]
        at = [n for n, line in enumerate(lines) if line.rstrip(b"\r\n").partition(b":")[0] == b"data"]
        if not at and not data:
            return event.raw
        # The data goes where the last data line stood, with that line's end: what follows it may
        # be an LF, which any other line's CR would swallow.
        if at:
            place = at[-1]
            end = _end_of(lines[place]) or _end_of(lines[0])
        else:
            place = len(lines) - 1 if not lines[-1].strip(b"\r\n") else len(lines)
            end = _end_of(lines[-1])
            if place == len(lines) and not end:
                lines[-1] += b"\n"
        end = end or b"\n"
        new = b"".join(b"data: " + part + end for part in _LINE.split(data))
        before = [line for n, line in enumerate(lines[:place]) if n not in at]
        return b"".join([head, *before, new, *lines[place + bool(at) :]])

    def write(self, data: bytes, name: str = "") -> bytes:
        """An event of our own; data with line ends becomes several data lines, read back with LF."""
        before, self._missing = self._missing, b""
        return before + encode(b"\ndata: ".join(_LINE.split(data)), name)

    def comment(self) -> bytes:
        if not (self._first or self._gone):
            return b""  # the first event may bear a byte order mark, and nothing may stand before that
        # Without a blank line: to some readers one ends an event, even an empty one.
        self._commented = True
        return b": keep-alive\n"

    def end(self) -> bytes:
        return b""

    def _event(self, raw: bytes, form: str | None = None) -> Event:
        body = raw
        if self._first:
            self._first = False
            body = raw.removeprefix(_BOM)
            if self._commented:  # then it would no longer stand at the beginning
                raw = body
        if body.startswith(b"data: ") and body.endswith(b"\n\n") and body.count(b"\n") == 2 and b"\r" not in body:
            return Event(raw, "", body[6:-2])  # what nearly all events look like
        name, data, aside = "", [], []
        for line in _LINE.split(body):
            if not line:
                continue
            key, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if key == b"data":
                data.append(value)
            elif key == b"event":
                name = value.decode("utf-8", "replace")
            elif key in _ASIDE:
                aside.append(value)
            else:
                raise NotEvaluated("framing", "a line of the event stream is no field of one")
        return Event(raw, name, b"\n".join(data), b"\n".join(aside).decode("utf-8", "replace"), form)


Splitter = ServerSent


def _end_of(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :]
