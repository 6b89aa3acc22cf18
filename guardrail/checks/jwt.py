"""JSON web tokens: the compact form of RFC 7515 (7.1), whose header is JSON with an ``alg``.

Knows no other secret.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator

from .runs import NOT_AFTER, trailing

TRIGGERS = (r"\beyJ[\w-]*\.[\w-]*\.[\w-]",)
HEADER, PAYLOAD, SIGNATURE = 1_000, 8_190, 1_024
REACH = HEADER + PAYLOAD + SIGNATURE + 6

_PART = r"[A-Za-z0-9_\-]"
_start = re.compile(rf"{NOT_AFTER}(?<!-)eyJ")
_token = re.compile(rf"(eyJ{_PART}{{5,{HEADER}}}+)\.{_PART}{{2,{PAYLOAD}}}+\.{_PART}{{16,{SIGNATURE}}}+(?!{_PART})")
_open = re.compile(rf"eyJ{_PART}{{0,{HEADER}}}+(?:\.{_PART}{{0,{PAYLOAD}}}+(?:\.{_PART}{{0,{SIGNATURE}}}+)?)?")
_run = re.compile(r"[A-Za-z0-9_.\-]++")


def find(text: str, start: int) -> Iterator[tuple[int, int]]:
    """(start, end) of a token at every place at or after ``start`` where one may begin."""
    for begun in _start.finditer(text, start):
        found = _token.match(text, begun.start())
        if found and _is_header(found.group(1)):
            yield found.span()


def _is_header(part: str) -> bool:
    try:
        header = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header


def tail(text: str) -> int:
    """The length of the token in progress that the text ends in, once its first three letters stand."""
    size = len(text)
    for begun in _start.finditer(text, size - trailing(_run, text, REACH)):
        if _open.fullmatch(text, begun.start()):
            return size - begun.start()
    return 0
