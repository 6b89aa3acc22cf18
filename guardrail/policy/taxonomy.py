"""The names of what checks can find, and which name stands above which.

Policies, checks and logs use these words. It knows names only: no scores, no thresholds, no text.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ..categories import OPENAI_MODERATION

HARM = "harm"
"""The parent of every moderation category, also of those a service may add later."""

ALONE = ("prompt_injection", "toxicity")
"""Categories of the local model that are nobody's children."""

AI_TEXT = tuple(f"ai_text/{label}" for label in ("very-unlikely", "unlikely", "unclear", "possibly", "likely"))
"""Guesses whether AI wrote a text: no harm, and never a reason to refuse (docs/ai-text.md)."""

PERSONAL = tuple(f"personal/{entity}" for entity in ("email", "phone", "card", "iban", "ip"))
GROUPS = frozenset({"personal", "secret", "custom", "ai_text"})

CUSTOM_NAME = re.compile(r"custom/[a-z0-9]+(?:[-_][a-z0-9]+)*")
_SECRET_KIND = re.compile(r"secret/[a-z0-9]+(?:[-_][a-z0-9]+)*")
_PRODUCIBLE = frozenset({*OPENAI_MODERATION, *ALONE, *PERSONAL, *AI_TEXT, "secret"})


def parents(category: str) -> tuple[str, ...]:
    """A category and all that stand above it, nearest first.

    >>> parents("self-harm/intent")
    ('self-harm/intent', 'self-harm', 'harm')
    """
    parts = category.split("/")
    line = tuple("/".join(parts[:end]) for end in range(len(parts), 0, -1))
    top = parts[0]
    return line if top in GROUPS or top in ALONE or top == HARM else (*line, HARM)


def matches(when: str, category: str) -> bool:
    """Whether a rule for ``when`` speaks about ``category``: the same name, or a parent of it."""
    return when == category or when in parents(category)


def known(category: str, custom: Collection[str] = ()) -> bool:
    """Whether a policy may name this category; ``custom`` are the names its own checks declare.

    A mistyped name would be a silent hole, so what a service may add later is known only as ``harm``.
    """
    if category in _PRODUCIBLE or category in GROUPS or category == HARM:
        return True
    return category in custom or bool(_SECRET_KIND.fullmatch(category))


def names(custom: Collection[str] = ()) -> list[str]:
    """Every name that can be listed, for suggestions when one is mistyped."""
    return sorted(_PRODUCIBLE | GROUPS | {HARM} | set(custom))


def categories_of(when: str | Collection[str], categories: Collection[str]) -> set[str]:
    """Those of ``categories`` that a rule for ``when`` speaks about."""
    words = (when,) if isinstance(when, str) else when
    return {category for category in categories if any(matches(word, category) for word in words)}
