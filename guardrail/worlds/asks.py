"""Effects under way in the world of threads: what they are waited for with, and until when.

Knows futures and clocks; of HTTP and flows it must never know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, Protocol

from ..flow import Settled
from . import fetch as http

FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Ask:
    """One effect under way. ``end`` is when nobody waits for it any longer.

    ``idle`` asks take nothing before they run, so one that still queues may be dropped. A commit
    never is: others share its future.
    """

    future: Future[Any]
    end: float
    idle: bool = False

    def drop(self) -> None:
        if self.idle:
            self.future.cancel()

    def done(self) -> bool:
        return self.future.done() or monotonic() >= self.end

    def result(self) -> Any:
        """The answer, or the error. Once it is done."""
        if not self.future.done():
            raise http.late()
        return self.future.result()

    def wait(self, others: Iterable[Future[Any]] = ()) -> None:
        seconds = None if self.end == FOREVER else max(0.0, self.end - monotonic())
        wait([self.future, *others], seconds, FIRST_COMPLETED)


@dataclass(frozen=True, slots=True)
class Watch(Ask):
    """Futures that belong to others; ``future`` is done when they all are. Nothing comes of it but the time."""

    def result(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Several(Ask):
    """Several effects as one; ``future`` is done when they all are."""

    asks: tuple[Ask | Settled, ...] = ()

    def result(self) -> list[Settled]:
        return [_settled(ask) for ask in self.asks]


def several(asks: Sequence[Ask | Settled]) -> Several:
    """What could not even be started stands there as its outcome."""
    under_way = [ask for ask in asks if isinstance(ask, Ask)]
    end = max((ask.end for ask in under_way), default=0.0)
    return Several(all_done([ask.future for ask in under_way]), end, asks=tuple(asks))


def _settled(ask: Ask | Settled) -> Settled:
    if isinstance(ask, Settled):
        return ask
    try:
        return Settled(ask.result())
    except Exception as error:  # noqa: BLE001 - is how this one ended; its neighbours go on
        return Settled(error=error)


def all_done(futures: Sequence[Future[Any]]) -> Future[None]:
    """Done when each of them is, however it ended."""
    whole: Future[None] = Future()
    left, lock = len(futures), Lock()

    def one(_: Future[Any]) -> None:
        nonlocal left
        with lock:
            left -= 1
            last = left == 0
        if last:
            whole.set_result(None)

    if not futures:
        whole.set_result(None)
    for future in futures:
        future.add_done_callback(one)
    return whole


class Pending(Protocol):
    """An effect under way in a world of threads."""

    def done(self) -> bool:
        """Is there an answer? Moves on what it can, without waiting."""
        ...

    def result(self) -> Any:
        """The answer; raises what the effect raises. Once it is done."""
        ...

    def wait(self, others: Iterable[Future[Any]] = ()) -> None:
        """Wait until something happens to it, or to one of the others."""
        ...

    def drop(self) -> None:
        """Nobody waits for it any more."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """A ``Pending`` that needs no waiting."""

    value: Any = None
    error: Exception | None = None

    def done(self) -> bool:
        return True

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value

    def wait(self, others: Iterable[Future[Any]] = ()) -> None: ...

    def drop(self) -> None: ...
