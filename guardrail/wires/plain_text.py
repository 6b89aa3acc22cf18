"""A text that comes in pieces (``text/plain``, chunked): the pieces are the events.

Knows where UTF-8 sequences end. Never knows what the text says.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from ..errors import BadRequest
from .framing import Event


class TextStream:
    """Makes each chunk an event, never cutting a UTF-8 sequence: at most 3 bytes wait for the next.

    The law of other framings, that any cut of the stream gives the same events, cannot hold where
    the chunks are the events. What holds: for any cut, the texts joined are the same.
    """

    media = "text/plain; charset=utf-8"

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Raises BadRequest (``invalid_text``) where the text is not UTF-8 or has a NUL."""
        raw = self._tail + chunk if self._tail else bytes(chunk)
        if b"\0" in raw:
            raise BadRequest("the text stream has a NUL byte; send text without one", code="invalid_text")
        try:
            whole = codecs.utf_8_decode(raw, "strict", False)[1]
        except UnicodeDecodeError:
            raise _not_text() from None
        raw, self._tail = raw[:whole], raw[whole:]
        if raw:
            yield Event(raw, "", raw)

    def finish(self) -> list[Event]:
        """Raises BadRequest (``invalid_text``) where the text ends inside a UTF-8 sequence."""
        if self._tail:
            raise _not_text()
        return []

    def left(self, event: Event) -> None:
        """Texts follow each other with nothing between them."""

    def rewrite(self, event: Event, data: bytes) -> bytes:
        return data

    def write(self, data: bytes, name: str = "") -> bytes:
        return data

    def comment(self) -> bytes:
        return b""

    def end(self) -> bytes:
        return b""


def _not_text() -> BadRequest:
    return BadRequest("the text stream is not UTF-8; send it in UTF-8", code="invalid_text")
