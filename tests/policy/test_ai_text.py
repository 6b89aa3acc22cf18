"""The AI-text signal in a policy: it may note and ask for a look, and never stops, changes, holds or fails anything."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guardrail import Guard, PolicyError
from guardrail.cli.decisions import fields, line, listing, sheet
from guardrail.cli.main import main
from guardrail.local.ai_text import LABELS, AiTextSignal
from guardrail.policy import taxonomy
from guardrail.policy.compile import load_plan
from guardrail.policy.lane import Lane
from guardrail.policy.plan import Plan
from guardrail.policy.rules import Rule, Rules
from guardrail.policy.signals import MOST, Signal
from guardrail.store.schema import from_row, to_row
from guardrail.verdict import Action, Decision, Kind
from tests.support import events, plans
from tests.support.drive import EVENTS, Result, call
from tests.support.plans import Word
from tests.support.prose import CODE, ENGLISH

HEAD = "guardrail: 1\nname: t\nchecks:\n  ai: {use: ai-text}\ninput: [ai]\noutput: [ai]\n"
ALL_LIKELY = "bins: [0.001, 0.002, 0.003, 0.004]"
LABEL = taxonomy.AI_TEXT[0]  # what ENGLISH is


def load(folder: Path, text: str) -> Plan:
    path = folder / "p.yaml"
    path.write_text(text, encoding="utf-8")
    return load_plan(path, env={})


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load(folder, text)
    return [f"{p.where.rpartition(':')[2]} {p.what} {p.remedy}" for p in caught.value.problems]


def guard(folder: Path, rules: str, check: str = "use: ai-text") -> Guard:
    text = f"guardrail: 1\nchecks:\n  ai: {{{check}}}\ninput: [ai]\noutput: [ai]\nrules:\n{rules}"
    return Guard(load(folder, text), log="none")


# -- what a policy may say ------------------------------------------------------------------------


@pytest.mark.parametrize("do", ["refuse", "redact"])
@pytest.mark.parametrize("when", ["ai_text", *taxonomy.AI_TEXT, "[harm, ai_text/likely]"])
def test_no_rule_may_decide_by_it(tmp_path: Path, do: str, when: str) -> None:
    found = problems(tmp_path, f"{HEAD}rules:\n  - {{when: ai_text, do: flag}}\n  - {{when: {when}, do: {do}}}\n")
    what = f"9 `rules[1]` does {do} on a guess whether AI wrote the text, which is wrong too often to decide by"
    assert found == [f"{what} Give ai_text a rule of its own with do: flag or do: review."]


def test_no_parent_policy_may_either(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("guardrail: 1\nrules:\n  - {when: ai_text, do: refuse}\n", encoding="utf-8")
    child = HEAD.replace("name: t", "extends: base.yaml") + "rules:\n  - {when: ai_text, do: flag}\n"
    assert "3 `rules[0]` does refuse on a guess" in problems(tmp_path, child)[0]


@pytest.mark.parametrize("when", ["harm", "toxicity", "prompt_injection", "personal", "secret", "custom"])
def test_no_rule_about_anything_else_matches_it(when: str) -> None:
    assert taxonomy.categories_of(when, taxonomy.AI_TEXT) == set()
    assert taxonomy.categories_of("ai_text", taxonomy.AI_TEXT) == set(taxonomy.AI_TEXT)


@pytest.mark.parametrize(
    ("check", "rule", "said"),
    [
        ("use: ai-text, min_chars: 999", "do: flag", "greater than or equal to 1000"),
        ("use: ai-text, bins: [0.1, 0.9, 0.45, 0.98]", "do: flag", "not four rising numbers"),
        ("use: ai-text, bins: [0.1, 0.45, 0.98]", "do: flag", "not four rising numbers"),
        ("use: ai-text, bins: [0.1, 0.45, 0.98, 1]", "do: flag", "not four rising numbers"),
        ("use: ai-text, languages: [fr]", "do: flag", "not possible"),
        ("use: ai-text, stream: buffer", "do: flag", "unknown key `checks.ai.stream`"),
        ("use: ai-text, on_error: refuse", "do: flag", "unknown key `checks.ai.on_error`"),
        ("use: ai-text", "do: review, say: default", "has `say` and is about ai_text"),
        ("use: ai-text", "do: flag, point: strict", "has `point` and is about ai_text"),
        ("use: words, words: [a], category: ai_text/likely", "do: flag", "not a category a check can have"),
    ],
)
def test_mistakes(tmp_path: Path, check: str, rule: str, said: str) -> None:
    text = HEAD.replace("use: ai-text", check) + f"rules:\n  - {{when: ai_text, {rule}}}\n"
    assert any(said in found for found in problems(tmp_path, text))


def test_a_check_without_a_rule_and_a_rule_without_a_check_are_mistakes(tmp_path: Path) -> None:
    assert "no rule is about what the check `ai` finds" in problems(tmp_path, HEAD)[0]
    text = "guardrail: 1\nrules:\n  - {when: ai_text/likely, do: flag}\n"
    assert "no listed check can find `ai_text/likely`" in problems(tmp_path, text)[0]


def test_it_reads_what_somebody_may_have_written(tmp_path: Path) -> None:
    (signal,) = load(tmp_path, HEAD + "rules:\n  - {when: ai_text, do: flag}\n").input.signals
    assert signal.reads == {Kind.USER, Kind.ASSISTANT, Kind.OTHER}
    text = HEAD.replace("use: ai-text", "use: ai-text, on: [tool_result]")
    (signal,) = load(tmp_path, text + "rules:\n  - {when: ai_text, do: flag}\n").input.signals
    assert signal.reads == {Kind.TOOL_RESULT}


# -- what it does ---------------------------------------------------------------------------------


def test_a_text_is_labelled_and_passes(tmp_path: Path) -> None:
    decision = guard(tmp_path, "  - {when: ai_text, do: flag}\n").check(ENGLISH)
    assert (decision.outcome, decision.action, decision.review) == ("allowed", Action.FLAG, None)
    assert decision.text == ENGLISH
    (finding,) = decision.findings
    assert (finding.category, finding.start, finding.end, finding.check) == (LABEL, 0, len(ENGLISH), "ai")
    assert "not proof" in finding.notice


def test_a_label_no_rule_is_about_is_not_noted(tmp_path: Path) -> None:
    decision = guard(tmp_path, "  - {when: ai_text/likely, do: flag}\n").check(ENGLISH)
    assert (decision.outcome, decision.action, decision.findings) == ("allowed", Action.ALLOW, ())


def test_a_rule_may_ask_for_a_score(tmp_path: Path) -> None:
    rules = "  - {when: ai_text, do: flag, at_least: 0.99}\n"
    assert guard(tmp_path, rules).check(ENGLISH).findings == ()


def test_a_review_waits_for_nobody(tmp_path: Path) -> None:
    rules = "  - {when: ai_text/likely, do: review}\n"
    decision = guard(tmp_path, rules, f"use: ai-text, {ALL_LIKELY}").check(ENGLISH, direction="output")
    assert (decision.outcome, decision.action, decision.review) == ("allowed", Action.FLAG, "pending")
    assert decision.text == ENGLISH


@pytest.mark.parametrize(
    ("text", "reason"),
    [(ENGLISH[:999], "too_short"), (CODE, "code"), ("das ist nicht englisch " * 99, "language")],
    ids=["short", "code", "german"],
)
def test_what_was_not_evaluated_is_a_gap_and_nothing_else(tmp_path: Path, text: str, reason: str) -> None:
    decision = guard(tmp_path, "  - {when: ai_text, do: flag}\n").check(text)
    assert (decision.outcome, decision.action, decision.review) == ("allowed", Action.ALLOW, None)
    assert [(g.check, g.reason, g.where) for g in decision.not_evaluated] == [("ai", reason, "text")]


def test_a_gap_of_another_check_still_counts() -> None:
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]}],
    }
    row = exchanged(signals(), json.dumps(body).encode(), reply("ok")).rows[0]
    assert row.outcome == "not_evaluated"
    assert {g.check for g in row.not_evaluated} == {"*", "ai"}


# -- in calls -------------------------------------------------------------------------------------


class Broken(AiTextSignal):
    def judge(self, text: str) -> Any:
        raise RuntimeError(text)


def signals(do: Action = Action.FLAG, signal: AiTextSignal | None = None, *checks: Word) -> Plan:
    rules = Rules([Rule(("ai_text",), do), Rule((plans.REFUSED,), Action.REFUSE)], {})
    lane = Lane(checks, (), rules, signals=(Signal("ai", signal or AiTextSignal()),))
    return replace(plans.NOTHING, input=lane, output=lane)


def asked(*texts: str, stream: bool = False) -> bytes:
    messages = [{"role": "user", "content": text} for text in texts]
    return json.dumps({"model": "m", "stream": stream, "messages": messages}).encode()


def reply(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


def streamed(text: str) -> bytes:
    parts = [text[at : at + 40] for at in range(0, len(text), 40)]
    return b"".join(events.sse(tree, done=False) for tree in events.said(*parts)) + events.DONE


def exchanged(plan: Plan, request: bytes, answer: bytes, **more: Any) -> Result:
    return call(plan, request, answer, **more)


@pytest.mark.parametrize("do", list(Action)[1:])
def test_whatever_a_rule_does_no_call_is_stopped_or_changed(do: Action) -> None:
    request, answer = asked(ENGLISH), reply(ENGLISH)
    result = exchanged(signals(do), request, answer)
    assert result.sent is not None
    assert (result.sent.body, result.body) == (request, answer)
    row = result.rows[0]
    assert (row.outcome, row.action) == ("allowed", Action.FLAG)
    assert row.review == ("pending" if do >= Action.REVIEW else None)
    assert [f.category for f in row.findings] == [LABEL, LABEL]


def test_a_stream_is_judged_when_it_has_left() -> None:
    answer = streamed(ENGLISH)
    cuts = range(0, len(answer), 53)
    with_it = exchanged(signals(Action.REVIEW), asked("hi", stream=True), answer, headers=EVENTS, cuts=cuts)
    without = exchanged(plans.NOTHING, asked("hi", stream=True), answer, headers=EVENTS, cuts=cuts)
    assert with_it.increments == without.increments
    row = with_it.rows[0]
    assert (row.outcome, row.action, row.review) == ("allowed", Action.FLAG, "pending")
    (finding,) = row.findings
    assert (finding.category, finding.end) == (LABEL, len(ENGLISH))
    assert "not proof" in finding.notice


def test_the_other_checks_still_judge_the_stream() -> None:
    plan = signals(Action.FLAG, None, Word("postcard"))
    result = exchanged(plan, asked("hi", stream=True), streamed(ENGLISH), headers=EVENTS, cuts=range(0, 9000, 53))
    assert result.refused
    assert b"postcard" not in result.body


def test_a_stream_that_is_left_early_was_not_evaluated() -> None:
    answer = streamed(ENGLISH)
    half = answer[: len(answer) // 2]
    row = exchanged(signals(), asked("hi", stream=True), half, headers=EVENTS, ends=False).rows[0]
    assert ("ai", "unfinished") in {(g.check, g.reason) for g in row.not_evaluated}
    assert row.outcome == "allowed"


def test_its_own_failure_is_a_gap() -> None:
    result = exchanged(signals(signal=Broken()), asked(ENGLISH), reply(ENGLISH))
    assert result.body == reply(ENGLISH)
    row = result.rows[0]
    assert (row.outcome, row.action) == ("allowed", Action.ALLOW)
    assert {(g.check, g.reason) for g in row.not_evaluated} == {("ai", "RuntimeError")}
    assert ENGLISH not in str(row)


def test_of_a_long_conversation_the_last_texts_are_judged() -> None:
    texts = [f"{'Oh! ' * n}{ENGLISH}" for n in range(MOST + 2)]
    row = exchanged(signals(), asked(*texts), reply("ok")).rows[0]
    assert [f.end for f in row.findings] == [len(text) for text in texts[-MOST:]]
    assert next((g.reason, g.where) for g in row.not_evaluated) == ("too_many", "messages[0].content")


def test_observing_changes_nothing() -> None:
    observe = replace(signals(Action.REVIEW), observe=True)
    answer = streamed(ENGLISH)
    result = exchanged(observe, asked(ENGLISH, stream=True), answer, headers=EVENTS)
    assert result.body == answer
    row = result.rows[0]
    assert (row.outcome, row.action, row.would, row.review) == ("allowed", Action.ALLOW, Action.FLAG, None)
    assert len(row.findings) == 2


# -- how it is shown ------------------------------------------------------------------------------


@pytest.fixture
def flagged(tmp_path: Path) -> Decision:
    return guard(tmp_path, "  - {when: ai_text, do: flag}\n").check(ENGLISH)


def test_the_row_keeps_label_and_notice(flagged: Decision) -> None:
    kept = from_row(to_row(flagged))
    assert kept.findings == flagged.findings
    assert kept.findings[0].moved(3).notice == flagged.findings[0].notice


@pytest.mark.parametrize("room", [60, 200])
def test_wherever_a_decision_is_shown_the_notice_is(flagged: Decision, room: int) -> None:
    for shown in (sheet(flagged), listing([flagged, flagged], room), [line(flagged.public())], [line(fields(flagged))]):
        text = " ".join(" ".join(shown).split())
        assert LABEL in text
        assert flagged.findings[0].notice in text
        assert text.count("not proof") == 1


def test_the_command_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + "rules:\n  - {when: ai_text, do: flag}\n", encoding="utf-8")
    log = f"sqlite:///{tmp_path}/d.db"
    assert main(["check", ENGLISH, "--policy", str(path), "--log", log]) == 0
    assert "not proof" in capsys.readouterr().out
    assert main(["check", "short", "--policy", str(path), "--log", log]) == 0
    for more in ([], ["--json"]):
        capsys.readouterr()
        assert main(["log", "show", "--log", log, *more]) == 0
        assert "not proof" in capsys.readouterr().out


def test_labels_are_named_in_the_schema_of_none_and_in_the_taxonomy_of_all() -> None:
    assert len(taxonomy.AI_TEXT) == len(LABELS) == 5
    assert all(taxonomy.known(name) for name in ("ai_text", *taxonomy.AI_TEXT))
    assert not taxonomy.known("ai_text/certain")
