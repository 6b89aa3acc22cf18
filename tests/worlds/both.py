"""The two worlds behind one face, and flows to give them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from guardrail.errors import NotEvaluated
from guardrail.flow import Effect, Fetch, Flow, Settled, arun, run
from guardrail.verdict import Action, Decision, Outcome
from guardrail.worlds import AsyncWorld, SyncWorld

T = TypeVar("T")
CANARY = "canary-7f3a"
DECISION = Decision("d1", Action.ALLOW, Outcome.ALLOWED, None, (), (), "p", "h")


def stored(_: Decision) -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future


async def nothing_left() -> None:
    """No task of ours goes on. Generators of a library that were left half read are closed by tasks of the loop's own."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if closing := [task for task in left if type(task.get_coro()).__name__.startswith("async_generator")]:
        await asyncio.wait(closing, timeout=20)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@dataclass(frozen=True)
class Worlds:
    """``drive`` runs a flow in one of the two worlds, made for the purpose and closed after."""

    name: str

    def drive(self, flow: Flow[T], *, commit: Callable[[Decision], Future[None]] = stored, workers: int = 16) -> T:
        if self.name == "sync":
            world = SyncWorld(commit, workers=workers)
            try:
                return run(flow, world.perform)
            finally:
                world.close()

        async def main() -> T:
            world = AsyncWorld(commit, workers=workers, fetches=workers)
            try:
                return await arun(flow, world.perform)
            finally:
                await world.aclose()
                await nothing_left()

        return asyncio.run(main())

    def one(self, effect: Effect) -> Any:
        return self.drive(asking(effect))


def asking(effect: Effect) -> Flow[Any]:
    answer = yield effect
    return answer


def asking_for(effects: list[Effect]) -> Flow[list[Any]]:
    answers = []
    for effect in effects:
        answers.append((yield effect))
    return answers


def computing(value: Any) -> Flow[Any]:
    yield from ()
    return value


def failing(error: Exception) -> Flow[Any]:
    yield from ()
    raise error


def fetch(url: str, *, timeout: float = 5.0, attempts: int = 1, limit: int = 4096) -> Fetch:
    headers = (("authorization", f"Bearer {CANARY}"),)
    return Fetch("POST", url, CANARY.encode(), headers, timeout=timeout, attempts=attempts, limit=limit)


def swallowing(effect: Effect) -> Flow[Any]:
    try:
        answer = yield effect
    except NotEvaluated:
        return None
    return answer


def reason(settled: Settled) -> str:
    assert isinstance(settled.error, NotEvaluated)
    return settled.error.reason
