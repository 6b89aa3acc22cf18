"""A stream's texts kept whole, for checks that judge the answer at its end.

Knows two lanes: one whose verdict decides what becomes of the answer, one whose verdict is only
remembered, for by then the texts have left; and signals, which are never more than remembered. Of what
is held and what leaves it must never know.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..flow import Flow
from ..text import Segment
from ..verdict import Action, Gap, Verdict
from ..wires.protocol import Frame
from . import signals, whole
from .lane import Streaming


class Shadow:
    """Copies of the segments of one stream; as long as the answer is. ``prompt``: what it answers."""

    def __init__(self, streaming: Streaming, *, prompt: str = "") -> None:
        self._prompt = prompt
        self._whole, self._after, self._told = streaming.whole, streaming.after, streaming.told
        self._texts: dict[int, tuple[Segment, Segment]] = {}  # the original, so that its id stays its own
        self._judged = False

    def push(self, frame: Frame) -> None:
        for piece in frame.pieces:
            original = piece.segment
            if original.echo:
                continue
            pair = self._texts.get(id(original))
            if pair is None:
                copy = Segment(original.kind, original.path, nested=original.nested, fixed=original.fixed)
                copy.apart, copy.keep = original.apart, False
                pair = self._texts[id(original)] = (original, copy)
            pair[1].add(piece.text)

    def judge(self) -> Flow[Verdict]:
        """The verdict at the end of the stream; asked again, nothing new."""
        if self._judged:
            return Verdict()
        texts, verdict = list(self._once()), Verdict()
        if self._whole is not None:
            verdict |= yield from whole.judge(self._whole, texts, prompt=self._prompt)
        if self._after is not None and verdict.action < Action.REVIEW:
            said = yield from whole.judge(self._after, texts, prompt=self._prompt)
            verdict |= Verdict(min(said.action, Action.FLAG), said.findings, said.gaps, models=said.models)
        if self._told is not None and verdict.action < Action.REVIEW:
            verdict |= yield from signals.judge(self._told, texts)
        self._judged = True
        return verdict

    def unjudged(self) -> list[Gap]:
        """The checks that were to judge at an end that has not come."""
        lanes = [lane for lane in (self._whole, self._after) if lane is not None and not self._judged]
        names = [s.name for lane in lanes for s in lane.scanners] + [m.name for lane in lanes for m in lane.moderators]
        asides = self._told.signals if self._told is not None and not self._judged else ()
        gaps = [Gap(name, "unfinished", "response") for name in names]
        return gaps + [Gap(signal.name, "unfinished", "response", aside=True) for signal in asides]

    def _once(self) -> Iterable[Segment]:
        """Each text once: many streams say the whole again at their end."""
        said: set[str] = set()
        for _, copy in self._texts.values():
            if not copy.apart or copy.text not in said:
                said.add(copy.text)
                yield copy
