"""Private keys in PEM form (RFC 7468, RFC 1421 headers, OpenPGP armour of RFC 9580 6.2).

From the BEGIN line to the END line, or as far as the base64 text goes. Line ends may be written
as ``\\n``, as inside JSON. Knows no other secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

TRIGGERS = (r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY",)
REACH = 12_000
"""Characters of one key; an RSA key of 8192 bits takes about 6,400."""

_BEGIN = "-----BEGIN "
_begun = tuple(_BEGIN[:length] for length in range(1, len(_BEGIN) + 1))
_LABEL = r"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?"
_GAP = r"(?:\s|\\[rn])"
_NAMED = rf"(?:{_GAP}++[A-Za-z\-]{{1,30}}:[^\n\\]{{0,100}}+(?=[\n\\])){{0,6}}"
_LINES = rf"(?:{_GAP}++[A-Za-z0-9+/=]{{16,}}+)"
_SHORT = rf"(?:{_GAP}++[A-Za-z0-9+/=]++)"
_key = re.compile(rf"-----BEGIN {_LABEL}-----{_NAMED}{_LINES}++(?:{_SHORT}{{0,2}}{_GAP}*-----END {_LABEL}-----)?")
_partial_end = r"-{1,5}(?:E(?:N(?:D(?: [A-Z0-9 ]{0,60}-{0,5})?)?)?)?"
_open = re.compile(
    r"-----BEGIN (?:[A-Z0-9 ]{0,60}-{0,4}"
    rf"|{_LABEL}-----{_NAMED}(?:{_GAP}*\\?|{_GAP}+[A-Za-z\-]{{1,30}}(?::[^\n\\]{{0,100}})?"
    rf"|{_LINES}*{_SHORT}{{0,2}}{_GAP}*(?:\\|{_partial_end})?))"
)


def find(text: str, start: int) -> Iterator[tuple[int, int]]:
    """(start, end) of every private key that begins at or after ``start``."""
    at = text.find(_BEGIN, start)
    while at >= 0:
        found = _key.match(text, at, at + REACH)
        if found:
            yield at, found.end()
        at = text.find(_BEGIN, at + 1)


def tail(text: str) -> int:
    """The length of the private key, or of the BEGIN line, in progress that the text ends in."""
    size = len(text)
    at = text.find(_BEGIN, max(0, size - REACH))
    while at >= 0:
        if _open.fullmatch(text, at):
            return size - at
        at = text.find(_BEGIN, at + 1)
    if not text.endswith(_begun):
        return 0
    return next(length for length in range(len(_BEGIN), 0, -1) if text.endswith(_BEGIN[:length]))
