"""Frames that say the same but for one string: most of a stream, read at a fraction of the cost.

A frame is learnt as the bytes before and after the body of its one text. A later frame that begins
and ends with those very bytes, and has one valid string body between them, has the same tree but
for that string: there is nothing else in it to read, and no second reading of it.
"""

from __future__ import annotations

import re

import msgspec

from ..text import Piece, Segment

_BODY = re.compile(rb'(?:[^"\\]|\\.)*+"')
_string = msgspec.json.Decoder(str)


class Likeness:
    """What the last fully read frame looked like around its text."""

    __slots__ = ("_after", "_before", "_kind", "segment")

    def __init__(self) -> None:
        self._before = self._after = b""
        self._kind = ""  # the kind of event it was
        self.segment: Segment | None = None

    def learn(self, data: bytes, pieces: list[Piece], kind: str = "") -> None:
        """Take a frame that was read in full. Only one with a single text, at a key that stands once, is a pattern."""
        self.segment = None
        pieces = [piece for piece in pieces if piece.home is not None]  # its keys were read, and stay as they are
        if len(pieces) != 1 or not isinstance(pieces[0].key, str) or pieces[0].key == "role":
            return  # a role is read only where it is no word of the API
        name = b'"%s":' % pieces[0].key.encode()
        at = data.find(name)
        if at < 0 or data.find(name, at + 1) >= 0:
            return
        start = at + len(name)
        while data[start : start + 1] == b" ":
            start += 1
        if data[start : start + 1] != b'"' or (body := _BODY.match(data, start + 1)) is None:
            return
        if _read(data[start : body.end()]) != pieces[0].text:
            return
        self._before, self._after, self._kind = data[: start + 1], data[body.end() - 1 :], kind
        self.segment = pieces[0].segment

    def text(self, data: bytes, kind: str = "") -> str | None:
        """The one text of a frame that is like the one learnt; None for any other."""
        before, after = self._before, self._after
        if self.segment is None or kind != self._kind or not data.startswith(before) or not data.endswith(after):
            return None
        start, end = len(before) - 1, len(data) - len(after) + 1
        return _read(data[start:end]) if end - start >= 2 else None


def _read(body: bytes) -> str | None:
    """A JSON string with its quotes; None where the bytes are not exactly one."""
    try:
        return _string.decode(body)
    except msgspec.DecodeError:
        return None
