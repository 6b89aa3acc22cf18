"""The world of threads: every effect is answered before ``perform`` returns.

Flows are only ever advanced by the thread that called ``perform``. Pool threads do one fetch or
one call each and know no flow, so a flow can be closed here at any time, whatever still runs.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Lock, Semaphore
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, assert_never

from ..errors import NotEvaluated
from ..flow import Await, Call, Commit, Effect, Fetch, Gather, Reply, Settled, Together
from ..verdict import Decision
from . import fetch as http
from .asks import FOREVER, Ask, Done, Pending, Watch, all_done, several
from .sending import send

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
_SPAWNED = 64
"""Upstream calls that run beside input checks at a time; more are made after them."""


class SyncWorld:
    """Answers effects on threads; safe to share between threads.

    ``commit`` stores a decision and gives a future; ``trust_env`` lets the usual environment
    variables name a proxy. At most ``fetches`` (as many as ``workers``, where not said) run at a time, and
    ``workers`` calls of flows that run side by side. A fetch that finds no slot raises NotEvaluated("busy")
    at once: waiting would only spread a stall. A fetch given up at its deadline keeps its slot until it has ended.
    """

    def __init__(
        self,
        commit: Callable[[Decision], Future[None]],
        *,
        workers: int = 16,
        fetches: int | None = None,
        trust_env: bool = True,
    ) -> None:
        self._commit = commit
        places = workers if fetches is None else fetches
        self._workers, self._trust_env = places, trust_env
        self._fetches = ThreadPoolExecutor(places, thread_name_prefix="guardrail-fetch")
        self._calls = ThreadPoolExecutor(workers, thread_name_prefix="guardrail-call")
        self._others = ThreadPoolExecutor(_SPAWNED, thread_name_prefix="guardrail-upstream")
        self._spawned = Semaphore(_SPAWNED)
        self._beside = ThreadPoolExecutor(2 * places, thread_name_prefix="guardrail-hedge")
        self._lock = Lock()  # over the four below
        self._running = 0  # fetches that hold a place
        self._reading = 0  # requests beside them
        self._closed = False
        self._client: httpx.Client | None = None

    def perform(self, effect: Effect) -> Any:
        """The answer to one effect. Raises what the effect raises: NotEvaluated, LogError, ..."""
        match effect:
            case Call():
                return effect.fn(*effect.args)
            case Commit():
                return self._commit(effect.decision).result()
            case Fetch() | Gather() | Await():
                ask = self._start(effect, FOREVER)
                ask.wait()
                return ask.result()
            case Together():
                return _Batch(effect, self._start).settle()
            case _:
                assert_never(effect)

    def start(self, effect: Effect) -> Pending:
        """Put an effect under way, to be looked after now and then. What only computes is done at once."""
        try:
            match effect:
                case Call():
                    return Done(effect.fn(*effect.args))
                case Together():
                    return _Batch(effect, self._start)
                case _:
                    return self._start(effect, FOREVER)
        except Exception as error:  # noqa: BLE001 - the flow that asked gets it, whatever it is
            return Done(error=error)

    def spawn(self, call: Callable[[], T]) -> Future[T] | None:
        """Call on a thread of its own; None where none is free."""
        if not self._spawned.acquire(blocking=False):
            return None
        context = contextvars.copy_context()
        try:
            future = self._others.submit(context.run, call)
        except RuntimeError:
            self._spawned.release()
            return None
        future.add_done_callback(lambda _: self._spawned.release())
        return future

    def close(self) -> None:
        """Give back connections and threads. Does not wait for what still runs; it ends as usual."""
        with self._lock:
            self._closed = True
        self._fetches.shutdown(wait=False)
        self._beside.shutdown(wait=False)
        self._calls.shutdown(wait=False)
        self._others.shutdown(wait=False)
        self._close_unused()

    def _start(self, effect: Effect, end: float) -> Ask:
        """Put an effect under way; ``end`` is when its asker gives up, however long it may take."""
        match effect:
            case Fetch():
                return self._start_fetch(effect, min(end, monotonic() + effect.timeout))
            case Gather():
                return several([self._begin(each, end) for each in effect.effects])
            case Await():
                return Watch(all_done(effect.futures), min(end, monotonic() + effect.timeout))
            case Call():
                if self._closed:
                    raise http.shut()
                context = contextvars.copy_context()
                return Ask(self._calls.submit(context.run, effect.fn, *effect.args), end, idle=True)
            case Commit():
                return Ask(self._commit(effect.decision), end)
            case Together():
                raise RuntimeError("a flow inside Together asked for Together: yield it from the outer flow")
            case _:
                assert_never(effect)

    def _begin(self, effect: Effect, end: float) -> Ask | Settled:
        try:
            return self._start(effect, end)
        except NotEvaluated as error:
            return Settled(error=error)

    def _start_fetch(self, effect: Fetch, end: float) -> Ask:
        with self._lock:
            if self._closed:
                raise http.shut()
            if self._running >= self._workers:
                raise NotEvaluated("busy", f"all {self._workers} fetches allowed at a time are in use")
            self._running += 1
            # Under the lock, so that close() cannot shut the pool in between.
            return Ask(self._fetches.submit(self._fetch, effect, end), end)

    def _fetch(self, effect: Fetch, end: float) -> Reply:
        outcome: Reply | Exception = http.given_up()
        try:
            outcome = send(self._get_client(), effect, end, self._spawn_read)
            return outcome
        except Exception as error:
            outcome = error
            raise
        finally:
            with self._lock:
                self._running -= 1
            self._close_unused()
            if effect.ended is not None:
                effect.ended(outcome)

    def _spawn_read(self, call: Callable[[], Reply]) -> Future[Reply]:
        """Make another request beside the one that a thread has in hand."""
        with self._lock:
            if self._closed:
                raise http.shut()
            self._reading += 1
            return self._beside.submit(self._read, call)

    def _read(self, call: Callable[[], Reply]) -> Reply:
        try:
            return call()
        finally:
            with self._lock:
                self._reading -= 1
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
            if not self._closed or self._running or self._reading:
                return
            client, self._client = self._client, None
        if client is not None:
            client.close()


class _Batch:
    """The flows of one ``Together``, advanced in turns as the answers come in. A ``Pending``."""

    def __init__(self, effect: Together, start: Callable[[Effect, float], Ask]) -> None:
        self._flows, self._start = effect.flows, start
        self._end = monotonic() + effect.timeout
        self._settled: dict[int, Settled] = {}
        self._waiting: dict[int, Ask] = {}
        try:
            for index, flow in enumerate(self._flows):
                self._advance(index, partial(next, flow))
        except BaseException:
            self.drop()
            raise

    def settle(self) -> list[Settled]:
        try:
            while self._waiting:
                self.wait()
                self._turn(monotonic())
        finally:
            self.drop()
        return self.result()

    def done(self) -> bool:
        self._turn(monotonic())
        return not self._waiting

    def wait(self, others: Iterable[Future[Any]] = ()) -> None:
        asks = self._waiting.values()
        nearest = min((ask.end for ask in asks), default=0.0)
        wait([*(ask.future for ask in asks), *others], max(0.0, nearest - monotonic()), FIRST_COMPLETED)

    def result(self) -> list[Settled]:
        return [self._settled[index] for index in range(len(self._flows))]

    def drop(self) -> None:
        for ask in self._waiting.values():
            ask.drop()
        for flow in self._flows:
            flow.close()

    def _turn(self, now: float) -> None:
        for index, ask in list(self._waiting.items()):
            if ask.future.done() or ask.end <= now < self._end:
                del self._waiting[index]
                self._resume(index, ask)
            elif now >= self._end:
                self._waiting.pop(index).drop()
                self._settled[index] = Settled(error=http.overtime())

    def _resume(self, index: int, ask: Ask) -> None:
        flow = self._flows[index]
        try:
            answer = ask.result()
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
