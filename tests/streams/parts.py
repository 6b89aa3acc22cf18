"""Parts of an answer: a text, a thought or a call of a tool, in the pieces in which it comes."""

from __future__ import annotations

from dataclasses import dataclass

TOOL = "find_place"


@dataclass(frozen=True)
class Part:
    """``kind``: text, thought or call."""

    kind: str
    pieces: tuple[str, ...]

    @property
    def whole(self) -> str:
        return "".join(self.pieces)


def text(*pieces: str) -> Part:
    return Part("text", pieces)


def thought(*pieces: str) -> Part:
    return Part("thought", pieces)


def call(*pieces: str) -> Part:
    """The arguments of a call, as JSON."""
    return Part("call", pieces)
