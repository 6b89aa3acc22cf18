"""Signals: what is told about whole texts and decides nothing. Whether AI wrote them is the only one there is.

Whatever a rule says, a signal never refuses, masks or holds a text, and what it could not judge is a gap that
leaves the outcome as it is. Knows results and rules; of streams, masks and rows it must never know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..flow import Call, Flow
from ..local.ai_text import AiTextResult, AiTextSignal, NotEvaluated
from ..text import Segment
from ..verdict import Action, Finding, Gap, Kind, Verdict

if TYPE_CHECKING:
    from .lane import Lane

WRITTEN = frozenset({Kind.USER, Kind.ASSISTANT, Kind.OTHER})
"""What is read where the policy does not say: what somebody may have written, and no plumbing."""

MOST = 8
"""Long texts of one body that are judged, the last of them: a conversation brings all its history each time."""

INLINE = 4_000
"""Characters that are judged on an event loop, in about a millisecond; more is a worker's."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal as a check: its name in the policy, and whose text it reads."""

    name: str
    signal: AiTextSignal
    reads: frozenset[Kind] = WRITTEN

    def judge(self, texts: Sequence[str]) -> list[AiTextResult | NotEvaluated]:
        return [self.signal.judge(text) for text in texts]


def judge(lane: Lane, segments: Sequence[Segment]) -> Flow[Verdict]:
    """What the signals of a lane say: flagged at most, with ``look`` where a rule asks for a review."""
    verdict = Verdict()
    for signal in lane.signals:
        verdict |= yield from _judge(lane, signal, segments)
    return verdict


def _judge(lane: Lane, signal: Signal, segments: Sequence[Segment]) -> Flow[Verdict]:
    texts: dict[str, Segment] = {}  # what is said twice is judged once
    for segment in segments:
        if segment.kind in signal.reads and not (segment.nested or segment.echo):
            text = segment.spaced() if segment.joints else segment.text
            if not text.isspace():
                texts.setdefault(text, segment)
    gaps: dict[str, Gap] = {}  # of many alike the first place is named
    long = [text for text in texts if len(text) >= signal.signal.min_chars]
    for text, segment in texts.items():
        if len(text) < signal.signal.min_chars:
            _gap(gaps, signal, "too_short", segment)
    for text in long[:-MOST]:
        _gap(gaps, signal, "too_many", texts[text])
    long = long[-MOST:]
    findings: list[Finding] = []
    action, look = Action.ALLOW, False
    try:
        if sum(map(len, long)) > INLINE:
            results: list[AiTextResult | NotEvaluated] = yield Call(signal.judge, (long,))
        else:
            results = signal.judge(long)
    except Exception as error:  # noqa: BLE001 - what decides nothing must not fail an exchange either
        return Verdict(gaps=(Gap(signal.name, type(error).__name__, texts[long[0]].where, aside=True),))
    for text, result in zip(long, results, strict=True):
        segment = texts[text]
        if isinstance(result, NotEvaluated):
            _gap(gaps, signal, result.reason, segment)
            continue
        found = Finding(result.category, result.score, 0, segment.total, signal.name, notice=result.notice)
        ruled = lane.rules.decide(found).action
        if ruled > Action.ALLOW:
            findings.append(found)
            action, look = Action.FLAG, look or ruled >= Action.REVIEW
    return Verdict(action, tuple(findings), tuple(gaps.values()), look=look)


def _gap(gaps: dict[str, Gap], signal: Signal, reason: str, segment: Segment) -> None:
    gaps.setdefault(reason, Gap(signal.name, reason, segment.where, aside=True))
