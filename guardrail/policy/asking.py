"""When the models of a lane are asked about a stream, and what their answers clear.

A model judges windows that end at its own stops, so that a verdict does not depend on how the bytes
were cut; every window that is due goes into one question. Knows moderators and segments; of scanners,
masks and frames' bytes it must never know.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from ..checks.protocol import Moderator
from ..flow import Flow, together
from ..text import Segment
from ..verdict import Action, Finding, Verdict
from ..wires.protocol import Frame
from .lane import Answer, Lane, answers, findings_of, heard, join, rule_on
from .look import Look

_Window = tuple[Segment, int, int]
"""A segment, the position cleared so far, and the one judged next."""


class Asking:
    """The moderators' half of judging one stream."""

    def __init__(self, lane: Lane, *, prompt: str = "") -> None:
        self._lane, self._prompt = lane, prompt
        self._known: dict[tuple[int, str, int], Answer] = {}
        self._heard = Verdict()  # which models answered so far, and no more
        self._reached: dict[int, tuple[Segment, int]] = {}  # how far each segment was looked at
        self._told: dict[tuple[int, bytes], Sequence[Finding]] = {}  # what a moderator said of a text

    def judge(self, frames: Sequence[Frame], look: Look) -> Flow[None]:
        """Ask about every window that these frames make due."""
        due = [(m, windows) for m in self._lane.moderators if (windows := self._due(m, frames))]
        yield from self._judge(due, look)

    def waiting(self, look: Look) -> Flow[None]:
        """Ask about what has come and waits for a stop."""
        due = []
        for moderator in self._lane.moderators:
            windows = [
                (segment, mark, end)
                for segment, end in self._reached.values()
                if _reads(moderator, segment) and (mark := segment.marks.get(moderator.name, 0)) < end
            ]
            if windows:
                due.append((moderator, windows))
        yield from self._judge(due, look)

    def settle(self) -> None:
        """A turn is over: no batch of it will be judged again."""
        self._known.clear()

    def reach(self, segment: Segment, end: int) -> None:
        """This text has come so far, and no stop was in it."""
        self._reached[id(segment)] = (segment, end)

    def reached(self, look: Look) -> None:
        """A look is applied: remember how far the segments have come."""
        if self._lane.moderators:
            for segment, end in look.ends:
                if id(segment) in look.closed:
                    self._reached.pop(id(segment), None)
                else:
                    self._reached[id(segment)] = (segment, end)

    def _judge(self, due: Sequence[tuple[Moderator, list[_Window]]], look: Look) -> Flow[None]:
        if not due:
            return
        yield from self._ask(due)
        look.verdict |= self._heard
        for moderator, windows in due:
            refused: set[int] = set()
            for segment, at, stop in windows:
                if id(segment) not in refused and not self._answered(moderator, segment, at, stop, look):
                    refused.add(id(segment))

    def _due(self, moderator: Moderator, frames: Sequence[Frame]) -> list[_Window]:
        """Where a verdict is due, frame by frame: at the moderator's own stops. When one segment comes
        to a stop, the others are judged as far as they are, so that a short text beside a long one
        (a comment, a tool's name) does not hold it up to the end."""
        out: list[_Window] = []
        at: dict[int, int] = {}
        reached = dict(self._reached)
        for frame in frames:
            stopped = set()
            for piece in frame.pieces:
                segment, key = piece.segment, id(piece.segment)
                if not _reads(moderator, segment):
                    continue
                reached[key] = (segment, max(piece.end, reached.get(key, (segment, 0))[1]))
                mark = at.get(key, segment.marks.get(moderator.name, 0))
                since = mark
                text = segment.text[since - segment.base : piece.end - segment.base]
                while (stop := moderator.stop(mark, text, mark - since)) is not None:
                    out.append((segment, mark, stop))
                    mark = stop
                    stopped.add(key)
                at[key] = mark
            for segment in frame.closes:  # no text will follow: what no stop covered is judged too
                key, end = id(segment), segment.total
                if not _reads(moderator, segment):
                    continue
                mark = at.get(key, segment.marks.get(moderator.name, 0))
                if mark < end:
                    out.append((segment, mark, end))
                    at[key] = end
                reached.pop(key, None)
            for key, (segment, end) in reached.items() if stopped else ():
                mark = at.get(key, segment.marks.get(moderator.name, 0))
                if key not in stopped and mark < end and _reads(moderator, segment):
                    out.append((segment, mark, end))
                    at[key] = end
        return out

    def _ask(self, due: Sequence[tuple[Moderator, list[_Window]]]) -> Flow[None]:
        """Ask for every window not asked about before: a batch judged again keeps its answers, and so
        does a text that the stream says once more (the repeats at the end of a Responses stream)."""
        flows, names = [], []
        for moderator, windows in due:
            texts: dict[tuple[int, bytes], tuple[str, list[tuple[int, str, int]]]] = {}
            for segment, _, stop in windows:
                key = (id(segment), moderator.name, stop)
                if key in self._known:
                    continue
                begin = max(segment.base, stop - moderator.window)
                text = segment.text[begin - segment.base : stop - segment.base]
                said = (id(moderator), _digest(text))  # one check may ask otherwise about what tools gave
                if (told := self._told.get(said)) is not None:
                    self._known[key] = told
                else:
                    texts.setdefault(said, (text, []))[1].append(key)
            if texts:
                flows.append(moderator.ask([text for text, _ in texts.values()], self._prompt))
                names.append((moderator.name, texts))
        settled = yield from together(flows, self._lane.deadline)
        for (name, asked_about), outcome in zip(names, settled, strict=True):
            self._heard |= heard(name, outcome)
            each = zip(asked_about.items(), answers(outcome, len(asked_about)), strict=True)
            for (said, (_, keys)), answer in each:
                if not isinstance(answer, Exception):
                    self._told[said] = answer
                self._known |= dict.fromkeys(keys, answer)

    def _answered(self, moderator: Moderator, segment: Segment, at: int, stop: int, look: Look) -> bool:
        """Take one window's answer; False where it refuses, so that nothing after it is cleared."""
        answer = self._known[(id(segment), moderator.name, stop)]
        failed = Verdict()
        if isinstance(answer, Exception):
            failed = self._lane.failed(moderator, answer, [segment])
            look.verdict |= failed
        for finding in findings_of(answer):
            # A model has no exact span: it is the part of its window that was not clear yet.
            spanned = finding.at(at, stop)
            ruling = rule_on(self._lane, segment, spanned)
            look.verdict = join(look.verdict, ruling, spanned)
            if ruling.action >= Action.REVIEW:
                return False
        if failed.action >= Action.REVIEW:
            return False
        look.marks.append((segment, moderator.name, stop))
        look.beside.append((segment, stop))
        return True


def _reads(moderator: Moderator, segment: Segment) -> bool:
    return segment.kind in moderator.reads and not (segment.nested or segment.echo)


def _digest(text: str) -> bytes:
    """A text's short name, so that it need not be kept."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
