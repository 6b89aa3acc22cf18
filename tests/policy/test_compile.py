"""From a policy file to a plan: what only the compiler can see is reported with all the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrail import PolicyError
from guardrail.policy.compile import load_plan
from guardrail.verdict import Action, Finding

HEAD = "guardrail: 1\nname: t\n"


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_plan(path, env={})
    return [f"{p.where.rpartition(':')[2]} {p.what}" for p in caught.value.problems]


def plan(tmp_path: Path, text: str) -> object:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return load_plan(path, env={})


TICKET = "checks:\n  t: {use: patterns, patterns: ['TICKET-\\d+'], category: custom/t}\ninput: [t]\n"


def test_a_mask_that_a_check_would_find_again_is_unsafe(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, TICKET + "rules:\n  - {when: custom/t, do: redact, mask: TICKET-0}\n")
    assert found.startswith("7 check `t` would find the mask itself")


def test_a_mask_of_control_characters_is_unsafe(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, TICKET + 'rules:\n  - {when: custom/t, do: redact, mask: "a\\u0000b"}\n')
    assert found.startswith("7 the mask is empty or has control characters")


def test_a_model_has_nothing_to_mask(tmp_path: Path) -> None:
    text = "checks:\n  m: {use: local}\ninput: [m]\nrules:\n  - {when: harm, do: redact}\n"
    (found,) = problems(tmp_path, text)
    assert "nothing to mask" in found


def test_a_point_that_a_backend_does_not_have(tmp_path: Path) -> None:
    text = (
        "checks:\n  m: {use: openai, api_key: sk-x}\ninput: [m]\nrules:\n  - {when: harm, point: strict, do: refuse}\n"
    )
    (found,) = problems(tmp_path, text)
    assert "no operating point `strict`" in found


def test_a_pattern_that_re2_does_not_take(tmp_path: Path) -> None:
    text = "checks:\n  t: {use: patterns, patterns: ['(a)\\1'], category: custom/t}\ninput: [t]\n"
    (found,) = problems(tmp_path, text + "rules: [{when: custom/t, do: flag}]\n")
    assert found.startswith("4 check `t` cannot be made: pattern 1")


def test_a_custom_route_with_a_path_that_is_none(tmp_path: Path) -> None:
    found = problems(
        tmp_path, TICKET + "rules: [{when: custom/t, do: flag}]\ncustom:\n  - {path: /c, request: {user: [$..x]}}\n"
    )
    assert len(found) == 1


def test_what_the_loader_and_what_the_compiler_see_comes_at_once(tmp_path: Path) -> None:
    """An unknown key, an unknown category, and a mask a check would find: one report, in the file's order."""
    text = (
        "colour: blue\n"
        + TICKET
        + "rules:\n  - {when: nonsense, do: flag}\n  - {when: custom/t, do: redact, mask: TICKET-0}\n"
    )
    found = problems(tmp_path, text)
    assert [line.split()[0] for line in found] == ["3", "8", "9"]


def test_rules_become_rulings(tmp_path: Path) -> None:
    text = TICKET + "rules:\n  - {when: custom/t, do: flag}\n  - {when: custom, do: redact}\n"
    made = plan(tmp_path, text)
    ruling = made.input.rules.decide(Finding("custom/t", 1.0, 0, 1, "t"))  # type: ignore[attr-defined]
    assert (ruling.action, ruling.mask) == (Action.REDACT, "[redacted]")


def test_each_point_of_the_local_model_is_met_at_its_threshold(tmp_path: Path) -> None:
    text = "checks:\n  m: {use: local}\ninput: [m]\nrules:\n  - {when: harm, point: strict, do: refuse, say: crisis}\n"
    made = plan(tmp_path, text)
    rules = made.input.rules  # type: ignore[attr-defined]
    floor = rules.floor("m", "violence")
    assert 0 < floor < 1
    assert rules.decide(Finding("violence", floor, 0, 1, "m")).action is Action.REFUSE
    assert rules.decide(Finding("violence", floor - 1e-6, 0, 1, "m")).action is Action.ALLOW
