"""The categories that moderation is spoken of in everywhere here. Names only."""

from __future__ import annotations

OPENAI_MODERATION = (
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
"""The 13 wire names of the OpenAI moderation API (``/v1/moderations``, model omni-moderation-2024-09-26).

Source: https://platform.openai.com/docs/guides/moderation, as of 2026-11.
"""
