"""An answer that its reader pulls: judged while more of it is read from upstream, in both colours.

While a check asks somebody far away, upstream is read on, up to a bound; in the colour of threads what
was asked is looked after when bytes arrive, and at the end. Knows an exchange's answer and byte streams;
nothing of HTTP libraries, wire formats or rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, TypeVar

from ..exchange import Exchange
from ..flow import Effect, Ended, Flow, areach, arun, begin, reach, resume, run
from ..http import Release
from ..worlds import Pending, SyncWorld
from .delivery import HIGH

T = TypeVar("T")
_END = None


class BrokenOff(Exception):
    """The answer was not given in full: its decision could not be stored."""


# -- asyncio ---------------------------------------------------------------------------------------

Perform = Callable[[Effect], Awaitable[Any]]


async def abeside(
    exchange: Exchange, calling: Awaitable[T], perform: Perform, drop: Callable[[T], Awaitable[object]]
) -> Release | tuple[T, asyncio.Future[Release] | None]:
    """The upstream's answer, asked for beside the input checks that are under way, and what is left of these for
    ``apulled`` to wait for; or the refusal they came to, upon which the call is cancelled at once."""
    call = asyncio.ensure_future(calling)
    judging = asyncio.ensure_future(arun(exchange.pump(), perform))
    kept = False
    try:
        await asyncio.wait({call, judging}, return_when=asyncio.FIRST_COMPLETED)
        if judging.done():
            release = judging.result()
            if exchange.over:
                return release
        answer = await call
        kept = True
        return answer, None if judging.done() else judging
    finally:
        if not kept:
            await _left(judging)
            await _left(call)
            if not call.cancelled() and call.exception() is None:
                await drop(call.result())


async def apulled(
    exchange: Exchange,
    stream: AsyncIterator[bytes],
    perform: Perform,
    hang_up: Callable[[], Awaitable[None]],
    judging: asyncio.Future[Release] | None = None,
) -> AsyncIterator[Release]:
    """What may leave, as it may. Raises BrokenOff where the end is missing, and what ``stream`` raises."""
    reading: asyncio.Future[bytes | None] | None = None
    ended, first = False, True
    try:
        while True:
            release: Release | None = None
            if judging is not None and judging.done():
                release, judging = judging.result(), None
            elif judging is None and (first or exchange.fresh):
                if passing := exchange.take():
                    yield passing
                if (release := exchange.quick()) is None:
                    flow = exchange.pump()
                    effect = await areach(flow, perform)
                    if isinstance(effect, Ended):
                        release = effect.value
                    elif ended:
                        release = await arun(flow, perform, effect)
                    else:
                        judging = asyncio.ensure_future(arun(flow, perform, effect))
            first = False
            if release:
                yield release
            if exchange.over:
                break
            if judging is None and exchange.fresh:
                continue
            if ended:
                if judging is None:
                    raise BrokenOff
                await asyncio.wait({judging})
                continue
            if judging is None and reading is None:
                chunk = await anext(stream, _END)
            else:
                if reading is None and exchange.held < HIGH:
                    reading = asyncio.ensure_future(_next(stream))
                await asyncio.wait(
                    {t for t in (judging, reading) if t is not None}, return_when=asyncio.FIRST_COMPLETED
                )
                if reading is None or not reading.done() or (judging is not None and judging.done()):
                    continue
                chunk, reading = reading.result(), None
            ended = _take(exchange, chunk)
            if exchange.passing and (judging is None or exchange.plan.observe) and (passing := exchange.take()):
                yield passing
    finally:
        for task in (judging, reading):
            if task is not None:
                await _left(task)
    if not ended:
        await hang_up()


def _take(exchange: Exchange, chunk: bytes | None) -> bool:
    """Feed what was read; True at the end."""
    if chunk is None:
        exchange.finish()
        return True
    exchange.feed(chunk)
    return False


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    return await anext(stream, _END)


async def _left(task: asyncio.Future[Any]) -> None:
    """Nobody waits for this any more."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


# -- threads ---------------------------------------------------------------------------------------


class Judgement:
    """A flow under way in a world of threads, looked after now and then by the one thread that drives it."""

    def __init__(self, flow: Flow[Release], effect: Effect, world: SyncWorld) -> None:
        self._flow, self._world = flow, world
        self.over = False
        self._pending: Pending = world.start(effect)

    def poll(self) -> Release | None:
        """What it came to; None: it still waits."""
        while self._pending.done():
            try:
                effect = resume(self._flow, self._pending.result)
            except StopIteration as stop:
                self.over = True
                release: Release = stop.value
                return release
            self._pending = self._world.start(effect)
        return None

    def wait(self, other: Future[Any] | None = None) -> Release | None:
        """Wait for what it comes to, or for the ``other`` to be done (None then)."""
        while (release := self.poll()) is None:
            if other is not None and other.done():
                return None
            self._pending.wait(() if other is None else (other,))
        return release

    def close(self) -> None:
        self._pending.drop()
        self._flow.close()


def beside(
    exchange: Exchange, call: Callable[[], T], world: SyncWorld, drop: Callable[[T], object]
) -> Release | tuple[T, Judgement | None]:
    """``abeside`` for threads: upstream is called by another thread, and its answer dropped when it comes too late."""
    flow = exchange.pump()
    calling = world.spawn(call)
    if calling is None:  # no thread is free: one after the other
        release = run(flow, world.perform)
        return release if exchange.over else (call(), None)
    judging: Judgement | None = None
    try:
        effect = begin(flow)
        if isinstance(effect, Ended):
            release = effect.value
        else:
            judging = Judgement(flow, effect, world)
            release = judging.wait(calling) or Release()
            judging = None if judging.over else judging
        if not exchange.over:
            wait([calling])
            return calling.result(), judging
        calling.add_done_callback(partial(_drop, drop))
        return release
    except BaseException:
        if judging is not None:
            judging.close()
        calling.add_done_callback(partial(_drop, drop))
        raise


def _drop(drop: Callable[[Any], object], done: Future[Any]) -> None:
    if not done.cancelled() and done.exception() is None:
        drop(done.result())


def pulled(
    exchange: Exchange,
    stream: Iterable[bytes],
    world: SyncWorld,
    hang_up: Callable[[], None],
    judging: Judgement | None = None,
) -> Iterator[Release]:
    """``apulled`` for threads."""
    chunks, ended, first = iter(stream), False, True
    try:
        while True:
            release: Release | None = None
            if judging is not None:
                release = judging.wait() if ended or exchange.held >= HIGH else judging.poll()
                judging = None if judging.over else judging
            elif first or exchange.fresh:
                if passing := exchange.take():
                    yield passing
                if (release := exchange.quick()) is None:
                    flow = exchange.pump()
                    effect = reach(flow, world.perform)
                    if isinstance(effect, Ended):
                        release = effect.value
                    elif ended:
                        release = run(flow, world.perform, effect)
                    else:
                        judging = Judgement(flow, effect, world)
            first = False
            if release:
                yield release
            if exchange.over:
                break
            if judging is None and exchange.fresh:
                continue
            if ended:
                if judging is None:
                    raise BrokenOff
                continue
            ended = _take(exchange, next(chunks, _END))
            if exchange.passing and (judging is None or exchange.plan.observe) and (passing := exchange.take()):
                yield passing
    finally:
        if judging is not None:
            judging.close()
    if not ended:
        hang_up()
