"""Judging whole bodies: every segment by every check that reads it, masks in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from guardrail.flow import Call, run
from guardrail.policy import whole
from guardrail.policy.lane import INLINE, MAX_FINDINGS, Lane
from guardrail.text import Segment
from guardrail.verdict import Action, Kind, Verdict
from tests.policy.test_rolling import perform
from tests.support.plans import MASK, MASKED, REFUSED, Judge, Word, lane


def segment(text: str, kind: Kind = Kind.USER, *, nested: bool = False, fixed: bool = False) -> Segment:
    made = Segment(kind, ("text",), nested=nested, fixed=fixed)
    made.add(text)
    return made


def judge(with_lane: Lane, *segments: Segment) -> Verdict:
    return run(whole.judge(with_lane, segments), perform)


def test_the_strongest_action_wins_and_all_is_remembered() -> None:
    with_lane = lane(Word("red", REFUSED), Word("ticket", MASKED))
    verdict = judge(with_lane, segment("a ticket"), segment("a red ticket"))
    assert verdict.action is Action.REFUSE
    assert sorted(f.category for f in verdict.findings) == [MASKED, MASKED, REFUSED]


def test_segments_do_not_join() -> None:
    assert judge(lane(Word("abcd")), segment("ab"), segment("cd")).action is Action.ALLOW


def test_a_check_reads_only_its_kinds() -> None:
    with_lane = lane(Word("bad", reads=frozenset({Kind.USER})))
    assert judge(with_lane, segment("bad", Kind.SYSTEM)).action is Action.ALLOW
    assert judge(with_lane, segment("bad")).action is Action.REFUSE
    assert with_lane.skipped([Kind.SYSTEM, Kind.USER]) == {"word bad:system"}


def test_models_are_not_asked_where_exact_checks_refuse() -> None:
    moderator = Judge("x")
    assert judge(lane(Word("bad"), moderator), segment("bad")).action is Action.REFUSE
    assert moderator.asked == []
    judge(lane(Word("bad"), moderator), segment("good"), segment("  "), segment("better"))
    assert moderator.asked == ["good", "better"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('{"a":"a ticket"}', f'{{"a":"a {MASK}"}}'),
        ('{"n":1.50,"a":["ticket"]}', f'{{"n":1.50,"a":["{MASK}"]}}'),
        ("no JSON, a ticket", f"no JSON, a {MASK}"),
        ('"a ticket"', f'"a {MASK}"'),
        ('{"a":"\\u0074icket"}', f'{{"a":"{MASK}"}}'),
    ],
)
def test_masks_inside_json_keep_it_json(text: str, written: str) -> None:
    outer = segment(text, Kind.TOOL_CALL, nested=True)
    assert judge(lane(Word("ticket", MASKED)), outer).action is Action.REDACT
    assert outer.written(0, text) == written


@pytest.mark.parametrize(
    "text", ['{"ticket":1}', '{"\\u0074icket":1}', '{"a":"ticket","ticket":1}', '{"a":"ticket'[:5] + "ticket:1}"]
)
def test_masks_that_fit_nowhere_refuse(text: str) -> None:
    outer = segment(text, Kind.TOOL_CALL, nested=True)
    verdict = judge(lane(Word("ticket", MASKED)), outer)
    if text.startswith('{"a":t'):
        assert outer.written(0, text) == text.replace("ticket", MASK), "no JSON: an ordinary text"
    else:
        assert verdict.action is Action.REFUSE


def test_what_cannot_be_rewritten_is_refused() -> None:
    assert judge(lane(Word("ticket", MASKED)), segment("ticket", fixed=True)).action is Action.REFUSE


def test_findings_beyond_the_cap_count_though_they_are_not_kept() -> None:
    text = "ticket " * (MAX_FINDINGS + 50) + "bad"
    made = segment(text)
    verdict = judge(lane(Word("ticket", MASKED), Word("bad")), made)
    assert len(verdict.findings) == MAX_FINDINGS
    assert verdict.action is Action.REFUSE
    assert "ticket" not in made.written(0, text)


def test_much_text_is_a_workers() -> None:
    asked: list[Any] = []

    def performing(effect: Any) -> Any:
        asked.append(effect)
        return perform(effect)

    with_lane = lane(Word("bad"))
    run(whole.judge(with_lane, [segment("x" * 100)]), performing)
    assert asked == []
    verdict = run(whole.judge(with_lane, [segment("x" * INLINE + " bad")]), performing)
    assert [type(effect) for effect in asked] == [Call]
    assert verdict.action is Action.REFUSE


def test_one_check_that_fails_does_not_hide_another() -> None:
    class Broken(Judge):
        def ask(self, texts: Sequence[str], prompt: str = "") -> Any:
            yield from ()
            raise ValueError("a bug in a backend")

    moderators = (Broken("x", name="broken"), Judge("harm"))
    with_lane = Lane((), moderators, lane().rules, {"broken": Action.ALLOW})
    verdict = judge(with_lane, segment("some harm"))
    assert verdict.action is Action.REFUSE
    assert [f.check for f in verdict.findings] == ["judge"]
    assert [gap.check for gap in verdict.gaps] == ["broken"]
