"""The world of asyncio: awaits where the world of threads blocks, and agrees with it otherwise.

Belongs to one event loop. Leaves no task behind, also when the task that awaits it is cancelled.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, assert_never

from ..errors import NotEvaluated
from ..flow import Await, Call, Commit, Effect, Fetch, Flow, Gather, Reply, Settled, Together
from ..verdict import Decision
from . import fetch as http
from .sending_async import done, send

if TYPE_CHECKING:
    import httpx


_NICER = 5
"""A third of the loop's share of a core that both want."""


class AsyncWorld:
    """Answers effects on one event loop.

    ``commit`` stores a decision and gives a future; ``trust_env`` lets the usual environment
    variables name a proxy. At most ``fetches`` run at a time; one more waits for a place within its own
    deadline, and raises NotEvaluated("busy") where it gets none: thousands of streams share this loop. Those
    that stand on their service's line are not among them. At most ``workers`` threads run calls; more calls wait
    for one.
    """

    def __init__(
        self,
        commit: Callable[[Decision], Future[None]],
        *,
        workers: int = 16,
        fetches: int = 128,
        trust_env: bool = True,
    ) -> None:
        self._commit = commit
        self._fetches, self._trust_env = fetches, trust_env
        self._places = asyncio.Semaphore(fetches)
        self._running = 0
        self._calls = ThreadPoolExecutor(workers, thread_name_prefix="guardrail-call", initializer=_step_back)
        self._client: httpx.AsyncClient | None = None
        self._lock = asyncio.Lock()
        self._loop: weakref.ref[asyncio.AbstractEventLoop] | None = None
        self._closed = False

    async def perform(self, effect: Effect) -> Any:
        """The answer to one effect. Raises what the effect raises: NotEvaluated, LogError, ..."""
        return await self._perform(effect, inf)

    async def _perform(self, effect: Effect, end: float) -> Any:
        """``end``: when its asker gives up, and cancels this, however long it may take."""
        match effect:
            case Call():
                return await self._call(effect)
            case Fetch():
                return await self._fetch(effect, end)
            case Gather():
                return await self._gather(effect, end)
            case Await():
                return await done(effect.futures, effect.timeout, first=effect.first)
            case Commit():
                stored = self._commit(effect.decision)
                if stored.done():
                    return stored.result()
                # Unshielded, a caller who hangs up would cancel the writing of a row.
                return await asyncio.shield(asyncio.wrap_future(stored))
            case Together():
                return await self._together(effect, end)
            case _:
                assert_never(effect)

    async def warm(self) -> None:
        """Load what the first fetch would have to wait for."""
        await self._get_client()

    async def aclose(self) -> None:
        """Give back connections and threads. Calls that still run are not waited for."""
        self._closed = True
        client, self._client = self._client, None
        self._calls.shutdown(wait=False)
        if client is not None:
            await client.aclose()

    def abandon(self) -> None:
        """Let go of everything once the loop is closed; nothing can be awaited there any more.

        The sockets close as the client is collected, for closing them in order takes a loop.
        """
        self._closed, self._client = True, None
        self._calls.shutdown(wait=False)

    async def _call(self, effect: Call) -> Any:
        if self._closed:
            raise http.shut()
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._calls, context.run, _run_call, effect)

    async def _together(self, effect: Together, end: float) -> list[Settled]:
        end = min(end, monotonic() + effect.timeout)
        try:
            begun = [_begin(flow) for flow in effect.flows]
            waiting = [index for index, first in enumerate(begun) if not isinstance(first, Settled)]
            answers = await self._settle_all([(effect.flows[index], begun[index]) for index in waiting], end)
            done = dict(zip(waiting, answers, strict=True))
        finally:
            for flow in effect.flows:
                flow.close()
        return [first if isinstance(first, Settled) else done[index] for index, first in enumerate(begun)]

    async def _settle_all(self, started: list[tuple[Flow[Any], Any]], end: float) -> list[Settled]:
        if len(started) <= 1:
            return [await self._settle(flow, effect, end) for flow, effect in started]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._settle(flow, effect, end)) for flow, effect in started]
        return [task.result() for task in tasks]

    async def _settle(self, flow: Flow[Any], effect: Effect, end: float) -> Settled:
        try:
            while True:
                limit = asyncio.timeout(end - monotonic() if end < inf else None)
                try:
                    if isinstance(effect, Together):  # ends in time by itself, with what it has
                        answer: Any = await self._together(effect, end)
                    else:
                        async with limit:
                            answer = await self._perform(effect, end)
                except Exception as error:  # noqa: BLE001 - the flow that asked gets it, whatever it is
                    if limit.expired():
                        return Settled(error=http.overtime())
                    effect = flow.throw(error)
                else:
                    effect = flow.send(answer)
        except StopIteration as stop:
            return Settled(stop.value)
        except Exception as error:  # noqa: BLE001 - is how this flow ended; its neighbours go on
            return Settled(error=error)

    async def _gather(self, effect: Gather, end: float) -> list[Settled]:
        if len(effect.effects) == 1:
            return [await self._one(effect.effects[0], end)]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._one(each, end)) for each in effect.effects]
        return [task.result() for task in tasks]

    async def _one(self, effect: Effect, end: float) -> Settled:
        try:
            return Settled(await self._perform(effect, end))
        except Exception as error:  # noqa: BLE001 - is how this one ended; its neighbours go on
            return Settled(error=error)

    async def _fetch(self, effect: Fetch, end: float) -> Reply:
        outcome: Reply | Exception = http.given_up()
        try:
            outcome = await self._placed(effect, min(end, monotonic() + effect.timeout))
            return outcome
        except Exception as error:
            outcome = error
            raise
        finally:
            if effect.ended is not None:
                effect.ended(outcome)

    async def _placed(self, effect: Fetch, end: float) -> Reply:
        if self._closed:
            raise http.shut()
        place = None if effect.line is None else effect.line.enter()
        begun = False
        try:
            async with asyncio.timeout(effect.timeout):
                if place is not None:
                    await done([place.free], None)
                async with self._places:
                    begun = True
                    self._running += 1
                    try:
                        return await send(await self._get_client(), effect, end, place)
                    finally:
                        self._running -= 1
        except TimeoutError:
            failure: NotEvaluated = http.late()
        finally:
            http.leave(effect, place)
        if place is not None and not place.free.done():
            failure = http.crowded()
        elif not begun:
            failure = NotEvaluated("busy", f"all {self._fetches} fetches of this event loop were in use")
        raise failure

    async def _get_client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = weakref.ref(loop)
        if self._loop() is not loop:
            raise RuntimeError("this AsyncWorld belongs to another event loop: make one for each loop")
        async with self._lock:
            if self._closed:
                raise http.shut()
            if self._client is None:
                # Loading httpx and the certificates takes about 0.2 s of CPU, too long for the loop.
                self._client = await asyncio.to_thread(self._new_client)
            return self._client

    def _new_client(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(**http.client_options(self._fetches, self._trust_env))


def _step_back() -> None:
    """Let the loop go first where cores are short: on Linux a thread has a nice value of its own, sched(7)."""
    if sys.platform == "linux":
        with suppress(OSError):
            nice = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(nice + _NICER, 19))


def _begin(flow: Flow[Any]) -> Effect | Settled:
    """Start a flow; most only compute, and are done at once."""
    try:
        return next(flow)
    except StopIteration as stop:
        return Settled(stop.value)
    except Exception as error:  # noqa: BLE001 - is how this flow ended; its neighbours go on
        return Settled(error=error)


def _run_call(call: Call) -> Any:
    try:
        return call.fn(*call.args)
    except StopIteration as error:
        # An asyncio future cannot hold a StopIteration, and would never end.
        raise RuntimeError("a called function raised StopIteration") from error
