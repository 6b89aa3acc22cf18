"""What was found of a text that was not judged in full: the finding stays, beside the gap and what the policy says of it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from guardrail.backends.moderation import Moderation
from guardrail.backends.openai_inline import OpenAIInline
from guardrail.checks.protocol import Scores
from guardrail.flow import Flow, run
from guardrail.policy import whole
from guardrail.policy.inline import Inline
from guardrail.policy.lane import Lane
from guardrail.policy.rules import Rule, Rules
from guardrail.text import Segment
from guardrail.verdict import Action, Kind, Verdict
from tests.policy.test_rolling import Streamed, judged_whole, perform

CATEGORIES = frozenset({"hate", "violence"})


class Half:
    """Judges hate and violence, and of a text with ``half`` in it only hate."""

    name, longest, stride, inline, remote, points = "half", 2000, 16, 0, False, None
    categories = CATEGORIES

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        yield from ()
        return [self._said(text) for text in texts]

    def _said(self, text: str) -> Scores:
        scores = {name: float(name in text) for name in CATEGORIES}
        if "half" not in text:
            return Scores(scores)
        return Scores({"hate": scores["hate"]}, unseen=frozenset({"violence"}), why="busy")


def lane(on_error: Action) -> Lane:
    points = {"m": {point: dict.fromkeys(CATEGORIES, 0.5) for point in ("lenient", "balanced", "strict")}}
    rules = Rules([Rule(("hate",), Action.FLAG), Rule(("violence",), Action.REFUSE)], points)
    check = Moderation(
        "m",
        Half(),
        dict.fromkeys(CATEGORIES, 0.5),
        window=64,
        needed=CATEGORIES,
        decides=lambda finding: rules.decide(finding).action >= Action.REVIEW,
    )
    return Lane((), (check,), rules, {"m": on_error})


def told(verdict: Verdict) -> tuple[Action, set[str], set[tuple[str, str]]]:
    return verdict.action, {f.category for f in verdict.findings}, {(g.check, g.reason) for g in verdict.gaps}


BUSY = {("m", "busy")}
MODES = [
    (Action.ALLOW, Action.FLAG),
    (Action.FLAG, Action.FLAG),
    (Action.REFUSE, Action.REFUSE),
]


@pytest.mark.parametrize(("on_error", "action"), MODES)
def test_a_finding_that_only_flags_stands_beside_the_gap(on_error: Action, action: Action) -> None:
    verdict, _, _ = judged_whole(lane(on_error), "hate, half")
    assert told(verdict) == (action, {"hate"}, BUSY)
    verdict, _, _ = judged_whole(lane(on_error), "half")
    assert told(verdict) == (on_error, set(), BUSY)


@pytest.mark.parametrize(("on_error", "action"), MODES)
def test_so_it_does_in_a_stream(on_error: Action, action: Action) -> None:
    stream = Streamed(lane(on_error))
    stream.push((0, "hate, half"))
    stream.judge(final=True)
    assert told(stream.verdict) == (action, {"hate"}, BUSY)
    assert stream.texts[0] == ("" if on_error is Action.REFUSE else "hate, half")


@pytest.mark.parametrize("on_error", [Action.ALLOW, Action.FLAG, Action.REFUSE])
def test_what_is_not_known_of_one_text_hides_nothing_of_another(on_error: Action) -> None:
    segments = [Segment(Kind.USER, (n,)) for n in range(3)]
    for segment, text in zip(segments, ("fine", "violence", "half"), strict=True):
        segment.add(text)
    verdict = run(whole.judge(lane(on_error), segments), perform)
    assert told(verdict) == (Action.REFUSE, {"violence"}, BUSY)
    assert [gap.where for gap in verdict.gaps] == [segments[2].where]


def test_windows_that_were_judged_are_cleared_though_another_was_not() -> None:
    stream = Streamed(lane(Action.REFUSE), segments=2)
    stream.push((0, "fine"), (1, "half"))
    stream.judge(final=True)
    assert told(stream.verdict) == (Action.REFUSE, set(), BUSY)
    assert [segment.marks.get("m", 0) for segment in stream.segments] == [4, 0]


def test_a_text_not_judged_in_full_is_not_remembered_as_clean() -> None:
    with_lane = lane(Action.ALLOW)
    for _ in range(2):
        assert judged_whole(with_lane, "half")[0].gaps


def test_so_it_is_where_the_moderation_comes_with_the_answer() -> None:
    with_lane = lane(Action.ALLOW)
    backend = OpenAIInline("m")
    check = Moderation("m", backend, {}, needed=CATEGORIES, decides=lambda _: False)
    shown = {name: name == "hate" for name in backend.categories - {"violence"}}
    said = {"type": "moderation_result", "model": "m", "flagged": True, "categories": shown}
    said["category_scores"] = {name: float(flag) for name, flag in shown.items()}
    inline = Inline(backend, hold=True, sides=(("input", with_lane, check),))
    assert told(inline.judge(json.dumps({"input": said}).encode())) == (Action.FLAG, {"hate"}, {("m", "unseen")})
