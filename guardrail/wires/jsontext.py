"""JSON that has exactly one reading. The only module that knows which parser we use.

What is checked is what is sent: parsers differ on duplicate keys, lone surrogates, NaN and big
numbers, so a text on which they could differ is refused (threat: the guard reads one thing, the
upstream another). Numbers are kept as written, for a body that is edited must not change in them.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from ..errors import BadRequest

MAX_DEPTH = 100
"""Levels of nesting; real requests have under 20, and deeper ones overflow other parsers."""
MAX_NODES = 400_000
"""Values in one body; each costs some 60 bytes of memory however small it is."""
MAX_TEXTS = 20_000
"""Texts that stand apart in one body; each costs some 800 bytes however short it is."""


_SLICE = 1 << 18


class Number:
    """A number that is not an integer, as it was written."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        if math.isinf(float(text)):
            raise ValueError("number out of range")
        self.text = text


def _raw(value: Any) -> Any:
    if isinstance(value, Number):
        return msgspec.Raw(value.text.encode())
    raise TypeError(f"not a JSON value: {type(value).__name__}")


_decoder = msgspec.json.Decoder(float_hook=Number)
_encoder = msgspec.json.Encoder(enc_hook=_raw)


def decode(raw: bytes | bytearray) -> Any:
    """Parse UTF-8 JSON. Raises BadRequest. Uniqueness of keys is ``unique``'s business."""
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MAX_NODES and _nodes(raw) > MAX_NODES:
        raise BadRequest(f"the JSON has more than {MAX_NODES} values", code="too_many_values", status=413)
    try:
        return _decoder.decode(raw)
    except RecursionError:
        raise too_deep() from None
    except (msgspec.DecodeError, ValueError) as error:
        raise BadRequest(_why(raw, error), code="invalid_json") from None


def too_deep() -> BadRequest:
    return BadRequest(f"the JSON is nested deeper than {MAX_DEPTH} levels", code="too_deep")


def too_many_texts() -> BadRequest:
    return BadRequest(f"the JSON has more than {MAX_TEXTS} texts", code="too_many_values", status=413)


def unique(raw: bytes | bytearray, pairs: int) -> None:
    """Raise BadRequest if any object names a key twice.

    ``pairs`` is how many key-value pairs the parsed tree holds. The parser keeps one of two equal
    keys, so a text with more colons outside its strings than that has a duplicate (keys that are
    equal only after their escapes included). Counting takes a few memory scans, no second parser.
    """
    if _outside(raw, b":") != pairs:
        raise BadRequest(
            "the JSON names a key twice in one object; readers would differ on which counts", code="duplicate_key"
        )


def encode(tree: Any) -> bytes:
    """Compact JSON, keys in order, numbers as they were written."""
    return _encoder.encode(tree)


def _outside(raw: bytes | bytearray, *marks: bytes) -> int:
    """How often these characters stand in a valid JSON text outside its strings. Counted in slices: the
    strings of a large body are many, and each would cost an object."""
    plain = raw.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in raw else raw
    found, inside = 0, 0
    for start in range(0, len(plain), _SLICE):
        parts = plain[start : start + _SLICE].split(b'"')
        outside = b"".join(parts[inside::2])
        found += sum(outside.count(mark) for mark in marks)
        inside ^= (len(parts) - 1) & 1
    return found


def _nodes(raw: bytes | bytearray) -> int:
    return _outside(raw, b",", b"[", b"{")


def _why(raw: bytes | bytearray, error: Exception) -> str:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return f"the body is not UTF-8 (byte {wrong.start}); send JSON in UTF-8 without a byte order mark"
    if raw[:3] == b"\xef\xbb\xbf":
        return "the body begins with a byte order mark; send JSON in UTF-8 without one"
    if "number" in str(error) and "range" in str(error):
        return "the JSON has a number out of range"
    if b"\\ud" in raw.lower():
        return "the body is not valid JSON, or has a lone surrogate (\\ud800 to \\udfff without its partner)"
    return "the body is not valid JSON"
