"""Judging streams: text is judged as it grows, and a mark per check says how far it is clear.

Two laws hold here. Nothing is cleared before every check that reads it has seen all it needs.
And the outcome does not depend on how the bytes were cut: a read of many frames is judged at
once, but if anything in it would be refused, its frames are judged again one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from ..checks.protocol import Moderator, Scanner
from ..flow import Call, Flow
from ..text import Segment
from ..verdict import Action, Finding, Verdict
from ..wires.protocol import Frame
from . import whole
from .lane import Lane, join, rule_on, together

_INLINE = 4096
"""Characters of one read that are scanned on the event loop; more is a worker's."""

_FORGET = 256
"""Characters nobody needs any more that are worth a copy of the rest."""

Span = tuple[Segment, int, int]
"""A segment, the position cleared so far, and the one judged next."""


@dataclass(slots=True)
class _Look:
    """What one look would change; nothing is changed until it is applied."""

    verdict: Verdict = field(default_factory=Verdict)
    marks: list[tuple[Segment, str, int]] = field(default_factory=list)
    edits: list[tuple[Segment, int, int, str]] = field(default_factory=list)
    growing: list[Segment] = field(default_factory=list)
    cleared: list[Segment] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    reached: dict[int, tuple[Segment, int]] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        return self.verdict.action >= Action.REVIEW


class Rolling:
    """Judges the segments of one stream in one lane."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._scanning = frozenset(s.name for s in lane.scanners)
        self._fresh: list[Frame] = []
        self._known: dict[tuple[int, str, int], Sequence[Finding] | Exception] = {}
        self._reached: dict[int, tuple[Segment, int]] = {}  # how far each segment was looked at
        self._nested: dict[int, tuple[Segment, Verdict]] = {}  # verdicts on JSON inside JSON that is complete
        self._told: dict[tuple[str, bytes], Sequence[Finding]] = {}  # what a moderator said of a text

    def push(self, frame: Frame) -> None:
        if frame.pieces or frame.closes:
            self._fresh.append(frame)

    def advance(self, segments: Sequence[Segment], *, final: bool) -> Flow[Verdict]:
        """Judge what is new, move the marks, put in the masks. ``final``: no text will follow."""
        verdict = Verdict()
        if fresh := self._fresh:
            self._fresh = []
            verdict = yield from self._batch(fresh)
        if final and verdict.action < Action.REVIEW:
            verdict |= yield from self._end(segments)
        self._known.clear()
        return verdict

    def _batch(self, fresh: Sequence[Frame]) -> Flow[Verdict]:
        look = yield from self._look(_ends(fresh), fresh)
        if not look.refused or len(fresh) == 1:
            self._apply(look)
            return look.verdict
        verdict = Verdict()
        for frame in fresh:
            look = yield from self._look(_ends([frame]), [frame])
            self._apply(look)
            verdict |= look.verdict
            if look.refused:
                break
        return verdict

    def _end(self, segments: Sequence[Segment]) -> Flow[Verdict]:
        last = Frame(b"", closes=[s for s in segments if s.total])
        look = yield from self._look({id(s): (s, s.total) for s in segments}, [last])
        self._apply(look)
        if not look.refused:
            for segment in segments:
                segment.clear = segment.total
        return look.verdict

    def _look(self, ends: dict[int, tuple[Segment, int]], frames: Sequence[Frame]) -> Flow[_Look]:
        """Judge segments up to these ends, as far as these frames brought them; those they close to the last."""
        closed = {id(segment) for frame in frames for segment in frame.closes}
        look = _Look(growing=[s for s, _ in ends.values() if not s.nested], closed=closed)
        look.reached = {key: (s, upto) for key, (s, upto) in ends.items() if not s.nested}
        growing = [(s, upto) for s, upto in ends.values() if not s.nested]
        size = sum(upto - max(s.clear, s.base) for s, upto in growing)
        if size <= _INLINE:
            self._scan(growing, closed, look)
        else:
            yield Call(self._scan, (growing, closed, look))
        if not look.refused:
            yield from self._moderate(frames, look)
        if not look.refused:
            yield from self._judge_nested(frames, look)
        return look

    def _judge_nested(self, frames: Sequence[Frame], look: _Look) -> Flow[None]:
        """JSON inside JSON is judged once, when it is complete."""
        for frame in frames:
            for segment in frame.closes:
                if not segment.nested or look.refused:
                    continue
                if id(segment) not in self._nested:
                    self._nested[id(segment)] = (segment, (yield from whole.judge(self._lane, [segment])))
                look.verdict |= self._nested[id(segment)][1]
                look.cleared.append(segment)
        if look.refused:
            look.cleared.clear()

    def _scan(self, growing: Sequence[tuple[Segment, int]], closed: set[int], look: _Look) -> None:
        lane = self._lane
        for segment, upto in growing:
            done = segment.apart or id(segment) in closed
            readers = lane.readers[segment.kind] if done else lane.early[segment.kind]
            if not readers:
                continue
            known = segment.marks
            marks = [known.get(r.name, 0) for r in readers] if known else [0] * len(readers)
            begin = max(segment.base, min(marks) - 1)  # one character more, for word boundaries
            text = segment.text[begin - segment.base : upto - segment.base]
            possible = lane.prefilter.possible(text)
            if not possible:  # most text, most of the time
                end = begin + len(text)
                look.marks += [(segment, r.name, end if done else end - r.tail(text)) for r in readers]
                continue
            names = {lane.scanners[n].name for n in possible}
            for reader, mark in zip(readers, marks, strict=True):
                findings = reader.scan(text, mark - begin) if reader.name in names else ()
                self._settle(segment, reader, findings, begin, text, done, look)

    def _settle(
        self,
        segment: Segment,
        reader: Scanner,
        findings: Sequence[Finding],
        begin: int,
        text: str,
        final: bool,
        look: _Look,
    ) -> None:
        """Decide the findings before the point that no match can cross any more; clear up to it."""
        point = len(text) if final else len(text) - reader.tail(text)
        if findings:
            point = _uncrossed(findings, point)
        for finding in findings:
            if finding.end > point:
                continue
            whole_span = finding.moved(begin)
            ruling = rule_on(self._lane, segment, whole_span)
            look.verdict = join(look.verdict, ruling, whole_span)
            if ruling.action >= Action.REDACT:
                look.edits.append((segment, whole_span.start, whole_span.end, ruling.mask))
            if ruling.action >= Action.REVIEW:
                point = min(point, finding.start)
        look.marks.append((segment, reader.name, begin + point))

    def _moderate(self, frames: Sequence[Frame], look: _Look) -> Flow[None]:
        asked: list[tuple[Moderator, list[Span]]] = []
        for moderator in self._lane.moderators:
            spans = self._due(moderator, frames)
            if spans:
                asked.append((moderator, spans))
        if not asked:
            return
        yield from self._ask(asked)
        for moderator, spans in asked:
            refused: set[int] = set()
            for segment, at, stop in spans:
                if id(segment) not in refused and not self._answered(moderator, segment, at, stop, look):
                    refused.add(id(segment))

    def _due(self, moderator: Moderator, frames: Sequence[Frame]) -> list[Span]:
        """Where a verdict is due, frame by frame: at the moderator's own stops. When one segment comes
        to a stop, the others are judged as far as they are, so that a short text beside a long one
        (a comment, a tool's name) does not hold it up to the end."""
        out: list[Span] = []
        at: dict[int, int] = {}
        reached = dict(self._reached)
        for frame in frames:
            stopped = set()
            for piece in frame.pieces:
                segment, key = piece.segment, id(piece.segment)
                if segment.nested or segment.echo or segment.kind not in moderator.reads:
                    continue
                reached[key] = (segment, piece.end)
                mark = at.get(key, segment.marks.get(moderator.name, 0))
                while (stop := moderator.stop(mark)) <= piece.end:
                    out.append((segment, mark, stop))
                    mark = stop
                    stopped.add(key)
                at[key] = mark
            for segment in frame.closes:  # no text will follow: what no stop covered is judged too
                key, end = id(segment), segment.total
                if segment.nested or segment.echo or segment.kind not in moderator.reads:
                    continue
                mark = at.get(key, segment.marks.get(moderator.name, 0))
                if mark < end:
                    out.append((segment, mark, end))
                    at[key] = end
                reached.pop(key, None)
            for key, (segment, end) in reached.items() if stopped else ():
                mark = at.get(key, segment.marks.get(moderator.name, 0))
                if key not in stopped and mark < end and segment.kind in moderator.reads and not segment.echo:
                    out.append((segment, mark, end))
                    at[key] = end
        return out

    def _ask(self, asked: Sequence[tuple[Moderator, list[Span]]]) -> Flow[None]:
        """Ask for every window not asked about before: a batch judged again keeps its answers, and so
        does a text that the stream says once more (the repeats at the end of a Responses stream)."""
        flows, names = [], []
        for moderator, windows in asked:
            texts: dict[tuple[str, bytes], tuple[str, list[tuple[int, str, int]]]] = {}
            for segment, _, stop in windows:
                key = (id(segment), moderator.name, stop)
                if key in self._known:
                    continue
                begin = max(segment.base, stop - moderator.window)
                text = segment.text[begin - segment.base : stop - segment.base]
                said = (moderator.name, _digest(text))
                if (told := self._told.get(said)) is not None:
                    self._known[key] = told
                else:
                    texts.setdefault(said, (text, []))[1].append(key)
            if texts:
                flows.append(moderator.ask([text for text, _ in texts.values()]))
                names.append(texts)
        settled = yield from together(flows, self._lane.deadline)
        for asked_about, outcome in zip(names, settled, strict=True):
            for n, (said, (_, keys)) in enumerate(asked_about.items()):
                if outcome.error is None:
                    self._told[said] = outcome.value[n]
                self._known |= dict.fromkeys(keys, outcome.error if outcome.error is not None else outcome.value[n])

    def _answered(self, moderator: Moderator, segment: Segment, at: int, stop: int, look: _Look) -> bool:
        """Take one window's answer; False where it refuses, so that nothing after it is cleared."""
        answer = self._known[(id(segment), moderator.name, stop)]
        if isinstance(answer, Exception):
            failed = self._lane.failed(moderator, answer, [segment])
            look.verdict |= failed
            if failed.action >= Action.REVIEW:
                return False
        else:
            for finding in answer:
                # A model has no exact span: it is the part of its window that was not clear yet.
                spanned = Finding(finding.category, finding.score, at, stop, finding.check, finding.flagged)
                ruling = rule_on(self._lane, segment, spanned)
                look.verdict = join(look.verdict, ruling, spanned)
                if ruling.action >= Action.REVIEW:
                    return False
        look.marks.append((segment, moderator.name, stop))
        return True

    def _apply(self, look: _Look) -> None:
        for segment, name, mark in look.marks:
            segment.marks[name] = max(mark, segment.marks.get(name, 0))
        for segment, start, end, mask in look.edits:
            segment.edit(start, end, mask)
        self._reached |= look.reached
        for key in look.closed:
            self._reached.pop(key, None)
        for segment in look.growing:
            self._clear(segment)
        for segment in look.cleared:
            segment.clear = segment.total
        for segment, name, _ in look.marks:
            if name not in self._scanning:
                self._clear(segment)  # judged beside another one that came to a stop

    def _clear(self, segment: Segment) -> None:
        clear = needed = segment.total
        marks = segment.marks
        needs = self._lane.exact if segment.echo else self._lane.needs
        for name, context in needs[segment.kind]:
            mark = marks.get(name, 0)
            clear = min(clear, mark)
            needed = min(needed, mark - context)
        segment.clear = clear
        if needed - segment.base > _FORGET:
            segment.forget(needed)


def _digest(text: str) -> bytes:
    """A text's short name, so that it need not be kept."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _ends(frames: Sequence[Frame]) -> dict[int, tuple[Segment, int]]:
    """How far each segment reaches with these frames; one they close, to its end."""
    ends = {id(piece.segment): (piece.segment, piece.end) for frame in frames for piece in frame.pieces}
    return ends | {id(s): (s, s.total) for frame in frames for s in frame.closes}


def _uncrossed(findings: Sequence[Finding], point: int) -> int:
    """The point, moved back until no finding lies across it."""
    for finding in sorted(findings, key=lambda f: f.start, reverse=True):
        if finding.start < point < finding.end:
            point = finding.start
    return point
