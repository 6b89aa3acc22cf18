"""Effects under way in the world of threads: what they are waited for with, and until when.

Knows futures and clocks; of HTTP and flows it must never know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, Protocol, TypeVar

from ..errors import NotEvaluated
from ..flow import Line, Place, Settled
from . import fetch as http

T = TypeVar("T")
FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Ask:
    """One effect under way. ``end`` is when nobody waits for it any longer.

    ``idle`` asks take nothing before they run, so one that still queues may be dropped. A commit
    never is: others share its future. ``place``: where a fetch stands on the ``line`` to its service.
    """

    future: Future[Any]
    end: float
    idle: bool = False
    place: Place | None = None
    line: Line | None = None

    def drop(self) -> None:
        if self.idle:
            self.future.cancel()
        if self.line is not None and self.place is not None:
            self.line.give_up(self.place)

    def done(self) -> bool:
        return self.future.done() or monotonic() >= self.end

    def result(self) -> Any:
        """The answer, or the error. Once it is done."""
        if not self.future.done():
            raise http.late() if self.place is None or self.place.free.done() else http.crowded()
        return self.future.result()

    def ready(self, now: float, end: float) -> bool:
        return self.future.done() or self.end <= now < end

    def futures(self) -> Sequence[Future[Any]]:
        return (self.future,)

    def nearest(self) -> float:
        return self.end

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

    def drop(self) -> None:
        for ask in self.asks:
            if isinstance(ask, Ask):
                ask.drop()

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


def all_done(futures: Sequence[Future[Any]], *, first: bool = False) -> Future[None]:
    """Done when each of them is (``first``: when one of them is), however it ended."""
    whole: Future[None] = Future()
    left, lock = 1 if first else len(futures), Lock()

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


def submit(pool: Executor, whole: Future[T], call: Callable[[], T]) -> None:
    """Have it called on a thread of the pool; ``whole`` is told. Raises NotEvaluated ``busy`` where no thread can be
    started: then it is never called."""
    turn = Lock()
    try:
        pool.submit(_called, turn, whole, call)
    except RuntimeError:
        # It stands in the pool's queue all the same, and a thread that was there may have it in hand.
        if turn.acquire(blocking=False):
            raise NotEvaluated("busy", "no thread could be started") from None


def _called(turn: Lock, whole: Future[T] | None, call: Callable[[], T]) -> None:
    if not turn.acquire(blocking=False):
        return
    assert whole is not None
    try:
        answer = call()
    except BaseException as error:  # noqa: BLE001 - is how it ended, for whoever looks at the future
        whole.set_exception(error)
        whole = None  # or the error holds this frame, and this frame the error
    else:
        whole.set_result(answer)


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


class Step(Pending, Protocol):
    """What a flow among others waits for."""

    def ready(self, now: float, end: float) -> bool:
        """Can the flow go on? Moves on what it can. ``end``: the flow's own, by when it is not told that it waits in
        vain, for it is given up itself."""
        ...

    def futures(self) -> Sequence[Future[Any]]:
        """Something happens to it when one of these is done, ..."""
        ...

    def nearest(self) -> float:
        """... or at this time (monotonic) at the latest."""
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
