"""The words about when: strategies, overlap, patience, masks that are undone; and what is said about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrail.cli.main import main
from guardrail.errors import PolicyError
from guardrail.policy.compile import load_plan
from guardrail.policy.plan import Patience, Plan

ENV = {"KEY": "sk-none"}
HEAD = """
guardrail: 1
checks:
  words:   {use: words, words: [foo], category: custom/words}
  service: {use: openai, api_key: "${KEY}"}
  local:   {use: local}
"""
RULES = """
rules:
  - {when: custom/words, do: refuse}
  - {when: harm, do: refuse}
"""


def load(tmp_path: Path, text: str) -> Plan:
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    return load_plan(path, env=ENV)


def problems(tmp_path: Path, text: str) -> str:
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, text)
    return str(caught.value)


def test_overlap_needs_somebody_to_wait_for(tmp_path: Path) -> None:
    said = problems(tmp_path, f"{HEAD}input: [words, local]\noutput: [service]\noverlap: upstream{RULES}")
    assert "p.yaml:9: `overlap: upstream` has nothing to overlap" in said
    plan = load(tmp_path, f"{HEAD}input: [words, service]\noutput: [local]\noverlap: upstream{RULES}")
    assert plan.overlap == "upstream"


def test_a_policy_that_would_edit_what_was_sent_cannot_overlap(tmp_path: Path) -> None:
    text = f"{HEAD}input: [words, service]\noutput: [local]\noverlap: app{RULES}  - {{when: [custom/words, hate], do: redact}}\n"
    assert "this rule masks what check `service` finds, and it cannot mask what was sent already" in problems(
        tmp_path, text
    )
    assert load(tmp_path, text.replace("overlap: app", "overlap: none")).overlap == "none"


def test_masks_of_exact_checks_may_overlap(tmp_path: Path) -> None:
    text = f"{HEAD}input: [words, service]\noutput: [local]\noverlap: app{RULES}".replace(
        "custom/words, do: refuse", "custom/words, do: redact"
    )
    assert load(tmp_path, text).overlap == "app"


def test_a_word_for_streams_on_a_check_that_reads_none_is_a_mistake(tmp_path: Path) -> None:
    text = HEAD.replace("category: custom/words}", "category: custom/words, stream: after}")
    said = problems(tmp_path, f"{text}input: [words]\noutput: [service, local]{RULES}")
    assert "p.yaml:4: the check `words` has `stream: after` and reads requests only" in said


def test_strategies_reach_the_lane(tmp_path: Path) -> None:
    text = HEAD.replace('"${KEY}"}', '"${KEY}", stream: buffer}').replace(
        "custom/words}", "custom/words, stream: after}"
    )
    plan = load(tmp_path, f"{text}input: [words]\noutput: [words, service, local]{RULES}")
    assert plan.output.strategies == {"words": "after", "service": "buffer"}
    streaming = plan.output.streaming
    assert streaming.hold
    assert {m.name for m in streaming.window.moderators} == {"local"}  # twice: what tools gave is judged apart
    assert streaming.after is not None
    assert [s.name for s in streaming.after.scanners] == ["words"]


def test_an_unknown_word_is_answered_with_those_there_are(tmp_path: Path) -> None:
    text = HEAD.replace("{use: local}", "{use: local, stream: windows}")
    said = problems(tmp_path, f"{text}input: [words]\noutput: [words, service, local]{RULES}")
    assert "`checks.local.stream` is `windows`, which is not possible. Did you mean `window`?" in said


@pytest.mark.parametrize(
    ("written", "patience"),
    [
        ("{}", Patience()),
        ("{first_byte: 2s, idle: 500ms, keep_alive: never, settle: 3}", Patience(2.0, 0.5, None, 3.0)),
        ("{first_byte: never, idle: never, settle: never}", Patience(None, None, 15.0, None)),
    ],
)
def test_patience(tmp_path: Path, written: str, patience: Patience) -> None:
    plan = load(tmp_path, f"{HEAD}input: [words]\noutput: [service, local]\nstreams: {written}{RULES}")
    assert plan.patience == patience


def test_patience_is_a_duration_or_never(tmp_path: Path) -> None:
    said = problems(tmp_path, f"{HEAD}input: [words]\noutput: [service, local]\nstreams: {{idle: sometimes}}{RULES}")
    assert "`streams.idle` is not a duration" in said


def test_only_masks_can_be_undone(tmp_path: Path) -> None:
    rules = RULES.replace("custom/words, do: refuse", "custom/words, do: refuse, restore: true")
    assert "has `restore` but does refuse" in problems(
        tmp_path, f"{HEAD}input: [words]\noutput: [service, local]{rules}"
    )
    rules = rules.replace("do: refuse, restore", "do: redact, restore")
    assert load(tmp_path, f"{HEAD}input: [words]\noutput: [service, local]{rules}").reversible


def test_a_name_that_a_check_would_find_is_a_mistake(tmp_path: Path) -> None:
    text = """
guardrail: 1
checks:
  words:  {use: words, words: [foo], category: custom/words}
  names: {use: patterns, patterns: ['\\[foo-\\d\\]'], category: custom/names}
input: [words, names]
rules:
  - {when: custom/words, do: redact, mask: "[foo]", restore: true}
  - {when: custom/names, do: refuse}
"""
    assert "check `names` would find the name that stands for what is masked" in problems(
        tmp_path, text.replace("words: [foo]", "words: [bar]")
    )


PATTERNS = """
guardrail: 1
checks:
  odd: {{use: patterns, patterns: ['ABC-\\d{{6}}', '{pattern}'], category: custom/odd{more}}}
output: [odd]
rules: [{{when: custom/odd, do: refuse}}]
"""


@pytest.mark.parametrize(
    ("pattern", "more", "says"),
    [
        ("foo.*bar", "", "an answer waits while such a match is open"),
        ("foo.*bar", ", longest: 50", "matches longer than its `longest` (50) may be missed in a stream"),
        ("^foo$", "", "it is judged when the text is complete"),
        ("foo.{0,50}bar", "", None),
    ],
)
def test_a_pattern_longer_than_any_hold_is_reported(
    tmp_path: Path, pattern: str, more: str, says: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = load(tmp_path, PATTERNS.format(pattern=pattern, more=more))
    assert main(["policy", "check", str(tmp_path / "p.yaml")]) == 0
    told = capsys.readouterr().out
    if says is None:
        assert plan.remarks == ()
        assert "note" not in told
        return
    (remark,) = plan.remarks
    assert remark.where.endswith("p.yaml:4")
    assert "pattern 2 of check `odd` can match more text than a stream holds back" in remark.what
    assert says in remark.what
    assert says in told
