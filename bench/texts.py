"""The texts that are judged: plain prose, made here, so that nothing in it is anybody's."""

from __future__ import annotations

import random

VARIANTS = 8
"""Texts of each length, used in turn, so that nothing can profit from seeing one text again."""

_WHO = (
    "the baker", "my neighbour", "our teacher", "a young gardener", "the ferry captain", "her cousin", "the librarian",
    "an old clockmaker", "the village choir", "his sister", "the night porter", "a travelling salesman",
)  # fmt: skip
_DID = (
    "carried a basket of apples", "mended the blue fence", "read the long letter twice", "planted beans and tomatoes",
    "painted the kitchen window", "waited for the last train", "told a story about the sea", "counted the lanterns",
    "wrote a recipe on the wall", "opened the shop before dawn", "forgot the umbrella", "learned a song by heart",
)  # fmt: skip
_WHERE = (
    "behind the old mill", "near the harbour", "in the quiet square", "at the edge of the forest", "on the long bridge",
    "beside the river", "under the chestnut trees", "in the garden of the school", "by the window of the inn",
    "above the market hall", "at the railway station", "along the narrow lane",
)  # fmt: skip
_WHEN = (
    "in the spring of 1987", "early on Sunday", "while it rained", "after the concert", "at half past six",
    "before the snow came", "for 3 days", "when the lights went out", "during the fair", "as the fog lifted",
    "with 12 friends", "without a word",
)  # fmt: skip
_THEN = (
    "Nobody was surprised.", "It took longer than planned.", "Everyone laughed about it later.", "The dog slept.",
    "What would you have done?", "That is how the tradition began.", "Supper was late, but very good.",
)  # fmt: skip
_ADDRESS = " Write to clara.muster@example.org when you come."
_CARD = " The card on the poster was 4111 1111 1111 1111, as in every manual."


def prose(length: int) -> list[str]:
    """``VARIANTS`` texts of exactly this many characters, in which no check should find anything."""
    return [_prose(length, seed) for seed in range(VARIANTS)]


def typeset(length: int) -> list[str]:
    """The same as a typesetter would have it, and many a model: with quotes and dashes that are not ASCII."""
    return [text[: length - 8].replace(". ", ".\u201d\u2014", 4).ljust(length, "\u2026") for text in prose(length)]


def with_findings(length: int) -> list[str]:
    """The same with one e-mail address and one payment card (a test number) in each."""
    extra = _ADDRESS + _CARD
    return [text[: length // 2] + extra + text[length // 2 :] for text in prose(length - len(extra))]


def tokens(count: int) -> list[str]:
    """Prose in pieces as models send it: a word with the space before it, or what of it is left."""
    words = _prose(count * 12, 0).split(" ")[:count]
    return [word if n == 0 else f" {word}" for n, word in enumerate(words)]


def _prose(length: int, seed: int) -> str:
    choice = random.Random(seed * 1_000_003 + length).choice
    parts: list[str] = []
    size = 0
    while size <= length:
        sentence = f"{choice(_WHO)} {choice(_DID)} {choice(_WHERE)} {choice(_WHEN)}."
        sentence = sentence[0].upper() + sentence[1:] + (f" {choice(_THEN)} " if choice((0, 1)) else " ")
        parts.append(sentence)
        size += len(sentence)
    return "".join(parts)[:length].rstrip().ljust(length, ".")
