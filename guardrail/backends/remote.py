"""A service as a backend: what every dialect shares between a text and its scores.

Asks what is not known, in as few requests as the service takes, each text once however many want it; keeps to
one deadline; tells the breaker what could be read. Knows dialects, lines and memories. Must never know a
service's JSON, nor what a score leads to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Await, Call, Fetch, Flow, Gather, Reply, Settled
from .chat import said as spoken
from .dialect import UNNAMED, Dialect, OneSided, Query, Question, Side, told_again
from .line import Line
from .memory import ABANDONED, Abandoned, Memory
from .part import Item, Part
from .units import SIZES

_log = logging.getLogger("guardrail")

STRIDE = 400
"""Characters of new text after which a stream is worth another question: each costs a way there and back."""


WAVE = 8
"""Requests of one ask that go side by side: a world of threads has a few dozen for everybody."""


class Remote:
    """One service, asked under one deadline. Make backends of it with ``on``; they share all there is here.

    ``timeout``: seconds for a whole ask. ``attempts``: tries of one request within it. ``hedge``: seconds after which
    a request without an answer is sent once more. ``line`` and ``memory`` are this service's own.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        timeout: float = 2.0,
        attempts: int = 2,
        hedge: float | None = None,
        line: Line | None = None,
        memory: Memory | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.dialect, self.line = dialect, line or Line(clock=clock)
        self.memory = memory or Memory((dialect.card.name, dialect.model), clock=clock)
        self.timeout = timeout
        self._timeout, self._attempts, self._hedge, self._clock = timeout, attempts, hedge, clock
        self._model = ""

    def on(self, side: Side) -> RemoteBackend:
        """The backend for what users (``input``) or the model (``output``) wrote."""
        return RemoteBackend(self, side)

    def stats(self) -> dict[str, Any]:
        """Counts so far: ``requests``; texts ``known`` again, or ``joined`` to another's question; answers that
        could not be read or did not come, by reason; the breaker."""
        return {**self.line.counts, "opened": self.line.breaker.opened, "breaker": self.line.breaker.state}

    def texts(self, texts: Sequence[str], side: Side, prompt: str = "") -> Flow[Sequence[Scores]]:
        """One ``Scores`` a text, same order. Raises NotEvaluated: the dialect's reasons, and those of the way there."""
        items = [Item(self.memory.name(side, prompt, text), text) for text in texts]
        return (yield from self._ask(items, side, prompt))

    def images(self, images: Sequence[tuple[str, str]], side: Side) -> Flow[Sequence[Scores]]:
        """One ``Scores`` an image (text beside it, source). What a link shows may change, so it is not remembered.

        Raises NotEvaluated, ``malformed`` for one without a source.
        """
        if not all(source for _, source in images):
            raise NotEvaluated("malformed", "an image has no source")
        items = [
            Item(self.memory.name(side, "image", text, source), text, source, keep=source[:5].lower() == "data:")
            for text, source in images
        ]
        return (yield from self._ask(items, side, ""))

    def _ask(self, items: Sequence[Item], side: Side, prompt: str) -> Flow[Sequence[Scores]]:
        end = self._clock() + self._timeout
        futures: dict[bytes, Future[Scores]] = {}
        left = items
        while left and (not futures or self._clock() < end):
            mine = self._claim(left, futures)
            parts = list(self._parts(mine, futures))
            try:
                yield from self._send((yield from self._queries(parts, side, prompt)), end)
            finally:
                for part in parts:  # what has no answer by now has nobody to wait for it
                    part.fail(Abandoned(), self.memory)
            waited = tuple(future for future in futures.values() if not future.done())
            if waited and (seconds := end - self._clock()) > 0:
                yield Await(waited, seconds)
            # Whoever asked for these gave up; so they are asked for again, by this flow or another that waits.
            left = [item for item in left if _given_up(futures[item.name])]
        return [_scores(_outcome(futures[item.name])) for item in items]

    def _claim(self, items: Sequence[Item], futures: dict[bytes, Future[Scores]]) -> list[Item]:
        """Put the future of each item's answer into ``futures``; those that are this flow's to ask for."""
        mine: dict[bytes, Item] = {}
        for name, item in {item.name: item for item in items}.items():
            futures[name], own = self.memory.claim(name)
            if own:
                mine[name] = item
            else:
                self.line.count("known" if futures[name].done() else "joined")
        return list(mine.values())

    def _parts(self, items: Sequence[Item], futures: Mapping[bytes, Future[Scores]]) -> Iterator[Part]:
        """Items that go in one request: texts together as far as the service takes them, an image alone."""
        dialect, batch, size = self.dialect, list[Item](), 0
        for item in items:
            if item.image:
                yield Part([item], [futures[item.name]])
                continue
            if batch and (len(batch) >= dialect.batch or size + len(item.text) > dialect.batch_chars):
                yield Part(batch, [futures[one.name] for one in batch])
                batch, size = [], 0
            batch.append(item)
            size += len(item.text)
        if batch:
            yield Part(batch, [futures[one.name] for one in batch])

    def _queries(self, parts: Sequence[Part], side: Side, prompt: str) -> Flow[list[tuple[Part, Question, Query]]]:
        asked = [(part, part.question(side, criterion, prompt)) for part in parts for criterion in self._criteria(side)]
        if self.dialect.slow and asked:
            settled: list[Settled] = yield Gather(tuple(Call(self.dialect.query, (q,)) for _, q in asked))
        else:
            settled = [self._query(question) for _, question in asked]
        found = []
        for (part, question), made in zip(asked, settled, strict=True):
            if made.error is None:
                found.append((part, question, made.value))
            else:
                self._failed(part, made.error)
        return found

    def _query(self, question: Question) -> Settled:
        try:
            return Settled(self.dialect.query(question))
        except NotEvaluated as error:
            return Settled(error=error)

    def _send(self, asked: Sequence[tuple[Part, Question, Query]], end: float) -> Flow[None]:
        """Have the requests made, no more at a time than the service is asked. What comes of them is told to
        ``_ended``, also when nobody waits any more."""
        waiting, wave = list(asked), min(self.line.most, WAVE)
        while waiting:
            now, waiting = waiting[:wave], waiting[wave:]
            now = [(part, question, query) for part, question, query in now if not part.settled]
            if not now:
                continue
            seconds = end - self._clock()
            if seconds <= 0:
                for part, _, _ in now:
                    self._failed(part, _late())
                continue
            settled = yield Gather(tuple(self._fetch(*each, seconds) for each in now))
            for (part, _, _), outcome in zip(now, settled, strict=True):
                if outcome.error is not None:
                    self._failed(part, outcome.error)

    def _fetch(self, part: Part, question: Question, query: Query, seconds: float) -> Fetch:
        return Fetch(
            query.method,
            query.url,
            query.body,
            query.headers,
            timeout=seconds,
            attempts=self._attempts,
            hedge=self._hedge,
            line=self.line,
            ended=partial(self._ended, part, question),
        )

    def _ended(self, part: Part, question: Question, outcome: Reply | Exception) -> None:
        """A request has ended: read its reply, and tell all who wait. Called by whoever made it, on any thread."""
        if isinstance(outcome, Exception):
            self._failed(part, outcome)
            return
        try:
            said = self.dialect.read(question, outcome)
            if len(said) != part.answers:
                raise NotEvaluated("malformed", f"{len(said)} answers for {part.answers} texts")
        except Exception as error:  # noqa: BLE001 - is what those who wait are told; on_error says what it means
            if 200 <= outcome.status < 300:
                self.line.judged(readable=getattr(error, "reason", "") in _TOLD or _spoke(outcome))
            self._failed(part, error)
            return
        self.line.judged(readable=True)
        self._named(said)
        part.told(question.criterion, said, self._criteria(question.side), self.memory)

    def _criteria(self, side: Side) -> tuple[str, ...]:
        dialect = self.dialect
        return (dialect.asked(side) if isinstance(dialect, OneSided) else dialect.criteria) or ("",)

    def _failed(self, part: Part, error: Exception) -> None:
        if part.fail(error, self.memory):
            self.line.count(f"failed:{getattr(error, 'reason', type(error).__name__)}")

    def _named(self, said: Sequence[Scores]) -> None:
        """Scores of another model may need other thresholds: say so once, when the service's model changes."""
        model = next((one.model for one in said if one.model), "")
        if model and model != self._model:
            before, self._model = self._model, model
            if before:
                self.line.count("model_changes")
                name = self.dialect.card.name
                _log.warning("backend %s answers with another model: %s, before %s", name, model, before)


_TOLD = frozenset({"refused", "unseen", "blind", "cut", "unknown_category"})
"""Reasons for which a service that is well may have no scores."""


def _spoke(reply: Reply) -> bool:
    """Is it a whole answer of a chat model, whatever that says? Who writes a text may well make a model chatter, and
    must not close the way for everybody else by it."""
    try:
        spoken(reply, half=True)
    except NotEvaluated:
        return False
    return True


class RemoteBackend:
    """A ``Backend`` and, where its dialect can see, a ``Seeing``: one side of a ``Remote``."""

    remote = True
    inline = 0
    stride = STRIDE

    def __init__(self, asked: Remote, side: Side) -> None:
        card, dialect = asked.dialect.card, asked.dialect
        self.name, self.longest, self.sees = card.name, card.longest, card.modalities - {"text"}
        self.model = dialect.model
        self.categories = dialect.judges(side) if isinstance(dialect, OneSided) else dialect.categories
        self.points = dialect.points
        if self.points is not None and self.categories != dialect.categories:
            judged = self.categories
            self.points = {p: {n: least for n, least in by.items() if n in judged} for p, by in self.points.items()}
        self.size = SIZES[card.unit]
        self.asked, self.side, self.timeout = asked, side, asked.timeout

    def on(self, side: Side) -> RemoteBackend:
        """The same for the other side."""
        return self if side == self.side else RemoteBackend(self.asked, side)

    def stats(self) -> dict[str, Any]:
        """See ``Remote.stats``."""
        return self.asked.stats()

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """One ``Scores`` a text, same order. Raises NotEvaluated."""
        if not self.categories:
            raise NotEvaluated("blind", f"{self.name} judges nothing of this side")
        return [self._here(said) for said in (yield from self.asked.texts(texts, self.side))]

    def look(self, items: Sequence[tuple[str, str]]) -> Flow[Sequence[Scores]]:
        """One ``Scores`` an image, same order. Raises NotEvaluated."""
        return [self._here(said) for said in (yield from self.asked.images(items, self.side))]

    def _here(self, said: Scores) -> Scores:
        """What is not judged on this side at all is not missing; where it was found all the same, it is some harm."""
        known = self.categories | {UNNAMED}
        if said.unseen <= known and said.scores.keys() <= known and (said.flags or {}).keys() <= known:
            return said
        scores = {name: score for name, score in said.scores.items() if name in known}
        flags = None if said.flags is None else {name: flag for name, flag in said.flags.items() if name in known}
        told = said.flags or {}
        others = (1.0 if told.get(name) else score for name, score in said.scores.items() if name not in known)
        if some := max(others, default=0.0):
            scores[UNNAMED] = max(some, scores.get(UNNAMED, 0.0))
        if flags is not None and said.flags is not None:
            flags[UNNAMED] = any(said.flags.get(name) for name in (UNNAMED, *(said.flags.keys() - known)))
        return replace(said, scores=scores, flags=flags, unseen=said.unseen & known)


def _late() -> NotEvaluated:
    return NotEvaluated("timeout", "no complete answer within the time allowed")


def _outcome(future: Future[Scores]) -> Scores | BaseException:
    if not future.done():
        return _late()
    return future.exception() or future.result()


def _given_up(future: Future[Scores]) -> bool:
    return getattr(_outcome(future), "reason", "") == ABANDONED


def _scores(said: Scores | BaseException) -> Scores:
    if isinstance(said, Scores):
        return said
    raise told_again(said)
