"""International bank account numbers: ISO 13616-1, its registry's lengths, check digits of ISO 7064.

Compact, or in the printed groups of four with one kind of separator; upper or lower case.
Knows no other entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .runs import NOT_AFTER, is_word

TRIGGERS = (r"[A-Za-z]{2}[0-9]{2}[ -]?[0-9A-Za-z]{3}",)

LENGTHS = {
    country: size
    for size, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
        32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
"""Characters of an IBAN by country code."""

REACH = 33 + 8 + 1

_start = re.compile(rf"{NOT_AFTER}[A-Za-z]{{2}}[0-9]{{2}}")
_begun = re.compile(rf"{NOT_AFTER}[A-Za-z]{{1,2}}+[0-9]?\Z")
_firsts = frozenset(country[0] for country in LENGTHS)


def find(text: str, start: int) -> Iterator[tuple[int, int]]:
    """(start, end) of an account number at every place at or after ``start`` where one may begin."""
    for found in _start.finditer(text, start):
        begin = found.start()
        size = LENGTHS.get(text[begin : begin + 2].upper())
        if size is None:
            continue
        stretch = size if text[begin + 4 : begin + 5].isalnum() else _grouped(size)
        piece = text[begin : begin + stretch]
        right = text[begin + stretch : begin + stretch + 1]
        if len(piece) == stretch and _shaped(piece, stretch == size) and not (right and is_word(right)):
            digits = re.sub("[ -]", "", piece).upper()
            if valid(digits):
                yield begin, begin + stretch


def _grouped(size: int) -> int:
    return size + (size - 1) // 4


def _shaped(piece: str, compact: bool) -> bool:
    """Whether a piece, perhaps not yet whole, is all letters and digits, or such in groups of four."""
    if compact or not piece.isascii():
        return piece.isascii() and piece.isalnum()
    gaps = piece[4::5]
    characters = re.sub("[ -]", "", piece)
    if gaps.strip(" ") and gaps.strip("-"):
        return False
    return characters.isalnum() and len(characters) + len(gaps) == len(piece)


def valid(account: str) -> bool:
    """Whether an account number in upper case, without separators, has its country's length and check digits."""
    if LENGTHS.get(account[:2]) != len(account) or not (account.isascii() and account.isalnum()):
        return False
    return int("".join(str(int(character, 36)) for character in account[4:] + account[:4])) % 97 == 1


def tail(text: str) -> int:
    """The length of an account number in progress that the text ends in."""
    size = len(text)
    for found in _start.finditer(text, max(0, size - REACH)):
        begin = found.start()
        length = LENGTHS.get(text[begin : begin + 2].upper())
        if length is None:
            continue
        piece = text[begin:]
        if (len(piece) <= length and _shaped(piece, True)) or (
            len(piece) <= _grouped(length) and _shaped(piece, False)
        ):
            return size - begin
    begun = _begun.search(text, max(0, size - 4))
    return size - begun.start() if begun and text[begun.start()].upper() in _firsts else 0
