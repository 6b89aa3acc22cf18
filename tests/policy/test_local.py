"""``use: local`` in a policy: which tier judges, what tools gave, and what is said where the extra is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrail import Guard, Outcome
from guardrail.errors import PolicyError
from guardrail.local import encoder
from guardrail.local.tiers import Tiers
from guardrail.policy.compile import load_plan
from guardrail.verdict import Kind

POLICY = "guardrail: 1\nname: t\nchecks:\n  m: {use: local%s}\ninput: [m]\nrules:\n  - {when: harm, do: refuse}\n"
THREAT = "I am going to find you and I will kill you tonight."


def policy(folder: Path, more: str = "") -> Path:
    path = folder / "policy.yaml"
    path.write_text(POLICY % more, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("more", "tier"), [("", "accurate"), (", tier: accurate", "accurate"), (", tier: fast", "fast")]
)
def test_the_tier_named_judges(tmp_path: Path, more: str, tier: str) -> None:
    guard = Guard.from_policy(policy(tmp_path, more), log="none")
    try:
        assert guard.check(THREAT).outcome is Outcome.REFUSED
        assert guard.check("What is the capital of France?").outcome is Outcome.ALLOWED
    finally:
        guard.close()
    assert Tiers(tier).score([THREAT])[0].tier == tier


def test_without_the_extra_the_accurate_tier_is_refused_at_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "installed", lambda: False)
    with pytest.raises(PolicyError, match=r"guardrail-middleware\[local\]"):
        load_plan(policy(tmp_path, ", tier: accurate"))
    load_plan(policy(tmp_path))


def test_an_unknown_tier_is_refused_at_load(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="tier"):
        load_plan(policy(tmp_path, ", tier: medium"))


def test_every_kind_is_read_once_and_what_tools_gave_by_its_own_measure(tmp_path: Path) -> None:
    moderators = load_plan(policy(tmp_path)).input.moderators
    assert [Kind.TOOL_RESULT in moderator.reads for moderator in moderators] == [False, True]
    assert sum(len(moderator.reads) for moderator in moderators) == len(moderators[0].reads | moderators[1].reads)
    assert Kind.SYSTEM not in moderators[0].reads
    (only,) = load_plan(policy(tmp_path, ", on: [tool_result]")).input.moderators
    assert only.reads == {Kind.TOOL_RESULT}
