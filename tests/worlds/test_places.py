"""Places on a service's line and slots of a world: who holds them, until when, and that both colours agree."""

from __future__ import annotations

import asyncio
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from guardrail.backends.line import Line
from guardrail.errors import NotEvaluated
from guardrail.flow import Fetch, Flow, Gather, Reply, Settled, arun, run
from guardrail.worlds import AsyncWorld, SyncWorld

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
DRIPS = {
    "head": (b"HTTP/1.1 200 OK\r\n", b"x"),
    "lines": (b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n"),
    "hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "chunk": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;", b"x"),
}
"""What a reply that never ends begins with, and what then comes of it time and again."""


class _Handler(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        while line := self.rfile.readline():
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            name = line.split(b" ")[1].decode().rpartition("/")[2]
            if name == "ok":
                self.wfile.write(OK)
            elif name == "hang":
                self.server.hanging.release()
                self.server.over.wait(20)
                self.wfile.write(OK)
            else:
                begin, more = DRIPS[name]
                self.wfile.write(begin)
                while not self.server.over.wait(0.01):
                    self.wfile.write(more)


class Server(socketserver.ThreadingTCPServer):
    """``/ok`` answers, ``/hang`` does once it is ``over``, and the names in DRIPS never come to an end."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.over, self.hanging = threading.Event(), threading.Semaphore(0)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: clients hang up."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.over.set()
        made.shutdown()
        thread.join()


class Threads:
    def __init__(self, slots: int, url: str) -> None:
        self.world = SyncWorld(lambda _: Future(), fetches=slots)
        self.all([Fetch("GET", f"{url}/ok", b"", timeout=20)])  # the first one takes a while: it makes the client

    def all(self, fetches: Sequence[Fetch]) -> list[Settled]:
        """How each of them ended, all made at a time."""
        found = [Settled()] * len(fetches)

        def drive(n: int) -> None:
            found[n] = run(settling(fetches[n]), self.world.perform)

        threads = [threading.Thread(target=drive, args=(n,)) for n in range(len(fetches))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    def until(self, true: Callable[[], bool]) -> bool:
        return until(true)

    def close(self) -> None:
        self.world.close()


class Loop:
    def __init__(self, slots: int, url: str) -> None:
        self.runner = asyncio.Runner()
        self.world = AsyncWorld(lambda _: Future(), fetches=slots)
        self.all([Fetch("GET", f"{url}/ok", b"", timeout=20)])

    def all(self, fetches: Sequence[Fetch]) -> list[Settled]:
        async def drive() -> list[Settled]:
            return await asyncio.gather(*(arun(settling(fetch), self.world.perform) for fetch in fetches))

        return self.runner.run(drive())

    def until(self, true: Callable[[], bool]) -> bool:
        async def wait() -> bool:
            end = time.monotonic() + 10
            while not (found := true()) and time.monotonic() < end:
                await asyncio.sleep(0.005)
            return found

        return self.runner.run(wait())

    def close(self) -> None:
        self.runner.run(self.world.aclose())
        self.runner.close()


@pytest.fixture(params=["threads", "loop"])
def make(request: pytest.FixtureRequest, server: Server) -> Iterator[Callable[[int], Threads | Loop]]:
    made: list[Threads | Loop] = []

    def one(slots: int) -> Threads | Loop:
        made.append((Threads if request.param == "threads" else Loop)(slots, server.url))
        return made[-1]

    yield one
    server.over.set()
    for world in made:
        world.close()


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.005)
    return found


def settling(fetch: Fetch) -> Flow[Settled]:
    try:
        return Settled((yield fetch))
    except NotEvaluated as error:
        return Settled(error=error)


def reason(settled: Settled) -> str:
    return getattr(settled.error, "reason", "")


def fetch(server: Server, path: str, line: Line | None = None, timeout: float = 20.0, **more: Any) -> Fetch:
    return Fetch("GET", f"{server.url}/{path}", b"", timeout=timeout, line=line, **more)


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("drip", DRIPS)
def test_a_reply_that_never_ends_holds_no_place_past_its_time_and_counts_against_the_service(
    make: Any, server: Server, drip: str, attempts: int
) -> None:
    world, line = make(4), Line(concurrency=2, failures=2)
    ended = world.all([fetch(server, drip, line, 0.4, attempts=attempts) for _ in range(2)])
    assert [reason(one) for one in ended] == ["timeout"] * 2
    assert world.until(lambda: line._inside == 0 and world.world._running == 0)
    assert line.breaker.state == "open"
    assert world.all([fetch(server, "ok")])[0].value.status == 200


def test_a_probe_of_a_reply_that_never_ends_is_not_under_way_for_ever(make: Any, server: Server) -> None:
    now = [0.0]
    world, line = make(4), Line(failures=1, clock=lambda: now[0])
    line.leave(line.enter(), Reply(503, (), b""))
    now[0] += 6
    assert reason(world.all([fetch(server, "head", line, 0.4)])[0]) == "timeout"
    assert world.until(lambda: line.breaker.state == "open")
    now[0] += 60
    assert world.all([fetch(server, "ok", line)])[0].value.status == 200


def test_a_connection_through_a_proxy_keeps_to_the_time_too(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    world = SyncWorld(lambda _: Future(), fetches=2)
    ended = run(settling(Fetch("GET", "http://service.invalid/head", b"", timeout=0.5)), world.perform)
    assert reason(ended) == "timeout"
    assert until(lambda: world._running == 0)
    world.close()


def test_a_server_that_takes_no_body_holds_no_thread(server: Server) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        world = SyncWorld(lambda _: Future(), fetches=2)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        ended = run(settling(Fetch("POST", url, b"x" * (1 << 24), timeout=0.5)), world.perform)
        assert reason(ended) == "timeout"
        assert until(lambda: world._running == 0)
        world.close()


@pytest.mark.parametrize("hedge", [None, 0.05])
def test_who_waits_for_one_slow_service_leaves_the_slots_to_others(
    make: Any, server: Server, hedge: float | None
) -> None:
    world, slow, other = make(8), Line(concurrency=2), Line(concurrency=2)
    order: list[str] = []
    flows = [fetch(server, "hang", slow, 3.0, hedge=hedge, ended=lambda _: order.append("slow")) for _ in range(20)]
    flows += [fetch(server, "ok", other, ended=lambda _: order.append("other")) for _ in range(20)]
    ended = world.all(flows)
    assert order[:20] == ["other"] * 20
    assert [one.value.status for one in ended[20:]] == [200] * 20
    assert {reason(one) for one in ended[:20]} <= {"timeout", "busy"}
    assert world.until(lambda: (slow._inside, len(slow._waiting), world.world._running) == (0, 0, 0))


def test_who_waits_goes_when_its_turn_comes(make: Any, server: Server) -> None:
    world, line = make(2), Line(concurrency=2)
    threading.Timer(0.2, server.over.set).start()
    ended = world.all([fetch(server, "hang", line, hedge=0.05) for _ in range(12)])
    assert [one.value.status for one in ended] == [200] * 12
    assert world.until(lambda: (line._inside, world.world._running) == (0, 0))


def test_who_still_stands_on_the_line_of_a_closed_world_is_told_so(server: Server) -> None:
    told: list[Reply | Exception] = []
    world, line = SyncWorld(lambda _: Future(), fetches=4), Line(concurrency=1)
    under_way = world.start(fetch(server, "hang", line))
    assert server.hanging.acquire(timeout=10)
    waiting = world.start(fetch(server, "ok", line, ended=told.append))
    world.close()
    assert not waiting.done()
    server.over.set()
    for pending in (under_way, waiting):
        pending.wait()
    assert under_way.result().status == 200
    with pytest.raises(NotEvaluated) as caught:
        waiting.result()
    assert caught.value.reason == "closed"
    assert told == [caught.value]
    assert until(lambda: line._inside == 0 and world._client is None)


@pytest.mark.parametrize("hedge", [None, 0.01])
def test_where_no_thread_can_be_started_a_fetch_is_busy_and_holds_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, hedge: float | None
) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    world, line = SyncWorld(lambda _: Future(), fetches=4), Line(concurrency=1)
    with monkeypatch.context() as patch:
        if hedge is not None:  # the thread that has it in hand is there, one for the request is not
            world.perform(fetch(server, "ok"))
        patch.setattr(threading.Thread, "start", full)
        assert reason(run(settling(fetch(server, "ok", line, hedge=hedge)), world.perform)) == "busy"
    assert until(lambda: (world._running, world._reading, line._inside) == (0, 0, 0))
    again = run(settling(fetch(server, "ok", line, hedge=hedge)), world.perform)
    assert again.value.status == 200
    assert until(lambda: (world._running, world._reading, line._inside) == (0, 0, 0))
    world.close()


@pytest.mark.parametrize("several", [False, True])
def test_one_that_is_dropped_as_it_waits_for_the_budget_leaves_its_turn_to_the_next(
    server: Server, several: bool
) -> None:
    now, told = [0.0], list[Any]()
    line = Line(rate=(1, 100.0), clock=lambda: now[0])
    world = SyncWorld(lambda _: Future(), fetches=4)
    world.perform(fetch(server, "ok", line))
    first = fetch(server, "ok", line, 300.0, ended=told.append)
    dropped = world.start(Gather((first,)) if several else first)
    assert until(lambda: len(line._budget._due) == 1)
    following = world.start(fetch(server, "ok", line, 300.0))
    assert until(lambda: len(line._budget._due) == 2)
    now[0] = 150.0
    dropped.drop()
    assert until(following.done)
    assert following.result().status == 200
    assert until(lambda: (line._inside, world._running) == (0, 0))
    assert line.counts["requests"] == 2
    assert [error.reason for error in told] == ["abandoned"]
    world.close()


def test_one_that_is_cancelled_as_it_waits_for_the_budget_leaves_its_turn_to_the_next(server: Server) -> None:
    now = [0.0]
    line = Line(rate=(1, 100.0), clock=lambda: now[0])

    async def scene() -> None:
        world = AsyncWorld(lambda _: Future(), fetches=4)
        await world.perform(fetch(server, "ok", line))
        tasks: list[asyncio.Task[Reply]] = []
        for n in (1, 2):
            tasks.append(asyncio.create_task(world.perform(fetch(server, "ok", line, 300.0))))
            async with asyncio.timeout(10):
                while len(line._budget._due) < n:
                    await asyncio.sleep(0)
        now[0] = 150.0
        tasks[0].cancel()
        async with asyncio.timeout(10):
            assert (await tasks[1]).status == 200
        await world.aclose()

    asyncio.run(scene())
    assert (line._inside, line.counts["requests"]) == (0, 2)
