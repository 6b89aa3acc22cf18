"""Words spelled to be read and not found: s p a c e d, st-r-e-t-c-h-e-d, and l33t.

Knows letters and what stands between them. Must never know words, nor what is looked for.
"""

from __future__ import annotations

import re

from .mapped import Edit, Zone

LONGEST = 800
"""Characters of one spaced run, about."""

_GAP = "[ .\\-_*|/,+~\u00b7\u2022]"
_GAPS = frozenset(" .-_*|/,+~\u00b7\u2022")
_LETTER, _SIGN = r"[^\W\d_]", r"[^\W_]"
_spaced = re.compile(rf"(?<!{_SIGN}){_LETTER}(?:{_GAP}{{1,3}}{_SIGN}(?!{_SIGN})){{2,199}}")
_gap = re.compile(rf"{_GAP}{{1,3}}")
_spaced_backwards = re.compile(rf"{_GAP}{{0,3}}(?:{_SIGN}{_GAP}{{1,3}}){{0,199}}{_LETTER}(?!{_SIGN})")

_DIGITS = "0134578@$"
_leet = re.compile(
    rf"(?<=[A-Za-z])[{_DIGITS}!|]{{1,4}}(?=[A-Za-z])|(?<=[A-Za-z])[{_DIGITS}]{{1,4}}(?!{_SIGN})"
    rf"|(?<![^\W])[{_DIGITS}]{{1,2}}(?=[A-Za-z])"
)
_LEET = tuple(tuple(zip(_DIGITS, ways, strict=True)) for ways in ("oieastbas", "oleastbas"))
_ALL_LEET = (*_LEET[0], ("!", "i"), ("|", "l"))
_inside = re.compile(rf"[A-Za-z][{_DIGITS}!|]{{1,4}}[A-Za-z]")
_BESIDE = rf"[A-Za-z][{_DIGITS}]|[{_DIGITS}][A-Za-z]|[A-Za-z][!|][A-Za-z]"
_beside = re.compile(_BESIDE)
any_leet = re.compile(rf"[{_DIGITS}!|]").search
"""The first digit or sign that may stand for a letter, as a match; None: there is none."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz\u0430\u0435\u0438\u043e\u0443\u044b\u044d\u044e\u044f"
_stretched = re.compile(rf"([{_ALPHABET}])\1{{2,}}", re.IGNORECASE)
_CHOICES = 3
"""Stretched letters that are each tried single and double; a fourth goes with the first."""

_APART = "[^A-Za-z0-9]"
TRIGGERS = (
    f"(?:^|{_APART})[A-Za-z\u0080-\U0010ffff](?:{_GAP}{{1,3}}[A-Za-z0-9\u0080-\U0010ffff]){{2}}(?:$|{_APART})",
    _BESIDE,
    f"(?i){'|'.join(letter * 3 for letter in _ALPHABET)}",
)
"""RE2 patterns: where none of them matches, there is nothing to rewrite."""


def unspaced(text: str, start: int, *, apart: bool = False) -> tuple[list[Edit], list[Zone]]:
    """The edits that join spaced letters, and the runs they are part of.

    ``apart``: a run that begins with a word of one letter (a, I) leaves it a word.
    """
    out: list[Edit] = []
    zones: list[Zone] = []
    for found in _spaced.finditer(text, start):
        gaps = list(_gap.finditer(text, *found.span()))
        single = {gap.group() for gap in gaps if gap.end() - gap.start() == 1}
        if not single:
            continue
        dotted = single != {" "}
        first = gaps[0] if apart and text[found.start()] in "aAI" else None
        for gap in gaps:
            written = gap.group()
            if gap is first and written == " ":
                continue
            # The gap between words is a wider one, or a space where letters are held apart by something else.
            new = " " if " " in written and (dotted or len(written) > 1) else ""
            if new != written:
                out.append((gap.start(), gap.end(), new))
        zones.append(found.span())
    return out, zones


def spaced_from(text: str) -> int:
    """Where a run of spaced letters begins that the text may end in."""
    size = len(text)
    if not size:
        return 0
    near = text[-2:] if text[-1] not in _GAPS else text[-4:].rstrip(" .-_*|/,+~\u00b7\u2022")[-2:]
    if len(near) == 2 and near.isalnum():
        return size
    found = _spaced_backwards.match(text[: -LONGEST - 4 : -1])
    return size - found.end() if found else size


def is_leet(text: str) -> bool:
    """Whether such a digit or sign stands beside a letter."""
    return _beside.search(text) is not None


def unleeted(text: str) -> list[str]:
    """The text with digits and signs as the letters they look like, place for place; a one is an i, or an l."""
    ways = [_swapped(text, pairs) for pairs in _LEET]
    return [*ways, _swapped(text, _ALL_LEET)] if "!" in text or "|" in text else ways


def _swapped(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for digit, letter in pairs:
        text = text.replace(digit, letter)
    return text


def likely_letters(text: str) -> list[Edit]:
    """Digits and signs as letters where they stand among letters; none where all of them stand at ends of words."""
    if _inside.search(text) is None:
        return []
    return [(found.start(), found.end(), _swapped(found.group(), _ALL_LEET)) for found in _leet.finditer(text)]


def stretches(text: str, start: int) -> list[tuple[int, int]]:
    """The runs of one letter that no word has."""
    return [found.span() for found in _stretched.finditer(text, start)]


def ways(runs: int) -> range:
    """The ways to shorten so many runs."""
    return range(1 << min(runs, _CHOICES))


def shortened(runs: list[tuple[int, int]], way: int) -> list[Edit]:
    """The edits that leave one letter or two of each run, as the bits of ``way`` say."""
    return [(start + 1 + (way >> n % _CHOICES & 1), end, "") for n, (start, end) in enumerate(runs)]


def likely(text: str, runs: list[tuple[int, int]]) -> list[Edit]:
    """The edits that leave of each run what most words have."""
    return [(start + (2 if text[start] in "lstfLSTF" else 1), end, "") for start, end in runs]


def stretch_from(text: str) -> int:
    """Where the letter begins, and however many of its like, that the text ends in; its end where that is no letter."""
    size = len(text)
    last = text[-1:].lower()
    if not last or last not in _ALPHABET:
        return size
    at = size - 1
    while at and text[at - 1].lower() == last:
        at -= 1
    return at
