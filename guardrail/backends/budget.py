"""The budget of one service: so many requests in any span of so long, first come, first served.

Knows who waits and when the last ones went. Must never know what for; clock and lock are its owner's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

MARGIN = 0.05
"""Seconds, at most, that a span of the rate is taken longer: what goes apart may well arrive closer together."""


class Budget(Generic[T]):
    """``rate`` (requests, seconds); None: no bound. Nothing is taken from it before a request goes, so that whoever
    gives up waiting leaves its turn to those behind."""

    def __init__(self, rate: tuple[int, float] | None) -> None:
        self._most, self._span = rate if rate is not None else (0, 0.0)
        self._span += min(MARGIN, self._span / 20)
        self._sent: deque[float] = deque(maxlen=self._most)  # when the last ones went
        self._due: dict[T, None] = {}  # who waits, in order

    def when(self, now: float, one: T | None = None) -> float:
        """When ``one`` may go (None: one more), behind all who wait before it: ``now`` where it may at once."""
        if not self._most:
            return now
        ahead = list(self._due).index(one) if one in self._due else len(self._due)
        spans, ahead = divmod(ahead, self._most)
        last = len(self._sent) + ahead - self._most  # of those that went, the one that it comes a span after
        return (now if last < 0 else max(now, self._sent[last] + self._span)) + spans * self._span

    def waits(self, one: T) -> bool:
        """Does it wait already?"""
        return one in self._due

    def queue(self, one: T) -> None:
        """It waits, behind all others; it stays where it is if it does already."""
        self._due.setdefault(one)

    def goes(self, one: T, now: float) -> None:
        """It goes."""
        self._due.pop(one, None)
        self._sent.append(now)

    def leave(self, one: T) -> Sequence[T]:
        """It waits no more; who stood behind it, and may go sooner now."""
        if one not in self._due:
            return ()
        due = list(self._due)
        del self._due[one]
        return due[due.index(one) + 1 :]
