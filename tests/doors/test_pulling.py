"""Answers that are read on while a check is out: cancelled at any await, closed at any chunk, and pulled by threads."""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest

from guardrail import Decision, Guard, transports
from guardrail.verdict import Action
from tests.support import events

from .cancelling import at_each_await
from .driver import BAD, CHAT, EVENTS, JSON, chat, guarding
from .remote import ASYNC_DOORS, Ask, Desk, Far, Tap, judging, quiet, spoken

ODD = "peculiar"
URL = f"http://model{CHAT}"
HEADERS = dict([JSON])
libraries = pytest.mark.parametrize("http", [httpx, httpx2], ids=["httpx", "httpx2"])


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


# -- cancelled -------------------------------------------------------------------------------------

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


# -- threads ---------------------------------------------------------------------------------------


@dataclass
class SyncTap:
    """``Tap`` for threads."""

    http: ModuleType
    called: threading.Event = field(default_factory=threading.Event)
    bodies: list[bytes] = field(default_factory=list)
    queue: queue.Queue[Any] = field(default_factory=queue.Queue)
    opened: int = 0
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def say(self, *items: Any) -> SyncTap:
        for item in items:
            self.queue.put(item)
        return self

    def take(self) -> Any:
        item = self.queue.get(timeout=10)
        if isinstance(item, Exception):
            raise item
        return item

    def transport(self) -> Any:
        tap, http = self, self.http

        class Stream(http.SyncByteStream):  # type: ignore[misc,name-defined]
            def __iter__(self) -> Iterator[bytes]:
                while (chunk := tap.take()) is not None:
                    yield chunk

            def close(self) -> None:
                tap.closed.release()

        class Transport(http.BaseTransport):  # type: ignore[misc,name-defined]
            def handle_request(self, request: Any) -> Any:
                tap.bodies.append(request.read())
                tap.called.set()
                status = tap.take()
                tap.opened += 1
                return http.Response(status, headers=[EVENTS], stream=Stream())

        return Transport()


class SyncAsk:
    """One call by a thread of its own."""

    def __init__(self, tap: SyncTap, guard: Guard, text: str = "hello") -> None:
        self.text, self.status, self.error = "", 0, None
        self._sent, self._tap, self._guard = chat(text, stream=True), tap, guard
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    error: Exception | None

    def _ask(self) -> None:
        http = self._tap.http
        with http.Client(transport=transports(http)[0](self._tap.transport(), policy=self._guard)) as client:
            try:
                answer = client.post(URL, content=self._sent, headers=HEADERS)
                self.text, self.status = answer.text, answer.status_code
            except Exception as error:  # noqa: BLE001 - for the test to look at
                self.error = error

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def join(self) -> SyncAsk:
        self._thread.join(10)
        assert self.done
        return self


ANSWER = [*spoken("so ", "it ", "is"), events.DONE]


def idle(guard: Guard) -> bool:
    """Does nothing run any more in its world of threads?"""
    for _ in range(2000):
        if guard.world()._running == 0 and guard.world()._spawned._value == 64:
            return True
        threading.Event().wait(0.001)
    return False


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
