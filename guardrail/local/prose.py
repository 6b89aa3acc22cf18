"""Whether a text is English prose at all, or code, another language, or one thing over and over.

Plain counting, no library and no network; measured by ``python -m training.ai_text`` (docs/ai-text.md).
Knows nothing of what is judged afterwards, and must never guess: what it is not sure of is not prose.
"""

from __future__ import annotations

import re
from collections import Counter

TELLING = frozenset(
    word
    for line in (
        "the and of that with this have from they which would there their about what when been were has had not but",
        "you your for are it's don't because should could into than then them these those how who will can just my his",
        "her she he we our its if some other only also most such any",
    )
    for word in line.split()
)
"""Common English words that are rare in other languages: no ``in``, ``is``, ``on``, ``me``, ``an``, ``so``."""

ENGLISH = 0.12
"""Least share of such words in English prose, of all its words."""

LATIN = 0.85
"""Least share of a to z among the letters of English prose."""

CODE_LINES = 0.15
"""A text with this share of its characters in lines of code is code."""

REPEATED = 0.4
"""A text in which this share of all threes of words stood before is one thing over and over."""

_FENCE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[^\n]*$|\Z)", re.MULTILINE | re.DOTALL)
_BEGIN = re.compile(
    r"\s*(?:def |class \w+[:(]|import \w|from \w[\w.]* import |#include|#define|function\b.*\(|var |const |let \w+ =|"
    r"public |private |static |void |return\b.*;|for ?\(|while ?\(|if ?\(.*\)|else ?\{|elif .*:|try:|except\b.*:|"
    r"select .* from |insert into |create table |</?[a-z][^>]*>|//|/\*|\*/|@\w[\w.]*(?:\(|$)|\$ |>>> |"
    r"package |using \w+;|fn |end$)",
    re.IGNORECASE,
)
_END = re.compile(r"[;{}]\s*$|\)\s*:\s*$|[\w\])]\s*=\s*[\w\[({'\"-].*$|=>|->|&&|\|\||\w\(\)|\w+\.\w+\(|\w_\w")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def without_code(text: str) -> tuple[str, bool]:
    """The text less its fenced blocks; whether what is left is code all the same."""
    left = _FENCE.sub("\n", text) if "```" in text or "~~~" in text else text
    lines = [line for line in left.splitlines() if line.strip()]
    total = sum(map(len, lines))
    code = sum(len(line) for line in lines if len(line) < 300 and (_BEGIN.match(line) or _END.search(line)))
    return left, total > 0 and code >= CODE_LINES * total


def is_english(text: str) -> bool:
    """Are its letters Latin, and are enough of its words English ones of the commonest?"""
    words = [word.lower() for word in _WORD.findall(text.replace("\u2019", "'"))]
    letters = sum(map(len, words))
    if len(words) < 20 or sum(c.isascii() for word in words for c in word) < LATIN * letters:
        return False
    counts = Counter(words)
    return sum(counts[word] for word in TELLING) >= ENGLISH * len(words)


def is_repetitive(text: str) -> bool:
    """Does it say the same threes of words again and again? Such text tells nothing about its writer."""
    words = text.lower().split()
    threes = list(zip(words, words[1:], words[2:], strict=False))
    return bool(threes) and 1.0 - len(set(threes)) / len(threes) > REPEATED
