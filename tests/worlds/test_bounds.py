"""Slots, threads and the end of a world: what is bounded, and given back."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import warnings
import weakref
from typing import Any

import pytest

from guardrail.errors import NotEvaluated
from guardrail.flow import Call, Reply, Together, run
from guardrail.worlds import AsyncWorld, SyncWorld

from .both import (
    Worlds,
    asking,
    asking_for,
    fetch,
    stored,
    swallowing,
)
from .faults import FaultServer


def test_a_fetch_without_a_free_slot_is_busy_and_the_slot_comes_back(server: FaultServer) -> None:
    world = SyncWorld(stored, workers=2)
    threads = [
        threading.Thread(target=run, args=(swallowing(fetch(f"{server.url}/hang", timeout=20)), world.perform))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert server.hanging.acquire(timeout=10)
    with pytest.raises(NotEvaluated, match="busy"):
        world.perform(fetch(f"{server.url}/ok"))
    server.over.set()
    for thread in threads:
        thread.join(10)
    assert world.perform(fetch(f"{server.url}/ok")).status == 200
    world.close()


def test_a_fetch_that_is_late_gives_its_slot_back_whatever_the_server_does(server: FaultServer) -> None:
    world = SyncWorld(stored, workers=1)
    with pytest.raises(NotEvaluated, match="timeout"):
        world.perform(fetch(f"{server.url}/drip_head", timeout=0.2))
    retry = swallowing(fetch(f"{server.url}/ok"))
    for _ in range(500):
        reply = run(retry, world.perform)
        if reply is not None:
            break
        threading.Event().wait(0.01)
        retry = swallowing(fetch(f"{server.url}/ok"))
    assert reply.status == 200
    world.close()


def test_one_slot_serves_fetch_after_fetch(worlds: Worlds, server: FaultServer) -> None:
    replies = worlds.drive(asking_for([fetch(f"{server.url}/ok") for _ in range(50)]), workers=1)
    assert {reply.status for reply in replies} == {200}


def test_an_async_fetch_without_a_free_slot_is_busy(server: FaultServer) -> None:
    async def main() -> None:
        world = AsyncWorld(stored, fetches=1)
        first = asyncio.create_task(world.perform(fetch(f"{server.url}/hang", timeout=20)))
        await asyncio.to_thread(server.hanging.acquire)
        with pytest.raises(NotEvaluated, match="busy"):
            await world.perform(fetch(f"{server.url}/ok", timeout=0.1))
        waiting = asyncio.create_task(world.perform(fetch(f"{server.url}/ok")))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        assert (await waiting).status == 200, "it waited for a place"
        assert (await world.perform(fetch(f"{server.url}/ok"))).status == 200
        await world.aclose()

    asyncio.run(main())


def test_an_async_world_refuses_a_second_loop(server: FaultServer) -> None:
    async def ask(world: AsyncWorld) -> Any:
        return await world.perform(fetch(f"{server.url}/ok"))

    with asyncio.Runner() as first, asyncio.Runner() as second:
        world = first.run(_make_async_world())
        assert first.run(ask(world)).status == 200
        with pytest.raises(RuntimeError, match="event loop"):
            second.run(ask(world))
        first.run(world.aclose())


def test_an_abandoned_world_gives_back_threads_and_the_loop(server: FaultServer) -> None:
    async def ask() -> tuple[AsyncWorld, weakref.ref[Any]]:
        world = AsyncWorld(stored)
        assert (await world.perform(fetch(f"{server.url}/ok"))).status == 200
        assert await world.perform(Call(len, ("a",))) == 1
        return world, weakref.ref(asyncio.get_running_loop())

    world, loop = asyncio.run(ask())
    threads = list(world._calls._threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the socket of the closed loop
        world.abandon()
        gc.collect()
    assert loop() is None
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


async def _make_async_world() -> AsyncWorld:
    return AsyncWorld(stored)


def test_a_closed_world_answers_no_fetch(server: FaultServer) -> None:
    world = SyncWorld(stored)
    assert world.perform(fetch(f"{server.url}/ok")).status == 200
    world.close()
    world.close()
    with pytest.raises(NotEvaluated, match="closed"):
        world.perform(fetch(f"{server.url}/ok"))

    async def main() -> None:
        world = AsyncWorld(stored)
        await world.aclose()
        with pytest.raises(NotEvaluated, match="closed"):
            await world.perform(fetch(f"{server.url}/ok"))
        with pytest.raises(NotEvaluated, match="closed"):
            await world.perform(Call(len, ("a",)))

    asyncio.run(main())


def test_closing_lets_a_fetch_under_way_end_as_usual(server: FaultServer) -> None:
    world = SyncWorld(stored)
    replies: list[Reply] = []
    flow = asking(fetch(f"{server.url}/hang", timeout=20))
    thread = threading.Thread(target=lambda: replies.append(run(flow, world.perform)))
    thread.start()
    assert server.hanging.acquire(timeout=10)
    world.close()
    assert world._client is not None
    server.over.set()
    thread.join(10)
    assert [reply.status for reply in replies] == [200]


def test_threads_are_bounded_and_end_with_the_world(server: FaultServer) -> None:
    gc.collect()
    others = set(threading.enumerate())  # other tests' worlds may not have ended yet

    def ours() -> int:
        return sum(t.name.startswith("guardrail-") for t in threading.enumerate() if t not in others)

    world = SyncWorld(stored, workers=3)
    for _ in range(10):
        flows = tuple(asking(fetch(f"{server.url}/ok")) for _ in range(3))
        calls = tuple(asking(Call(len, ("a",))) for _ in range(9))
        world.perform(Together((*flows, *calls), 10))
    assert 0 < ours() <= 6
    world.close()
    for thread in threading.enumerate():
        if thread.name.startswith("guardrail-") and thread not in others:
            thread.join(10)
    assert ours() == 0


def test_importing_the_worlds_brings_in_no_http_library() -> None:
    code = "import sys, guardrail.worlds; print(sorted({'httpx', 'tenacity', 'anyio'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
