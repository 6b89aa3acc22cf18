"""The policies that are measured, and what they are measured beside: ten bare regular expressions."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from guardrail import Guard
from guardrail.policy.recall import Recall

CANARY = "zorbenblat"
"""Refused by every policy here; the model says it where a stream is to be caught leaking."""

_CHECKS = f"""
  words:    {{use: words, words: [{CANARY}, quibberish], category: custom/words}}
  personal: {{use: personal-data, entities: [email, phone, card, iban]}}
  secrets:  {{use: secrets}}
  urls:     {{use: patterns, patterns: ['https?://[a-z0-9.-]{{1,100}}/?'], category: custom/url}}
"""
_RULES = """
rules:
  - {when: custom/words, do: refuse}
  - {when: [personal/card, personal/iban, secret], do: redact}
  - {when: [personal, custom/url], do: flag}
"""
_NAMES = "words, personal, secrets, urls"

POLICIES = {
    "exact": f"""
guardrail: 1
name: bench-exact
checks:{_CHECKS}
input: [{_NAMES}]
output: [{_NAMES}]
{_RULES}""",
    "local": f"""
guardrail: 1
name: bench-local
checks:{_CHECKS}  harm: {{use: local}}
input: [{_NAMES}, harm]
output: [{_NAMES}, harm]
{_RULES}  - {{when: harm, point: balanced, do: flag}}
""",
    "skipped": """
guardrail: 1
name: bench-skipped
paths: {skip: [/v1]}
""",
}
"""2 words, 4 kinds of personal data, secrets and URLs; the same and the embedded model; a proxy alone.

The model's findings are flagged, not refused: a false alarm shall not cut short what is measured.
"""


def written(folder: Path) -> dict[str, Path]:
    """The policies as files."""
    paths = {name: folder / f"{name}.yaml" for name in POLICIES}
    for name, path in paths.items():
        path.write_text(POLICIES[name], encoding="utf-8")
    return paths


def forgetful(policy: Path, log: str = "none") -> Guard:
    """A guard that knows no text of this bench when it comes again, though it does all that remembering takes."""
    guard = Guard.from_policy(policy, log=log)
    plan = guard.plan
    guard.plan = replace(
        plan, input=replace(plan.input, recall=Recall(1)), output=replace(plan.output, recall=Recall(1))
    )
    return guard


BARE = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?i)\b(?:{CANARY}|quibberish)\b",
        r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b",
        r"\+?\d[\d ()/.-]{7,}\d",
        r"\b(?:\d[ -]?){13,19}\b",
        r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        r"\bsk-[A-Za-z0-9_-]{20,}\b",
        r"\bAKIA[0-9A-Z]{16}\b",
        r"\bgh[pousr]_[A-Za-z0-9]{36,}\b",
        r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\b",
        r"https?://[A-Za-z0-9.-]+/?",
    )
)


def bare(text: str) -> int:
    """The floor: ten regular expressions with no validation, no disguises seen through, no decision."""
    return sum(1 for pattern in BARE for _ in pattern.finditer(text))
