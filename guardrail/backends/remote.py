"""A service as a backend: what every dialect shares between a text and its scores.

Asks what is not known, in as few requests as the service takes, each text once however many want it; keeps to
one deadline; tells the breaker what could be read. Knows dialects, lines and memories. Must never know a
service's JSON, nor what a score leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import Future
from copy import copy
from dataclasses import replace
from functools import cached_property, partial
from time import monotonic
from typing import Any

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Await, Call, Fetch, Flow, Gather, Reply, Settled, Together
from .chat import spoke
from .dialect import UNNAMED, Dialect, OneSided, Query, Question, Side, ToolSided
from .joined import answer, late, unanswered
from .line import Line
from .memory import Abandoned, Memory
from .models import Models
from .part import Item, Part
from .units import SIZES

STRIDE = 400
"""Characters of new text after which a stream is worth another question: each costs a way there and back."""


WAVE = 8
"""Requests of one ask that go side by side: a world of threads has a few dozen for everybody."""

WORTHWHILE = 0.1
"""Of the time of an ask, what must be left for asking in place of another who was late. Less would bring no answer, but
a request more for each of many who wait, to a service that is slow already."""


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
        self._models = Models(dialect.card.name, self.line.count)

    def on(self, side: Side) -> RemoteBackend:
        """The backend for what users (``input``) or the model (``output``) wrote."""
        return RemoteBackend(self, side)

    @cached_property
    def of_tools(self) -> Remote:
        """The same for text that tools and documents gave; itself where the dialect does not ask otherwise about it.
        The line is the same one, and so is the memory, in which the two kinds of question have names apart."""
        dialect = self.dialect.of_tools() if isinstance(self.dialect, ToolSided) else self.dialect
        if dialect is self.dialect:
            return self
        return Remote(
            dialect,
            timeout=self._timeout,
            attempts=self._attempts,
            hedge=self._hedge,
            line=self.line,
            memory=self.memory.apart("tools"),
            clock=self._clock,
        )

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
        left, own = items, set[bytes]()
        while left and (not futures or self._clock() < end):
            mine = self._claim(left, futures)
            own.update(item.name for item in mine)
            parts = list(self._parts(mine, futures))
            try:
                yield from self._send((yield from self._queries(parts, side, prompt, end)), end)
            finally:
                for part in parts:  # what has no answer by now has nobody to wait for it
                    part.fail(Abandoned(), self.memory)
            left = yield from self._joined(items, futures, own, end)
        return [answer(futures[item.name]) for item in items]

    def _joined(
        self, items: Sequence[Item], futures: Mapping[bytes, Future[Scores]], own: Container[bytes], end: float
    ) -> Flow[list[Item]]:
        """Wait for what others ask; those of the items that are to be asked for again, as soon as there are some.

        Whoever asked for these gave up, or was late: claim() gives each to one of those who wait. Who was late itself
        (``own``) has asked for the last time.
        """
        while True:
            waited = tuple(future for future in futures.values() if not future.done())
            worth = end - self._clock() >= WORTHWHILE * self._timeout
            settled = [item for item in items if futures[item.name] not in waited]
            left = [i for i in settled if unanswered(futures[i.name], late=worth and i.name not in own)]
            seconds = end - self._clock()
            if left or not waited or seconds <= 0:
                return left
            yield Await(waited, seconds, first=True)

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

    def _queries(
        self, parts: Sequence[Part], side: Side, prompt: str, end: float
    ) -> Flow[list[tuple[Part, Question, Query]]]:
        asked = [(part, part.question(side, criterion, prompt)) for part in parts for criterion in self._criteria(side)]
        if self.dialect.slow and asked:
            made = tuple(_called(self.dialect.query, question) for _, question in asked)
            settled: list[Settled] = yield Together(made, max(0.0, end - self._clock()))
        else:
            settled = [self._query(question) for _, question in asked]
        found = []
        for (part, question), query in zip(asked, settled, strict=True):
            if query.error is None:
                found.append((part, question, query.value))
            else:
                self._failed(part, query.error)
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
                    self._failed(part, late())
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
                self.line.judged(readable=getattr(error, "reason", "") in _TOLD or spoke(outcome))
            self._failed(part, error)
            return
        self.line.judged(readable=True)
        if model := next((one.model for one in said if one.model), ""):
            self._models.heard(model)
        part.told(question.criterion, said, self._criteria(question.side), self.memory)

    def _criteria(self, side: Side) -> tuple[str, ...]:
        dialect = self.dialect
        return (dialect.asked(side) if isinstance(dialect, OneSided) else dialect.criteria) or ("",)

    def _failed(self, part: Part, error: Exception) -> None:
        if part.fail(error, self.memory):
            self.line.count(f"failed:{getattr(error, 'reason', type(error).__name__)}")


_TOLD = frozenset({"refused", "unseen", "blind", "cut", "unknown_category"})
"""Reasons for which a service that is well may have no scores."""


def _called(fn: Callable[[Question], Query], question: Question) -> Flow[Query]:
    query: Query = yield Call(fn, (question,))
    return query


class RemoteBackend:
    """A ``Backend`` and, where its dialect can see, a ``Seeing``: one side of a ``Remote``. ``Conversing`` too, for
    replies, where its dialect judges a text as a turn of a conversation.
    """

    remote = True
    prompt = ""
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
        self.converses = side == "output" and card.needs == "conversation"

    def on(self, side: Side) -> RemoteBackend:
        """The same for the other side."""
        return self if side == self.side else RemoteBackend(self.asked, side)

    def of_tools(self) -> RemoteBackend:
        """The same for what tools gave; itself where the dialect does not ask otherwise about it."""
        asked = self.asked.of_tools
        return self if asked is self.asked else RemoteBackend(asked, self.side)

    def answering(self, prompt: str) -> RemoteBackend:
        """The same for replies to that prompt; itself where it does not converse."""
        if not self.converses or prompt == self.prompt:
            return self
        other = copy(self)
        other.prompt = prompt
        return other

    def stats(self) -> dict[str, Any]:
        """See ``Remote.stats``."""
        return self.asked.stats()

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """One ``Scores`` a text, same order. Raises NotEvaluated."""
        if not self.categories:
            raise NotEvaluated("blind", f"{self.name} judges nothing of this side")
        return [self._here(said) for said in (yield from self.asked.texts(texts, self.side, self.prompt))]

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
