"""Whose turn it is to compute: as many threads at a time as there are cores, first come, first served.

More would gain nothing and take the cores, and Python's lock, from the event loop that waits for them. Knows
threads; of models it must never know.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from types import TracebackType


class Turns:
    """``with turns:`` computes while at most ``most`` do. Whoever computes for long gives its turn away now and then:
    those who waited get theirs first, which no semaphore of the standard library promises.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.renew()

    def renew(self) -> None:
        """Nobody computes and nobody waits: what holds in a forked child, where the other threads are gone."""
        self._free = self._most
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        try:
            gate.acquire()
        except BaseException:  # an interrupt: the turn that may have come meanwhile is the next one's
            with self._lock:
                if gate in self._waiting:
                    self._waiting.remove(gate)
                    raise
            self._give()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give()

    def _give(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


TURNS = Turns(cores())
"""Of this process: both tiers take theirs here, of a long text one for every stretch of it."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=TURNS.renew)
