"""What all exact scanners share: word characters, runs at the end of a text, and the leftmost rule.

Every exact scanner here is built so that whether something begins at a place depends only on one
character before it and a bounded stretch after it. Then a text may be cut at any place that no
finding crosses, and scanning on from there gives what scanning everything would have given.
Knows nothing of any one entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import Pattern
from unicodedata import category

import re2

from ..verdict import Finding

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f"  # Thai Lao Myanmar Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"  # Han Hiragana Katakana
    "\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U000323af"
)
"""Scripts written without spaces, as ranges for a character class of ``re``."""

LETTERS = rf"^\W{UNSPACED}"
"""Inside ``[ ]``: a word character (letter, digit, underscore) of a script that uses spaces."""
NOT_AFTER = rf"(?<![{LETTERS}])"
NOT_BEFORE = rf"(?![{LETTERS}])"

_unspaced = re.compile(f"[{UNSPACED}]")
_surrogates = re.compile("[\ud800-\udfff]")


def is_word(character: str) -> bool:
    """Whether a character continues a word of a script that uses spaces (marks included)."""
    if character.isascii():
        return character.isalnum() or character == "_"
    return (character.isalnum() or category(character)[0] == "M") and _unspaced.match(character) is None


def sound(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot carry, replaced one for one by U+FFFD."""
    return text if text.isascii() else _surrogates.sub("\ufffd", text)


def trailing(run: Pattern[str], text: str, cap: int) -> int:
    """How many of the last ``cap`` characters, read backwards, ``run`` matches."""
    near = min(cap, 64)
    found = run.match(text[: -near - 1 : -1])
    if found is None:
        return 0
    if found.end() == near < cap:
        found = run.match(text[: -cap - 1 : -1])
    return found.end() if found else 0


def first_start(starts: Pattern[str], text: str, since: int) -> int:
    """Where ``starts`` first matches at or after ``since``; the end of the text where it does not."""
    found = starts.search(text, since)
    return found.start() if found else len(text)


def leftmost(found: Iterable[tuple[int, int, int]], categories: Sequence[str], check: str) -> list[Finding]:
    """From candidates (start, rank, end) at every possible start: leftmost first, then by rank.

    A candidate that begins inside one already taken is dropped; ranks index ``categories``.
    """
    findings: list[Finding] = []
    free = 0
    for start, rank, end in sorted(found):
        if start >= free:
            findings.append(Finding(categories[rank], 1.0, start, end, check))
            free = end
    return findings


class AnyOf:
    """One pass of RE2 that tells which of some patterns match a text at all."""

    def __init__(self, patterns: Sequence[str]) -> None:
        options = re2.Options()
        options.never_capture = True
        # A set that runs out of memory answers "no match", and here text would pass unread.
        options.max_mem = 64 << 20
        self._set = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._set.Add(pattern)
        self._set.Compile()

    def __call__(self, text: str) -> Sequence[int]:
        return self._set.Match(sound(text).encode()) or ()
