"""Real loopback servers with real faults; both worlds must give the same answers."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import socket
import socketserver
import subprocess
import sys
import threading
import warnings
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, TypeVar

import pytest

from guardrail.errors import LogError, NotEvaluated
from guardrail.flow import Call, Commit, Effect, Fetch, Flow, Reply, Settled, Together, arun, run
from guardrail.verdict import Action, Decision, Outcome
from guardrail.worlds import AsyncWorld, SyncWorld

T = TypeVar("T")
CANARY = "canary-7f3a"
DECISION = Decision("d1", Action.ALLOW, Outcome.ALLOWED, None, (), (), "p", "h")


def stored(_: Decision) -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future


# --- a server with every fault ---------------------------------------------------------------


KEPT_OPEN = {"ok", "error", "second_time", "dated"}


class _Handler(socketserver.StreamRequestHandler):
    server: FaultServer
    name = ""

    def handle(self) -> None:
        while line := self.rfile.readline():
            if b" HTTP/" not in line:  # a TLS hello
                self.say("400 Bad Request")
                self.server.over.wait(20)
                return
            self.name = name = line.split(b" ")[1].decode().strip("/")
            length = 0
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
                self.server.hits["cookies"] += header.lower().startswith(b"cookie:")
            self.rfile.read(length)
            self.server.hits[name] += 1
            getattr(self, name)()
            if name not in KEPT_OPEN:
                return

    def say(self, status: str, *headers: str, body: bytes = b"hello") -> None:
        ending = "keep-alive" if self.name in KEPT_OPEN else "close"
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", f"connection: {ending}", *headers, "", ""]
        self.wfile.write("\r\n".join(lines).encode() + body)

    def trickle(self, data: bytes) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            if self.server.over.wait(0.02):
                return

    def ok(self) -> None:
        self.say("200 OK", "X-Twice: a", "X-Twice: b", "set-cookie: session=1")

    def drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n")
        self.trickle(b"x" * 4000)

    def drip_head(self) -> None:
        self.trickle(b"HTTP/1.1 200 OK\r\nx-slow: " + b"x" * 9000)

    def hang(self) -> None:
        self.server.hanging.release()
        self.server.over.wait(20)
        self.say("200 OK")

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def shut(self) -> None:
        """Close without a byte."""

    def torn(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")

    def garbage(self) -> None:
        self.wfile.write(b"BANG 999\r\n\r\n")

    def huge(self) -> None:
        self.say("200 OK", body=b"x" * 5000)

    def huge_chunked(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(200):
            self.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")

    def edge(self) -> None:
        self.say("200 OK", body=b"x" * 4096)

    def zipped(self) -> None:
        self.say("200 OK", "content-encoding: gzip", body=b"\x1f\x8b")

    def redirect(self) -> None:
        self.say("302 Found", "location: /ok")

    def bad_request(self) -> None:
        self.say("400 Bad Request")

    def error(self) -> None:
        self.say("503 Service Unavailable")

    def second_time(self) -> None:
        if self.server.hits["second_time"] % 2:
            self.say("429 Too Many Requests", "Retry-After: 0")
        else:
            self.say("200 OK")

    def dated(self) -> None:
        if self.server.hits["dated"] % 2:
            self.say("429 Too Many Requests", f"Retry-After: {formatdate(0, usegmt=True)}")
        else:
            self.say("200 OK")

    def second_connection(self) -> None:
        if self.server.hits["second_connection"] % 2 == 0:
            self.say("200 OK")

    def much_later(self) -> None:
        self.say("429 Too Many Requests", "Retry-After: 3600")

    def far_later(self) -> None:
        self.say("429 Too Many Requests", "Retry-After: " + "9" * 400)


class FaultServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hits: Counter[str] = Counter()
        self.over = threading.Event()
        self.hanging = threading.Semaphore(0)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with FaultServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


# --- both worlds behind one face -------------------------------------------------------------


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


@pytest.fixture(params=["sync", "async"])
def worlds(request: pytest.FixtureRequest) -> Worlds:
    return Worlds(request.param)


def fetch(url: str, *, timeout: float = 5.0, attempts: int = 1, limit: int = 4096) -> Fetch:
    headers = (("authorization", f"Bearer {CANARY}"),)
    return Fetch("POST", url, CANARY.encode(), headers, timeout=timeout, attempts=attempts, limit=limit)


# --- Fetch -----------------------------------------------------------------------------------


def test_a_reply_has_status_lower_case_headers_and_body(worlds: Worlds, server: FaultServer) -> None:
    reply = worlds.one(fetch(f"{server.url}/ok"))
    assert (reply.status, reply.body) == (200, b"hello")
    assert [value for name, value in reply.headers if name == "x-twice"] == ["a", "b"]


FAULTS = {
    "drip": "timeout",
    "drip_head": "timeout",
    "hang": "timeout",
    "reset": "connect",
    "shut": "protocol",
    "torn": "protocol",
    "garbage": "protocol",
    "huge": "too_large",
    "huge_chunked": "too_large",
    "zipped": "protocol",
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.items())
def test_every_fault_is_not_evaluated_with_its_reason(
    worlds: Worlds, server: FaultServer, fault: str, reason: str
) -> None:
    patience = 0.3 if reason == "timeout" else 5.0
    with pytest.raises(NotEvaluated) as caught:
        worlds.one(fetch(f"{server.url}/{fault}", timeout=patience))
    assert caught.value.reason == reason


@pytest.mark.parametrize("fault", [*FAULTS, "refused"])
def test_no_error_carries_body_or_key(worlds: Worlds, server: FaultServer, fault: str) -> None:
    url = "http://127.0.0.1:1/" if fault == "refused" else f"{server.url}/{fault}"
    with pytest.raises(NotEvaluated) as caught:
        worlds.one(fetch(url, timeout=0.3))
    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in f"{error!r} {error} {vars(error)}"
        assert not hasattr(error, "request")
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/", "connect"),
        ("http://no-such-host.invalid/", "dns"),
        ("ftp://127.0.0.1/", "protocol"),
        ("http://x\n/", "protocol"),
        ("http://127.0.0.1:99999/", "protocol"),
    ],
)
def test_addresses_that_lead_nowhere(worlds: Worlds, url: str, reason: str) -> None:
    with pytest.raises(NotEvaluated) as caught:
        worlds.one(fetch(url))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "effect", [fetch(f"http://{'a' * 70}.com/"), Fetch("GET", "http://x/", b"", (("a", "\u2026"),))]
)
def test_what_cannot_be_written_as_http_is_not_evaluated(worlds: Worlds, effect: Fetch) -> None:
    with pytest.raises(NotEvaluated):
        worlds.one(effect)


def test_a_server_without_tls_is_not_spoken_to_over_https(worlds: Worlds, server: FaultServer) -> None:
    with pytest.raises(NotEvaluated) as caught:
        worlds.one(fetch(server.url.replace("http:", "https:") + "/ok", attempts=3))
    assert caught.value.reason == "tls"


def test_a_reply_of_exactly_the_limit_is_read(worlds: Worlds, server: FaultServer) -> None:
    assert len(worlds.one(fetch(f"{server.url}/edge", limit=4096)).body) == 4096
    with pytest.raises(NotEvaluated):
        worlds.one(fetch(f"{server.url}/edge", limit=4095))


def test_a_redirect_is_an_answer_and_is_not_followed(worlds: Worlds, server: FaultServer) -> None:
    assert worlds.one(fetch(f"{server.url}/redirect", attempts=3)).status == 302
    assert (server.hits["redirect"], server.hits["ok"]) == (1, 0)


@pytest.mark.parametrize("path", ["second_time", "dated", "second_connection"])
def test_a_second_attempt_may_succeed(worlds: Worlds, server: FaultServer, path: str) -> None:
    assert worlds.one(fetch(f"{server.url}/{path}", attempts=2)).status == 200
    assert server.hits[path] == 2


@pytest.mark.parametrize(
    ("path", "hits"), [("error", 3), ("bad_request", 1), ("redirect", 1), ("much_later", 1), ("far_later", 1)]
)
def test_the_last_reply_is_the_answer(worlds: Worlds, server: FaultServer, path: str, hits: int) -> None:
    """Also when it is an error, and when Retry-After lies beyond the deadline."""
    status = {"error": 503, "bad_request": 400, "redirect": 302}.get(path, 429)
    assert worlds.one(fetch(f"{server.url}/{path}", attempts=3, timeout=20)).status == status
    assert server.hits[path] == hits


@pytest.mark.parametrize(("path", "hits"), [("reset", 3), ("torn", 3), ("huge", 1), ("zipped", 1)])
def test_only_broken_connections_are_tried_again(worlds: Worlds, server: FaultServer, path: str, hits: int) -> None:
    with pytest.raises(NotEvaluated):
        worlds.one(fetch(f"{server.url}/{path}", attempts=3, timeout=20))
    assert server.hits[path] == hits


def test_the_deadline_bounds_all_attempts_together(worlds: Worlds, server: FaultServer) -> None:
    """It ends with the last reply, or with a timeout where it fell into an attempt."""
    reply = worlds.drive(swallowing(fetch(f"{server.url}/error", attempts=1000, timeout=0.5)))
    assert reply is None or reply.status == 503
    assert 1 <= server.hits["error"] < 100


def test_connections_are_kept_and_cookies_are_not(worlds: Worlds, server: FaultServer) -> None:
    connections: list[Any] = []
    accept = server.get_request

    def counting() -> Any:
        connections.append(accept())
        return connections[-1]

    server.get_request = counting  # type: ignore[method-assign]
    replies = worlds.drive(asking_for([fetch(f"{server.url}/ok") for _ in range(4)]))
    assert [reply.status for reply in replies] == [200] * 4
    assert len(connections) == 1
    assert server.hits["cookies"] == 0


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


def swallowing(effect: Effect) -> Flow[Any]:
    try:
        answer = yield effect
    except NotEvaluated:
        return None
    return answer


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


# --- Call and Commit -------------------------------------------------------------------------

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


# --- Together --------------------------------------------------------------------------------


def reason(settled: Settled) -> str:
    assert isinstance(settled.error, NotEvaluated)
    return settled.error.reason


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
