"""The world of threads: every effect is answered before ``perform`` returns.

Pool threads do one fetch or one call each and know no flow: see ``batch``.
"""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock, Semaphore
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, assert_never

from ..errors import NotEvaluated
from ..flow import Await, Call, Commit, Effect, Fetch, Gather, Place, Reply, Settled, Together
from ..verdict import Decision
from . import fetch as http
from .asks import FOREVER, Ask, Done, Pending, Step, Watch, all_done, several, submit
from .batch import Batch
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
    at once: waiting would only spread a stall. While it stands on its service's line it has neither slot nor thread,
    so that those who wait for one service leave the slots to others.
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
        self._lock = Lock()  # over the five below
        self._running = 0  # fetches that hold a slot
        self._ready: deque[Callable[[], None]] = deque()  # those whose turn came on their line when no slot was free
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
                ask = self._start_one(effect, FOREVER)
                ask.wait()
                return ask.result()
            case Together():
                return Batch(effect, self._start, FOREVER).settle()
            case _:
                assert_never(effect)

    def start(self, effect: Effect) -> Pending:
        """Put an effect under way, to be looked after now and then. What only computes is done at once."""
        try:
            if isinstance(effect, Call):
                return Done(effect.fn(*effect.args))
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

    def _start(self, effect: Effect, end: float) -> Step:
        """Put an effect under way; ``end`` is when its asker gives up, however long it may take."""
        return Batch(effect, self._start, end) if isinstance(effect, Together) else self._start_one(effect, end)

    def _start_one(self, effect: Fetch | Gather | Await | Call | Commit, end: float) -> Ask:
        match effect:
            case Fetch():
                return self._start_fetch(effect, min(end, monotonic() + effect.timeout))
            case Gather():
                return several([self._begin(each, end) for each in effect.effects])
            case Await():
                until = min(end, monotonic() + effect.timeout)
                return Watch(all_done(effect.futures, first=effect.first), until)
            case Call():
                if self._closed:
                    raise http.shut()
                context = contextvars.copy_context()
                return Ask(self._calls.submit(context.run, effect.fn, *effect.args), end, idle=True)
            case Commit():
                return Ask(self._commit(effect.decision), end)
            case _:
                assert_never(effect)

    def _begin(self, effect: Fetch | Gather | Await | Call, end: float) -> Ask | Settled:
        try:
            return self._start_one(effect, end)
        except NotEvaluated as error:
            return Settled(error=error)

    def _start_fetch(self, effect: Fetch, end: float) -> Ask:
        if self._closed:
            raise http.shut()
        whole: Future[Reply] = Future()
        place = None if effect.line is None else effect.line.enter()
        if place is None or place.free.done():
            self._admit(whole, effect, end, place)
        else:
            place.free.add_done_callback(lambda _: self._admit(whole, effect, end, place, waits=True))
        return Ask(whole, end, place=place, line=effect.line)

    def _admit(
        self, whole: Future[Reply], effect: Fetch, end: float, place: Place | None, *, waits: bool = False
    ) -> None:
        """It is this fetch's turn on its line; ``waits``: it had to wait for that, and may wait for a slot as well.

        Called by whoever left the line, on any thread, who may not have given back its own slot yet.
        """
        try:
            with self._lock:
                if self._closed:
                    raise http.shut()
                if monotonic() >= end:
                    raise http.late() if place is None else http.crowded()
                if self._running >= self._workers and waits:
                    self._ready.append(lambda: self._admit(whole, effect, end, place, waits=True))
                    return
                if self._running >= self._workers:
                    raise NotEvaluated("busy", f"all {self._workers} fetches allowed at a time are in use")
                # Under the lock, so that close() cannot shut the pool in between.
                submit(self._fetches, whole, lambda: self._fetch(effect, end, place))
                self._running += 1
            return
        except NotEvaluated as error:
            failure = error
        http.leave(effect, place)
        whole.set_exception(failure)
        if effect.ended is not None:
            effect.ended(failure)

    def _fetch(self, effect: Fetch, end: float, place: Place | None) -> Reply:
        outcome: Reply | Exception = http.given_up()
        try:
            outcome = send(self._get_client, effect, end, self._spawn_read, place)
            return outcome
        except Exception as error:
            outcome = error
            raise
        finally:
            self._give_slot_back()
            self._close_unused()
            if effect.ended is not None:
                effect.ended(outcome)

    def _give_slot_back(self) -> None:
        with self._lock:
            self._running -= 1
        while True:
            with self._lock:
                if not self._ready or self._running >= self._workers:
                    return
                ready = self._ready.popleft()
            ready()

    def _spawn_read(self, call: Callable[[], Reply]) -> Future[Reply]:
        """Make another request beside the one that a thread has in hand."""
        with self._lock:
            if self._closed:
                raise http.shut()
            reply: Future[Reply] = Future()
            submit(self._beside, reply, lambda: self._read(call))
            self._reading += 1
            return reply

    def _read(self, call: Callable[[], Reply]) -> Reply:
        try:
            return call()
        finally:
            with self._lock:
                self._reading -= 1
            self._close_unused()

    def _get_client(self) -> httpx.Client:
        import httpx

        from .deadline import keep

        with self._lock:
            if self._client is None:
                self._client = keep(httpx.Client(**http.client_options(self._workers, self._trust_env)))
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
