"""Text to hashed n-grams, as arrays: the one reading of text that training and scoring share.

Words of 1 and 2, and 3 to 5 characters within words, of the NFKC, lower-cased text; for characters
of scripts without spaces and for emoji also 1 and 2 characters. Text of any length is read to its
end, in windows of about 40 words that overlap by half (and their halves). Knows no weights and no labels.

Changing anything here means training again: the artifact stores weights by bucket.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .judged import nfkc

BITS = 18
BUCKETS = 1 << BITS
"""Of n-grams."""
WORD_BITS = 16
WORDS = 1 << WORD_BITS
"""Buckets of whole words."""
BLOCK = 112
"""Characters of normalised text in half a window: about 20 English words."""
PIECE = 36 * BLOCK
"""Longer text is hashed in pieces of this many characters, so that memory does not grow with it."""
SLACK = BLOCK
"""How far back a piece's edge may move to fall between words: half a word is another word."""

Codes = NDArray[np.uint32]
Buckets = NDArray[np.int32]
_NONE: Buckets = np.zeros(0, np.int32)

_SEPARATOR, _WORD, _DROPPED = 0, 1, 2
_WIDE = 0x2E80  # from here on: CJK, Hangul, emoji, where one or two characters carry a meaning
_DROP = frozenset("'\u2019\u00ad") | {chr(code) for code in range(0xFE00, 0xFE10)}

_FACTOR = np.uint32(0x01000193)
_SPREAD = np.uint32(0x9E3779B1)
_FINISH = np.uint32(0x85EBCA6B)
_SALT = {n: np.uint32((0x27D4EB2F * n) & 0xFFFFFFFF) for n in range(1, 6)}
_WORD_FACTOR = 0x5851F42D4C957F2D
_WORD_FINISH = np.uint64(0xD6E8FEB86659FD93)
_PAIR_FACTOR = np.uint64(0x9FB21C651E98DF25)


@cache
def _classes() -> NDArray[np.uint8]:
    """What each code point is: the basic plane by itself, then all others, then plane 14 and up."""

    def of(code: int) -> int:
        char = chr(code)
        kind = unicodedata.category(char)
        if kind == "Cf" or char in _DROP:
            return _DROPPED
        return _WORD if kind[0] in "LNM" or kind == "So" else _SEPARATOR

    return np.array([*map(of, range(0x10000)), _WORD, _DROPPED], dtype=np.uint8)


@cache
def _powers() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Powers of the word factor and of its inverse (mod 2**64), for hashes by prefix sums."""
    length = PIECE + 2

    def table(factor: int) -> NDArray[np.uint64]:
        factors = np.full(length, factor, dtype=np.uint64)
        factors[0] = 1
        return np.cumprod(factors, dtype=np.uint64)

    return table(_WORD_FACTOR), table(pow(_WORD_FACTOR, -1, 1 << 64))


def normalised(text: str) -> Codes:
    """Code points of the words of ``text``: runs of anything else are one 0, also at both ends."""
    found, _ = _read(text)
    return found


def places(text: str) -> NDArray[np.intp] | None:
    """The place in ``text`` of each code that ``normalised`` gives, the first one's being -1; None where
    folding changed the length, so that places do not tell.
    """
    if not text.isascii() and len(_folded(text)) != len(text):
        return None
    return _read(text)[1] - 1


def _folded(text: str) -> str:
    return nfkc(text).lower()


def _read(text: str) -> tuple[Codes, NDArray[np.intp]]:
    """Codes, and where each was in the folded text with a space before it."""
    if text.isascii():
        codes = np.frombuffer(f" {text.lower()} ".encode("ascii"), dtype=np.uint8).astype(np.uint32)
        kinds = _classes()[codes]
    else:
        codes = np.frombuffer(f" {_folded(text)} ".encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        planes = np.minimum(codes, 0x10000)
        planes[codes >= 0xE0000] = 0x10001
        kinds = _classes()[planes]
    order = np.flatnonzero(kinds != _DROPPED)
    if len(order) < len(codes):
        codes, kinds = codes[order], kinds[order]
    spoken = kinds == _WORD
    keep = spoken.copy()
    keep[0] = True
    keep[1:] |= spoken[:-1]
    return (codes * spoken)[keep], order[keep]


def words(codes: Codes) -> str:
    """The words that ``normalised`` found, with single spaces between and around them."""
    return np.where(codes == 0, np.uint32(32), codes).astype("<u4").tobytes().decode("utf-32-le")


def pieces(codes: Codes) -> Iterator[tuple[int, Codes]]:
    """The whole of ``codes`` in pieces of at most ``PIECE``, each overlapping the last by a window,
    with the place where each begins.
    """
    start = 0
    while len(codes) - start > PIECE:
        end = _between_words(codes, start + PIECE - 2)
        yield start, _closed(codes[start:end])
        start = _between_words(codes, end - 2 * BLOCK)
    yield start, _closed(codes[start:])


def _between_words(codes: Codes, place: int) -> int:
    """The nearest place at or before ``place`` that ends with a separator; ``place`` where none is near."""
    gaps = np.flatnonzero(codes[place - SLACK : place] == 0)
    return place - SLACK + int(gaps[-1]) + 1 if len(gaps) else place


def _closed(codes: Codes) -> Codes:
    """With a separator at either end, as ``normalised`` has it."""
    if codes[0] == 0 and codes[-1] == 0:
        return codes
    gap = np.zeros(1, np.uint32)
    return np.concatenate((gap[: int(codes[0] != 0)], codes, gap[: int(codes[-1] != 0)]))


class Hashed(NamedTuple):
    """One piece. Block ``i`` has the n-grams ``buckets[edges[i]:edges[i + 1]]`` and the words
    ``words[word_edges[i]:word_edges[i + 1]]``; each belongs to the block it starts in.
    """

    buckets: Buckets
    edges: list[int]
    words: Buckets
    word_edges: list[int]


def hashed(codes: Codes) -> Hashed:
    """The buckets of one piece's n-grams and words, by block. A piece no longer than a block is a single one."""
    if len(codes) < 3:
        return Hashed(_NONE, [0, 0], _NONE, [0, 0])
    grams, places = _character_grams(codes)
    words, starts = _word_grams(codes)
    single = words[0] >> (BITS - WORD_BITS)
    grams.extend(words)
    places.extend(starts)
    buckets = np.concatenate(grams)
    if len(codes) <= BLOCK:
        return Hashed(buckets, [0, len(buckets)], single, [0, len(single)])
    blocks = (np.concatenate(places) // BLOCK).astype(np.int16)
    order = np.argsort(blocks, kind="stable")
    marks = np.arange(-(-len(codes) // BLOCK) + 1)
    edges = np.searchsorted(blocks[order], marks.astype(np.int16))
    return Hashed(buckets[order], edges.tolist(), single, np.searchsorted(starts[0], marks * BLOCK).tolist())


def _character_grams(codes: Codes) -> tuple[list[Buckets], list[NDArray[np.intp]]]:
    units = (codes + np.uint32(1)) * _SPREAD
    inside = codes[1:-1] != 0
    grams: list[Buckets] = []
    places: list[NDArray[np.intp]] = []
    rolling, valid = units[:-1] * _FACTOR + units[1:], inside
    if codes.max() >= _WIDE:
        wide = codes >= _WIDE
        for run, marks, n in ((units, wide, 1), (rolling, wide[:-1] & wide[1:], 2)):
            chosen = np.flatnonzero(marks)
            grams.append(_bucket(run[chosen], n))
            places.append(chosen)
    for n in (3, 4, 5):
        if n > len(codes):
            break
        rolling = rolling[:-1] * _FACTOR + units[n - 1 :]
        if n > 3:
            valid = valid[:-1] & inside[n - 3 :]
        chosen = np.flatnonzero(valid)
        grams.append(_bucket(rolling[chosen], n))
        places.append(chosen)
    return grams, places


def _bucket(hashes: Codes, n: int) -> Buckets:
    mixed = (hashes ^ (hashes >> np.uint32(15)) ^ _SALT[n]) * _FINISH
    return (mixed >> np.uint32(32 - BITS)).astype(np.int32)


def _word_grams(codes: Codes) -> tuple[list[Buckets], list[NDArray[np.intp]]]:
    powers, inverses = _powers()
    gaps = np.flatnonzero(codes == 0)
    starts = gaps[:-1]
    sums = np.cumsum((codes + np.uint64(1)) * powers[: len(codes)], dtype=np.uint64)
    whole = (sums[gaps[1:] - 1] - sums[starts]) * inverses[starts] * _WORD_FINISH
    whole ^= whole >> np.uint64(29)
    pairs = whole[:-1] * _PAIR_FACTOR + whole[1:]
    shift = np.uint64(64 - BITS)
    grams = [((run * _WORD_FINISH) >> shift).astype(np.int32) for run in (whole, pairs)]
    return grams, [starts, starts[:-1]]


def windows(edges: list[int]) -> list[tuple[int, int]]:
    """The windows of a piece as ranges of its buckets: two neighbouring blocks each."""
    if len(edges) <= 3:
        return [(edges[0], edges[-1])]
    return list(zip(edges, edges[2:], strict=False))
