"""A decision names the models that were heard of its texts, clean ones too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrail import Guard
from guardrail.local import encoder
from tests.inline_cases import chat_stream, plan_of
from tests.support.drive import EVENTS, call

POLICY = """
guardrail: 1
name: heard
checks:
  harm: {use: local}
  quick: {use: local, tier: fast}
input: [harm]
output: [quick]
rules:
  - {when: harm, do: refuse}
"""
PLAIN = "What is a good soup for a cold day?"
ASKED = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": PLAIN}]}).encode()


def test_a_clean_decision_names_the_tier_that_answered(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.replace("harm: {use: local}", "harm: {use: local, tier: fast}"))
    guard = Guard.from_policy(path, log="none")
    try:
        first = guard.check(PLAIN)
        assert (first.outcome, first.findings) == ("allowed", ())
        (heard,) = first.models
        assert heard.startswith("harm:guardrail-local-")
        assert heard.endswith("-fast")
        assert guard.check(PLAIN).models == (), "it is known again, and nobody is asked"
        assert guard.check(PLAIN, direction="output").models == (heard.replace("harm:", "quick:"),)
    finally:
        guard.close()


def test_a_stream_names_the_models_of_both_directions(tmp_path: Path) -> None:
    plan = plan_of(POLICY, tmp_path)
    raw = chat_stream(PLAIN, None)
    row = call(plan, ASKED, raw, cuts=range(0, len(raw), 40), headers=EVENTS).rows[0]
    assert row.outcome == "allowed"
    assert {heard.partition(":")[0] for heard in row.models} == {"harm", "quick"}
    assert next(heard for heard in row.models if heard.startswith("quick")).endswith("-fast")


@pytest.mark.skipif(not encoder.installed(), reason="the extra `local` is not installed")
def test_the_tier_is_the_one_that_decided(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.replace("{use: local}", "{use: local, tier: accurate}"))
    guard = Guard.from_policy(path, log="none")
    try:
        (heard,) = guard.check(PLAIN).models
        assert heard.endswith("-accurate")
    finally:
        guard.close()
