"""Flows: work that may need an answer from outside, written once for threads and for asyncio.

A flow is a generator. It yields an effect (a question to the outside), is sent the answer, and
returns its result. ``run`` and ``arun`` drive it; ``perform`` answers one effect. The manner is
psycopg's generators and httpx's auth flow. A flow never yields in ``finally``, nor after
GeneratorExit: its clean-up is plain code. This file must never know what an effect is for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, Generic, Protocol, TypeVar

from .http import Headers
from .verdict import Decision

T = TypeVar("T")


class Place(Protocol):
    """One request's place on a ``Line``. ``free`` is done when its turn has come, ``sooner`` when it may go sooner than
    ``pace`` said."""

    free: Future[None]
    sooner: Future[None]


class Line(Protocol):
    """Whom the requests to one service pass, each attempt of each of them. Never waits itself; safe between threads."""

    def enter(self, *, spare: bool = False, again: bool = False) -> Place:
        """A place; ``spare``: only where one is free at once; ``again``: for another try of the same, before all who
        wait for their first. Raises NotEvaluated where nobody may go now."""
        ...

    def pace(self, place: Place, within: float) -> float:
        """0: this request goes now. Else seconds to wait, or until it is told ``sooner``, and then to ask again. Raises
        NotEvaluated where they are more than ``within``, or it was given up."""
        ...

    def give_up(self, place: Place) -> None:
        """Nobody waits for it any more: it does not go, unless it has. Whoever has it in hand leaves all the same."""
        ...

    def leave(self, place: Place, outcome: Reply | Exception | None) -> None:
        """It is over: with a reply, an error, or given up."""
        ...


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask for one HTTP exchange; the answer is a ``Reply``. Raises NotEvaluated.

    ``timeout`` (seconds) bounds the whole ask, its ``attempts`` included. A reply of more than
    ``limit`` bytes is an error, and redirects are not followed. Where no answer has come after ``hedge``
    seconds, the same is asked once more, and the first good answer counts. ``ended`` is called
    once, wherever the exchange was made, when it has ended, whether or not anybody still waits for it.
    """

    method: str
    url: str
    body: bytes = field(repr=False)  # text and keys stay out of tracebacks
    headers: Headers = field(default=(), repr=False)
    timeout: float = 2.0
    attempts: int = 1
    limit: int = 1 << 20
    hedge: float | None = None
    line: Line | None = field(default=None, repr=False, compare=False)
    ended: Callable[[Reply | Exception], None] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a ``Fetch``."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Await:
    """Ask to be told when these are done (``first``: when one of them is), or after ``timeout`` seconds; the answer is
    None. Nothing cancels them."""

    futures: tuple[Future[Any], ...]
    timeout: float
    first: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """Ask for a plain function to be called where it may take its time (a worker thread)."""

    fn: Callable[..., Any]
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Gather:
    """Ask for several things side by side; the answer is a list of ``Settled``, in order, when all have ended.

    None of them is a flow; see ``together`` for those.
    """

    effects: tuple[Fetch | Call | Await | Gather, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """Ask for flows to run side by side; the answer is a list of ``Settled``, when all have ended.

    One that has not ended after ``timeout`` seconds is closed, and settled as NotEvaluated ``timeout``. Within a flow
    of another ``Together`` they have no more time than that flow, which goes on with what they came to.
    """

    flows: tuple[Flow[Any], ...]
    timeout: float = inf


@dataclass(frozen=True, slots=True)
class Commit:
    """Ask for a decision to be stored durably. Raises LogError."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Settled:
    """How one of several flows ended: a value or an error."""

    value: Any = None
    error: Exception | None = None


Effect = Fetch | Gather | Await | Call | Together | Commit
Flow = Generator[Effect, Any, T]


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """What a flow came to that asked nothing."""

    value: T


def begin(flow: Flow[T]) -> Effect | Ended[T]:
    """Take a flow to its first effect; most end without any."""
    try:
        return next(flow)
    except StopIteration as stop:
        return Ended(stop.value)


def run(flow: Flow[T], perform: Callable[[Effect], Any], effect: Effect | None = None) -> T:
    """Drive a flow to its end on this thread; where it has begun, from the ``effect`` it asked for."""
    try:
        effect = next(flow) if effect is None else effect
        while True:
            effect = resume(flow, partial(perform, effect))
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        flow.close()


def reach(flow: Flow[T], perform: Callable[[Effect], Any]) -> Together | Ended[T]:
    """Drive a flow until it asks for something that may take long (flows side by side), or ends."""
    effect = begin(flow)
    try:
        while not isinstance(effect, (Ended, Together)):
            effect = resume(flow, partial(perform, effect))
    except StopIteration as stop:
        return Ended(stop.value)
    except BaseException:
        flow.close()
        raise
    return effect


def resume(flow: Flow[Any], answer: Callable[[], Any]) -> Effect:
    """Give a flow the answer to what it asked, or the error; its next effect. Raises StopIteration at its end."""
    try:
        answered = answer()
    except Exception as error:  # noqa: BLE001 - the flow that asked gets it, whatever it is
        return flow.throw(error)
    return flow.send(answered)


async def arun(flow: Flow[T], perform: Callable[[Effect], Awaitable[Any]], effect: Effect | None = None) -> T:
    """Drive a flow to its end on this event loop; where it has begun, from the ``effect`` it asked for."""
    try:
        effect = next(flow) if effect is None else effect
        while True:
            try:
                answer = await perform(effect)
            except Exception as error:  # noqa: BLE001 - the flow that asked gets it, whatever it is
                effect = flow.throw(error)
            else:
                effect = flow.send(answer)
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        flow.close()


async def areach(flow: Flow[T], perform: Callable[[Effect], Awaitable[Any]]) -> Together | Ended[T]:
    """``reach`` on this event loop."""
    effect = begin(flow)
    try:
        while not isinstance(effect, (Ended, Together)):
            try:
                answer = await perform(effect)
            except Exception as error:  # noqa: BLE001 - the flow that asked gets it, whatever it is
                effect = flow.throw(error)
            else:
                effect = flow.send(answer)
    except StopIteration as stop:
        return Ended(stop.value)
    except BaseException:
        flow.close()
        raise
    return effect


def together(flows: Sequence[Flow[Any]], timeout: float = inf) -> Flow[list[Settled]]:
    """Run flows side by side; how each ended, in order. Those that only compute end here, with no effect at all."""
    settled: dict[int, Settled] = {}
    waiting: dict[int, Flow[Any]] = {}
    try:
        for n, flow in enumerate(flows):
            try:
                waiting[n] = resumed(flow, next(flow))
            except StopIteration as stop:
                settled[n] = Settled(stop.value)
            except Exception as error:  # noqa: BLE001 - is how this flow ended; its neighbours go on
                settled[n] = Settled(error=error)
        if waiting:
            answers = yield Together(tuple(waiting.values()), timeout)
            settled |= zip(waiting, answers, strict=True)
    finally:
        for flow in flows:
            flow.close()
    return [settled[n] for n in range(len(flows))]


def resumed(flow: Flow[T], effect: Effect) -> Flow[T]:
    """A flow as it stands after its first effect was taken from it."""
    step: Callable[[], Effect]
    while True:
        try:
            answer = yield effect
        except GeneratorExit:
            flow.close()
            raise
        except Exception as error:  # noqa: BLE001 - handed on to the flow it belongs to
            step = partial(flow.throw, error)
        else:
            step = partial(flow.send, answer)
        try:
            effect = step()
        except StopIteration as stop:
            value: T = stop.value
            return value
