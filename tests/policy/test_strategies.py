"""The words for streams: a window at a time, the whole answer first, or only afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from guardrail.errors import NotEvaluated
from guardrail.policy.lane import Lane
from guardrail.policy.plan import Plan
from guardrail.verdict import Action, Kind
from tests.support import events, plans
from tests.support.drive import EVENTS, Result, call, pieces
from tests.support.plans import FLAGGED, MASKED, RULES, Judge, Word

ASKED = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}).encode()
TEXTS = ("All is well", " so far, and", " it goes on", " for", "bidden", " for a while", " yet.")


def plan(*checks: Word | Judge, on_error: Action = Action.REFUSE, **words: str) -> Plan:
    """These checks on answers; ``words`` by the name of a check."""
    scanners = tuple(c for c in checks if not isinstance(c, Judge))
    judges = tuple(c for c in checks if isinstance(c, Judge))
    lane = Lane(scanners, judges, RULES, {j.name: on_error for j in judges}, strategies=words)
    return replace(plans.NOTHING, output=lane)


def raw(*texts: str) -> bytes:
    return b"".join(events.sse(tree, done=False) for tree in events.said(*texts)) + events.DONE


def go(with_plan: Plan, *texts: str, **more: Any) -> Result:
    answer = raw(*(texts or TEXTS))
    more.setdefault("cuts", range(0, len(answer), 11))
    return call(with_plan, ASKED, answer, headers=EVENTS, **more)


def test_after_lets_all_go_and_remembers() -> None:
    result = go(plan(Word("forbidden", name="bad"), bad="after"))
    assert result.body == raw(*TEXTS)
    row = result.rows[0]
    assert (row.outcome, row.action, row.ended) == ("allowed", Action.FLAG, "complete")
    assert [f.check for f in row.findings] == ["bad"]


def test_after_holds_nothing_while_it_comes() -> None:
    result = go(plan(Word("\x00", needs_all=True, name="slow"), slow="after"))
    held = go(plan(Word("\x00", needs_all=True, name="slow")))
    first, last = (next(n for n, left in enumerate(r.increments) if b"well" in left) for r in (result, held))
    assert first < len(result.increments) // 2
    assert last > len(held.increments) - 6, "with the end of the stream"


def test_a_model_after_is_asked_once_for_the_same_texts() -> None:
    judge = Judge("forbidden", stride=4, window=1000)
    result = go(plan(judge, judge="after"))
    assert result.body == raw(*TEXTS)
    assert judge.asked.count("".join(TEXTS)) == 1
    assert len(judge.asked) == len(set(judge.asked))
    assert [f.check for f in result.rows[0].findings] == ["judge"]


def test_after_does_not_weaken_what_stands_beside_it() -> None:
    result = go(plan(Word("forbidden", name="bad"), Word("while", FLAGGED, name="other"), other="after"))
    assert result.refused
    assert b"bidden" not in result.body


def test_buffer_holds_all_until_the_whole_was_judged() -> None:
    judge = Judge("never", stride=4, window=1000)
    result = go(plan(judge, judge="buffer"))
    assert result.body == raw(*TEXTS)
    assert "".join(TEXTS) in judge.asked
    left = [n for n, part in enumerate(result.increments) if part]
    assert min(left) > len(result.increments) - 6


def test_of_a_buffered_answer_that_is_refused_nothing_leaves() -> None:
    result = go(plan(Judge("goes on", stride=4, window=1000), judge="buffer"))
    assert result.refused
    assert b"All is well" not in result.body
    assert events.finishes(result.body) == {0: "content_filter"}


def test_a_buffered_scanner_masks_as_ever() -> None:
    result = go(plan(Word("forbidden", MASKED, name="bad"), bad="buffer"))
    assert events.content(result.body) == "".join(TEXTS).replace("forbidden", plans.MASK)
    assert min(n for n, part in enumerate(result.increments) if part) > len(result.increments) - 6


@pytest.mark.parametrize("word", ["buffer", "after"])
def test_a_check_that_fails_at_the_end_does_what_its_word_says(word: str) -> None:
    class Broken(Judge):
        def ask(self, texts: Sequence[str], prompt: str = "") -> Any:
            yield from ()
            raise NotEvaluated("timeout")

    result = go(plan(Broken("x"), judge=word))
    assert ("judge", "timeout") in {(g.check, g.reason) for g in result.rows[0].not_evaluated}
    if word == "after":
        assert result.body == raw(*TEXTS)
        assert result.rows[0].outcome == "not_evaluated"
    else:
        assert b"well" not in result.body


def test_what_was_to_be_judged_at_an_end_that_never_came_is_said() -> None:
    result = go(plan(Word("forbidden", name="bad"), bad="after"), ends=False, cuts=[60, 70])
    whole = go(plan(Word("forbidden", name="bad"), bad="after"))
    assert whole.rows[0].not_evaluated == ()
    cut = call(
        plan(Word("forbidden", name="bad"), bad="after"),
        ASKED,
        pieces(raw(*TEXTS), [len(raw(*TEXTS)) // 2])[0],
        headers=EVENTS,
        ends=False,
    )
    assert result.rows[0].ended in ("complete", "disconnected")
    assert cut.rows[0].ended == "disconnected"
    assert ("bad", "unfinished") in {(g.check, g.reason) for g in cut.rows[0].not_evaluated}


def test_arguments_of_tools_are_judged_afterwards_too() -> None:
    trees = [events.calls(0, '{"q": "for'), events.calls(0, 'bidden"}'), events.chunk({}, finish="tool_calls")]
    answer = b"".join(events.sse(tree, done=False) for tree in trees) + events.DONE
    result = call(plan(Word("forbidden", name="bad"), bad="after"), ASKED, answer, headers=EVENTS)
    assert result.body == answer
    assert [f.check for f in result.rows[0].findings][:1] == ["bad"]


def test_a_whole_answer_is_judged_whatever_the_word_for_streams() -> None:
    message = {"role": "assistant", "content": "this is forbidden"}
    answer = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
    for word in ("window", "buffer", "after"):
        assert call(plan(Word("forbidden", name="bad"), bad=word), ASKED, answer).refused


def test_strategies_leave_the_other_checks_in_the_window() -> None:
    checks = (Word("a", name="a"), Word("b", name="b"), Word("c", name="c"))
    lane = Lane(checks, (Judge("x"),), RULES, strategies={"a": "buffer", "b": "after", "judge": "buffer"})
    streaming = lane.streaming
    assert [s.name for s in streaming.window.scanners] == ["a", "c"]
    assert streaming.hold
    assert streaming.whole is not None
    assert streaming.after is not None
    assert [m.name for m in streaming.whole.moderators] == ["judge"]
    assert [s.name for s in streaming.after.scanners] == ["b"]
    assert not any(Kind.ASSISTANT in m.reads for m in streaming.window.moderators)
