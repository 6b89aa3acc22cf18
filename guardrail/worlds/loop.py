"""The world of asyncio: awaits where the world of threads blocks, and agrees with it otherwise.

Belongs to one event loop. Leaves no task behind, also when the task that awaits it is cancelled.
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING, Any, assert_never

from ..errors import NotEvaluated
from ..flow import Await, Call, Commit, Effect, Fetch, Flow, Gather, Reply, Settled, Together
from ..verdict import Decision
from . import fetch as http
from .sending_async import done, send

if TYPE_CHECKING:
    import httpx


class AsyncWorld:
    """Answers effects on one event loop.

    ``commit`` stores a decision and gives a future; ``trust_env`` lets the usual environment
    variables name a proxy. At most ``fetches`` run at a time; one more waits for a place within its own
    deadline, and raises NotEvaluated("busy") where it gets none: thousands of streams share this loop. At
    most ``workers`` threads run calls; more calls wait for one.
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
        self._calls = ThreadPoolExecutor(workers, thread_name_prefix="guardrail-call")
        self._client: httpx.AsyncClient | None = None
        self._lock = asyncio.Lock()
        self._loop: weakref.ref[asyncio.AbstractEventLoop] | None = None
        self._closed = False

    async def perform(self, effect: Effect) -> Any:
        """The answer to one effect. Raises what the effect raises: NotEvaluated, LogError, ..."""
        if isinstance(effect, Together):
            return await self._together(effect)
        return await self._perform_one(effect)

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

    async def _perform_one(self, effect: Effect) -> Any:
        match effect:
            case Call():
                return await self._call(effect)
            case Fetch():
                return await self._fetch(effect)
            case Gather():
                return await self._gather(effect)
            case Await():
                return await done(effect.futures, effect.timeout)
            case Commit():
                stored = self._commit(effect.decision)
                if stored.done():
                    return stored.result()
                # Unshielded, a caller who hangs up would cancel the writing of a row.
                return await asyncio.shield(asyncio.wrap_future(stored))
            case Together():
                raise RuntimeError("a flow inside Together asked for Together: yield it from the outer flow")
            case _:
                assert_never(effect)

    async def _call(self, effect: Call) -> Any:
        if self._closed:
            raise http.shut()
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._calls, context.run, _run_call, effect)

    async def _together(self, effect: Together) -> list[Settled]:
        end = asyncio.get_running_loop().time() + effect.timeout
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
            async with asyncio.timeout_at(end):
                return await self._drive(flow, effect)
        except TimeoutError:
            return Settled(error=http.overtime())

    async def _drive(self, flow: Flow[Any], effect: Effect) -> Settled:
        try:
            while True:
                try:
                    answer = await self._perform_one(effect)
                except Exception as error:  # noqa: BLE001 - the flow that asked gets it, whatever it is
                    effect = flow.throw(error)
                else:
                    effect = flow.send(answer)
        except StopIteration as stop:
            return Settled(stop.value)
        except Exception as error:  # noqa: BLE001 - is how this flow ended; its neighbours go on
            return Settled(error=error)

    async def _gather(self, effect: Gather) -> list[Settled]:
        if len(effect.effects) == 1:
            return [await self._one(effect.effects[0])]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._one(each)) for each in effect.effects]
        return [task.result() for task in tasks]

    async def _one(self, effect: Effect) -> Settled:
        try:
            return Settled(await self._perform_one(effect))
        except Exception as error:  # noqa: BLE001 - is how this one ended; its neighbours go on
            return Settled(error=error)

    async def _fetch(self, effect: Fetch) -> Reply:
        outcome: Reply | Exception = http.given_up()
        try:
            outcome = await self._placed(effect)
            return outcome
        except Exception as error:
            outcome = error
            raise
        finally:
            if effect.ended is not None:
                effect.ended(outcome)

    async def _placed(self, effect: Fetch) -> Reply:
        end = monotonic() + effect.timeout
        begun = False
        try:
            async with asyncio.timeout(effect.timeout), self._places:
                begun = True
                self._running += 1
                try:
                    return await send(await self._get_client(), effect, end)
                finally:
                    self._running -= 1
        except TimeoutError:
            failure: NotEvaluated = http.late()
        if not begun:
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
