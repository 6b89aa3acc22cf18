"""The word list scanner: exact words and phrases, in any case, as whole words.

Case is folded by ``str.lower`` (with the final sigma read as sigma, and a dotted capital I as i), never
further. Of spellings that imitate a word it knows those that can stand in the list: letters with their marks apart, and
words turned round.
"""

from __future__ import annotations

import codecs
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from unicodedata import normalize

from ahocorasick_rs import AhoCorasick

from ..verdict import Finding, Kind
from .protocol import EVERYTHING
from .runs import is_word, sound

_PART = 1 << 20
"""Characters looked at in one go."""

TURNED_LEAST = 6
"""Letters of the shortest word that is looked for in rot13 and backwards: shorter ones would be other words."""
_PAIRS = (
    "animal lamina deliver reviled denier reined desserts stressed diaper repaid drawer reward gateman nametag looter "
    "retool pupils slipup recaps spacer redraw warder rennet tenner sleets steels sloops spools snoops spoons sports "
    "strops"
)
_BOTH_WAYS = frozenset(_PAIRS.split())
"""Words whose letters backwards are another word."""


def fold(text: str) -> str:
    """The text in lower case, character for character: the length and every position stay."""
    if text.isascii():
        return text.lower()
    # lower() writes a dotted capital I as two characters, and a sigma by what follows it.
    return sound(text).replace("\u0130", "i").lower().replace("\u03c2", "\u03c3")


def _turned(word: str) -> set[str]:
    """Other spellings of a folded word."""
    out = {normalize("NFC", word), normalize("NFD", word)}
    if word.isascii() and sum(map(str.isalpha, word)) >= TURNED_LEAST:
        out.add(codecs.encode(word, "rot13"))
        if word not in _BOTH_WAYS:
            out.add(word[::-1])
    return out


class Words:
    """Finds the words of a list; leftmost, longest, not overlapping.

    A match counts only as a whole word: no letter, digit, underscore or combining mark may stand
    next to an edge of it that is such a character itself. Scripts written without spaces need no
    such boundary, nor do they disturb one. A phrase's spaces match single spaces exactly. ``turned``: words
    of ``TURNED_LEAST`` letters a to z or more are also found in rot13 and spelled backwards, and letters with
    marks also with the marks apart. Raises ValueError for an empty list or a blank word.
    """

    inline = 32_768

    def __init__(
        self,
        name: str,
        words: Sequence[str],
        category: str,
        *,
        reads: frozenset[Kind] = EVERYTHING,
        turned: bool = False,
    ) -> None:
        listed = {fold(word.strip()) for word in words}
        folded = sorted(listed.union(*map(_turned, listed)) if turned else listed)
        if not folded:
            raise ValueError("the word list is empty; give at least one word")
        if not folded[0]:
            raise ValueError("the word list has a blank word; remove it")
        self.name, self.reads, self.category = name, reads, category
        self.categories = frozenset({category})
        self.triggers: tuple[str, ...] | None = None
        self._words = folded
        self._longest = max(map(len, folded))
        self.reach: int | None = self._longest + 1
        self._first = frozenset(word[0] for word in folded)
        self._any = AhoCorasick(folded)

    def maybe(self, text: str) -> bool:
        """False only where ``scan`` would find nothing."""
        if len(text) <= _PART:
            return bool(self._any.find_matches_as_indexes(fold(text)))
        return any(self._any.find_matches_as_indexes(fold(text[a:b])) for a, b in self._parts(0, len(text)))

    def _parts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The text in parts that overlap by the longest word: the automaton takes 8 bytes a character."""
        for at in range(start, max(end, start + 1), _PART):
            yield at, min(end, at + _PART + self._longest)

    def scan(self, text: str, start: int = 0) -> Sequence[Finding]:
        hits: set[tuple[int, int]] = set()
        for at, until in self._parts(start, len(text)):
            folded = fold(text[at:until])
            if not self._any.find_matches_as_indexes(folded):
                continue
            # A longer word may fail at its boundary where a shorter one stands, so all are asked for.
            hits |= {
                (at + begin, -at - end)
                for _, begin, end in self._any.find_matches_as_indexes(folded, overlapping=True)
                if self._whole(text, at + begin, at + end)
            }
        if not hits:
            return ()
        findings: list[Finding] = []
        free = start
        for begin, end in sorted(hits):
            if begin >= free:
                free = -end
                findings.append(Finding(self.category, 1.0, begin, free, self.name))
        return findings

    def tail(self, text: str) -> int:
        size = len(text)
        low = max(0, size - self._longest)
        last = fold(text[low:])
        for at, character in enumerate(last):
            if character in self._first and self._opens(text, low + at) and self._live(last[at:]):
                return size - low - at
        return 0

    def _live(self, piece: str) -> bool:
        """Whether a piece begins a longer word, or is a word that waits for its boundary."""
        at = bisect_left(self._words, piece)
        if at < len(self._words) and self._words[at] == piece:
            if is_word(piece[-1]):
                return True
            at += 1
        return at < len(self._words) and self._words[at].startswith(piece)

    def _opens(self, text: str, begin: int) -> bool:
        return begin == 0 or not (is_word(text[begin]) and is_word(text[begin - 1]))

    def _whole(self, text: str, begin: int, end: int) -> bool:
        return self._opens(text, begin) and (end == len(text) or not (is_word(text[end]) and is_word(text[end - 1])))
