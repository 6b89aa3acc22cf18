"""``Call`` and ``Commit``: both worlds must give the same answers."""

from __future__ import annotations

import asyncio
import contextvars
import os
import sys
import threading
from concurrent.futures import Future

import pytest

from guardrail.errors import LogError
from guardrail.flow import Call, Commit, Effect, Together
from guardrail.verdict import Decision
from guardrail.worlds import AsyncWorld

from .both import (
    DECISION,
    Worlds,
    asking,
    computing,
    reason,
    stored,
)

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


def test_call_gives_the_value_or_the_error(worlds: Worlds) -> None:
    assert worlds.one(Call(divmod, (7, 2))) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        worlds.one(Call(divmod, (7, 0)))


def test_a_call_that_raises_stop_iteration_ends(worlds: Worlds) -> None:
    with pytest.raises(RuntimeError):
        worlds.one(Call(next, (iter(()),)))


def test_a_call_sees_the_context_of_its_asker(worlds: Worlds) -> None:
    token = VARIABLE.set("mine")
    try:
        assert worlds.one(Call(VARIABLE.get)) == "mine"
        answers = worlds.one(Together((asking(Call(VARIABLE.get)), asking(Call(VARIABLE.get))), 5))
        assert [settled.value for settled in answers] == ["mine", "mine"]
    finally:
        VARIABLE.reset(token)


def test_a_call_leaves_the_event_loop_free() -> None:
    async def main() -> None:
        world = AsyncWorld(stored)
        gate = threading.Event()
        task = asyncio.create_task(world.perform(Call(gate.wait, (10,))))
        while not any(thread.name.startswith("guardrail-call") for thread in threading.enumerate()):
            await asyncio.sleep(0)
        gate.set()
        assert await task is True
        await world.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("together", [False, True])
def test_commit_waits_for_the_row(worlds: Worlds, together: bool) -> None:
    written: list[str] = []

    def commit(decision: Decision) -> Future[None]:
        future: Future[None] = Future()

        def write() -> None:
            written.append(decision.id)
            future.set_result(None)

        threading.Timer(0.02, write).start()
        return future

    effect: Effect = Commit(DECISION)
    if together:
        effect = Together((asking(effect), computing(1)), 5)
    worlds.drive(asking(effect), commit=commit)
    assert written == ["d1"]


def test_commit_raises_the_log_error(worlds: Worlds) -> None:
    def commit(_: Decision) -> Future[None]:
        future: Future[None] = Future()
        future.set_exception(LogError("the disk is full"))
        return future

    with pytest.raises(LogError, match="full"):
        worlds.drive(asking(Commit(DECISION)), commit=commit)


def test_cancelling_the_asker_does_not_cancel_the_row() -> None:
    row: Future[None] = Future()

    async def main() -> None:
        world = AsyncWorld(lambda _: row)
        task = asyncio.create_task(world.perform(Commit(DECISION)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await world.aclose()

    asyncio.run(main())
    assert not row.cancelled()
    row.set_result(None)


def test_a_together_that_times_out_does_not_cancel_the_row(worlds: Worlds) -> None:
    row: Future[None] = Future()
    flows = (asking(Commit(DECISION)), asking(Commit(DECISION)))
    answers = worlds.drive(asking(Together(flows, 0.05)), commit=lambda _: row)
    assert [reason(settled) for settled in answers] == ["timeout", "timeout"]
    assert not row.cancelled()


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a nice value of its own on Linux only")
def test_threads_that_compute_step_back_for_the_loop_and_for_nobody_else() -> None:
    def nice() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async def both() -> tuple[int, int]:
        world = AsyncWorld(stored)
        try:
            return nice(), await world.perform(Call(nice))
        finally:
            await world.aclose()

    loops, workers = asyncio.run(both())
    assert workers == min(loops + 5, 19)
    assert nice() == loops
