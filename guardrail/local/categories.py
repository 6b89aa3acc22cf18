"""The names the embedded model scores. Knows names only, never weights or thresholds."""

from __future__ import annotations

OPENAI_CATEGORIES: tuple[str, ...] = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
"""The 13 categories of the OpenAI moderation API (``/v1/moderations``), as they are spelled there."""

OWN_CATEGORIES: tuple[str, ...] = ("prompt_injection", "toxicity")

CATEGORIES: tuple[str, ...] = OPENAI_CATEGORIES + OWN_CATEGORIES

COMPOSED = "sexual/minors"
"""Never trained: composed from the sexual score and references to minors (see ``minors``)."""

TRAINED: tuple[str, ...] = tuple(name for name in CATEGORIES if name != COMPOSED)

INDIRECT = "prompt_injection/indirect"
"""Learnt beside ``prompt_injection``, and told as it for text that came from a tool or a document: there an
instruction to the reader is an attack, which from a person would be a request. No wire name."""

LEARNT: tuple[str, ...] = (*TRAINED, INDIRECT)
"""The outputs of the models, in order."""
