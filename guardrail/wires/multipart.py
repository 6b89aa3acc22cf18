"""Forms with files (multipart/form-data, RFC 7578): each part is read by what it is, not by what it claims.

Knows parts and where their content begins and ends. What a field means, and which file holds the
lines of a batch, is told by the wire format that uses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import BadRequest
from ..http import Request
from ..text import Medium, Path, Segment, spell
from ..verdict import Gap, Kind
from . import jsontext, magic
from .document import Document, Plain
from .parthead import Head, boundary_of, head_of
from .protocol import Body
from .table import EMPTY

MAX_PARTS = 1_000
"""An image edit has some 20; readers of forms spend most of their time on many small parts."""
MAX_HEADER = 4_096
"""Bytes of one header line."""
Parser = Callable[[bytes], Body]
Chooser = Callable[[str, Mapping[str, str]], Parser | None]
"""Given a part's name and all text fields: what reads it, or None for the common way."""

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}(\[[A-Za-z0-9_-]{0,64}\]){0,4}")
_OPENS = (b"{", b"[", b'"')
_IDENTIFIER = 128  # characters; as for a table's silent leaves
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")


@dataclass(slots=True)
class Part:
    """One part: its headers, the places in the raw body, and the content as a body of its own.

    ``body`` is None where no text can be written back. ``fresh``: new content, from ``set``.
    """

    head: Head
    begin: int  # of its delimiter
    start: int  # of its content
    end: int
    path: Path = ()
    body: Body | None = None
    fresh: bytes | None = None
    gone: bool = False


class Multipart:
    """A form. ``fields`` are its text fields (of those that repeat, the first).

    ``kinds`` says whose text a field is, else ``kind``. ``silent`` fields are not read where the
    value looks like an identifier. ``repeatable`` fields, and those named ``x[]``, may come more
    than once. ``chosen`` picks a reader for a part (say, JSON Lines) once all fields are known.
    A path begins with the field's name, and its number from 0 where it may repeat.

    Unedited, ``body()`` gives the very bytes that came; edited, only the content of the parts
    concerned is exchanged. Raises BadRequest for whatever two readers of forms could take
    differently, 415 for a charset other than UTF-8, 413 over the caps.
    """

    def __init__(
        self,
        raw: bytes,
        content_type: str,
        kind: Kind,
        *,
        kinds: Mapping[str, Kind] | None = None,
        silent: frozenset[str] = frozenset(),
        repeatable: frozenset[str] = frozenset(),
        chosen: Chooser | None = None,
    ) -> None:
        self.raw = raw
        self.tree: Any = None
        self.segments: list[Segment] = []
        self.media: list[Medium] = []
        self.gaps: list[Gap] = []
        self.touched = False  # a field was put or taken away
        self.asked: Request | None = None
        self._kind, self._kinds, self._silent = kind, kinds or {}, silent
        self._delimiter = b"--" + boundary_of(content_type)
        self.parts = _parts(raw, self._delimiter)
        self._closing = self.parts[-1].end + 2 if self.parts else 0
        self.fields = self._place(repeatable)
        names = Segment(Kind.DEFINITION, ("keys",), fixed=True)
        names.keep, names.apart = False, True
        for part in self.parts:
            self._about(part, names)
            self._read(part, chosen(part.head.name, self.fields) if chosen is not None else None)
        if names.total:
            self.segments.append(names)

    def set(self, key: str, value: Any) -> None:
        """Put a text field, for what the policy adds (an id, a cap). It must look like an identifier."""
        if not _FIELD.fullmatch(key):
            raise ValueError("the name of a form's field is a word")
        text = value if isinstance(value, str) else jsontext.encode(value).decode()
        found = [part for part in self.parts if part.head.name == key and not part.gone]
        if self.fields.get(key) == text and len(found) == 1:
            return
        self.drop(key)
        self.parts.append(Part(Head(key), 0, 0, 0, (key,), fresh=text.encode()))
        self.fields[key] = text
        self.touched = True

    def drop(self, key: str) -> None:
        """Take a field away, with all its parts."""
        for part in self.parts:
            if part.head.name == key and not part.gone:
                part.gone = self.touched = True
        self.fields.pop(key, None)

    def edited(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.edits and not segment.fixed]

    def body(self) -> bytes:
        if not self.touched and not any(_changed(part) for part in self.parts):
            return self.raw
        return b"".join(self._written(part) for part in self.parts if not part.gone) + self.raw[self._closing :]

    def _written(self, part: Part) -> bytes:
        """A part with its delimiter before it and the line end after it."""
        if part.fresh is not None:
            head = f'\r\nContent-Disposition: form-data; name="{part.head.name}"\r\n\r\n'
            return self._delimiter + head.encode() + self._safe(part.fresh) + b"\r\n"
        if part.body is None or not _changed(part):
            return self.raw[part.begin : part.end + 2]
        content = self._safe(part.body.body())
        opening = self.raw[part.begin : part.start]
        if part.head.length is not None:
            headers = len(self._delimiter) + 2
            a, b = part.head.length
            opening = opening[: headers + a] + str(len(content)).encode() + opening[headers + b :]
        return opening + content + b"\r\n"

    def _safe(self, content: bytes) -> bytes:
        """No edit may write a delimiter: a text around a mask could be made to spell one."""
        return b"" if self._delimiter in content else content

    def _place(self, repeatable: frozenset[str]) -> dict[str, str]:
        """Give each part its path. Raises BadRequest where a field comes twice, in any spelling of its name."""
        fields: dict[str, str] = {}
        seen: dict[str, list[str]] = {}
        for part in self.parts:
            name = part.head.name
            others = seen.setdefault(name.removesuffix("[]").lower(), [])
            many = name in repeatable or name.endswith("[]")
            if others and (not many or others[-1] != name):
                raise BadRequest(
                    f"the form has the field {spell((name,))} twice; readers would differ on which counts",
                    code="duplicate_field",
                )
            part.path = (name, len(others)) if many else (name,)
            others.append(name)
            if part.head.filename is None:
                text = _text(self.raw[part.start : part.end])
                if text is None:
                    raise BadRequest(
                        f"the field {spell(part.path)} is not UTF-8 text; send data as a file, with a file name",
                        code="invalid_text",
                    )
                fields.setdefault(name, text)
        return fields

    def _about(self, part: Part, names: Segment) -> None:
        """Read what the headers of a part say."""
        head = part.head
        if _FIELD.fullmatch(head.name):
            names.add(head.name + "\n")
        else:
            self._fixed(head.name, self._kind, part.path, apart=True)
        if head.filename is not None:
            self._fixed(head.filename, Kind.OTHER, (*part.path, "filename"))
        if head.remark:
            self._fixed(head.remark, Kind.OTHER, (*part.path, "type"))

    def _read(self, part: Part, parser: Parser | None) -> None:
        data = self.raw[part.start : part.end]
        name = part.head.name
        kind = self._kinds.get(name, self._kinds.get(name.removesuffix("[]"), self._kind))
        if not data:
            return
        if parser is not None:
            try:
                self._take(part, parser(data))
            except BadRequest as error:
                raise BadRequest(f"{spell(part.path)}: {error}", code=error.code, status=error.status) from None
        elif part.head.filename is None:
            if name not in self._silent or not _identifier(data):
                self._take(part, Plain(data, kind))
        else:
            self._read_file(part, data, kind)

    def _read_file(self, part: Part, data: bytes, kind: Kind) -> None:
        text = _text(data)
        shown = magic.known(data, part.head.media)
        if text is not None:
            self._take(part, _parsed(data, kind))
        elif data[:2] in _UTF16 and (text := _wide(data)) is not None:
            self._fixed(text, kind, part.path)
            return
        if text is None or shown is not None:  # bytes can be text to one reader and a PDF to another
            self.media.append(Medium(shown or "file", part.path))

    def _take(self, part: Part, body: Body) -> None:
        part.body = body
        at = part.path
        for segment in body.segments:
            segment.path = at if isinstance(body, Plain) else (*at, *segment.path)
        self.segments += body.segments
        self.media += [replace(m, path=(*at, *m.path), beside=(*at, *m.beside)) for m in body.media]
        self.gaps += [replace(gap, where=f"{spell(at)}: {gap.where}") for gap in body.gaps]

    def _fixed(self, text: str, kind: Kind, path: Path, *, apart: bool = False) -> None:
        segment = Segment(kind, path, fixed=True)
        segment.apart = apart
        segment.add(text)
        self.segments.append(segment)


def _parts(raw: bytes, delimiter: bytes) -> list[Part]:
    """The parts of a form, found twice: by the library, and by the lengths it gives; both must agree."""
    from multipart import MultipartError, ParserLimitReached, PushMultipartParser

    if not raw.startswith(delimiter):
        raise _odd("does not begin with its boundary")
    parts: list[Part] = []
    begin = start = at = 0
    head: Head | None = None
    try:
        with PushMultipartParser(
            delimiter[2:], max_header_size=MAX_HEADER, max_segment_count=MAX_PARTS, strict=True
        ) as parser:
            for event in parser.parse(raw):
                if event is None:
                    assert head is not None
                    parts.append(Part(head, begin, start, at))
                    begin = at + 2
                elif isinstance(event, (bytes, bytearray)):
                    if not raw.startswith(event, at):
                        raise _odd("has parts that cannot be told apart")
                    at += len(event)
                else:
                    first = begin + len(delimiter) + 2
                    blank = raw.index(b"\r\n\r\n", first)
                    head = head_of(raw[first:blank])
                    start = at = blank + 4
    except ParserLimitReached:
        raise BadRequest(
            f"the form has more than {MAX_PARTS} parts, or a header of more than {MAX_HEADER} bytes",
            code="too_large",
            status=413,
        ) from None
    except (MultipartError, ValueError):
        raise _odd("is not well-formed multipart/form-data, or ends too early") from None
    if not raw.startswith(delimiter, begin) or raw[begin + len(delimiter) :] not in (b"--", b"--\r\n"):
        raise _odd("goes on after its last boundary")
    if raw.count(delimiter) != len(parts) + 1:
        raise _odd("has its boundary inside a part")
    return parts


def _changed(part: Part) -> bool:
    return part.body is not None and (part.body.touched or bool(part.body.edited()))


def _parsed(data: bytes, kind: Kind) -> Document | Plain:
    """A text file as JSON, where it is that in exactly one reading, else as plain text."""
    if data.lstrip()[:1] in _OPENS:
        try:
            return Document(data, EMPTY, kind)
        except BadRequest:
            pass
    return Plain(data, kind)


def _text(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _wide(data: bytes) -> str | None:
    """UTF-16 with a byte order mark, without control characters."""
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError:
        return None
    return None if _CONTROLS.search(text) else text


def _identifier(data: bytes) -> bool:
    text = data.decode()
    return len(text) <= _IDENTIFIER and text.split(None, 1) == [text]


def _odd(what: str) -> BadRequest:
    return BadRequest(f"the form {what}; readers would differ on it", code="invalid_form")
