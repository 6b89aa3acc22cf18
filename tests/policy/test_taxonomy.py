"""Names and who stands above whom."""

from __future__ import annotations

import pytest

from guardrail.categories import OPENAI_MODERATION
from guardrail.local.categories import CATEGORIES
from guardrail.policy import audit, taxonomy


@pytest.mark.parametrize(
    ("category", "line"),
    [
        ("self-harm/intent", ("self-harm/intent", "self-harm", "harm")),
        ("violence", ("violence", "harm")),
        ("harm", ("harm",)),
        ("personal/card", ("personal/card", "personal")),
        ("personal", ("personal",)),
        ("custom/x", ("custom/x", "custom")),
        ("secret/aws", ("secret/aws", "secret")),
        ("prompt_injection", ("prompt_injection",)),
        ("toxicity", ("toxicity",)),
        ("fraud", ("fraud", "harm")),
        ("fraud/romance", ("fraud/romance", "fraud", "harm")),
    ],
)
def test_parents(category: str, line: tuple[str, ...]) -> None:
    assert taxonomy.parents(category) == line


def test_every_moderation_category_is_a_child_of_harm() -> None:
    assert len(OPENAI_MODERATION) == 13
    assert all(taxonomy.matches("harm", category) for category in OPENAI_MODERATION)


@pytest.mark.parametrize(
    ("when", "category", "expected"),
    [
        ("harm", "self-harm/intent", True),
        ("self-harm", "self-harm/intent", True),
        ("self-harm/intent", "self-harm", False),
        ("harm", "self-harm", True),
        ("harm", "prompt_injection", False),
        ("harm", "personal/card", False),
        ("hate", "harassment", False),
        ("self", "self-harm", False),
        ("harm", "fraud", True),
    ],
)
def test_a_rule_matches_its_category_and_those_below(when: str, category: str, expected: bool) -> None:
    assert taxonomy.matches(when, category) is expected


def test_known_are_the_listed_names_those_of_checks_and_kinds_of_secret() -> None:
    for name in (*OPENAI_MODERATION, *taxonomy.PERSONAL, "harm", "personal", "secret", "secret/aws", "custom"):
        assert taxonomy.known(name, set()), name
    assert taxonomy.known("custom/x", {"custom/x"})
    for name in ("custom/x", "fraud", "self-harm/intents", "personal/passport", "", "Harm"):
        assert not taxonomy.known(name, {"custom/y"}), name


def test_the_embedded_model_scores_what_a_policy_may_name() -> None:
    assert set(CATEGORIES) == audit.MODEL_CATEGORIES
