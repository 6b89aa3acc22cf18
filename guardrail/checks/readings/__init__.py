"""Readings: what a disguised text says to whoever undoes the disguise. Most text has none, and costs next to nothing.

A text is first undone character by character and run by run, as often as ``DEPTH`` says; then it is read with spaced
letters joined, with digits as the letters they look like, and with stretched letters shortened. Each reading knows
where its pieces stand in the text itself. Every rewriting is local: what it does at a place depends on one character
before and a bounded stretch after, so that a stream can be read as it grows. Must never know what is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import local
from typing import NamedTuple

from ..runs import AnyOf
from . import characters, decoding, letters
from .mapped import Edit, Reading, Zone
from .turned import TURNED, turned

__all__ = [
    "DEPTH",
    "TRIGGERS",
    "Reading",
    "Settled",
    "clean",
    "plain",
    "plainly_held",
    "readings",
    "said",
    "settled",
    "turned",
]

DEPTH = 3
"""Times that what was undone is undone again."""

TRIGGERS = (*characters.TRIGGERS, *decoding.TRIGGERS, *letters.TRIGGERS, TURNED)
"""RE2 patterns: a text that none of them matches has no readings."""

_disguised = AnyOf(TRIGGERS)
_stretched = AnyOf(letters.TRIGGERS[-1:])
_SPACED, _LEET = (TRIGGERS.index(trigger) for trigger in letters.TRIGGERS[:2])
_ENCODED = frozenset(map(TRIGGERS.index, decoding.TRIGGERS))
_KEPT = 1 << 15
"""Characters of the longest text whose readings are remembered: a longer one would stay in memory for nothing."""
_last = local()  # what was read last in this thread: each of a lane's checks asks for the same

_Step = tuple[Callable[[str, int], list[Edit]], Callable[[str], int]]
_STEPS: tuple[_Step, ...] = ((characters.edits, characters.open_from), (decoding.edits, decoding.open_from))


class Read(NamedTuple):
    """The readings of a text. ``undone``: with nothing but its disguise taken off. ``spelled``: with its letters put
    together as well, or digits read as letters. ``zones``: stretches that are understood as a whole."""

    undone: Sequence[Reading] = ()
    spelled: Sequence[Reading] = ()
    zones: Sequence[Zone] = ()


class Settled(NamedTuple):
    """What of a text's readings cannot change any more as the text goes on.

    ``undone``, ``spelled``: as in ``Read``, each up to where it is settled; ``soft``: those that only matter where a
    match is open at their end. ``zones``: of ``undone``; ``all_zones``: of all.
    """

    undone: Reading
    spelled: Sequence[Reading]
    soft: Sequence[Reading]
    zones: Sequence[Zone]
    all_zones: Sequence[Zone]


def plain(text: str) -> bool:
    """Whether a text says what it says: it has no readings."""
    return not _disguised(text)


def readings(text: str, start: int = 0) -> Read:
    """The readings of what stands at or after ``start``; what stands before is context and is not rewritten."""
    known: tuple[str, int, Read] | None = getattr(_last, "read", None)
    if known is not None and known[1] == start and known[0] == text:
        return known[2]
    hits = _disguised(text)
    found = _read(text, start, hits) if hits else Read()
    if len(text) <= _KEPT:
        _last.read = (text, start, found)
    return found


def _read(text: str, start: int, hits: Sequence[int]) -> Read:
    zones: list[Zone] = []
    reading = Reading(text)
    for _ in range(DEPTH):
        before = reading
        for edits in (characters.edits, decoding.edits):
            if edits is characters.edits or not _ENCODED.isdisjoint(hits):
                found = edits(reading.text, reading.at(start))
                if found:
                    zones += [reading.span(*edit[:2]) for edit in found]
                    reading = reading.then(found)
                    hits = _disguised(reading.text)
        if reading is before:
            break
    undone = [reading] if reading.layers else []
    spelled: list[Reading] = []
    for apart in (True, False) if _SPACED in hits else ():
        found, runs = letters.unspaced(reading.text, reading.at(start), apart=apart)
        if found:
            zones += [reading.span(*run) for run in runs]
            spelled.append(reading.then(found))
    base = spelled[-1] if spelled else reading
    leet: list[Reading] = []
    if letters.is_leet(base.text) if spelled else _LEET in hits:
        leet = [Reading(each, base.layers, base.text) for each in dict.fromkeys(letters.unleeted(base.text))]
    for each, out in [(base, spelled), *((each, leet) for each in leet[:1])]:
        if _stretched(each.text):
            runs = letters.stretches(each.text, each.at(start))
            out += [each.then(letters.shortened(runs, way)) for way in letters.ways(len(runs))]
    return Read(undone, [*spelled, *leet], _joined(zones))


def said(text: str) -> list[str]:
    """What a text says to a model, where that is not what it shows: few readings, the likeliest ones."""
    if plain(text):
        return []
    read = readings(text)
    base = [*read.undone, Reading(text)][0]
    found, _runs = letters.unspaced(base.text, 0)
    base = base.then(found) if found else base
    out = [reading.text for reading in turned(text)]
    for edits in ([], letters.likely_letters(base.text)):
        each = base.then(edits) if edits else base
        runs = letters.stretches(each.text, 0)
        out.append((each.then(letters.likely(each.text, runs)) if runs else each).text)
    return [each for each in dict.fromkeys(out) if each != text]


def settled(text: str) -> Sequence[Settled]:
    """What of the readings is settled, whatever comes after the text.

    Twice where it matters whether the first character is the first one or what is left of a text before.
    """
    known: tuple[str, Sequence[Settled]] | None = getattr(_last, "settled", None)
    if known is not None and known[0] == text:
        return known[1]
    found = [_settled(text, 0)]
    if found[0].all_zones and not found[0].all_zones[0][0]:
        found.append(_settled(text, 1))
    if len(text) <= _KEPT:
        _last.settled = (text, found)
    return found


def _settled(text: str, start: int) -> Settled:
    zones: list[Zone] = []
    reading = Reading(text)
    for _ in range(DEPTH):
        changed = False
        for edits, open_from in _STEPS:
            found = edits(reading.text, min(reading.at(start), len(reading.text)))
            after = _up_to(reading, open_from(reading.text), found, [(a, b) for a, b, _ in found], zones)
            changed = changed or after is not reading
            reading = after
        if not changed:
            break
    undone, begin, own = reading, letters.spaced_from(reading.text), _joined(zones)
    spelled, soft = [], []
    for apart in (True, False):
        found, runs = letters.unspaced(undone.text, min(undone.at(start), len(undone.text)), apart=apart)
        reading = _up_to(undone, begin, found, runs, zones)
        spelled.append(reading)
    if _any_leet(reading.text):
        spelled += [Reading(each, reading.layers) for each in letters.unleeted(reading.text)]
    for base in spelled[1:3]:
        begin = letters.stretch_from(base.text)
        runs = [run for run in letters.stretches(base.text, 0) if run[1] <= begin]
        for way in letters.ways(len(runs)):
            edits_ = letters.shortened(runs, way)
            # The letter may go on. Of its like, one or two are read, and no text is cut there where that matters.
            soft += [base.cut(min(begin + kept, len(base.text))).then(edits_) for kept in (1, 2)]
    return Settled(undone, spelled, soft, own, _joined(zones))


def _up_to(reading: Reading, cut: int, edits: Sequence[Edit], spans: Sequence[Zone], zones: list[Zone]) -> Reading:
    """The reading with those edits that are settled, and up to there; their spans join the zones."""
    while spans and spans[-1][1] > cut:
        cut = min(cut, spans[-1][0])
        spans = spans[:-1]
    zones += [reading.span(*span) for span in spans]
    kept = [edit for edit in edits if edit[1] <= cut]
    reading = reading.cut(cut)
    return reading.then(kept) if kept else reading


def _joined(zones: list[Zone]) -> list[Zone]:
    """The zones in order, with those that touch made one."""
    out: list[Zone] = []
    for start, end in sorted(zones):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def clean(zones: Sequence[Zone], point: int) -> int:
    """The place at or before ``point`` where a text may be cut: in no zone, and behind a character that says itself,
    for that character is all that will be known of what left."""
    for start, end in reversed(_joined(list(zones))):
        if start < point <= end:
            return start
    return point


_QUIET_ENDS = frozenset(" .,;:?)\n\"'")
_BEGUN, _any_leet = decoding.BEGUN, letters.any_leet


def plainly_held(text: str, tails: Sequence[Callable[[str], int]]) -> int:
    """How many characters at the end of a plain text could become part of a disguised match; ``tails``: of matches."""
    # Asked of every frame, of which most end in a word, or after one, that surely begins no disguise.
    if not _any_leet(text) and text.isascii():
        last = text[text.rfind(" ") + 1 :]
        if last.isalpha() and len(last) > 1:
            if last[-1] != last[-2] and (last[:2] not in _BEGUN or (len(last) > 2 and last[:3] not in _BEGUN)):
                return 0
        elif not text or (text[-1] in _QUIET_ENDS and len(text) > 2 and text[-3:-1].isalpha()):
            return 0
    cut = len(text)
    for _ in range(DEPTH):
        before = cut
        for _edits, open_from in _STEPS:
            cut = open_from(text[:cut]) if cut else 0
        if cut == before:
            break
    stable = text[: letters.spaced_from(text[:cut])]
    open_ = len(text) - len(stable)
    held = open_ + _most(tails, stable) if open_ else 0
    spellings = [stable]
    if _any_leet(stable):
        spellings += letters.unleeted(stable)
        held = max(held, *(open_ + _most(tails, each) for each in spellings[1:]))
    for each in spellings[:2]:
        begin = letters.stretch_from(each) + 1
        if begin < len(each) and (more := _most(tails, each[:begin])):
            held = max(held, len(text) - begin + more)
    return held


def _most(tails: Sequence[Callable[[str], int]], text: str) -> int:
    held = 0
    for tail in tails:
        held = max(held, tail(text))
    return held
