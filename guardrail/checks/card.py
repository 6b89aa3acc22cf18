"""Payment card numbers: lengths and prefixes of ISO/IEC 7812-1, and its check digit (annex B, Luhn).

Plain digits, or the groups printed on cards with one kind of separator. Knows no other entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .runs import NOT_AFTER, NOT_BEFORE

TRIGGERS = (r"[0-9]{4}[ -][0-9]{4}", r"[0-9]{13}")

_start = re.compile(rf"{NOT_AFTER}(?<!\.)[0-9]{{4}}")
# A decimal fraction is a plain run after a point; a grouped number after a point is none.
_start_grouped = re.compile(rf"{NOT_AFTER}[0-9]{{4}}[ -]")
_ends = rf"{NOT_BEFORE}(?![.\-][0-9])"
_shapes = tuple(
    re.compile(shape + _ends)
    for shape in (
        r"[0-9]{13,19}+",
        r"[0-9]{4}([ \-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}\1[0-9]{3}",
        r"[0-9]{4}([ \-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}",
        r"[0-9]{4}([ \-])[0-9]{6}\1[0-9]{4,5}",
        r"[0-9]{4}([ \-])[0-9]{3}\1[0-9]{3}\1[0-9]{3}",
    )
)
_doubled = str.maketrans("0123456789", "0246813579")

# First digits (as an inclusive range of equal length) and lengths, from the networks' own tables.
_LONG = range(16, 20)
_PREFIXES: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),  # American Express
    ("300", "305", (14, *_LONG)),  # Diners Club
    ("3095", "3095", (14, *_LONG)),  # Diners Club
    ("36", "36", (14, *_LONG)),  # Diners Club
    ("38", "39", (14, *_LONG)),  # Diners Club
    ("6011", "6011", (*_LONG,)),  # Discover
    ("644", "659", (*_LONG,)),  # Discover, RuPay
    ("3528", "3589", (*_LONG,)),  # JCB
    ("62", "62", (*_LONG,)),  # UnionPay
    ("81", "82", (*_LONG,)),  # UnionPay, RuPay
    ("50", "50", (13, 14, 15, *_LONG)),  # Maestro, Elo, RuPay
    ("56", "58", (13, 14, 15, *_LONG)),  # Maestro
    ("60", "60", (*_LONG,)),  # RuPay, Maestro
    ("63", "63", (13, 14, 15, *_LONG)),  # Maestro, Elo
    ("66", "69", (13, 14, 15, *_LONG)),  # Maestro
    ("2200", "2204", (*_LONG,)),  # Mir
    ("9792", "9792", (16,)),  # Troy
)


def find(text: str, start: int) -> Iterator[tuple[int, int]]:
    """(start, end) of a card number at every place at or after ``start`` where one may begin."""
    for found in _start.finditer(text, start):
        end = _match(text, found.start())
        if end is not None:
            yield found.start(), end
    for found in _start_grouped.finditer(text, start):
        end = _match(text, found.start()) if text[found.start() - 1 : found.start()] == "." else None
        if end is not None:
            yield found.start(), end


def _match(text: str, begin: int) -> int | None:
    for shape in _shapes:
        found = shape.match(text, begin)
        if found is not None:
            digits = found.group().replace(" ", "").replace("-", "")
            if _issued(digits) and luhn(digits):
                return found.end()
    return None


def _issued(digits: str) -> bool:
    return any(low <= digits[: len(low)] <= high and len(digits) in sizes for low, high, sizes in _PREFIXES)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    odd, even = digits[-1::-2], digits[-2::-2].translate(_doubled)
    return (sum(map(int, odd)) + sum(map(int, even))) % 10 == 0
