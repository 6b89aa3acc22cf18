"""Capability cards: what a moderation backend can judge and what it cannot, told before it is asked.

Knows words and numbers only. Must never ask anything, and must never promise what a backend's own
documents do not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Unit = Literal["characters", "bytes", "tokens"]
Verified = Literal["real", "document", "unverified"]

TEXT = frozenset({"text"})


@dataclass(frozen=True, slots=True)
class Card:
    """One backend, as ``guardrail backends`` shows it.

    ``name``: the word after ``use:`` in a policy. ``categories``: wire names, as this project spells them; empty
    where they are the user's own. ``longest``: of one text, in ``unit``; longer ones are cut into windows; 0: none is
    sent by us.
    ``needs``: whether a text is judged alone, or as a turn of a ``conversation``: then a reply's prompt goes with it,
    where it is known. ``scores``: what a score is:
    a probability-like number (``calibrated``), a number that only orders (``raw``), a few steps (``levels``), or
    nothing but a yes (``flags``). ``verified``: asked for real in this project's tests (``real``), only against a
    server that answers as its public document says (``document``), or not even that (``unverified``).
    ``source``: that document. ``extra``: what has to be installed with the package.
    """

    name: str
    title: str
    categories: frozenset[str]
    source: str
    modalities: frozenset[str] = TEXT
    languages: str = "not stated"
    longest: int = 2000
    unit: Unit = "characters"
    needs: Literal["text", "conversation"] = "text"
    scores: Literal["calibrated", "raw", "levels", "flags"] = "raw"
    price: str = "not stated"
    verified: Verified = "document"
    extra: str | None = None

    def public(self) -> dict[str, Any]:
        """Ready for JSON."""
        told = asdict(self)
        return {**told, "categories": sorted(self.categories), "modalities": sorted(self.modalities)}
