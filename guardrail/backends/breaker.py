"""A circuit breaker: a service that fails time and again is left alone for a while, then tried with one request.

Knows successes, failures and the clock. Must never know what was asked, and never makes a clean result: a call
that it holds back is not evaluated.

Source: M. Nygard, Release It!, 2nd edition, chapter 5 (Circuit Breaker).
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic

from ..errors import NotEvaluated

FAILURES = 5
"""In a row, after which the service is left alone."""

REST, LONGEST = 5.0, 60.0
"""Seconds that it is left alone the first time, and at most; twice as long after each probe that fails."""


class Breaker:
    """Safe between threads. ``failures`` 0: never opens."""

    def __init__(self, failures: int = FAILURES, rest: float = REST, *, clock: Callable[[], float] = monotonic) -> None:
        self._failures, self._rest, self._clock = failures, rest, clock
        self._lock = Lock()
        self._row = 0
        self._until = 0.0  # when a probe may go; meaningful while open
        self._open = False
        self._probing = False
        self._probes = 0  # so far; the number of the last one
        self._pause = rest
        self.opened = 0
        """How often it has opened."""

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open`` (a probe may go, or is under way)."""
        with self._lock:
            if not self._open:
                return "closed"
            return "half-open" if self._probing or self._clock() >= self._until else "open"

    def admit(self) -> int:
        """The number of the probe that the request that goes now is; 0: it is none. Raises NotEvaluated ``open`` where
        none may go."""
        with self._lock:
            if not self._open:
                return 0
            if self._probing or self._clock() < self._until:
                raise NotEvaluated("open", "the service failed too often and is left alone for a while")
            self._probing = True
            self._probes += 1
            return self._probes

    def worked(self) -> None:
        """A whole, readable answer came."""
        with self._lock:
            self._row = 0
            self._open = self._probing = False
            self._pause = self._rest

    def failed(self, *, probe: int) -> None:
        """No answer came, or none that can be read. ``probe``: as ``admit`` said; only the last one counts as such."""
        with self._lock:
            self._row += 1
            if self._open:
                if probe and probe == self._probes:
                    self._probing = False
                    self._pause = min(2 * self._pause, max(LONGEST, self._rest))
                    self._until = self._clock() + self._pause
            elif self._failures and self._row >= self._failures:
                self._open, self._probing = True, False
                self._until = self._clock() + self._pause
                self.opened += 1

    def let_go(self, *, probe: int) -> None:
        """The request was given up, or refused for what it asked: it says nothing of the service."""
        with self._lock:
            if probe and probe == self._probes:
                self._probing = False
