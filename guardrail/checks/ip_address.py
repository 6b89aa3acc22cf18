"""IP addresses: dotted IPv4 (RFC 791) and IPv6 (RFC 4291), told from version numbers and times.

Loopback and unspecified addresses are nobody's and are not found. Knows no other entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from . import number
from .runs import LETTERS, NOT_AFTER, NOT_BEFORE, first_start, trailing

TRIGGERS = (r"[0-9]\.[0-9]{1,3}\.[0-9]", r"[0-9A-Fa-f]:[0-9A-Fa-f]{0,4}:")

_SIX = 45  # the longest IPv6 text, with an IPv4 ending
_four = re.compile(rf"{NOT_AFTER}(?<!\.)[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}{NOT_BEFORE}(?!\.[0-9]|-[A-Za-z])")
_six = re.compile(rf"{NOT_AFTER}(?<![:.])(?=[0-9A-Fa-f]{{1,4}}:)[0-9A-Fa-f:.]{{2,{_SIX + 1}}}+{NOT_BEFORE}")
_word = re.compile(r"[0-9A-Za-z:.]++")
_start = re.compile(f"{NOT_AFTER}[{LETTERS}]")
_INTRODUCING = ("v", "ver", "version", "release", "build", "firmware", "section", "clause", "chapter")
NUMBERED = tuple(form(word) for word in _INTRODUCING for form in (str.lower, str.title, str.upper))
"""Words after which four numbers are a version or a place in a text."""
_numbered = re.compile(rf"{NOT_AFTER}(?:{'|'.join(NUMBERED)}):? ?\Z")
_LONGEST_NUMBERED = len("firmware: ")


def find(text: str, start: int) -> Iterator[tuple[int, int]]:
    """(start, end) of an address at every place at or after ``start`` where one may begin."""
    for found in _four.finditer(text, start):
        begin, end = found.span()
        if _is_four(found.group()) and not _is_version(text, begin, end):
            yield begin, end
    for found in _six.finditer(text, start):
        written = found.group()
        if len(written) <= _SIX and _is_six(written := written.rstrip(".:") + "::" * written.endswith("::")):
            yield found.start(), found.start() + len(written)


def _is_four(written: str) -> bool:
    try:
        address = IPv4Address(written)
    except AddressValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _is_six(written: str) -> bool:
    try:
        IPv6Address(written)
    except AddressValueError:
        return False
    groups = written.split(":")
    # "a::b" is source code and "00:11:22:33:44:55:66:77" a hardware address.
    long = len(groups[0]) >= 3 if "::" in written else any(len(group) >= 3 for group in groups)
    return long and any(character.isdigit() for character in written)


def _is_version(text: str, begin: int, end: int) -> bool:
    if text[begin - 1 : begin] == "/":  # "Chrome/120.0.0.0"
        return begin >= 2 and text[begin - 2].isalpha() and text.endswith(".0.0.0", begin, end)
    return _introduced(text, begin) < begin


def _introduced(text: str, at: int) -> int:
    """Where a word such as "version" begins that makes what follows at ``at`` a version; else ``at``."""
    if not at or (text[at - 1] not in " :" and not text[at - 1].isalpha()):
        return at
    found = _numbered.search(text, max(0, at - _LONGEST_NUMBERED), at)
    return found.start() if found else at


def reach_back(text: str, at: int) -> int:
    """The place no later than ``at`` from which a reader still sees what makes a version of a number."""
    if at and text[at - 1] == "/":
        return at - 1
    return _introduced(text, at)


def tail(text: str) -> int:
    """The length of the address, or of the word that may announce a version, that the text ends in."""
    size = len(text)
    run = trailing(_word, text, _SIX + 1)
    word = size - first_start(_start, text, size - run) if run else 0
    held = max(word, number.tail(text))
    return size - reach_back(text, size - held)
