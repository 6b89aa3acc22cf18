"""``Together``: flows side by side, and within each other, in both worlds."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable
from typing import Any

import pytest

from guardrail.errors import NotEvaluated
from guardrail.flow import Call, Flow, Reply, Settled, Together, arun, run
from guardrail.worlds import AsyncWorld, SyncWorld

from .both import (
    T,
    Worlds,
    asking,
    computing,
    failing,
    fetch,
    nothing_left,
    reason,
    stored,
)
from .faults import FaultServer


def test_answers_stand_in_order_whatever_ends_first(worlds: Worlds, server: FaultServer) -> None:
    def slow_then(value: str) -> Flow[Any]:
        yield fetch(f"{server.url}/ok")
        yield Call(len, ("abc",))
        return value

    flows = (
        slow_then("a"),
        computing("b"),
        failing(ValueError("c")),
        slow_then("d"),
        asking(fetch(server.url + "/shut")),
    )
    answers = worlds.one(Together(flows, 10))
    assert [settled.value for settled in answers] == ["a", "b", None, "d", None]
    assert isinstance(answers[2].error, ValueError)
    assert reason(answers[4]) == "protocol"


def test_flows_really_run_side_by_side(worlds: Worlds) -> None:
    barrier = threading.Barrier(3, timeout=10)
    answers = worlds.one(Together(tuple(asking(Call(barrier.wait)) for _ in range(3)), 20))
    assert sorted(settled.value for settled in answers) == [0, 1, 2]


def test_flows_that_only_compute_take_no_thread_and_no_task(worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = asking(Together((computing(1), failing(NotEvaluated("malformed")), computing(3)), 5))
    if worlds.name == "sync":
        world = SyncWorld(stored)
        monkeypatch.setattr(threading.Thread, "start", forbidden)
        answers = run(flow, world.perform)
    else:

        async def main() -> Any:
            world = AsyncWorld(stored)
            with monkeypatch.context() as patch:
                patch.setattr(asyncio.get_running_loop(), "create_task", forbidden)
                patch.setattr(threading.Thread, "start", forbidden)
                return await arun(flow, world.perform)

        answers = asyncio.run(main())
    assert [settled.value for settled in answers] == [1, None, 3]


def forbidden(*_: Any, **__: Any) -> None:
    raise AssertionError("something was started")


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_not_done_in_time_is_settled_as_timeout_and_closed(
    worlds: Worlds, server: FaultServer, count: int
) -> None:
    closed: list[int] = []

    def hanging(index: int) -> Flow[Any]:
        try:
            yield fetch(f"{server.url}/hang", timeout=30)
        finally:
            closed.append(index)

    answers = worlds.one(Together((computing("now"), *(hanging(i) for i in range(count))), 0.2))
    assert answers[0].value == "now"
    assert [reason(settled) for settled in answers[1:]] == ["timeout"] * count
    assert sorted(closed) == list(range(count))


def test_a_call_that_takes_too_long_does_not_hold_the_answer(worlds: Worlds) -> None:
    gate = threading.Event()
    try:
        answers = worlds.one(Together((asking(Call(gate.wait, (20,))), asking(Call(len, ("ab",)))), 0.3))
    finally:
        gate.set()
    assert reason(answers[0]) == "timeout"
    assert answers[1].value == 2


def test_a_flow_may_go_on_after_its_own_fetch_timed_out(worlds: Worlds, server: FaultServer) -> None:
    def next_backend() -> Flow[str]:
        try:
            yield fetch(f"{server.url}/hang", timeout=0.1)
        except NotEvaluated as error:
            first = error.reason
        reply: Reply = yield fetch(f"{server.url}/ok")
        return f"{first} then {reply.status}"

    answers = worlds.one(Together((next_backend(), next_backend()), 20))
    assert [settled.value for settled in answers] == ["timeout then 200"] * 2


def test_more_flows_than_slots_are_busy_not_stuck(worlds: Worlds, server: FaultServer) -> None:
    flows = tuple(asking(fetch(f"{server.url}/hang", timeout=seconds)) for seconds in (0.6, 0.6, 0.3, 0.3))
    answers = worlds.drive(asking(Together(flows, 5)), workers=2)
    assert Counter(map(reason, answers)) == {"timeout": 2, "busy": 2}


def test_flows_may_stand_in_flows_however_few_threads_there_are(worlds: Worlds) -> None:
    def tree(depth: int) -> Flow[int]:
        if not depth:
            leaf: int = yield Call(len, ("a",))
            return leaf
        answers = yield Together(tuple(tree(depth - 1) for _ in range(3)))
        return sum(settled.value for settled in answers)

    assert worlds.drive(tree(4), workers=1) == 81


def test_a_slow_flow_keeps_none_of_its_neighbours_waiting_at_any_depth(worlds: Worlds) -> None:
    gate = threading.Event()

    def slow() -> Flow[Any]:
        return (yield Call(gate.wait, (10,)))

    def quick() -> Flow[Any]:
        yield Call(len, ("a",))
        yield Call(gate.set)
        return "quick"

    def inner() -> Flow[list[Any]]:
        return [settled.value for settled in (yield Together((quick(), computing(1))))]

    answers = worlds.one(Together((slow(), asking(Together((slow(), inner()))), failing(ValueError("x")))))
    assert answers[0].value is True
    assert [settled.value for settled in answers[1].value] == [True, ["quick", 1]]
    assert isinstance(answers[2].error, ValueError)


def test_flows_within_flows_end_in_the_time_of_those_around_them(worlds: Worlds, server: FaultServer) -> None:
    closed: list[str] = []

    def hanging(name: str) -> Flow[Any]:
        try:
            yield fetch(f"{server.url}/hang", timeout=30)
        finally:
            closed.append(name)

    def inner() -> Flow[list[Settled]]:
        settled: list[Settled] = yield Together((computing("now"), hanging("within"), asking(Call(len, ("ab",)))), 30)
        return settled

    answers = worlds.one(Together((inner(), hanging("beside"), computing(3)), 0.3))
    now, late, counted = answers[0].value
    assert (now.value, reason(late), counted.value) == ("now", "timeout", 2)
    assert (reason(answers[1]), answers[2].value) == ("timeout", 3)
    assert sorted(closed) == ["beside", "within"]


def test_time_of_their_own_does_not_end_the_flow_around_them(worlds: Worlds, server: FaultServer) -> None:
    def inner() -> Flow[str]:
        (late,) = yield Together((asking(fetch(f"{server.url}/hang", timeout=30)),), 0.1)
        reply: Reply = yield fetch(f"{server.url}/ok")
        return f"{reason(late)} then {reply.status}"

    answers = worlds.one(Together((inner(), asking(Together((inner(), inner())))), 20))
    assert answers[0].value == "timeout then 200"
    assert [settled.value for settled in answers[1].value] == ["timeout then 200"] * 2


def test_together_of_nothing_is_nothing(worlds: Worlds) -> None:
    assert worlds.one(Together((), 1)) == []


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("when", ["first", "later"])
def test_an_interrupt_goes_through_and_every_flow_is_closed(
    worlds: Worlds, server: FaultServer, when: str, depth: int
) -> None:
    closed: list[str] = []

    def waiting() -> Flow[Any]:
        try:
            yield fetch(f"{server.url}/hang", timeout=30)
        finally:
            closed.append("waiting")

    def interrupted() -> Flow[Any]:
        if when == "later":
            yield Call(len, ("a",))
        raise KeyboardInterrupt

    effect = Together((waiting(), interrupted(), waiting()), 20)
    for _ in range(depth):
        effect = Together((asking(effect), computing(1)), 20)
    with pytest.raises(KeyboardInterrupt):
        worlds.one(effect)
    assert closed == ["waiting"] * (1 if when == "first" else 2)


@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("count", [1, 3])
def test_cancelling_the_asker_cancels_every_child_and_leaves_no_task(
    server: FaultServer, count: int, depth: int
) -> None:
    closed: list[int] = []

    def hanging(index: int) -> Flow[Any]:
        try:
            yield fetch(f"{server.url}/hang", timeout=30)
        finally:
            closed.append(index)

    async def main() -> None:
        world = AsyncWorld(stored)
        effect = Together(tuple(hanging(i) for i in range(count)), 30)
        for _ in range(depth):
            effect = Together((asking(effect), computing(1)), 30)
        flow = asking(effect)
        task = asyncio.create_task(_as_coroutine(arun(flow, world.perform)))
        for _ in range(count):
            await asyncio.to_thread(server.hanging.acquire)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await nothing_left()
        assert world._running == 0
        await world.aclose()

    asyncio.run(main())
    assert sorted(closed) == list(range(count))


async def _as_coroutine(awaitable: Awaitable[T]) -> T:
    return await awaitable
