"""Policies with thresholds put into them: what stays, what comes, and that they do what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrail.errors import GuardrailError, PolicyError
from guardrail.evaluation.alone import standing_alone
from guardrail.evaluation.figures import Confusion
from guardrail.evaluation.saving import save, verify
from guardrail.evaluation.tuning import Choice
from guardrail.evaluation.writing import with_thresholds
from guardrail.local.categories import CATEGORIES
from guardrail.policy.compile import load_plan
from guardrail.policy.load import load
from guardrail.policy.sources import shipped


def choice(category: str, threshold: float) -> Choice:
    return Choice(category, threshold, 10, 90, Confusion(9, 1, 1, 89))


SEXUAL, VIOLENCE = choice("sexual", 0.5), choice("violence", 0.123457)

MINE = """# my policy
guardrail: 1
name: mine
extends: strict   # base
checks:
  # my words
  bad: {use: words, words: [foo], category: custom/bad}   # beside
  personal: null
input: [bad]
rules:
  # my own
  - {when: custom/bad, do: flag}  # here
  # a block
  - when: [sexual, custom/bad]
    # inside
    at_least: 0.4
    do: refuse

  # last words
caps: {body: 1MiB}
"""


def saved(folder: Path, source: str | Path, *choices: Choice, action: str = "refuse") -> str:
    written = with_thresholds(standing_alone(source), choices, about=["why"], models=CATEGORIES, action=action)
    save(written, folder / "out.yaml", choices, action)
    return (folder / "out.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(set(shipped()) - {"production"}))
def test_each_policy_that_ships_can_be_tuned(name: str, tmp_path: Path) -> None:
    text = saved(tmp_path, name, SEXUAL, VIOLENCE, choice("self-harm", 0.25), choice("prompt_injection", 0.9))
    plan = load_plan(tmp_path / "out.yaml")
    assert plan.observe == (name == "observe")
    assert "- {when: self-harm, at_least: 0.25, do: refuse, say: crisis}" in text
    comment = (
        "# tuned: sexual: n 100, positive 10; recall 0.900 [0.596, 0.982], FPR 0.0111 [0.0020, 0.0603], precision 0.900"
    )
    assert comment in text


def test_only_the_lines_of_the_tuned_rules_are_touched(tmp_path: Path) -> None:
    before = standing_alone("default").split("\n")
    after = saved(tmp_path, "default", SEXUAL).split("\n")
    kept = [line for line in before if line in after]
    gone = [line.strip() for line in before if line not in after]
    assert gone == ["- {when: harm, point: balanced, do: refuse}"]
    assert [line for line in after if line in set(kept)] == kept


def test_what_is_left_of_a_rule_keeps_its_bar(tmp_path: Path) -> None:
    saved(tmp_path, "default", SEXUAL)
    rules = {rule.when: rule for rule in load(tmp_path / "out.yaml").spec.rules}
    left = next(rule for when, rule in rules.items() if "violence" in when)
    assert (left.point, "sexual" in left.when, "hate" in left.when) == ("balanced", False, True)
    assert rules[("harm",)].at_least == 1.0
    assert rules[("self-harm",)].point == "balanced"


def test_what_it_extends_is_written_into_it_and_its_comments_stay(tmp_path: Path) -> None:
    source = tmp_path / "mine.yaml"
    source.write_text(MINE)
    text = saved(tmp_path, source, SEXUAL, choice("sexual/minors", 0.3))
    comments = ("# my policy", "# my words", "# beside", "# my own", "# here", "# a block", "# inside", "# last words")
    assert all(comment in text for comment in comments)
    assert "extends" not in text
    alone, mine = load(tmp_path / "out.yaml").spec, load(source).spec
    assert (alone.checks, alone.input, alone.output, alone.unclaimed) == (
        mine.checks,
        mine.input,
        mine.output,
        "refuse",
    )
    assert (alone.modalities, alone.references, alone.caps, alone.name) == (
        mine.modalities,
        mine.references,
        mine.caps,
        "mine",
    )
    assert [rule.when for rule in alone.rules if "custom/bad" in rule.when] == [("custom/bad",)] * 2


def test_a_second_run_takes_the_place_of_the_first(tmp_path: Path) -> None:
    saved(tmp_path, "default", SEXUAL, VIOLENCE)
    second = saved(tmp_path, tmp_path / "out.yaml", choice("sexual", 0.7), VIOLENCE)
    assert second.count("# tuned: sexual:") == second.count("# tuned: why") == 1
    third = saved(tmp_path, tmp_path / "out.yaml", choice("sexual", 0.7), VIOLENCE)
    assert third == second
    assert "at_least: 0.5" not in "".join(line for line in second.split("\n") if "when: sexual," in line)


def test_another_action_s_rules_are_let_be(tmp_path: Path) -> None:
    source = tmp_path / "p.yaml"
    source.write_text(
        "guardrail: 1\nchecks: {harm: {use: local}}\ninput: [harm]\nrules:\n"
        "  - {when: harm, point: strict, do: flag}\n  - {when: [sexual, hate], do: review}\n"
    )
    text = saved(tmp_path, source, SEXUAL, action="review")
    assert "- {when: harm, point: strict, do: flag}" in text
    assert "- {when: sexual, at_least: 0.5, do: review}" in text
    assert "- {when: [sexual/minors, hate], do: review}" in text  # what was not tuned keeps its bar
    with pytest.raises(GuardrailError, match="no rule of this policy has do: refuse for sexual"):
        saved(tmp_path, source, SEXUAL)


def test_a_threshold_that_another_rule_stands_over_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(GuardrailError, match="another rule of the policy stands over the threshold for sexual"):
        verify(load_plan("default"), [SEXUAL])
    (tmp_path / "out.yaml").write_text("mine")
    text = with_thresholds(standing_alone("default"), [SEXUAL], about=(), models=CATEGORIES)
    with pytest.raises(GuardrailError, match="stands over"):
        save(text, tmp_path / "out.yaml", [choice("sexual", 0.6)])
    with pytest.raises(PolicyError):
        save(text + "\nnonsense: 1\n", tmp_path / "out.yaml", [SEXUAL])
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.yaml", "mine")]
    with pytest.raises(GuardrailError, match="cannot be written to"):
        save(text, tmp_path / "none" / "out.yaml", [SEXUAL])


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ("[{when: harm, do: refuse}]", "brackets"),
        ("\n  -\n    when: harm\n    do: refuse", "begin each rule with a dash"),
    ],
    ids=["brackets", "dash"],
)
def test_rules_that_cannot_be_edited_are_told(rules: str, word: str, tmp_path: Path) -> None:
    source = tmp_path / "p.yaml"
    source.write_text(f"guardrail: 1\nchecks: {{harm: {{use: local}}}}\ninput: [harm]\nrules: {rules}\n")
    load(source)
    with pytest.raises(GuardrailError, match=word):
        saved(tmp_path, source, SEXUAL)


def test_words_of_a_rule_are_written_as_they_were_meant(tmp_path: Path) -> None:
    source = tmp_path / "p.yaml"
    source.write_text(
        "guardrail: 1\nchecks: {harm: {use: local}}\ninput: [harm]\nrules:\n- {when: harm, do: refuse, say: 'null'}\n"
        "refusals: {texts: {'null': {en: No.}}}\n"
    )
    saved(tmp_path, source, SEXUAL)
    assert {rule.say for rule in load(tmp_path / "out.yaml").spec.rules} == {"null"}
