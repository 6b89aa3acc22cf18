"""What a backend has said, for a while, and what it is being asked right now: nobody asks twice.

Knows names of texts (keyed hashes), futures and answers, never a text. Errors are not remembered.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from copy import copy
from hashlib import sha256
from threading import Lock
from time import monotonic

from cachetools import TTLCache

from ..checks.protocol import Scores
from ..errors import NotEvaluated

ENTRIES = 10_000
"""Answers kept by one backend: some 10 MB."""

SECONDS = 600.0
"""How long an answer is good for."""


ABANDONED = "abandoned"
"""The reason of who was given up, here or where the request was made."""


class Abandoned(NotEvaluated):
    """Who was asking gave up before the answer came; whoever else wants it asks again."""

    def __init__(self) -> None:
        super().__init__(ABANDONED, "the request was given up before the answer came")


class Memory:
    """Answers by the name of a text. Safe between threads.

    ``about``: what an answer depends on besides the text (backend, model, policy); names differ where it does.
    ``seconds`` 0: nothing is kept, and only what is asked at the same time is asked once.
    """

    def __init__(
        self,
        about: Sequence[str],
        *,
        seconds: float = SECONDS,
        entries: int = ENTRIES,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        # The key is this process's own, so that a name tells nobody whether a text was seen.
        self._named = hmac.new(secrets.token_bytes(32), digestmod=sha256)
        self._named.update(repr(tuple(about)).encode("utf-8", "surrogatepass"))
        self._kept: TTLCache[bytes, Scores] | None = TTLCache(entries, seconds, clock) if seconds else None
        self._asked: dict[bytes, Future[Scores]] = {}
        self._lock = Lock()

    def apart(self, *about: str) -> Memory:
        """The same memory for another kind of question, whose answers depend on this too: its names are others."""
        other = copy(self)
        other._named = self._named.copy()
        other._named.update(repr(about).encode("utf-8", "surrogatepass"))
        return other

    def name(self, *words: str) -> bytes:
        """The name of these words in this order; other words, or the same cut otherwise, have another."""
        named = self._named.copy()
        for word in words:
            data = word.encode("utf-8", "surrogatepass")
            named.update(b"%d:" % len(data))
            named.update(data)
        return named.digest()

    def claim(self, name: bytes) -> tuple[Future[Scores], bool]:
        """The answer, there or on its way, and whether it is the claimant's to ask for."""
        with self._lock:
            kept = self._kept.get(name) if self._kept is not None else None
            if kept is not None:
                there: Future[Scores] = Future()
                there.set_result(kept)
                return there, False
            asked = self._asked.get(name)
            if asked is not None:
                return asked, False
            future: Future[Scores] = Future()
            self._asked[name] = future
            return future, True

    def settle(self, name: bytes, future: Future[Scores], outcome: Scores | Exception, *, keep: bool = True) -> None:
        """The answer has come, or will not. What comes a second time changes nothing."""
        with self._lock:
            if self._asked.get(name) is future:
                del self._asked[name]
            if keep and self._kept is not None and isinstance(outcome, Scores):
                self._kept[name] = outcome
            if future.done():
                return
            future.set_running_or_notify_cancel()
        if isinstance(outcome, Scores):
            future.set_result(outcome)
        else:
            future.set_exception(outcome)
