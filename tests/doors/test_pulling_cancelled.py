"""Calls given up while a check is out: cancelled at any await, their answer closed after any chunk."""

from __future__ import annotations

import asyncio
import itertools
from concurrent.futures import Future
from types import ModuleType
from typing import Any

import pytest

from guardrail import Decision, transports
from tests.support import events

from .calling import ASYNC_DOORS, Ask, Tap, quiet, spoken
from .cancelling import at_each_await
from .driver import chat, guarding
from .remote import Desk, Far, judging
from .threaded import HEADERS, URL, SyncTap, idle, libraries

ODD = "peculiar"


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


PLANS: dict[str, Any] = {
    "window": lambda: judging(Far(ODD, stride=8)),
    "buffer": lambda: judging(Far(ODD, stride=8), strategy="buffer"),
    "after": lambda: judging(Far(ODD, stride=8), strategy="after"),
    "overlap": lambda: judging(None, Far(ODD), overlap="app"),
    "both": lambda: judging(Far(ODD, stride=8), Far(ODD, name="near"), overlap="app"),
}


@pytest.mark.parametrize("door", ASYNC_DOORS)
@pytest.mark.parametrize("word", list(PLANS))
@pytest.mark.parametrize("said", ["quite usual", f"a {ODD} word"])
def test_a_call_cancelled_at_any_await_leaves_one_row_and_nothing_else(
    door: str, word: str, said: str, desk: Desk
) -> None:
    desk.at_once = True
    guard, rows = guarding(PLANS[word]())
    calls: list[tuple[Ask, Tap]] = []

    def submit(decision: Decision) -> Future[None]:
        rows.append(decision)
        stored: Future[None] = Future()
        asyncio.get_running_loop().call_soon(stored.set_result, None)
        return stored

    guard._recorder.submit = submit  # type: ignore[method-assign]

    async def work() -> None:
        tap = Tap().head().say(*spoken("so it is ", said, " and so on"), events.DONE).end()
        calls.append((Ask(door, guard, tap, start=False), tap))
        await calls[-1][0].work

    async def after(cancelled: bool) -> None:
        ask, tap = calls[-1]
        assert cancelled or ask.ended
        assert len(rows) == len(calls) or (cancelled and tap.calls == 0 and len(rows) == len(calls) - 1)
        while len(rows) < len(calls):  # it was cancelled before the guard saw it
            calls.pop()
        assert (desk.out, tap.open) == (0, 0)
        assert guard.aworld()._running == 0

    async def main() -> None:
        await at_each_await(work, after)

    asyncio.run(main())
    refused = ODD in said and word in ("window", "buffer", "both")
    assert rows[-1].ended == ("refused" if refused else "complete")
    assert {row.ended for row in rows} <= {"cancelled", "disconnected", "complete", "refused"}
    assert sum(row.ended in ("cancelled", "disconnected") for row in rows) > 3
    judges = [*guard.plan.input.moderators, *guard.plan.output.moderators]
    assert sum(judge.closed for judge in judges if isinstance(judge, Far)) > 0, "none was cancelled in a question"
    assert desk.most <= 1


@libraries
def test_an_async_answer_closed_after_any_chunk_drops_what_is_asked(http: ModuleType, desk: Desk) -> None:
    """Observed, so that bytes leave while the question is out."""
    guard, rows = guarding(judging(Far(ODD, stride=4), observe=True))

    async def main() -> None:
        for taken in range(1, 5):
            tap = Tap(http).head().say(*spoken("so it is ", "and ", "so on"), events.DONE).end()
            async with http.AsyncClient(transport=transports(http)[1](tap.transport(), policy=guard)) as client:
                async with client.stream("POST", URL, content=chat("hi", stream=True), headers=HEADERS) as answer:
                    chunks = answer.aiter_raw()
                    for _ in range(taken):
                        await anext(chunks)
                    await quiet(3)
                    await chunks.aclose()
                await quiet()
                assert (desk.out, tap.open) == (0, 0)
                assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert [row.ended for row in rows] == ["disconnected"] * 4
    assert desk.questions


@libraries
def test_an_answer_closed_after_any_chunk_drops_its_question(http: ModuleType, desk: Desk) -> None:
    """Observed, so that bytes leave while the question is out."""
    for taken in range(3, 6):
        far = Far(ODD, stride=4)
        guard, rows = guarding(judging(far, observe=True))
        tap = SyncTap(http).say(200, *spoken("so it is ", "and ", "so on"), events.DONE, None)
        client = http.Client(transport=transports(http)[0](tap.transport(), policy=guard))
        with client.stream("POST", URL, content=chat("hi", stream=True), headers=HEADERS) as answer:
            list(itertools.islice(answer.iter_raw(), taken))
            out = len(desk.questions)
        assert far.closed == 1, "what was asked is still waited for"
        assert [row.ended for row in rows] == ["disconnected"]
        assert out >= 1
        for question in desk.questions:
            question.answer()
        desk.questions.clear()
        assert idle(guard)
        client.close()
