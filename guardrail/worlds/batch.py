"""Flows side by side in the world of threads, advanced in turns as the answers come in.

All of them, those that stand in others too, are only ever advanced by the thread that asked: no thread of a pool waits
for another, and a flow can be closed here at any time, whatever still runs. Knows flows and what they wait for; of HTTP
and pools it must never know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from time import monotonic
from typing import Any

from ..flow import Effect, Settled, Together
from . import fetch as http
from .asks import FOREVER, Step


class Batch:
    """The flows of one ``Together``, until ``end`` at most. A ``Step`` of the flow that asked for them.

    ``start`` puts an effect under way, until a time at most.
    """

    def __init__(self, effect: Together, start: Callable[[Effect, float], Step], end: float) -> None:
        self._flows, self._start = effect.flows, start
        self._end = min(end, monotonic() + effect.timeout)
        self._settled: dict[int, Settled] = {}
        self._waiting: dict[int, Step] = {}
        try:
            for index, flow in enumerate(self._flows):
                self._advance(index, partial(next, flow))
        except BaseException:
            self.drop()
            raise

    def settle(self) -> list[Settled]:
        """How each flow ended, once all have."""
        try:
            while self._waiting:
                self.wait()
                self._turn(monotonic())
        finally:
            self.drop()
        return self.result()

    def done(self) -> bool:
        return self.ready(monotonic(), FOREVER)

    def ready(self, now: float, end: float) -> bool:
        self._turn(now)
        return not self._waiting

    def futures(self) -> list[Future[Any]]:
        return [future for ask in self._waiting.values() for future in ask.futures()]

    def nearest(self) -> float:
        return min((ask.nearest() for ask in self._waiting.values()), default=0.0)

    def wait(self, others: Iterable[Future[Any]] = ()) -> None:
        nearest = self.nearest()
        seconds = None if nearest == FOREVER else max(0.0, nearest - monotonic())
        wait([*self.futures(), *others], seconds, FIRST_COMPLETED)

    def result(self) -> list[Settled]:
        return [self._settled[index] for index in range(len(self._flows))]

    def drop(self) -> None:
        for ask in self._waiting.values():
            ask.drop()
        for flow in self._flows:
            flow.close()

    def _turn(self, now: float) -> None:
        for index, ask in list(self._waiting.items()):
            if ask.ready(now, self._end):
                del self._waiting[index]
                self._resume(index, ask)
            elif now >= self._end:
                self._waiting.pop(index).drop()
                self._flows[index].close()
                self._settled[index] = Settled(error=http.overtime())

    def _resume(self, index: int, ask: Step) -> None:
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
