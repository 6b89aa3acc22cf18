"""The binary event stream of AWS, ``application/vnd.amazon.eventstream``, as Bedrock answers in it.

Source: Smithy 2.0, "Amazon Event Stream" (prelude, headers, payload, two CRC32; all integers big
endian). Knows messages and headers; what a payload says is a codec's business.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from ..errors import NotEvaluated
from .framing import Event

MAX_MESSAGE = 16 << 20
"""Bytes in one message; larger ones are not evaluated."""
MAX_HEADERS = 128 << 10
"""Bytes of headers in one message."""
_PRELUDE = struct.Struct(">III")  # total length, length of the headers, CRC32 of these two
_LENGTHS = struct.Struct(">II")
_CRC = struct.Struct(">I")
_FRAME = _PRELUDE.size + _CRC.size
_JSON = "application/json"
_NAMED_BY = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}


class Kind(IntEnum):
    """The type of a header's value, by its number on the wire."""

    TRUE = 0
    FALSE = 1
    BYTE = 2
    SHORT = 3
    INTEGER = 4
    LONG = 5
    BYTES = 6
    STRING = 7
    TIMESTAMP = 8
    """Milliseconds since 1970, signed."""
    UUID = 9


_NUMBERS = {
    Kind.BYTE: struct.Struct(">b"),
    Kind.SHORT: struct.Struct(">h"),
    Kind.INTEGER: struct.Struct(">i"),
    Kind.LONG: struct.Struct(">q"),
    Kind.TIMESTAMP: struct.Struct(">q"),
}
_SHORT_LENGTH = struct.Struct(">H")


@dataclass(frozen=True, slots=True)
class Header:
    """One header. ``value``: bool, int, str, or bytes (arrays, and the 16 of a UUID), as ``kind`` says."""

    name: str
    kind: Kind
    value: bool | int | str | bytes


Headers = tuple[Header, ...]


def failed(event: Event) -> bool:
    """Is this message an exception or an error, not an event?"""
    return _word(event.form, ":message-type") != "event"


class AwsEvents:
    """Cuts and writes messages; see ``framing.Framing``.

    An event's name is its ``:event-type``, ``:exception-type`` or ``:error-code``, as its
    ``:message-type`` says; its form is its headers (``Headers``); ``aside`` is the text of all
    other headers, one a line.
    """

    media = "application/vnd.amazon.eventstream"

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._total = self._headers = 0  # lengths of the message that is not whole yet

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The messages that are whole now.

        Raises NotEvaluated: ``framing`` where a checksum is wrong or lengths, headers or the type
        of a message are none, ``event_too_large`` over the caps.
        """
        buffer = self._buffer
        buffer += chunk
        start = 0
        while len(buffer) - start >= (self._total or _PRELUDE.size):
            if not self._total:
                self._total, self._headers = _lengths(buffer, start)
                continue
            raw = bytes(buffer[start : start + self._total])
            start += self._total
            self._total = 0
            yield _event(raw, self._headers)
        if start:
            del buffer[:start]

    def finish(self) -> list[Event]:
        """Raises NotEvaluated (``framing``) where the stream ends inside a message."""
        if self._buffer:
            raise _broken("it ends inside a message")
        return []

    def left(self, event: Event) -> None:
        """Messages follow each other with nothing between them."""

    def rewrite(self, event: Event, data: bytes) -> bytes:
        """The same headers with another payload, and the checksums that belong to it."""
        return message(event.form, data)

    def write(self, data: bytes, name: str = "") -> bytes:
        """An event with a JSON payload."""
        return self._own("event", data, name)

    def exception(self, data: bytes, name: str) -> bytes:
        """An exception with a JSON payload; SDKs raise it by its name."""
        return self._own("exception", data, name)

    def comment(self) -> bytes:
        return b""

    def end(self) -> bytes:
        return b""

    def _own(self, kind: str, data: bytes, name: str) -> bytes:
        words = ((_NAMED_BY[kind], name), (":content-type", _JSON), (":message-type", kind))
        return message((Header(key, Kind.STRING, word) for key, word in words), data)


def message(headers: Iterable[Header], payload: bytes) -> bytes:
    """One message."""
    head = b"".join(map(_written, headers))
    lengths = _LENGTHS.pack(_FRAME + len(head) + len(payload), len(head))
    whole = b"".join([lengths, _CRC.pack(zlib.crc32(lengths)), head, payload])
    return whole + _CRC.pack(zlib.crc32(whole))


def _written(header: Header) -> bytes:
    name = header.name.encode()
    head = bytes([len(name)]) + name + bytes([header.kind])
    value = header.value
    if isinstance(value, str | bytes):
        plain = value.encode() if isinstance(value, str) else value
        return head + (plain if header.kind is Kind.UUID else _SHORT_LENGTH.pack(len(plain)) + plain)
    return head + (_NUMBERS[header.kind].pack(value) if header.kind in _NUMBERS else b"")


def _lengths(buffer: bytearray, start: int) -> tuple[int, int]:
    total, headers, crc = _PRELUDE.unpack_from(buffer, start)
    if zlib.crc32(buffer[start : start + _LENGTHS.size]) != crc:
        raise _broken("the checksum of a message's lengths is wrong")
    if total > MAX_MESSAGE or headers > MAX_HEADERS:
        raise NotEvaluated("event_too_large")
    if total < _FRAME + headers:
        raise _broken("a message is shorter than its parts")
    return total, headers


def _event(raw: bytes, length: int) -> Event:
    if zlib.crc32(raw[: -_CRC.size]) != _CRC.unpack_from(raw, len(raw) - _CRC.size)[0]:
        raise _broken("the checksum of a message is wrong")
    end = _PRELUDE.size + length
    headers = _parsed(raw[_PRELUDE.size : end])
    named_by = _NAMED_BY.get(_word(headers, ":message-type"))
    if named_by is None:
        raise _broken("a message is no event, exception or error")
    aside = [_text(header) for header in headers if not _is_known(header, named_by)]
    return Event(raw, _word(headers, named_by), raw[end : -_CRC.size], "\n".join(filter(None, aside)), headers)


def _parsed(raw: bytes) -> Headers:
    headers: dict[str, Header] = {}
    at = 0
    try:
        while at < len(raw):
            size = raw[at]
            name = _exactly(raw, at + 1, size).decode()
            kind = Kind(raw[at + 1 + size])
            value, at = _value(raw, at + 2 + size, kind)
            if name in headers:
                raise _broken("a message names a header twice")
            headers[name] = Header(name, kind, value)
    except (IndexError, struct.error, ValueError):  # UnicodeDecodeError is a ValueError
        raise _broken("the headers of a message cannot be read") from None
    return tuple(headers.values())


def _value(raw: bytes, at: int, kind: Kind) -> tuple[bool | int | str | bytes, int]:
    """The value, and where the next header begins."""
    if kind in (Kind.TRUE, Kind.FALSE):
        return kind is Kind.TRUE, at
    if kind in _NUMBERS:
        number: int = _NUMBERS[kind].unpack_from(raw, at)[0]
        return number, at + _NUMBERS[kind].size
    if kind is Kind.UUID:
        return _exactly(raw, at, 16), at + 16
    size = _SHORT_LENGTH.unpack_from(raw, at)[0]
    plain = _exactly(raw, at + _SHORT_LENGTH.size, size)
    return plain.decode() if kind is Kind.STRING else plain, at + _SHORT_LENGTH.size + size


def _exactly(raw: bytes, at: int, size: int) -> bytes:
    if at + size > len(raw):
        raise IndexError
    return raw[at : at + size]


def _word(headers: Headers, name: str) -> str:
    return next((h.value for h in headers if h.name == name and isinstance(h.value, str)), "")


def _is_known(header: Header, named_by: str) -> bool:
    return header.name in (":message-type", named_by) or (header.name == ":content-type" and header.value == _JSON)


def _text(header: Header) -> str:
    """What a header says. The bytes of an array are text to whoever takes them for it."""
    value = header.value
    if isinstance(value, bytes) and header.kind is Kind.BYTES:
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _broken(what: str) -> NotEvaluated:
    return NotEvaluated("framing", f"the event stream: {what}")
