"""What the dialects of safety models on chat servers share: taxonomies, and what of a conversation is sent.

Knows the files of ``taxonomies/`` and the shape of a chat message. Must never know a model's prompt, nor what it
means by its answer.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ..errors import NotEvaluated
from .chat import Said
from .dialect import Question, malformed

LONGEST = 4000
"""Tokens of one text, at most; our own bound. With its prompt and the model's instructions it fits in 8,192 tokens,
the least that these models are commonly served with."""

CONTEXT = 2000
"""Characters of the prompt that are sent before a reply, at most: its end, which the reply answers."""

MAX_IMAGE = 20_000_000
"""Characters of a data URL that are sent, at most; our own bound."""

LOGPROBS = 20
"""Likeliest tokens asked for: the most that the OpenAI API allows."""

BALANCED = 0.5
"""Where a model that must answer with one of two words changes its answer."""

_POINTS = {"lenient": 0.8, "balanced": BALANCED, "strict": 0.25}
_CONTROL = re.compile(r"<(?=\||(?:start|end)_of_turn>|[be]os>|(?:BEGIN|END) [A-Z])")


@dataclass(frozen=True, slots=True)
class Kind:
    """A category of a model: its ``code``, its ``name`` there, and ``ours``. ``also``: other names it is known by."""

    code: str
    name: str
    ours: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The categories of a model, in its own order."""

    kinds: tuple[Kind, ...]

    def find(self, word: str) -> Kind:
        """The kind with this code or name, in any case. Raises KeyError."""
        wanted = word.strip().casefold()
        for kind in self.kinds:
            if wanted in {name.casefold() for name in (kind.code, kind.name, *kind.also)}:
                return kind
        raise KeyError(wanted)

    def codes(self, words: Collection[str]) -> frozenset[str]:
        """The codes of these codes or names. Raises ValueError for one that the model does not have."""
        try:
            return frozenset(self.find(word).code for word in words)
        except KeyError as error:
            known = ", ".join(f"{kind.code} ({kind.name})" for kind in self.kinds)
            raise ValueError(f"ignore: no category {error}; the model has {known}") from None

    def without(self, codes: Collection[str]) -> frozenset[str]:
        """Our names for all the others."""
        return frozenset(kind.ours for kind in self.kinds if kind.code not in codes)


@cache
def shipped(name: str) -> Mapping[str, Any]:
    """The data file of a model. Read once, and not before it is wanted."""
    text = (files(__package__) / "taxonomies" / f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def taxonomy(rows: Sequence[Mapping[str, Any]]) -> Taxonomy:
    """The taxonomy in rows of a data file."""
    return Taxonomy(tuple(Kind(row["code"], row["name"], row["ours"], tuple(row.get("also", ()))) for row in rows))


def named(model: str, patterns: Mapping[str, re.Pattern[str]]) -> str:
    """The first of these that a model's name, in small letters with hyphens only, is known by; else ""."""
    name = re.sub(r"[^a-z0-9]+", "-", model.lower()).rstrip("-")
    return next((key for key, pattern in patterns.items() if pattern.search(name)), "")


def points(categories: Collection[str]) -> Mapping[str, Mapping[str, float]]:
    """Operating points over a probability; our own, for the documents name none."""
    return {point: dict.fromkeys(sorted(categories), bar) for point, bar in _POINTS.items()}


def plain(text: str) -> str:
    """A text in which no control token and no section mark of a model's prompt stands: each has a space within.

    Otherwise whoever wrote the text could end the conversation that is judged, and write the verdict.
    """
    return _CONTROL.sub("< ", text)


def judged(question: Question) -> str:
    """The one text that a request asks about, ready to be sent."""
    (text,) = question.texts
    return plain(text)


def context(question: Question) -> str:
    """What was asked before a reply, ready to be sent; empty where it is unknown, or nothing was."""
    if question.side == "input" or not question.prompt.strip():
        return ""
    return plain(question.prompt[-CONTEXT:])


def picture(question: Question, sees: bool) -> dict[str, Any]:
    """The part of a message that shows the image, beside which a user's text stands. Raises NotEvaluated: ``blind``
    (the model judges no such thing), ``too_large``, ``malformed`` (not sent).
    """
    if not sees:
        raise NotEvaluated("blind", "this model reads text only")
    if question.side == "output" or not question.texts or not question.texts[0].strip():
        raise NotEvaluated("blind", "this model judges an image only beside the text that a user sends with it")
    if len(question.image) > MAX_IMAGE:
        raise NotEvaluated("too_large", f"the image has more than {MAX_IMAGE:,} characters as a data URL")
    if not question.image[:8].lower().startswith(("data:", "http://", "https://")):
        raise malformed("the image is neither a data URL nor an http link")
    return {"type": "image_url", "image_url": {"url": question.image}}


def share(answer: Said, yes: str, no: str, within: int) -> float | None:
    """P(yes) against P(no) at the first of ``within`` tokens that is one of them; None where the server gives none."""
    found = answer.share((yes,), (no,), within)
    if found is None or 0 <= found <= 1:
        return found
    raise malformed("the log-probabilities are no probabilities")
