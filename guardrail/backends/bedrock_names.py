"""What a guardrail of Amazon Bedrock can find, by AWS's names and by this project's categories.

Knows names only. Must never know how they stand in an answer.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_GuardrailContentFilter.html,
API_runtime_GuardrailPiiEntityFilter.html, API_runtime_GuardrailContextualGroundingFilter.html and
API_runtime_GuardrailManagedWord.html beside it; the same lists stand in botocore's service model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .custom import custom
from .dialect import UNNAMED

FILTERS: Mapping[str, str] = {
    "HATE": "hate",
    "INSULTS": "harassment",
    "MISCONDUCT": "illicit",
    "PROMPT_ATTACK": "prompt_injection",
    "SEXUAL": "sexual",
    "VIOLENCE": "violence",
}
"""The content filters. Prompt attacks are looked for in what users write only."""

CONFIDENCE = {"NONE": 0.0, "LOW": 1 / 3, "MEDIUM": 2 / 3, "HIGH": 1.0}

_PII_TYPES = (
    *("ADDRESS", "AGE", "AWS_ACCESS_KEY", "AWS_SECRET_KEY", "CA_HEALTH_NUMBER", "CA_SOCIAL_INSURANCE_NUMBER"),
    *("CREDIT_DEBIT_CARD_CVV", "CREDIT_DEBIT_CARD_EXPIRY", "CREDIT_DEBIT_CARD_NUMBER", "DRIVER_ID", "EMAIL"),
    *("INTERNATIONAL_BANK_ACCOUNT_NUMBER", "IP_ADDRESS", "LICENSE_PLATE", "MAC_ADDRESS", "NAME", "PASSWORD", "PHONE"),
    *("PIN", "SWIFT_CODE", "UK_NATIONAL_HEALTH_SERVICE_NUMBER", "UK_NATIONAL_INSURANCE_NUMBER"),
    *("UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER", "URL", "USERNAME", "US_BANK_ACCOUNT_NUMBER", "US_BANK_ROUTING_NUMBER"),
    *("US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER", "US_PASSPORT_NUMBER", "US_SOCIAL_SECURITY_NUMBER"),
    "VEHICLE_IDENTIFICATION_NUMBER",
)
_SAME = {
    "EMAIL": "personal/email",
    "PHONE": "personal/phone",
    "CREDIT_DEBIT_CARD_NUMBER": "personal/card",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": "personal/iban",
    "IP_ADDRESS": "personal/ip",
    "AWS_ACCESS_KEY": "secret",
    "AWS_SECRET_KEY": "secret",
    "PASSWORD": "secret",
}
PII: Mapping[str, str] = {name: _SAME.get(name) or custom(name) for name in _PII_TYPES}
"""The kinds of personal data, and of secrets."""

GROUNDING_FILTERS = {"GROUNDING": "custom/ungrounded", "RELEVANCE": "custom/irrelevant"}
CUSTOM_WORD, PROFANITY = "custom/word", "custom/profanity"
_TOPIC, _REGEX = "custom/topic", "custom/regex"

CONTENT, TOPIC, WORD = "contentPolicy", "topicPolicy", "wordPolicy"
SENSITIVE, GROUNDING = "sensitiveInformationPolicy", "contextualGroundingPolicy"
POLICIES = frozenset({CONTENT, TOPIC, WORD, SENSITIVE, GROUNDING})

KNOWN = frozenset({*FILTERS, *PII, "PROFANITY", *GROUNDING_FILTERS, *POLICIES})
"""What can be ignored, by AWS's names."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that somebody gave to denied topics and to regular expressions."""

    topics: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()

    def topic(self, name: str) -> str:
        return custom(name) if name in self.topics else _TOPIC

    def regex(self, name: Any) -> str:
        return custom(name) if name in self.regexes else _REGEX

    def expected(self, ignore: frozenset[str]) -> set[str]:
        """Categories of topics that a full answer always has."""
        return set() if TOPIC in ignore else {custom(name) for name in self.topics}

    def categories(self, ignore: frozenset[str]) -> frozenset[str]:
        """All that can be found, but for what is ignored."""
        found = [(CONTENT, name, ours) for name, ours in FILTERS.items()]
        found += [(SENSITIVE, name, ours) for name, ours in PII.items()]
        found += [(GROUNDING, name, ours) for name, ours in GROUNDING_FILTERS.items()]
        found += [(WORD, "", CUSTOM_WORD), (WORD, "PROFANITY", PROFANITY), (TOPIC, "", _TOPIC), (SENSITIVE, "", _REGEX)]
        found += [(TOPIC, "", custom(name)) for name in self.topics]
        found += [(SENSITIVE, "", custom(name)) for name in self.regexes]
        return frozenset({UNNAMED, *(ours for policy, name, ours in found if not {policy, name} & ignore)})
