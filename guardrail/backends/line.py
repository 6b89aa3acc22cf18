"""The line to one service: how many requests are under way, how many go in a while, and whether any may go.

Every attempt passes here, repeated and hedged ones too, so that the service sees no more than its budget.
Knows places, times and statuses. Must never know a text, and never waits itself: see ``worlds``.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

from ..errors import NotEvaluated
from ..flow import Place as AnyPlace
from ..flow import Reply
from .breaker import FAILURES, Breaker

CONCURRENCY = 8
"""Requests of one backend under way at a time: half of what a world of threads has for everybody."""

UNWELL = frozenset({401, 403, 404, 407, 408, 425, 429, 500, 502, 503, 504, 529})
"""Statuses that say something of the service or its key. Others (400, 413, 415, 422) answer what was asked, and whoever
writes the text can bring them about: they must not close the way for everybody else."""


@dataclass(slots=True, eq=False)
class Place:
    free: Future[None] = field(default_factory=Future)
    probe: bool = False
    gone: bool = False


class Line:
    """``concurrency`` requests at a time; ``rate`` (requests, seconds): so many in any span of so long; ``failures`` in
    a row open the breaker.

    A ``flow.Line``. ``counts``: ``requests`` that went, and what else its owner counts.
    """

    def __init__(
        self,
        *,
        concurrency: int = CONCURRENCY,
        rate: tuple[int, float] | None = None,
        failures: int = FAILURES,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.most, self._rate, self._clock = concurrency, rate, clock
        self.breaker = Breaker(failures, clock=clock)
        self._lock = Lock()
        self._inside = 0
        self._probe_answered = False
        self._waiting: deque[Place] = deque()
        self._sent: deque[float] = deque(maxlen=rate[0] if rate else 1)  # when the last ones went, or will go
        self.counts: Counter[str] = Counter()

    def enter(self, *, spare: bool = False) -> Place:
        """See ``flow.Line``. Raises NotEvaluated: ``open``, and for a spare one ``busy``."""
        if spare and not self._room():
            raise NotEvaluated("busy", "no place is free")
        place = Place(probe=self.breaker.admit())
        with self._lock:
            if self._inside < self.most:
                self._inside += 1
                self.counts["hedged"] += spare
                place.free.set_result(None)
            else:
                self._waiting.append(place)
        return place

    def pace(self, place: AnyPlace, within: float) -> float:
        """See ``flow.Line``. Raises NotEvaluated ``over_budget``."""
        with self._lock:
            now = self._clock()
            at = now
            if self._rate is not None and len(self._sent) == self._rate[0]:
                at = max(now, self._sent[0] + self._rate[1])
            over = at - now > within
            if not over:
                self._sent.append(at)
                self.counts["requests"] += 1
        if over:
            raise NotEvaluated("over_budget", "the service's budget of requests is used up for now")
        return at - now

    def count(self, what: str) -> None:
        """One more of something."""
        with self._lock:
            self.counts[what] += 1

    def leave(self, place: AnyPlace, outcome: Reply | Exception | None) -> None:
        """Give the place to who waits longest, and tell the breaker of a failure. What a good reply is worth is
        told by ``judged``, for only who reads it knows."""
        assert isinstance(place, Place)
        with self._lock:
            if place.gone:
                return
            place.gone = True
            if not place.free.done():
                self._waiting.remove(place)
            elif self._waiting:
                self._waiting.popleft().free.set_result(None)
            else:
                self._inside -= 1
        if isinstance(outcome, Reply):
            if outcome.status in UNWELL:
                self.breaker.failed(probe=place.probe)
            else:
                # Who reads it may never do so (the loser of two), and a probe must not be under way for ever.
                self._probe_answered = self._probe_answered or (place.probe and outcome.status < 300)
                self.breaker.let_go(probe=place.probe)
        elif getattr(outcome, "of_service", False):
            self.breaker.failed(probe=place.probe)
        else:
            self.breaker.let_go(probe=place.probe)

    def judged(self, *, readable: bool) -> None:
        """A reply came with a good status; could it be read?"""
        probe, self._probe_answered = self._probe_answered, False
        if readable:
            self.breaker.worked()
        else:
            self.breaker.failed(probe=probe)

    def _room(self) -> bool:
        with self._lock:
            paced = self._rate is None or len(self._sent) < self._rate[0]
            paced = paced or self._sent[0] + self._rate[1] <= self._clock()  # type: ignore[index]
            return self._inside < self.most and paced
