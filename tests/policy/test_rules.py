"""Rules: the strongest action of all that match, at the operating point they name."""

from __future__ import annotations

import pytest

from guardrail.policy.rules import NOTHING, Rule, Rules, mask_for
from guardrail.verdict import Action, Finding

POINTS = {
    "model": {"lenient": {"violence": 0.9}, "balanced": {"violence": 0.5}, "strict": {"violence": 0.2}},
    "service": None,
}


def found(category: str, score: float = 1.0, check: str = "words", flagged: bool = True) -> Finding:
    return Finding(category, score, 0, 1, check, flagged)


def decide(finding: Finding, *rules: Rule) -> Action:
    return Rules(rules, POINTS).decide(finding).action


def test_what_no_rule_is_about_is_let_be() -> None:
    rules = Rules([Rule(("violence",), Action.REFUSE)], POINTS)
    assert rules.decide(found("custom/a")) == NOTHING


@pytest.mark.parametrize("order", [1, -1])
def test_the_strongest_wins_in_any_order(order: int) -> None:
    rules = [Rule(("custom",), Action.FLAG), Rule(("custom/a",), Action.REFUSE), Rule(("custom/a",), Action.REDACT)][
        ::order
    ]
    assert decide(found("custom/a"), *rules) is Action.REFUSE
    assert decide(found("custom/b"), *rules) is Action.FLAG


@pytest.mark.parametrize(
    ("point", "score", "refused"),
    [
        (None, 0.5, True),
        (None, 0.49, False),
        ("strict", 0.2, True),
        ("strict", 0.19, False),
        ("lenient", 0.89, False),
        ("balanced", 0.5, True),
    ],
)
def test_a_model_counts_from_its_point_on(point: str | None, score: float, refused: bool) -> None:
    rule = Rule(("violence",), Action.REFUSE, point=point)
    assert (decide(found("violence", score, "model"), rule) is Action.REFUSE) is refused


def test_a_score_of_ones_own_goes_before_points() -> None:
    rule = Rule(("violence",), Action.REFUSE, at_least=0.7, point="strict")
    assert decide(found("violence", 0.6, "model"), rule) is Action.ALLOW
    assert decide(found("violence", 0.7, "model"), rule) is Action.REFUSE


def test_a_service_that_decides_itself_is_taken_at_its_word() -> None:
    rule = Rule(("violence",), Action.REFUSE)
    assert decide(found("violence", 0.01, "service", flagged=True), rule) is Action.REFUSE
    assert decide(found("violence", 0.99, "service", flagged=False), rule) is Action.ALLOW


def test_a_category_without_a_threshold_never_counts() -> None:
    assert decide(found("hate", 1.0, "model"), Rule(("harm",), Action.REFUSE)) is Action.ALLOW


def test_an_exact_check_counts_whatever_the_score() -> None:
    assert decide(found("custom/a", 0.0), Rule(("custom/a",), Action.REFUSE)) is Action.REFUSE


def test_floor_is_the_lowest_score_any_rule_looks_at() -> None:
    rules = Rules([Rule(("violence",), Action.REFUSE), Rule(("violence",), Action.FLAG, point="strict")], POINTS)
    assert rules.floor("model", "violence") == 0.2
    assert rules.floor("model", "hate") > 1


def test_of_equals_the_one_with_words_of_its_own_leads() -> None:
    plain, crisis = Rule(("custom",), Action.REFUSE), Rule(("custom/a",), Action.REFUSE, say="crisis")
    for rules in ((plain, crisis), (crisis, plain)):
        assert Rules(rules, POINTS).decide(found("custom/a")).say == "crisis"


def test_masks_say_what_stood_there() -> None:
    assert mask_for("personal/email") == "[email]"
    assert mask_for("personal/other") == "[personal]"
    assert mask_for("secret/key") == "[secret]"
    assert mask_for("custom/a") == "[redacted]"
    assert Rules([Rule(("custom/a",), Action.REDACT, mask="[x]")], POINTS).decide(found("custom/a")).mask == "[x]"
