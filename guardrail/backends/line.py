"""The line to one service: how many requests are under way, how many go in a while, and whether any may go.

Every attempt passes here, repeated and hedged ones too, so that the service sees no more than its budget.
Knows places, times and statuses. Must never know a text, and never waits itself: see ``worlds``.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

from ..errors import NotEvaluated
from ..flow import Place as AnyPlace
from ..flow import Reply
from .breaker import FAILURES, Breaker
from .budget import Budget

CONCURRENCY = 8
"""Requests of one backend under way at a time: half of what a world of threads has for everybody."""

UNWELL = frozenset({401, 403, 404, 407, 408, 425, 429, 500, 502, 503, 504, 529})
"""Statuses that say something of the service or its key. Others (400, 413, 415, 422) answer what was asked, and whoever
writes the text can bring them about: they must not close the way for everybody else."""


_TOLD: Future[None] = Future()
_TOLD.set_result(None)


@dataclass(slots=True, eq=False)
class Place:
    free: Future[None] = field(default_factory=Future)
    sooner: Future[None] = _TOLD
    probe: int = 0
    inside: bool = False
    gone: bool = False
    given_up: bool = False


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
        self.most, self._clock = concurrency, clock
        self.breaker = Breaker(failures, clock=clock)
        self._lock = Lock()
        self._inside = 0
        self._probe_answered = 0
        self._waiting: deque[Place] = deque()
        self._again: deque[Place] = deque()  # who wait for another try, and go before those
        self._next: deque[Place] = deque()  # whose turn has come, and who are not told yet
        self._telling = False
        self._budget: Budget[Place] = Budget(rate)
        self.counts: Counter[str] = Counter()

    def enter(self, *, spare: bool = False, again: bool = False) -> Place:
        """See ``flow.Line``. Raises NotEvaluated: ``open``, and for a spare one ``busy``."""
        if spare and not self._room():
            raise NotEvaluated("busy", "no place is free")
        place = Place(probe=self.breaker.admit())
        with self._lock:
            if self._inside < self.most:
                self._inside += 1
                self.counts["hedged"] += spare
                place.inside = True
                place.free.set_result(None)
            else:
                (self._again if again else self._waiting).append(place)
        return place

    def pace(self, place: AnyPlace, within: float) -> float:
        """See ``flow.Line``. Raises NotEvaluated: ``busy`` where all the time went by in waiting, ``over_budget``,
        ``abandoned``."""
        assert isinstance(place, Place)
        with self._lock:
            if place.given_up:
                raise NotEvaluated("abandoned", "nobody waits for it any more")
            if within <= 0 and not self._budget.waits(place):
                raise NotEvaluated("busy", "its turn came when no time was left")
            now = self._clock()
            seconds = self._budget.when(now, place) - now
            if within <= 0 or seconds > within:
                raise NotEvaluated("over_budget", "the service's budget of requests is used up for now")
            if seconds > 0:
                self._budget.queue(place)
                place.sooner = Future()
            else:
                self._budget.goes(place, now)
                self.counts["requests"] += 1
        return seconds

    def give_up(self, place: AnyPlace) -> None:
        """See ``flow.Line``."""
        assert isinstance(place, Place)
        with self._lock:
            place.given_up = True
            told, place.sooner = place.sooner, _TOLD
        _tell_sooner([told])

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
            behind = self._budget.leave(place)
            sooner = [other.sooner for other in behind]
            for other in behind:
                other.sooner = _TOLD
            if not place.inside:
                (self._again if place in self._again else self._waiting).remove(place)
            elif self._again or self._waiting:
                after = (self._again or self._waiting).popleft()
                after.inside = True
                self._next.append(after)
            else:
                self._inside -= 1
        _tell_sooner(sooner)
        if isinstance(outcome, Reply):
            if outcome.status in UNWELL:
                self.breaker.failed(probe=place.probe)
            else:
                # Who reads it may never do so (the loser of two), and a probe must not be under way for ever.
                if place.probe and outcome.status < 300:
                    self._probe_answered = place.probe
                self.breaker.let_go(probe=place.probe)
        elif getattr(outcome, "of_service", False):
            self.breaker.failed(probe=place.probe)
        else:
            self.breaker.let_go(probe=place.probe)
        self._tell()

    def _tell(self) -> None:
        """Tell those whose turn it is, one after another and without the lock: who is told may leave at once."""
        while True:
            with self._lock:
                if self._telling or not self._next:
                    return
                self._telling, place = True, self._next.popleft()
            try:
                place.free.set_result(None)
            finally:
                with self._lock:
                    self._telling = False

    def judged(self, *, readable: bool) -> None:
        """A reply came with a good status; could it be read?"""
        probe, self._probe_answered = self._probe_answered, 0
        if readable:
            self.breaker.worked()
        else:
            self.breaker.failed(probe=probe)

    def _room(self) -> bool:
        with self._lock:
            now = self._clock()
            return self._inside < self.most and self._budget.when(now) <= now


def _tell_sooner(futures: Iterable[Future[None]]) -> None:
    """Without the lock: whoever is told may ask at once. Each but ``_TOLD`` is in one hand only."""
    for future in futures:
        if future is not _TOLD:
            future.set_result(None)
