"""JSON Lines (NDJSON): batch input and result files, where each line is a body of its own.

Knows how the lines of a file end and what may not repeat between them; what stands in a line is
the table's business that the caller picks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ..errors import BadRequest
from ..http import Request
from ..text import Medium, Segment, spell
from ..verdict import Gap, Kind
from .document import Document
from .jsontext import MAX_NODES
from .table import Node

MAX_LINE = 8 << 20
"""Bytes of one line. A line is a request, and real ones with a picture inside have some megabytes."""
MAX_LINES = 50_000
"""OpenAI's batch files hold at most so many requests; each costs memory however short it is."""


class Lines:
    """A file of JSON documents, one a line, each read as strictly as a body by itself.

    ``root_of`` picks the table for a line's tree. ``rows`` are the documents and ``tree`` their
    trees, in order; a path begins with the number of its line, counted from 1, empty lines too.
    Lines end in LF or CRLF, the last one may end in nothing. Unedited, ``body()`` gives the very
    bytes that came; else the changed lines are written anew, and all others stay as they were.

    Raises BadRequest, naming the line, where one has no single reading, where two bear the same
    ``custom_id`` (results could not be told apart), and over the caps.
    """

    def __init__(self, raw: bytes, root_of: Callable[[Any], Node], kind: Kind) -> None:
        self.raw = raw
        self.segments: list[Segment] = []
        self.media: list[Medium] = []
        self.gaps: list[Gap] = []
        self.touched = False  # a tree was changed other than by an edit
        self.asked: Request | None = None
        self.rows: list[Document] = []
        self._places: list[tuple[int, int]] = []  # of each row, without its line end
        self._names = Segment(Kind.DEFINITION, ("keys",), fixed=True)
        self._names.keep, self._names.apart = False, True
        self._known = {""}
        if raw.count(b"\n") > MAX_LINES:
            raise BadRequest(f"the file has more than {MAX_LINES} lines; split it", code="too_many_values", status=413)
        counted = raw.count(b",") + raw.count(b"[") + raw.count(b"{") + raw.count(b"\n") > MAX_NODES
        values = 0
        issued: dict[str | int, int] = {}
        for number, start, end in _lines(raw):
            try:
                row = _row(raw, start, end, root_of, kind)
            except BadRequest as error:
                raise BadRequest(f"line {number}: {error}", code=error.code, status=error.status) from None
            values += _values(row.tree) if counted else 0
            if values > MAX_NODES:
                raise BadRequest(
                    f"the file has more than {MAX_NODES} values; split it", code="too_many_values", status=413
                )
            given = row.tree.get("custom_id") if type(row.tree) is dict else None
            if isinstance(given, (str, int)) and (first := issued.setdefault(given, number)) != number:
                raise BadRequest(
                    f"line {number}: the custom_id is that of line {first}; give each line its own",
                    code="duplicate_custom_id",
                )
            self._places.append((start, end))
            self._take(row, number)
        if self._names.total:
            self.segments.append(self._names)
        self.tree: Any = [row.tree for row in self.rows]

    def set(self, key: str, value: Any) -> None:
        """A file has no fields. A line has: set them in ``rows``."""

    def drop(self, key: str) -> None:
        """Nor any to take away."""

    def edited(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.edits]

    def body(self) -> bytes:
        out, done = [], 0
        for row, (start, end) in zip(self.rows, self._places, strict=True):
            row.touched |= self.touched
            if row.touched or row.edited():
                out += [self.raw[done:start], row.body()]
                done = end
        return b"".join((*out, self.raw[done:])) if out else self.raw

    def _take(self, row: Document, number: int) -> None:
        self.rows.append(row)
        own = row.segments
        if own and own[-1].fixed and not own[-1].keep:
            self._name(own[-1])
            own = own[:-1]
        for segment in own:
            segment.path = (number, *segment.path)
        self.segments += own
        self.media += [replace(m, path=(number, *m.path), beside=(number, *m.beside)) for m in row.media]
        self.gaps += [replace(gap, where=_below(spell((number,)), gap.where)) for gap in row.gaps]

    def _name(self, names: Segment) -> None:
        """Keys that name fields are the same in every line: each is read once."""
        for key in names.text.split("\n"):
            if key not in self._known:
                self._known.add(key)
                self._names.add(key + "\n")


def _lines(raw: bytes) -> Iterator[tuple[int, int, int]]:
    """The lines that hold anything: number, start, and end less the line end."""
    number, start, size = 0, 0, len(raw)
    while start < size:
        number += 1
        feed = raw.find(b"\n", start)
        after = size if feed < 0 else feed + 1
        end = size if feed < 0 else feed
        if feed > start and raw[feed - 1] == 0x0D:
            end -= 1
        if end - start > MAX_LINE:
            raise BadRequest(f"line {number}: it is longer than {MAX_LINE} bytes", code="too_large", status=413)
        if raw[start:end].strip(b" \t"):
            yield number, start, end
        start = after


def _row(raw: bytes, start: int, end: int, root_of: Callable[[Any], Node], kind: Kind) -> Document:
    line = raw[start:end]
    if b"\r" in line:
        # Between two JSON tokens it is white space to one reader and a line end to another.
        raise BadRequest("it has a carriage return that is no line end; end lines with LF or CRLF", code="invalid_json")
    return Document(line, root_of, kind)


def _values(tree: Any) -> int:
    count, todo = 0, [tree]
    while todo:
        value = todo.pop()
        count += 1
        if type(value) is dict:
            todo += value.values()
        elif type(value) is list:
            todo += value
    return count


def _below(outer: str, inner: str) -> str:
    return f"{outer}{'' if inner.startswith('[') or not inner else '.'}{inner}"
