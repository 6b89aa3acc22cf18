"""Judging streams: text is judged as it grows, and a mark per check says how far it is clear.

Two laws hold here. Nothing is cleared before every check that reads it has seen all it needs.
And the outcome does not depend on how the bytes were cut: a read of many frames is judged at
once, but if anything in it would be refused, its frames are judged again one by one.

While an ``advance`` waits for an answer, the stream may be read on: texts are taken out of their
segments before anything is asked, and frames that come meanwhile are the next ``advance``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..checks.protocol import Scanner
from ..flow import Call, Flow
from ..text import Segment
from ..verdict import Action, Finding, Verdict
from ..wires.protocol import Frame
from . import whole
from .asking import Asking
from .lane import Lane, join, rule_on
from .look import Look
from .vault import RESTORE, Vault

_INLINE = 16_384
"""Characters that are scanned on the event loop (about 0.05 ms); more is a worker's."""

_FORGET = 256
"""Characters nobody needs any more that are worth a copy of the rest."""

_KEPT = 256
"""Characters that are kept all the same: a text that goes on after it seemed complete is read from there."""

_PATIENCE = 4096
"""Characters. At every multiple of these a check that holds more of a text waits for its end, so that what is
scanned again and again stays short. The places are the text's own: it does not matter how it was cut."""

_NOTHING = Verdict()


class _Reading(NamedTuple):
    """A text to be scanned: from one character before the least mark (for word boundaries) to where it is known."""

    segment: Segment
    readers: Sequence[Scanner]
    marks: Sequence[int]
    begin: int
    text: str
    done: bool  # no text will follow


class Rolling:
    """Judges the segments of one stream in one lane. ``vault``: what the request had masked, to be put back.
    ``prompt``: what the stream answers."""

    def __init__(self, lane: Lane, vault: Vault | None = None, *, prompt: str = "") -> None:
        self._lane, self._prompt = lane, prompt
        self._vault = vault or None
        self._fresh: list[Frame] = []
        self._asking = Asking(lane, prompt=prompt)
        self._late: dict[int, tuple[Segment, set[str]]] = {}  # checks that wait for the end of a segment
        self._nested: dict[int, tuple[Segment, Verdict]] = {}  # verdicts on JSON inside JSON that is complete

    def push(self, frame: Frame) -> None:
        if frame.pieces or frame.closes:
            self._fresh.append(frame)

    def quick(self) -> bool:
        """Judge what is new at once, if that is one text that grows, nothing can be found in it, and no model is
        due. Else nothing is done, and it is up to ``advance``."""
        fresh = self._fresh
        if len(fresh) != 1:
            return not fresh
        frame = fresh[0]
        if len(frame.pieces) != 1 or frame.closes or self._vault is not None:
            return False
        piece, lane = frame.pieces[0], self._lane
        segment = piece.segment
        if segment.nested or segment.apart or segment.kind not in lane.at_once or id(segment) in self._late:
            return False
        base, end, floor = segment.base, piece.start + len(piece.text), segment.floor
        least = end
        if tails := lane.tails[segment.kind]:
            begin = floor - 1 if floor > base else base
            text = segment.text[begin - base : end - base]
            if len(text) > _INLINE or not lane.prefilter.nothing(text):
                return False
            held = 0
            for tail in tails:
                if (reaches := tail(text)) > held:
                    held = reaches
            if held > _PATIENCE:
                return False
            if end - held > floor:
                floor = end - held
            least = floor
        needed = least - 1
        if lane.moderators:
            for moderator in lane.moderators:
                if segment.kind in moderator.reads:
                    mark = segment.marks.get(moderator.name, 0)
                    if moderator.stop(mark, segment.text[mark - base : end - base]) is not None:
                        return False
                    least, needed = min(least, mark), min(needed, mark - moderator.window)
            self._asking.reach(segment, end)
        segment.floor = floor
        if least > segment.clear:
            segment.clear = least
        if needed - base > _FORGET + _KEPT:
            segment.forget(needed - _KEPT)
        fresh.clear()
        return True

    def advance(self, segments: Sequence[Segment], *, final: bool, idle: bool = False) -> Flow[Verdict]:
        """Judge what is new, move the marks, put in the masks. ``final``: no text will follow. ``idle``: nothing has
        come for a while, so that texts are judged as far as they are, wherever they stop."""
        verdict = _NOTHING
        if fresh := self._fresh:
            self._fresh = []
            verdict = yield from self._batch(fresh)
        if final and verdict.action < Action.REVIEW:
            verdict |= yield from self._end(segments)
        elif idle and verdict.action < Action.REVIEW:
            look = Look()
            yield from self._asking.waiting(look)
            self._apply(look)
            verdict |= look.verdict
        self._asking.settle()
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

    def _look(self, ends: dict[int, tuple[Segment, int]], frames: Sequence[Frame]) -> Flow[Look]:
        """Judge segments up to these ends, as far as these frames brought them; those they close to the last."""
        closed = {id(segment) for frame in frames for segment in frame.closes}
        growing = [(s, upto) for s, upto in ends.values() if not s.nested]
        look = Look(ends=growing, closed=closed)
        readings = self._readings(growing, closed)
        if sum(len(reading.text) for reading in readings) <= _INLINE:
            self._scan(readings, look)
        else:
            yield Call(self._scan, (readings, look))
        if not look.refused and self._lane.moderators:
            yield from self._asking.judge(frames, look)
        if not look.refused and closed:
            yield from self._judge_nested(frames, look)
        return look

    def _judge_nested(self, frames: Sequence[Frame], look: Look) -> Flow[None]:
        """JSON inside JSON is judged once, when it is complete."""
        for frame in frames:
            for segment in frame.closes:
                if not segment.nested or look.refused:
                    continue
                if id(segment) not in self._nested:
                    said = yield from whole.judge(self._lane, [segment], restore=self._vault, prompt=self._prompt)
                    self._nested[id(segment)] = (segment, said)
                look.verdict |= self._nested[id(segment)][1]
                look.cleared.append(segment)
        if look.refused:
            look.cleared.clear()

    def _readings(self, growing: Sequence[tuple[Segment, int]], closed: set[int]) -> list[_Reading]:
        lane, out = self._lane, []
        for segment, upto in growing:
            done = segment.apart or id(segment) in closed
            readers = lane.readers[segment.kind] if done else lane.early[segment.kind]
            if not done and id(segment) in self._late:
                late = self._late[id(segment)][1]
                readers = tuple(reader for reader in readers if reader.name not in late)
            restore = self._vault is not None and not (segment.fixed or segment.echo)
            if not readers and not restore:
                continue
            marks = [max(segment.floor, segment.marks.get(r.name, 0)) for r in readers]
            if restore:
                marks.append(segment.marks.get(RESTORE, 0))
            begin = max(segment.base, min(marks) - 1)
            text = segment.text[begin - segment.base : upto - segment.base]
            out.append(_Reading(segment, readers, marks, begin, text, done))
        return out

    def _scan(self, readings: Sequence[_Reading], look: Look) -> None:
        lane = self._lane
        for reading in readings:
            segment, readers, marks, begin, text, done = reading
            possible = lane.prefilter.possible(text) if readers else []
            if not possible:  # most text, most of the time
                end = begin + len(text)
                for reader, mark in zip(readers, marks, strict=False):
                    upto = end if done else _patient(reader, mark, reading, look)
                    look.marks.append(
                        (segment, reader.name, upto if done else upto - reader.tail(text[: upto - begin]))
                    )
            else:
                names = {lane.scanners[n].name for n in possible}
                for reader, mark in zip(readers, marks, strict=False):
                    upto = begin + len(text) if done else _patient(reader, mark, reading, look)
                    seen = reading._replace(text=text[: upto - begin])
                    findings = reader.scan(seen.text, mark - begin) if reader.name in names else ()
                    self._settle(seen, reader, findings, look)
            if len(marks) > len(readers):
                assert self._vault is not None
                point = len(text) if done else len(text) - self._vault.tail(text)
                for start, end, told in self._vault.scan(text, marks[-1] - begin):
                    if end <= point:
                        look.edits.append((segment, begin + start, begin + end, told))
                look.marks.append((segment, RESTORE, begin + point))

    def _settle(self, reading: _Reading, reader: Scanner, findings: Sequence[Finding], look: Look) -> None:
        """Decide the findings before the point that no match can cross any more; clear up to it."""
        segment, text, begin = reading.segment, reading.text, reading.begin
        point = len(text) if reading.done else len(text) - reader.tail(text)
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

    def _apply(self, look: Look) -> None:
        for segment, name, mark in look.marks:
            segment.marks[name] = max(mark, segment.marks.get(name, 0))
        for segment, start, end, mask in look.edits:
            segment.edit(start, end, mask)
        for segment, name in look.late:
            self._late.setdefault(id(segment), (segment, set()))[1].add(name)
        self._asking.reached(look)
        for segment, end in look.ends:
            self._clear(segment, end)
        for segment in look.cleared:
            segment.clear = segment.total
        for segment, end in look.beside:  # judged beside another one that came to a stop
            self._clear(segment, end)

    def _clear(self, segment: Segment, end: int) -> None:
        """Text is clear up to the least of its marks, and never further than it was looked at."""
        clear = needed = max(end, segment.clear)
        marks, exact = segment.marks, self._lane.exact[segment.kind]
        if exact:
            segment.floor = max(segment.floor, min([marks.get(name, 0) for name, _ in exact]))
            clear, needed = min(clear, segment.floor), min(needed, segment.floor - 1)
        for name, context in () if segment.echo else self._lane.asked[segment.kind]:
            mark = marks.get(name, 0)
            clear = min(clear, mark)
            needed = min(needed, mark - context)
        if RESTORE in marks:
            clear, needed = min(clear, marks[RESTORE]), min(needed, marks[RESTORE] - 1)
        segment.clear = clear
        if needed - segment.base > _FORGET + _KEPT:
            segment.forget(needed - _KEPT)


def _ends(frames: Sequence[Frame]) -> dict[int, tuple[Segment, int]]:
    """How far each segment reaches with these frames; one they close, to its end."""
    ends: dict[int, tuple[Segment, int]] = {}
    for frame in frames:
        for piece in frame.pieces:
            known = ends.get(id(piece.segment))
            if known is None or piece.end > known[1]:  # pieces stand in the order of their frame, not of their text
                ends[id(piece.segment)] = (piece.segment, piece.end)
    return ends | {id(s): (s, s.total) for frame in frames for s in frame.closes}


def _uncrossed(findings: Sequence[Finding], point: int) -> int:
    """The point, moved back until no finding lies across it."""
    for finding in sorted(findings, key=lambda f: f.start, reverse=True):
        if finding.start < point < finding.end:
            point = finding.start
    return point


def _patient(reader: Scanner, mark: int, reading: _Reading, look: Look) -> int:
    """Up to where a reader looks before the end of the text."""
    begin, end = reading.begin, reading.begin + len(reading.text)
    if reader.reach is not None and reader.reach > _PATIENCE:
        for place in range((mark // _PATIENCE + 2) * _PATIENCE, end + 1, _PATIENCE):
            if reader.tail(reading.text[: place - begin]) > _PATIENCE:
                look.late.append((reading.segment, reader.name))
                return place
    return end
