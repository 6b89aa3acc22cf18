"""Text in the encodings that people and models undo by sight: base64, hexadecimal, percent, entities, escapes.

Only what decodes to text is touched. Keys, hashes and images do not: of eight random bytes one in a thousand looks
like text, of sixteen one in ten million, and then mostly not like words. Knows encodings; must never know what is
looked for.
"""

from __future__ import annotations

import binascii
import html
import re
from base64 import b64decode
from itertools import product
from string import ascii_letters

from .mapped import Edit, apart

LONGEST = 3_996
"""Characters of one encoded run that are decoded; what follows in the same run is not."""
LEAST = 6
"""Characters that a run must decode to."""

# By RFC 4648, of bytes that are printable ASCII: what may stand at the first to the fourth place of four.
_FIRST, _SECOND, _THIRD = "I-Za-f", "C-HS-Xi-nyz0-3", "ABEFIJMNQRUVYZcdghklopstwx014589"
_ANY = r"A-Za-z0-9+/_\-"
_QUAD = (f"[{_FIRST}]", f"[{_SECOND}]", f"[{_THIRD}]", f"[{_ANY}]")
# The first byte of a letter that is none of ASCII, and half of its second one; then enough to be no word.
_WIDE = ("[0-7z]", "[I-LYZabo-r4-7]", *[f"[{_ANY}]"] * 14)
_HEX = "[2-7][0-9a-fA-F]"
_HEX_GAP = "(?:[ :,-]|, )?"

_base64 = re.compile(
    rf"(?<![A-Za-z0-9+])(?:{''.join(_QUAD * 2)}[{_ANY}]{{0,{LONGEST - 8}}}"
    rf"|{''.join(_WIDE)}[{_ANY}]{{0,{LONGEST - 16}}})={{0,2}}"
)
_PAIR = f"{_HEX_GAP}(?:0x)?{_HEX}"
_hex = re.compile(rf"(?<![0-9A-Za-z])(?:0x)?{_HEX}(?:(?:{_PAIR}){{{LEAST - 1},598}}(?![0-9A-Za-z])|(?:{_PAIR}){{599}})")
_escape = re.compile(
    r"(?P<percent>%[2-7][0-9a-fA-F]|%[c-fC-F][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){1,3})"
    r"|(?P<entity>&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z]{2,8}[0-9]{0,2};))"
    r"|\\(?:u(?P<four>[0-9a-fA-F]{4})|x(?P<two>[0-7][0-9a-fA-F])|u\{(?P<some>[0-9a-fA-F]{1,6})\}|U(?P<eight>0{3}[0-9a-fA-F]{5}))"
)
TRIGGERS = (
    "%[2-7c-fC-F][0-9a-fA-F]",
    "&(?:#[0-9xX]|[A-Za-z]{2,8}[0-9]{0,2};)",
    r"\\(?:u[0-9a-fA-F]{4}|u\{|x[0-7][0-9a-fA-F]|U000)",
    f"(?:^|[^A-Za-z0-9+])(?:{''.join(_QUAD * 2)}|{''.join(_WIDE)})",
    rf"(?:^|[^0-9A-Za-z])(?:0x)?{_HEX}(?:{_PAIR}){{{LEAST - 1}}}",
)
"""RE2 patterns: where none of them matches, there is nothing to rewrite."""


def _begun(places: tuple[str, ...], rest: str) -> str:
    """A pattern for what may become these places and then ``rest``, at the end of a text."""
    pattern = rf"{rest}\Z"
    for place in reversed(places[1:]):
        pattern = rf"(?:\Z|{place}{pattern})"
    return places[0] + pattern


_open_escape = re.compile(
    r"(?:%[0-9A-Fa-f]?|%[c-fC-F][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){0,2}(?:%[89abAB]?)?"
    r"|&(?:#[xX]?[0-9A-Fa-f]{0,7}|[A-Za-z]{0,8}[0-9]{0,2})|\\(?:[ux]\{?[0-9a-fA-F]{0,6}|U[0-9a-fA-F]{0,8})?)\Z"
)
_open_base64 = re.compile(
    rf"(?<![A-Za-z0-9+])(?:{_begun(_QUAD * 2, f'[{_ANY}]*={{0,2}}')}|{_begun(_WIDE, f'[{_ANY}]*={{0,2}}')})"
)


def _words_of(*places: str) -> set[str]:
    """The words of letters that these places allow."""
    return set(map("".join, product(*(filter(re.compile(place).match, ascii_letters) for place in places))))


BEGUN = frozenset(_words_of(*_QUAD[:2]) | _words_of(*_QUAD[:3]) | _words_of(*_WIDE[:2]) | _words_of(*_WIDE[:3]))
"""Two and three letters that a run of base64 may begin with."""
_run = re.compile(rf"={{0,2}}[{_ANY}]*")
_open_hex = re.compile(
    rf"(?<![0-9A-Za-z])(?:0x?\Z|(?:0x)?[2-7](?:\Z|[0-9a-fA-F](?:{_PAIR}){{0,599}}"
    rf"(?:,? ?|[:-]?)(?:0x?)?[2-7]?\Z))"
)
_hex_run = re.compile(r"[0-9a-fA-Fx :,\-]*")


def edits(text: str, start: int) -> list[Edit]:
    """What is rewritten at or after ``start``."""
    out = _escapes(text, start) if "%" in text or "&" in text or "\\" in text else []
    out += _runs(text, start)
    return apart(out) if len(out) > 1 else out


def open_from(text: str) -> int:
    """From where on the text may read otherwise when it goes on."""
    size = len(text)
    last = text[-40:]
    held = size
    if "%" in last or "&" in last or "\\" in last:
        found = _open_escape.search(text, size - len(last))
        held = found.start() if found else size
    run = _run.match(text[: -LONGEST - 4 : -1])
    if run and run.end():
        found = _open_base64.search(text, size - run.end())
        while found and size - found.start() > LONGEST + 1:
            found = _open_base64.search(text, found.start() + 1)
        held = min(held, found.start()) if found else held
    run = _hex_run.match(text[: -LONGEST - 4 : -1])
    if run and run.end():
        found = _open_hex.search(text, size - run.end())
        held = min(held, found.start()) if found else held
    return held


def _escapes(text: str, start: int) -> list[Edit]:
    out = []
    for found in _escape.finditer(text, start):
        new = _unescaped(found)
        if new and (new.isprintable() or new in "\n\t\xa0"):
            out.append((found.start(), found.end(), new))
    return out


def _unescaped(found: re.Match[str]) -> str:
    kind, old = found.lastgroup, found.group()
    if kind == "percent":
        try:
            return bytes.fromhex(old.replace("%", "")).decode()
        except UnicodeDecodeError:
            return ""
    if kind == "entity":
        new = html.unescape(old)
        return "" if new == old else new
    code = int(found[found.lastgroup or 0], 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else ""


def _runs(text: str, start: int) -> list[Edit]:
    out = []
    for found in _base64.finditer(text, start):
        body = found.group().rstrip("=").replace("-", "+").replace("_", "/")
        if len(body) % 4 == 1:
            body = body[:-1]
        new = _worded(b64decode(body + "=" * (-len(body) % 4)))
        if new:
            out.append((found.start(), found.end(), new))
    for found in _hex.finditer(text, start):
        try:
            new = _worded(bytes.fromhex(re.sub("0x|[^0-9a-fA-F]", "", found.group())))
        except (ValueError, binascii.Error):
            continue
        if new:
            out.append((found.start(), found.end(), new))
    return out


def _worded(data: bytes) -> str:
    """The text that these bytes begin with, where it is one of words; else nothing."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        text = data[: error.start].decode()
    if not text.isprintable():
        end = next((n for n, each in enumerate(text) if not (each.isprintable() or each in "\n\r\t")), len(text))
        text = text[:end]
    if len(text) < LEAST:
        return ""
    return text if sum(map(_is_wordlike, text)) * 10 >= len(text) * 6 else ""


def _is_wordlike(character: str) -> bool:
    return character.isalpha() or character == " "
