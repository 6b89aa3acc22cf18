"""Answers that threads pull while a check is out: beside the upstream call, read on, broken off."""

from __future__ import annotations

import asyncio
import threading
from types import ModuleType
from typing import Any

import pytest

from guardrail import transports
from guardrail.verdict import Action
from tests.support import events

from .calling import Tap, spoken
from .driver import BAD, chat, guarding
from .remote import Desk, Far, judging
from .threaded import HEADERS, URL, SyncAsk, SyncTap, idle, libraries

ODD = "peculiar"
ANSWER = [*spoken("so ", "it ", "is"), events.DONE]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


@libraries
def test_threads_ask_upstream_beside_the_check(http: ModuleType, desk: Desk) -> None:
    guard, rows = guarding(judging(None, Far(ODD), overlap="upstream"))
    tap = SyncTap(http)
    ask = SyncAsk(tap, guard)
    question = desk.waited_for()
    assert tap.called.wait(5)
    tap.say(200, *ANSWER, None)
    assert not ask.done
    question.answer()
    assert ask.join().text.encode() == b"".join(ANSWER)
    assert [(row.ended, row.spent) for row in rows] == [("complete", None)]
    assert tap.closed.acquire(timeout=1)
    assert idle(guard)


@libraries
def test_threads_do_not_wait_for_an_upstream_that_is_too_late_and_close_what_it_says(
    http: ModuleType, desk: Desk
) -> None:
    guard, rows = guarding(judging(None, Far(ODD), overlap="upstream"))
    tap = SyncTap(http)
    ask = SyncAsk(tap, guard, ODD)
    question = desk.waited_for()
    assert tap.called.wait(5)
    question.answer()
    assert "content_filter" in ask.join().text
    (row,) = rows
    assert (row.ended, row.spent is not None) == ("refused", True)
    tap.say(200)
    assert tap.closed.acquire(timeout=5), "an answer that came too late stays open"
    assert idle(guard)


@libraries
@pytest.mark.parametrize(("on_error", "passes"), [(Action.ALLOW, True), (Action.REFUSE, False)])
def test_threads_rule_on_a_check_that_fails_by_its_own_word(
    http: ModuleType, on_error: Action, passes: bool, desk: Desk
) -> None:
    guard, rows = guarding(judging(None, Far(ODD), overlap="upstream", on_error=on_error))
    tap = SyncTap(http).say(200, *ANSWER, None)
    ask = SyncAsk(tap, guard)
    desk.waited_for().answer(500)
    assert (ask.join().text.encode() == b"".join(ANSWER)) == passes
    assert [row.outcome for row in rows] == ["not_evaluated"]
    assert tap.closed.acquire(timeout=1)


@libraries
def test_threads_tell_an_upstream_that_fails_first_and_drop_the_question(http: ModuleType, desk: Desk) -> None:
    far = Far(ODD)
    guard, rows = guarding(judging(None, far, overlap="upstream"))
    tap = SyncTap(http)
    ask = SyncAsk(tap, guard)
    question = desk.waited_for()
    tap.say(http.ConnectError("no"))
    assert isinstance(ask.join().error, http.ConnectError)
    assert [row.ended for row in rows] == ["upstream_error"]
    assert far.closed == 1
    question.answer()
    assert idle(guard)


@libraries
def test_threads_ask_one_after_the_other_where_no_thread_is_free(http: ModuleType, desk: Desk) -> None:
    guard, _ = guarding(judging(None, Far(ODD), overlap="upstream"))
    taken = [guard.world()._spawned.acquire(blocking=False) for _ in range(64)]
    assert all(taken)
    tap = SyncTap(http).say(200, *ANSWER, None)
    ask = SyncAsk(tap, guard)
    question = desk.waited_for()
    assert not tap.called.wait(0.05)
    question.answer()
    assert ask.join().text.encode() == b"".join(ANSWER)


@libraries
@pytest.mark.parametrize("refused", [True, False])
def test_threads_read_on_while_a_check_of_the_answer_is_out(http: ModuleType, refused: bool, desk: Desk) -> None:
    guard, rows = guarding(judging(Far(ODD, stride=8)))
    tap = SyncTap(http).say(200, *spoken(f"a {ODD} one" if refused else "a usual one", " and so on"), events.DONE)
    ask = SyncAsk(tap, guard)
    question = desk.waited_for()
    for _ in range(2000):
        if tap.queue.empty():
            break
        threading.Event().wait(0.001)
    assert tap.queue.empty(), "upstream is not read on"
    desk.at_once = True
    question.answer()
    for later in desk.questions:
        later.answer()
    tap.say(None)
    text = ask.join().text
    assert ("content_filter" in text) == refused
    assert ("usual" in text) != refused
    assert [row.ended for row in rows] == ["refused" if refused else "complete"]
    assert tap.closed.acquire(timeout=1)
    assert desk.most == 1
    assert idle(guard)


@libraries
def test_threads_raise_the_librarys_own_error_when_upstream_breaks_off(http: ModuleType, desk: Desk) -> None:
    far = Far(ODD, stride=8)
    guard, rows = guarding(judging(far))
    tap = SyncTap(http).say(200, *spoken("a usual one")[:2])
    ask = SyncAsk(tap, guard)
    question = desk.waited_for()
    tap.say(http.ReadError("broke off"))
    assert isinstance(ask.join().error, http.ReadError)
    assert [row.ended for row in rows] == ["upstream_error"]
    assert far.closed == 1
    question.answer()
    assert idle(guard)


@libraries
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_refusal_can_be_read_in_any_manner(http: ModuleType, colour: str) -> None:
    guard, _ = guarding(judging())
    asked: Any = {"content": chat(BAD, stream=True), "headers": HEADERS}
    tap = SyncTap(http)
    if colour == "sync":
        with (
            http.Client(transport=transports(http)[0](tap.transport(), policy=guard)) as client,
            client.stream("POST", URL, **asked) as answer,
        ):
            assert b"content_filter" in b"".join(answer.iter_raw())
        return

    async def main() -> None:
        async with (
            http.AsyncClient(transport=transports(http)[1](Tap(http).transport(), policy=guard)) as client,
            client.stream("POST", URL, **asked) as answer,
        ):
            assert b"content_filter" in b"".join([chunk async for chunk in answer.aiter_raw()])

    asyncio.run(main())
