"""Texts that go to a service in one request, and those who wait for what is said of them.

Knows names, futures and scores. Never asks anything, and never reads a reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock

from ..checks.protocol import Scores
from .dialect import Question, Side
from .memory import Memory
from .merged import merged


@dataclass(frozen=True, slots=True)
class Item:
    """One thing asked about: a text, or an image with the text beside it. ``keep``: the answer may be remembered."""

    name: bytes
    text: str = field(repr=False)
    image: str = field(default="", repr=False)
    keep: bool = True


class Part:
    """Items of one request, each with the future of its answer. An answer is whole when every criterion has one."""

    __slots__ = ("_futures", "_items", "_lock", "_said", "settled")

    def __init__(self, items: Sequence[Item], futures: Sequence[Future[Scores]]) -> None:
        self._items, self._futures = tuple(items), tuple(futures)
        self._said: dict[str, Sequence[Scores]] = {}
        self._lock = Lock()
        self.settled = False

    @property
    def answers(self) -> int:
        """How many ``Scores`` a reply must give."""
        return len(self._items)

    def question(self, side: Side, criterion: str, prompt: str) -> Question:
        """What is asked about these items."""
        first = self._items[0]
        if first.image:
            beside = (first.text,) if first.text and not first.text.isspace() else ()
            return Question(beside, side, criterion, prompt, first.image)
        return Question(tuple(item.text for item in self._items), side, criterion, prompt)

    def told(self, criterion: str, said: Sequence[Scores], criteria: Sequence[str], memory: Memory) -> None:
        """One reply was read; the last one that was waited for settles the part."""
        with self._lock:
            self._said[criterion] = said
            if self.settled or len(self._said) < len(criteria):
                return
            self.settled = True
        for n, (item, future) in enumerate(zip(self._items, self._futures, strict=True)):
            answer = merged([self._said[name][n] for name in criteria])
            memory.settle(item.name, future, answer, keep=item.keep)

    def fail(self, error: Exception, memory: Memory) -> bool:
        """No answer will come. False where there was one already."""
        with self._lock:
            if self.settled:
                return False
            self.settled = True
        for item, future in zip(self._items, self._futures, strict=True):
            memory.settle(item.name, future, error)
        return True
