"""Telephone numbers: international (ITU-T E.164) and national ones whose grouping speaks for itself.

A plain run of digits is never one; evidence is a leading ``+``, a bracketed area code, or groups
as a country writes them. Knows no other entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .runs import NOT_AFTER, NOT_BEFORE

TRIGGERS = (r"\+\(?[0-9]", r"[0-9]{2}(?:[ ./-]|\) ?)[0-9]{2}", r"[0-9]{2}\)-[0-9]{2}")

_ends = rf"{NOT_BEFORE}(?!@|[.\-/][0-9])"
_start = re.compile(rf"{NOT_AFTER}[+(0-9]")

_after_plus = re.compile(r"\+[0-9 ().\-/]{6,40}+")
_pieces = re.compile(r"(?:[ .\-/]?\(0?\)[ ]?|[ .\-/]?\(|\)[ .\-/]?|[ .\-/])?[0-9]+")
_ended = re.compile(_ends)

# ITU-T E.164, list of assigned country codes.
_ASSIGNED = """
    1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81
    82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233
    234 235 236 237 238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260
    261 262 263 264 265 266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371
    372 373 374 375 376 377 378 379 380 381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506
    507 508 509 590 591 592 593 594 595 596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683
    685 686 687 688 689 690 691 692 800 808 850 852 853 855 856 870 878 880 881 882 883 886 888 960 961 962
    963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 992 993 994 995 996 998
"""
_CODES = frozenset(_ASSIGNED.split())
_EXACT = {"1": 11, "7": 11}  # the North American and the Russian plan have numbers of one length

# "s" stands for a separator, the same throughout a number.
_GROUPED = (
    "0ds dd s dd s dd s dd",  # France: 01 23 45 67 89
    "0ddd? s ddd s dd s dd",  # Switzerland, Turkey: 044 668 18 00
    "0dd s dddd? s dddd",  # London, Tokyo, Seoul: 020 7946 0958
    "0d s dddd s dddd",  # Australia, Japan: 02 9876 5432
    "0ddd s ddd s dddd?",  # United Kingdom, Australia: 0161 496 0000
    "0dddd s ddd s ddd",  # United Kingdom: 01632 960 983
    "0dddd s dddddd",  # United Kingdom: 01632 960983
    "8 s ddd s ddd s dd s dd",  # Russia: 8 912 345 67 89
    "[679]dd s dd s dd s dd",  # Spain: 612 34 56 78
    "1[3-9]d s dddd s dddd",  # China: 138 1234 5678
    "(?:1s)?[2-9]dd s ddd s dddd",  # North America: 555 123 4567
)
_OTHERS = (
    r"\((?!1ddd\)|20dd\))ddd?d?d?\)[ -]?(?:ddd[ .-]?dddd|dddd[ -]?dddd|ddddd-?dddd|ddd[ -]dd[ -]dd)",  # (555) 123-4567
    r"\(0dd?d?d?\)[ /-]?d{5,8}",  # Germany: (030) 1234567
    r"0dd?d?d?/d{5,8}",  # Germany: 030/1234567
    r"0d[ -]d{7,8}",  # Netherlands: 06-12345678
    r"0ddd?[ -]d{6,8}",  # Germany: 0171 1234567
    r"[1-9]d 9dddd-dddd",  # Brazil: 11 98765-4321
    r"00[ -]?[1-9]dd?[ -][1-9]d{1,7}(?:[ -]d{2,8}){1,3}",  # with the international prefix: 0049 30 123456
)
_national = re.compile(
    "(?:"
    + "|".join(
        [shape.replace("d", "[0-9]") for shape in _OTHERS]
        + [
            shape.replace(" ", "").replace("d", "[0-9]").replace("s", separator)
            for shape in _GROUPED
            for separator in (" ", "-", r"\.")
        ]
    )
    + f"){_ends}"
)


def find(text: str, start: int) -> Iterator[tuple[int, int]]:
    """(start, end) of a telephone number at every place at or after ``start`` where one may begin."""
    for found in _start.finditer(text, start):
        begin = found.start()
        end = _international(text, begin) if found.group() == "+" else _at_home(text, begin)
        if end is not None:
            yield begin, end


def _at_home(text: str, begin: int) -> int | None:
    if begin and text[begin - 1] in "/-":
        return None
    found = _national.match(text, begin)
    return found.end() if found else None


def _international(text: str, begin: int) -> int | None:
    """The end of the longest run of groups after a plus sign that is a number of the E.164 plan."""
    stretch = _after_plus.match(text, begin)
    if stretch is None:
        return None
    digits, at, end = "", begin + 1, None
    while (piece := _pieces.match(text, at, stretch.end())) is not None:
        digits += "".join(filter(str.isdigit, piece.group().replace("(0)", "")))
        at = piece.end()
        if len(digits) > 15:
            break
        if _assigned(digits) and _ended.match(text, at):
            end = at
    return end


def _assigned(digits: str) -> bool:
    code = next((digits[:size] for size in (1, 2, 3) if digits[:size] in _CODES), None)
    return code is not None and len(digits) >= 8 and _EXACT.get(code, len(digits)) == len(digits)
