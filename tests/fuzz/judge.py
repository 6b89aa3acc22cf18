"""A lenient reader that stands for any upstream and any caller: could somebody read the canary in these bytes?

Shares no code with the guard. It forgives what real readers forgive: codings that are not named, byte
order marks, other Unicode codings, keys named twice (both count), broken JSON, odd multipart, JSON in
strings, percent-coding, base64 where files stand.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import gzip
import html
import json
import quopri
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus

import brotli
from backports import zstd

from .words import CANARY

Headers = Iterable[tuple[str, str]]
_BYTES = CANARY.encode()
_MOST = 1 << 22
API = "API"
"""The reader that knows the API: it parses JSON in strings and decodes files, where the API has them."""
_UNIT = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\(.)", re.DOTALL)
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_FILES = frozenset({"file_data", "data", "url", "image_url", "bytes", "b64_json"})
_NESTED = frozenset({"arguments", "partial_json"})
_OPENS = re.compile(r"\A[\[{\"]")


@dataclass(frozen=True)
class Sighting:
    """Where the canary was read: the path in the JSON tree, or None where the reader knows no tree."""

    path: str | None
    reader: str


def in_body(raw: bytes, headers: Headers) -> list[Sighting]:
    """Every way in which the canary can be read in a body. Of JSON, the leaves; else by which reader."""
    given = [(k.lower(), v) for k, v in headers]
    media = [v for k, v in given if k == "content-type"]
    for plain in _uncoded(raw, [v for k, v in given if k == "content-encoding"]):
        if found := _read(plain, media):
            return found
    return []


def in_target(target: str) -> bool:
    """Is it in a path or query?"""
    return any(CANARY in text for text in (target, unquote(target), unquote_plus(unquote(target))))


# -- codings -------------------------------------------------------------------------------------


def _uncoded(raw: bytes, named: list[str]) -> Iterator[bytes]:
    """The bytes as they are, and with every coding undone that is named or can be seen."""
    yield raw
    words = [word.strip().lower() for value in named for word in value.split(",")]
    here = raw
    for word in reversed(words):
        here = _undo(word, here)
    if here is not raw:
        yield here
    for start in {raw, here}:
        seen = start
        for _ in range(3):
            undone = _sniffed(seen)
            if undone is seen:
                break
            seen = undone
            yield seen


def _sniffed(raw: bytes) -> bytes:
    if raw[:2] == b"\x1f\x8b":
        return _undo("gzip", raw)
    if raw[:4] == b"\x28\xb5\x2f\xfd":
        return _undo("zstd", raw)
    if raw[:1] == b"\x78":
        return _undo("deflate", raw)
    return raw


def _undo(coding: str, raw: bytes) -> bytes:
    try:
        if coding in ("gzip", "x-gzip"):
            return gzip.decompress(raw)
        if coding == "deflate":
            try:
                return zlib.decompress(raw)
            except zlib.error:
                return zlib.decompress(raw, -15)
        if coding == "br":
            return bytes(brotli.decompress(raw))
        if coding == "zstd":
            return zstd.decompress(raw)
    except (OSError, EOFError, zlib.error, brotli.error, zstd.ZstdError):
        pass
    return raw


# -- texts ---------------------------------------------------------------------------------------


def _texts(raw: bytes, media: list[str]) -> Iterator[str]:
    """The bytes as text, by every Unicode coding somebody might take them for."""
    yield raw.decode("utf-8", "replace").removeprefix("\ufeff")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in raw[:64]:
        for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
            yield raw.decode(name, "replace")
    for value in media:
        for match in re.finditer(r"charset\s*=\s*\"?([\w.:-]+)", value, re.IGNORECASE):
            try:
                if codecs.lookup(match[1])._is_text_encoding:
                    yield raw.decode(match[1], "replace")
            except (LookupError, UnicodeError):
                continue
    if not raw.isascii():
        yield raw.decode("latin-1")


def _read(raw: bytes, media: list[str]) -> list[Sighting]:
    for text in _texts(raw, media):
        tree = _json(text)
        if tree is not None:
            found = list(_leaves(tree[0], ""))
            if found:
                return found
        if text.lstrip()[:1] in ("{", "[", '"'):
            found = [s for line in text.splitlines() if (row := _json(line)) for s in _leaves(row[0], "")]
            if found:
                return [Sighting(None, "rows")]
        if CANARY in text:
            return [Sighting(None, "text")]
        if "\\" in text and CANARY in _unescaped(text):
            return [Sighting(None, "escapes")]
        if ("%" in text or "+" in text) and any("urlencoded" in value.lower() for value in media) and _form(text):
            return [Sighting(None, "form")]
        if "&" in text and CANARY in html.unescape(text):
            return [Sighting(None, "entities")]
    if b"--" in raw and any("multipart" in value.lower() for value in media) and _multipart(raw):
        return [Sighting(None, "multipart")]
    return []


class _Pairs(list[tuple[str, Any]]):
    """An object with all its pairs, those of one name included."""


def _json(text: str) -> tuple[Any] | None:
    if not _OPENS.match(text.lstrip()[:1]):
        return None
    try:
        return (json.loads(text, object_pairs_hook=_Pairs, strict=False),)
    except (ValueError, RecursionError):
        return None


def _leaves(tree: Any, path: str) -> Iterator[Sighting]:
    if isinstance(tree, str):
        if CANARY in tree:
            yield Sighting(path, "JSON")
    elif isinstance(tree, _Pairs):
        for key, item in tree:
            if CANARY in key:
                yield Sighting(path, "key")
            inner = f"{path}.{key}" if path else key
            if isinstance(item, str):
                if CANARY in item:
                    yield Sighting(inner, "leaf")
                elif (key in _NESTED and _in_nested(item)) or (key in _FILES and _in_file(item)):
                    yield Sighting(inner, API)
            else:
                yield from _leaves(item, inner)
    elif isinstance(tree, list):
        for n, item in enumerate(tree):
            yield from _leaves(item, f"{path}[{n}]")


def _in_nested(text: str) -> bool:
    """A string that the API says is JSON itself, so its reader parses it (once, for what is in there is data)."""
    tree = _json(text)
    return any(True for _ in _leaves(tree[0], "")) if tree is not None else CANARY in _unescaped(text)


def _in_file(text: str) -> bool:
    """Base64, with or without the head of a data URL, of something with text in it."""
    if CANARY in text:
        return True
    head, comma, data = text.partition(",")
    packed = data if comma and head.startswith("data:") else text
    if len(packed) > _MOST:
        return False
    try:
        raw = base64.b64decode(packed, altchars=b"-_" if "-" in packed or "_" in packed else None)
    except (binascii.Error, ValueError):
        return False
    return bool(_read(raw, [])) if _BYTES in raw or b"\\" in raw else False


def _unescaped(text: str) -> str:
    return _UNIT.sub(lambda m: chr(int(m[1] or m[2], 16)) if m[3] is None else _SHORT.get(m[3], m[3]), text)


def _form(text: str) -> bool:
    for plain in (unquote_plus(text), unquote(text)):
        if CANARY in plain or ("\\" in plain and CANARY in _unescaped(plain)):
            return True
    return False


# -- multipart -----------------------------------------------------------------------------------


def _multipart(raw: bytes) -> bool:
    """Parts by any line that begins with two hyphens, whatever boundary the content type names."""
    for part in re.split(rb"(?:\A|\r?\n)--[^\r\n]*\r?\n", raw):
        head, _, data = part.replace(b"\r\n", b"\n").partition(b"\n\n")
        shown = head.decode("utf-8", "replace")
        if CANARY in shown or CANARY in unquote(shown):
            return True
        data = data.rsplit(b"\n--", 1)[0]
        low = shown.lower()
        if "base64" in low:
            try:
                data = base64.b64decode(data)
            except (binascii.Error, ValueError):
                continue
        elif "quoted-printable" in low:
            data = quopri.decodestring(data)
        for plain in _uncoded(data, []):
            if any(CANARY in text or CANARY in _unescaped(text) for text in _texts(plain, [shown])):
                return True
    return False


# -- answers -------------------------------------------------------------------------------------


def in_answer(raw: bytes, headers: Headers) -> bool:
    """Could the caller read the canary, also one that comes in pieces over the events of a stream?"""
    if in_body(raw, headers):
        return True
    if raw[:4] == b"\x00\x00\x00" + raw[3:4] and len(raw) > 16:
        return CANARY in _joined(_payloads(raw))
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    if "data:" in text:
        data = [line[5:].removeprefix(" ") for line in text.split("\n") if line.startswith("data:")]
        return CANARY in "".join(data) or CANARY in _joined(data)
    if text[:1] == "[":
        tree = _json(text)
        return tree is not None and isinstance(tree[0], list) and CANARY in _glued(tree[0])
    if text[:1] == "{":
        return CANARY in _joined(text.split("\n"))
    return False


def _payloads(raw: bytes) -> list[str]:
    out = []
    while len(raw) >= 16:
        size, head = int.from_bytes(raw[:4], "big"), int.from_bytes(raw[4:8], "big")
        out.append(raw[12 + head : size - 4].decode("utf-8", "replace"))
        raw = raw[max(size, 16) :]
    return out


def _joined(rows: list[str]) -> str:
    return _glued([tree[0] for row in rows if (tree := _json(row)) is not None])


def _glued(trees: list[Any]) -> str:
    """The texts of the same place in all frames, one after the other; places apart by a blank."""
    places: dict[str, list[str]] = {}

    def walk(tree: Any, path: str) -> None:
        if isinstance(tree, str):
            places.setdefault(path, []).append(tree)
        elif isinstance(tree, _Pairs):
            for key, item in tree:
                walk(item, f"{path}.{key}")
        elif isinstance(tree, list):
            for item in tree:
                walk(item, f"{path}[]")

    for tree in trees:
        walk(tree, "")
    texts = ["".join(parts) for parts in places.values()]
    return " ".join([*texts, *(_unescaped(text) for text in texts if "\\" in text)])
