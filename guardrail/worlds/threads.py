"""The world of threads: every effect is answered before ``perform`` returns.

Flows are only ever advanced by the thread that called ``perform``. Pool threads do one fetch or
one call each and know no flow, so a flow can be closed here at any time, whatever still runs.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, assert_never

from ..errors import NotEvaluated
from ..flow import Call, Commit, Effect, Fetch, Reply, Settled, Together
from ..verdict import Decision
from . import fetch as http

if TYPE_CHECKING:
    import httpx

_FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class _Ask:
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

    def answer(self) -> Any:
        if not self.future.done():
            raise http.late()
        return self.future.result()


class SyncWorld:
    """Answers effects on threads; safe to share between threads.

    ``commit`` stores a decision and gives a future; ``trust_env`` lets the usual environment
    variables name a proxy. At most ``workers`` fetches run at a time, and as many calls of flows
    that run side by side. A fetch that finds no slot raises NotEvaluated("busy") at once: waiting
    would only spread a stall. A fetch given up at its deadline keeps its slot until it has ended.
    """

    def __init__(
        self, commit: Callable[[Decision], Future[None]], *, workers: int = 16, trust_env: bool = True
    ) -> None:
        self._commit = commit
        self._workers, self._trust_env = workers, trust_env
        self._fetches = ThreadPoolExecutor(workers, thread_name_prefix="guardrail-fetch")
        self._calls = ThreadPoolExecutor(workers, thread_name_prefix="guardrail-call")
        self._lock = Lock()  # over the three below
        self._running = 0
        self._closed = False
        self._client: httpx.Client | None = None

    def perform(self, effect: Effect) -> Any:
        """The answer to one effect. Raises what the effect raises: NotEvaluated, LogError, ..."""
        match effect:
            case Call():
                return effect.fn(*effect.args)
            case Commit():
                return self._commit(effect.decision).result()
            case Fetch():
                ask = self._start(effect, _FOREVER)
                wait([ask.future], max(0.0, ask.end - monotonic()))
                return ask.answer()
            case Together():
                return _Batch(effect, self._start).settle()
            case _:
                assert_never(effect)

    def close(self) -> None:
        """Give back connections and threads. Does not wait for what still runs; it ends as usual."""
        with self._lock:
            self._closed = True
        self._fetches.shutdown(wait=False)
        self._calls.shutdown(wait=False)
        self._close_unused()

    def _start(self, effect: Effect, end: float) -> _Ask:
        """Put an effect under way; ``end`` is when its asker gives up, however long it may take."""
        match effect:
            case Fetch():
                return self._start_fetch(effect, min(end, monotonic() + effect.timeout))
            case Call():
                if self._closed:
                    raise http.shut()
                context = contextvars.copy_context()
                return _Ask(self._calls.submit(context.run, effect.fn, *effect.args), end, idle=True)
            case Commit():
                return _Ask(self._commit(effect.decision), end)
            case Together():
                raise RuntimeError("a flow inside Together asked for Together: yield it from the outer flow")
            case _:
                assert_never(effect)

    def _start_fetch(self, effect: Fetch, end: float) -> _Ask:
        with self._lock:
            if self._closed:
                raise http.shut()
            if self._running >= self._workers:
                raise NotEvaluated("busy", f"all {self._workers} fetches allowed at a time are in use")
            self._running += 1
            # Under the lock, so that close() cannot shut the pool in between.
            return _Ask(self._fetches.submit(self._fetch, effect, end), end)

    def _fetch(self, effect: Fetch, end: float) -> Reply:
        try:
            client = self._get_client()
            if effect.attempts <= 1:
                return _exchange(client, effect, end)
            import tenacity

            return tenacity.Retrying(**http.retry_options(effect, end))(_exchange, client, effect, end)
        finally:
            with self._lock:
                self._running -= 1
            self._close_unused()

    def _get_client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.Client(**http.client_options(self._workers, self._trust_env))
            return self._client

    def _close_unused(self) -> None:
        """Close the client of a closed world, once nothing reads from its sockets any more.

        A socket closed under a reading thread frees its number for a stranger's connection.
        """
        with self._lock:
            if not self._closed or self._running:
                return
            client, self._client = self._client, None
        if client is not None:
            client.close()


class _Batch:
    """The flows of one ``Together``, advanced in turns as the answers come in."""

    def __init__(self, effect: Together, start: Callable[[Effect, float], _Ask]) -> None:
        self._flows, self._start = effect.flows, start
        self._end = monotonic() + effect.timeout
        self._settled: dict[int, Settled] = {}
        self._waiting: dict[int, _Ask] = {}

    def settle(self) -> list[Settled]:
        try:
            for index, flow in enumerate(self._flows):
                self._advance(index, partial(next, flow))
            while self._waiting:
                asks = self._waiting.values()
                nearest = min(ask.end for ask in asks)
                wait([ask.future for ask in asks], max(0.0, nearest - monotonic()), FIRST_COMPLETED)
                self._turn(monotonic())
        finally:
            for ask in self._waiting.values():
                ask.drop()
            for flow in self._flows:
                flow.close()
        return [self._settled[index] for index in range(len(self._flows))]

    def _turn(self, now: float) -> None:
        for index, ask in list(self._waiting.items()):
            if ask.future.done() or ask.end <= now < self._end:
                del self._waiting[index]
                self._resume(index, ask)
            elif now >= self._end:
                self._waiting.pop(index).drop()
                self._settled[index] = Settled(error=http.overtime())

    def _resume(self, index: int, ask: _Ask) -> None:
        flow = self._flows[index]
        try:
            answer = ask.answer()
        except Exception as error:  # noqa: BLE001 - the flow that asked gets it, whatever it is
            self._advance(index, partial(flow.throw, error))
        else:
            self._advance(index, partial(flow.send, answer))

    def _advance(self, index: int, step: Callable[[], Effect]) -> None:
        """Take a flow one step on, and further while its next effect cannot even be started."""
        while index not in self._settled and index not in self._waiting:
            try:
                effect = step()
            except StopIteration as stop:
                self._settled[index] = Settled(stop.value)
                return
            except Exception as error:  # noqa: BLE001 - is how this flow ended; its neighbours go on
                self._settled[index] = Settled(error=error)
                return
            try:
                self._waiting[index] = self._start(effect, self._end)
            except Exception as error:  # noqa: BLE001 - the flow that asked gets it, whatever it is
                step = partial(self._flows[index].throw, error)


def _exchange(client: httpx.Client, fetch: Fetch, end: float) -> Reply:
    try:
        with client.stream(**http.request_options(fetch, end)) as response:
            reader = http.ReplyReader(response, fetch.limit, end)
            for piece in response.iter_raw():
                reader.add(piece)
            return reader.reply()
    except http.http_errors() as error:
        failure = http.explain(error)
    raise failure
