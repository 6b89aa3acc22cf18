"""A backend that others wrote, whose answers are looked at before they count: NaN is below every threshold.

Knows what every answer must be. Must never know which backend it is, nor quote what it said: that may hold a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from ..checks.protocol import Backend, Conversing, Counted, Measured, OfTools, Scores, Seeing, Sided
from ..flow import Flow
from .dialect import UNNAMED, Side, malformed
from .moderation import short

_WORD = re.compile(r"[a-z_]{1,40}")
"""A reason: it goes into the log, and must hold nothing of a text."""


class Checked:
    """``backend``, of which nothing is heard but sound answers. A ``Backend``, and all else that this one is.

    Sound: one ``Scores`` a text; scores are numbers in [0, 1], flags true or false, and both of what is in
    ``categories`` (or ``harm``); spans lie in their text; ``model`` is a name, ``why`` a short word, and ``by`` holds
    scores by names. A category that an answer does not tell of is unseen.
    """

    # There only where the backend has them: each makes it one of the protocols of the same name.
    size: Callable[[str], int]
    sees: frozenset[str]
    look: Callable[[Sequence[tuple[str, str]]], Flow[Sequence[Scores]]]
    on: Callable[[Side], Checked]
    of_tools: Callable[[], Checked]
    converses: bool
    answering: Callable[[str], Checked]
    stats: Callable[[], Mapping[str, Any]]

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.name, self.categories, self.points = backend.name, backend.categories, backend.points
        self.longest, self.stride = backend.longest, backend.stride
        self.inline, self.remote = backend.inline, backend.remote
        self.window: int | None = getattr(backend, "window", None)
        self.timeout = float(getattr(backend, "timeout", 0.0))
        if isinstance(backend, Measured):
            self.size = backend.size
        if isinstance(backend, Seeing):
            self.sees, self.look = backend.sees, self._look
        if isinstance(backend, Sided):
            sided = backend
            self.on = lambda side: self._over(sided.on(side))
        if isinstance(backend, OfTools):
            apart = backend
            self.of_tools = lambda: self._over(apart.of_tools())
        if isinstance(backend, Conversing):
            conversing = backend
            self.converses = backend.converses
            self.answering = lambda prompt: self._over(conversing.answering(prompt))
        if isinstance(backend, Counted):
            self.stats = backend.stats

    def _over(self, backend: Backend) -> Checked:
        return self if backend is self.backend else Checked(backend)

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """See ``Backend``. Raises NotEvaluated ``malformed`` for an answer that is not sound."""
        answers = self._one_each((yield from self.backend.moderate(texts)), len(texts))
        return [self._sound(said, len(text)) for said, text in zip(answers, texts, strict=True)]

    def _look(self, items: Sequence[tuple[str, str]]) -> Flow[Sequence[Scores]]:
        assert isinstance(self.backend, Seeing)
        answers = self._one_each((yield from self.backend.look(items)), len(items))
        return [self._sound(said, len(text)) for said, (text, _) in zip(answers, items, strict=True)]

    def _one_each(self, answers: Any, count: int) -> Sequence[Any]:
        if not isinstance(answers, Sequence) or len(answers) != count:
            told = f"{len(answers)} answers" if isinstance(answers, Sequence) else "no answers"
            raise malformed(f"the backend {self.name} gave {told} for {count} texts")
        return answers

    def _sound(self, said: Any, length: int) -> Scores:
        if (
            not isinstance(said, Scores)
            or not isinstance(said.scores, Mapping)
            or not isinstance(said.flags, Mapping | None)
            or not isinstance(said.unseen, AbstractSet)
            or not isinstance(said.spans, Mapping)
            or not isinstance(said.model, str)
            or not isinstance(said.by, Mapping)
            or not all(isinstance(model, str) and isinstance(own, Mapping) for model, own in said.by.items())
        ):
            raise malformed(f"an answer of the backend {self.name} is no Scores as it is documented")
        flags = said.flags or {}
        told = {*said.scores, *flags}
        if not told <= self.categories | {UNNAMED}:
            raise malformed(f"the backend {self.name} tells of a category that it says it does not judge")
        if not all(_is_score(score) for own in (said.scores, *said.by.values()) for score in own.values()):
            raise malformed(f"a score of the backend {self.name} is no number in [0, 1]")
        if not all(map(_is_flag, flags.values())):
            raise malformed(f"a flag of the backend {self.name} is neither true nor false")
        if not all(_is_span(span, length) for span in said.spans.values()):
            raise malformed(f"a span of the backend {self.name} does not lie in its text")
        if not isinstance(said.why, str) or not _WORD.fullmatch(said.why):
            raise malformed(f"`why` of the backend {self.name} is no word of at most 40 lower-case letters")
        # Numbers of other libraries become plain ones: a decision is written as JSON.
        return replace(
            said,
            scores={name: float(score) for name, score in said.scores.items()},
            flags=None if said.flags is None else {name: bool(flag) for name, flag in flags.items()},
            unseen=frozenset(said.unseen | (self.categories - told)),
            spans={name: (int(start), int(end)) for name, (start, end) in said.spans.items()},
            model=short(said.model),
            by={short(model): {name: float(score) for name, score in own.items()} for model, own in said.by.items()},
        )


def _is_score(score: object) -> bool:
    return not isinstance(score, bool) and isinstance(score, Real) and bool(score <= 1 and not score < 0)


def _is_flag(flag: object) -> bool:
    return isinstance(flag, Hashable) and flag in (False, True)


def _is_span(span: object, length: int) -> bool:
    if not isinstance(span, tuple) or len(span) != 2 or not all(isinstance(at, Integral) for at in span):
        return False
    start, end = span
    return bool(0 <= start <= end <= length)
