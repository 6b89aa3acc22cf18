"""A moderation backend as a check: cuts long texts into windows, and merges what is said of them.

Knows texts, windows and floors. Must never know which service judges, nor what a finding leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from ..checks import readings as undisguised
from ..checks.protocol import (
    SPOKEN,
    Backend,
    Conversing,
    Heard,
    Looked,
    Measured,
    PartlyAnswered,
    PartlyJudged,
    Scores,
    Seeing,
)
from ..errors import NotEvaluated
from ..flow import Flow
from ..verdict import Finding, Kind
from .windows import SENTENCE_END, Span, windows

ANY = "*"
"""Stands for every category that has no floor of its own."""

_WINDOW = 600
_OPENING = (48, 96, 192)
_FIRST, _FIRST_LEAST, _LEAST = 64, 16, 60
"""Where sentences are waited for: characters at most before the first question, and at least before the
first and each later one (`make bench` shows what they cost)."""
_NEVER = 1.1  # above every score
_NAME = 100


class Moderation:
    """Asks a backend about texts, and about images where it can see. A ``Moderator``, ``SeeingModerator``.

    ``floors``: by category wire name, or ``"*"`` for all others, the least score that is a finding.
    What the service itself flags is one at any score. ``window``: characters of a growing text that
    are judged at a time. ``needed``: categories of which it must be said where the backend did not look at them; None:
    all that have a floor. ``decides``: whether a finding is enough to decide by, whatever was not looked at.
    ``readings``: of a disguised text what it says is asked about too, in the same question.
    """

    def __init__(
        self,
        name: str,
        backend: Backend,
        floors: Mapping[str, float],
        *,
        reads: frozenset[Kind] = SPOKEN,
        window: int | None = None,
        readings: bool = True,
        needed: frozenset[str] | None = None,
        decides: Callable[[Finding], bool] = lambda _: True,
    ) -> None:
        self.name = name
        self.reads = reads
        self.window = min(backend.longest, _WINDOW if window is None else window)
        self.categories = backend.categories
        self._backend = backend
        self._readings = readings
        self._size = backend.size if isinstance(backend, Measured) else len
        self._eyes = backend if isinstance(backend, Seeing) else None
        self.sees = self._eyes.sees if self._eyes is not None else frozenset()
        self._floors = dict(floors)
        self._rest = self._floors.pop(ANY, _NEVER)
        self._decides = decides
        self._needed = frozenset(self._floors) if needed is None else needed
        # Windows that end further apart than they are long would leave text unread.
        self._step = max(1, min(backend.stride, self.window - self.window // 10))
        self._opening = _opening_stops(self._step)
        self.remote = backend.remote
        self.converses = isinstance(backend, Conversing) and backend.converses

    def stop(self, after: int, text: str, begin: int = 0) -> int | None:
        """The next position, after ``after``, at which a growing text is judged; None where it is not there yet.

        Close together at first, so that the first words of a stream are not held for long. A backend
        that is far away is asked where sentences end, for a question costs it more than a long text does.
        """
        have = len(text) - begin
        if self.remote:
            return self._sentence(after, text, begin, have)
        stop = self._grid(after)
        return stop if stop - after <= have else None

    def _grid(self, after: int) -> int:
        for stop in self._opening:
            if after < stop:
                return stop
        base = self._opening[-1] if self._opening else 0
        return base + ((after - base) // self._step + 1) * self._step

    def _sentence(self, after: int, text: str, begin: int, have: int) -> int | None:
        least, most = (_LEAST, self._step) if after else (_FIRST_LEAST, min(_FIRST, self._step))
        if have > least:
            found = SENTENCE_END.search(text, begin + least, begin + min(have, most + 1))
            if found is not None:
                return after + min(found.end() - begin, most)
        return after + most if have >= most else None

    def ask(self, texts: Sequence[str], prompt: str = "") -> Flow[Sequence[Sequence[Finding]]]:
        """Findings for each text, at most one a category, spanning the window that scored highest (itself or read).

        ``prompt``: what they answer; every window of them is judged beside it, where the backend converses.
        Blank texts are not sent: there is nothing in them to judge. Raises NotEvaluated; ``PartlyAnswered`` where
        nothing that decides was found in a text, but a needed category was not judged.
        """
        cuts = [windows(text, self._backend.longest, self._size) for text in texts]
        spans = [[span for span in cut if _has_text(text, span)] for text, cut in zip(texts, cuts, strict=True)]
        asked = [
            [(span, piece, n == 0) for span in cut for n, piece in enumerate(self._said(text[slice(*span)]))]
            for text, cut in zip(texts, spans, strict=True)
        ]
        pieces = [piece for each in asked for _, piece, _ in each]
        if not pieces:
            return [()] * len(texts)
        answers = yield from self._answering(prompt).moderate(pieces)
        if len(answers) != len(pieces):
            raise NotEvaluated("malformed", f"{len(answers)} answers for {len(pieces)} texts")
        rest = iter(answers)
        merged = [self._merge([(span, next(rest), own) for span, _, own in each]) for each in asked]
        whole = [one for one in merged if not isinstance(one, PartlyJudged)]
        models = frozenset(short(model) for said in answers for model in (said.by or (said.model,)) if model)
        if len(whole) < len(merged):
            raise PartlyAnswered(merged, models)
        return Heard(whole, models)

    def _answering(self, prompt: str) -> Backend:
        backend = self._backend
        return backend.answering(prompt) if prompt and isinstance(backend, Conversing) else backend

    def _said(self, text: str) -> list[str]:
        """A text, and what it says where it is disguised."""
        readings = undisguised.said(text) if self._readings else ()
        return [text, *(reading[: self._backend.longest] for reading in readings if not reading.isspace())]

    def hear(self, said: Sequence[Scores]) -> Sequence[Finding]:
        """What is found in scores that nobody had to be asked for; without spans. Raises PartlyJudged ``unseen``."""
        found = self._merge([((0, 0), one, True) for one in said])
        if isinstance(found, PartlyJudged):
            raise found
        return found

    def look(self, items: Sequence[tuple[str, str]]) -> Flow[Sequence[Looked]]:
        """What is found in each item (text beside it, source); ``reads`` is the asker's to heed.

        Raises NotEvaluated: what the backend raises, ``blind`` where it cannot see at all, ``unseen``
        where nothing was found and no category was judged.
        """
        if self._eyes is None:
            raise NotEvaluated("blind", f"check `{self.name}` reads text only")
        answers = yield from self._eyes.look(items)
        if len(answers) != len(items):
            raise NotEvaluated("malformed", f"{len(answers)} answers for {len(items)} items")
        return [self._looked(said) for said in answers]

    def _looked(self, said: Scores) -> Looked:
        findings = tuple(sorted(self._findings((0, 0), said), key=lambda finding: finding.category))
        if not findings and not {*said.scores, *(said.flags or {})} - said.unseen:
            raise NotEvaluated("unseen", "the service applied no category to what it was shown")
        return Looked(findings, said.unseen, short(said.model))

    def _merge(self, judged: Sequence[tuple[Span, Scores, bool]]) -> tuple[Finding, ...] | PartlyJudged:
        """``judged``: where a piece is, what was said of it, and whether it was the text itself, no reading of it."""
        worst: dict[str, Finding] = {}
        for span, said, own in judged:
            # What a growing text is judged by is held back whole, so only of longer ones a part is named.
            narrow = own and said.spans and span[1] - span[0] > self.window
            for finding in self._findings(span, said):
                if narrow and finding.category in said.spans:
                    low, high = said.spans[finding.category]
                    finding = finding.at(span[0] + low, span[0] + high)
                known = worst.get(finding.category)
                worst[finding.category] = finding if known is None else _join(known, finding)
        found = tuple(worst[name] for name in sorted(worst))
        if not any(map(self._decides, found)):
            for _, said, _ in judged:
                if unseen := said.unseen & self._needed:
                    return PartlyJudged(said.why, f"no answer about {', '.join(sorted(unseen))}", found)
        return found

    def _findings(self, span: Span, said: Scores) -> Iterable[Finding]:
        flags = said.flags or {}
        for name in {**said.scores, **flags}:
            flagged = flags.get(name, False)
            # A flag without a number is the service's yes.
            score = said.scores.get(name, 1.0 if flagged else 0.0)
            if flagged or (name in said.scores and score >= self._floors.get(name, self._rest)):
                by = _heard(said, name, score)
                yield Finding(name, score, *span, self.name, flagged or said.flags is None, by=by)


def _join(known: Finding, other: Finding) -> Finding:
    """The higher score with its span; flagged if either is."""
    lead = other if other.score > known.score else known
    flagged = known.flagged or other.flagged
    return lead if lead.flagged == flagged else replace(lead, flagged=flagged)


def short(model: str) -> str:
    """A model's name as it is kept: what a service says in its place may be of any length."""
    return model[:_NAME]


def _heard(said: Scores, name: str, score: float) -> tuple[tuple[str, float], ...]:
    """Which models were heard about a category, each with what it said itself."""
    if said.by:
        return tuple((short(model), own[name]) for model, own in said.by.items() if name in own)
    return ((short(said.model), score),) if said.model else ()


def _has_text(text: str, span: Span) -> bool:
    start, end = span
    return not text[start:end].isspace()


def _opening_stops(step: int) -> tuple[int, ...]:
    stops: list[int] = []
    for stop in _OPENING:
        if stop - (stops[-1] if stops else 0) <= step:
            stops.append(stop)
    return tuple(stops)
