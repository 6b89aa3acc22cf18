"""Server-sent events (WHATWG HTML, section 9.2): split a byte stream, keeping every byte.

Lines end in LF, CR or CRLF and nothing else. The splitter never decodes text across events, so a
cut inside a UTF-8 sequence or between CR and LF is one case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import NotEvaluated

MAX_EVENT = 8 << 20
"""Bytes in one event; larger ones are not evaluated."""
_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")  # atomic: CRLF is never read as two line ends
_LINE = re.compile(rb"\r\n|\n|\r")
_ASIDE = (b"", b"event", b"id", b"retry")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its bytes as they came, its name, its data lines joined by LF, and ``aside``:
    what its comments, name, id and retry lines say (readers ignore most of it, but it is text)."""

    raw: bytes
    name: str
    data: bytes
    aside: str = ""


def encode(data: bytes, name: str = "") -> bytes:
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + data + b"\n\n"


class Splitter:
    """Feed bytes, get whole events. ``rest`` gives what never became one."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._seen = 0
        self._first = True

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that are whole now; to be read to the end before more is fed.

        Raises NotEvaluated, after the events before it, where one outgrows the cap or is none.
        """
        buffer = self._buffer
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
        return [self._event(rest)] if rest else []

    def _event(self, raw: bytes) -> Event:
        body = raw
        if self._first:
            self._first = False
            body = raw.removeprefix(_BOM)
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
            elif key in _ASIDE:
                aside.append(value)
                if key == b"event":
                    name = value.decode("utf-8", "replace")
            else:
                raise NotEvaluated("framing", "a line of the event stream is no field of one")
        return Event(raw, name, b"\n".join(data), b"\n".join(aside).decode("utf-8", "replace"))
