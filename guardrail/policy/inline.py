"""The check whose verdict comes with the model's answer: what came is judged by the rules, on both sides.

Knows one check, the lanes that list it, and what an answer said; it yields no effect, for nothing is asked. Of wire
formats, and of what is held back meanwhile, it must never know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..backends.dialect import Side
from ..backends.moderation import Moderation, short
from ..backends.openai_inline import OpenAIInline
from ..errors import NotEvaluated
from ..text import Segment
from ..verdict import Action, Gap, Kind, Verdict
from .lane import Answer, Lane, findings_of, join, rule_on


@dataclass(frozen=True, slots=True)
class Inline:
    """``hold``: no part of a stream leaves before it came. ``sides``: those that are
    judged, each with its lane and the check."""

    backend: OpenAIInline
    hold: bool
    sides: tuple[tuple[Side, Lane, Moderation], ...]

    def judge(self, said: bytes | None) -> Verdict:
        """The verdict on what came with an answer; None: nothing."""
        verdict = Verdict()
        for side, lane, check in self.sides:
            verdict |= self._side(said, side, lane, check)
        return verdict

    def recorded(self, verdict: Verdict) -> Verdict:
        """A verdict on a stream that has left: it is remembered, and decides nothing."""
        return Verdict(min(verdict.action, Action.FLAG), verdict.findings, verdict.gaps, models=verdict.models)

    def absent(self, side: Side, kinds: Iterable[Kind]) -> Verdict:
        """What it means that nothing of this kind can come: the policy's word for it, where there is text to judge."""
        verdict, kinds = Verdict(), set(kinds)
        for own, lane, check in self.sides:
            if own == side and not check.reads.isdisjoint(kinds):
                error = NotEvaluated("no_answer", "no answer of this API comes with a moderation")
                verdict |= lane.failed(check, error, [_place(side)])
        return verdict

    def _side(self, said: bytes | None, side: Side, lane: Lane, check: Moderation) -> Verdict:
        at, verdict = _place(side), Verdict()
        answer: Answer
        try:
            scores = self.backend.read(said, side)
            verdict = Verdict(models=frozenset(f"{check.name}:{short(one.model)}" for one in scores if one.model))
            answer = check.hear(scores)
        except NotEvaluated as error:
            answer = error
            verdict |= lane.failed(check, error, [at])
        for finding in findings_of(answer):
            verdict = join(verdict, rule_on(lane, at, finding), finding)
        return verdict

    def unfinished(self) -> list[Gap]:
        """What was to be judged at an end that has not come."""
        return [Gap(check.name, "unfinished", f"moderation.{side}") for side, _, check in self.sides]


def _place(side: Side) -> Segment:
    """What stands for all that was read on a side: nobody says where in it something was found."""
    return Segment(Kind.USER if side == "input" else Kind.ASSISTANT, ("moderation", side), fixed=True)
