"""The names the embedded model scores. Knows names only, never weights or thresholds."""

from __future__ import annotations

from ..categories import OPENAI_MODERATION

OWN_CATEGORIES: tuple[str, ...] = ("prompt_injection", "toxicity")

CATEGORIES: tuple[str, ...] = OPENAI_MODERATION + OWN_CATEGORIES

COMPOSED = "sexual/minors"
"""Never trained: composed from the sexual score and references to minors (see ``minors``)."""

TRAINED: tuple[str, ...] = tuple(name for name in CATEGORIES if name != COMPOSED)

INDIRECT = "prompt_injection/indirect"
"""Learnt beside ``prompt_injection``, and told as it for text that came from a tool or a document: there an
instruction to the reader is an attack, which from a person would be a request. No wire name."""

LEARNT: tuple[str, ...] = (*TRAINED, INDIRECT)
"""The outputs of the models, in order."""
