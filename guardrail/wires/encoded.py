"""Data inside JSON (data URLs, base64): what is text in disguise, and what no text check can read.

A text document sent as base64 is as readable to a model as one sent plainly, so it is read.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from .magic import known

_URL = re.compile(r"data:([^,]{0,2000}),", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_PEEK = 256
"""Characters looked at first: an image is known by them, and is not decoded."""
_SPACES = str.maketrans("", "", " \t\r\n")


def is_data_url(value: str) -> bool:
    return _URL.match(value) is not None


_LINK = re.compile(r"[a-z][a-z0-9+.-]{1,15}://", re.IGNORECASE)


def is_link(value: str) -> bool:
    """Is this an address of something that stands elsewhere?"""
    return _LINK.match(value) is not None


def is_encoded(value: str) -> bool:
    """Could this be encoded data, rather than words? Sentences have white space; base64 does not."""
    if _URL.match(value):
        return True
    return _BASE64.fullmatch(value.translate(_SPACES) if "\n" in value else value) is not None


def spelled(value: str) -> str | None:
    """The text that a data URL or base64 stands for; None where it is no text."""
    match = _URL.match(value)
    if match is None:
        return _plain(value)
    if match[1].lower().rpartition(";")[2].strip() == "base64":
        return _plain(unquote_to_bytes(value[match.end() :]).decode("ascii", "replace"))
    return _text(unquote_to_bytes(value[match.end() :]))


def _plain(encoded: str) -> str | None:
    packed = encoded.translate(_SPACES).replace("-", "+").replace("_", "/").rstrip("=")
    head = _bytes(packed[:_PEEK])
    if head is None or _text(head, whole=len(packed) <= _PEEK) is None:
        return None
    data = _bytes(packed)
    return None if data is None else _text(data)


def _bytes(packed: str) -> bytes | None:
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _text(data: bytes, whole: bool = True) -> str | None:
    """The bytes as text, where they are that: UTF-8 (or UTF-16 by its mark) with no control characters."""
    if known(data) is not None:
        return None
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = data[: len(data) & ~1].decode("utf-16") if wide else data.decode("utf-8")
    except UnicodeDecodeError as error:
        if whole or wide or error.start < len(data) - 3:
            return None
        text = data[: error.start].decode("utf-8")
    controls = sum(1 for c in text[:_PEEK] if c < " " and c not in "\t\n\r\f\x1b")
    return None if controls else text
