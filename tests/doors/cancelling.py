"""Cancels a piece of work at each of its awaits in turn."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any


class CancelledAt:
    """Awaits something, and cancels the task at its n-th suspension, whatever it waits for there."""

    def __init__(self, work: Coroutine[Any, Any, Any], n: int) -> None:
        self._work, self._n = work, n
        self.hit = False

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._work.__await__()
        step: Callable[[], Any] = lambda: inner.send(None)  # noqa: E731
        for count in itertools.count(1):
            try:
                waiting = step()
            except StopIteration as stop:
                return stop.value
            if count == self._n:
                self.hit = True
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield waiting
                step = lambda: inner.send(None)  # noqa: E731
            except BaseException as error:  # noqa: BLE001 - handed on to where it belongs
                step = lambda error=error: inner.throw(error)  # type: ignore[misc]  # noqa: E731
        return None


async def at_each_await(work: Callable[[], Coroutine[Any, Any, Any]], after: Callable[[bool], Awaitable[None]]) -> int:
    """Do the work again and again, cancelled one suspension later each time, until it comes to its end."""
    for n in itertools.count(1):
        cancelling = CancelledAt(work(), n)

        async def once(cancelling: CancelledAt = cancelling) -> Any:
            return await cancelling

        task = asyncio.create_task(once())
        ended: Any = (await asyncio.gather(task, return_exceptions=True))[0]
        await settled()
        assert isinstance(ended, asyncio.CancelledError) or not isinstance(ended, BaseException), ended
        await after(cancelling.hit)
        if not cancelling.hit:
            return n
    raise AssertionError


async def settled() -> None:
    """Nothing is left to run but this task."""
    for _ in range(10):
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert left == set()
