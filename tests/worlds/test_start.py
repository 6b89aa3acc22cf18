"""Effects put under way in a world of threads, and looked after later: ``SyncWorld.start`` and ``spawn``."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from guardrail.errors import LogError, NotEvaluated
from guardrail.flow import Call, Commit, Fetch, Flow, Settled, Together
from guardrail.verdict import Action, Decision, Outcome
from guardrail.worlds import SyncWorld, threads

DECISION = Decision("d1", Action.ALLOW, Outcome.ALLOWED, None, (), (), "p", "h")


class Server(ThreadingHTTPServer):
    """Answers with the path it was asked for, once ``open`` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.open = threading.Event()
        self.asked = threading.Semaphore(0)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.release()
        self.server.open.wait(10)
        self.send_response(200)
        self.send_header("content-length", str(len(self.path)))
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.open.set()
        made.shutdown()
        thread.join()


class Log:
    """Takes decisions, and says that they are stored when a test lets it."""

    def __init__(self) -> None:
        self.stored: Future[None] = Future()

    def __call__(self, decision: Decision) -> Future[None]:
        return self.stored


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def world(log: Log) -> Iterator[SyncWorld]:
    made = SyncWorld(log, workers=2)
    yield made
    made.close()


def until(true: Callable[[], Any], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.001)


def fetching(server: Server, path: str = "/a", timeout: float = 10.0) -> Fetch:
    return Fetch("GET", server.url + path, b"", timeout=timeout)


class Asker:
    """Flows that ask, and what became of them."""

    def __init__(self) -> None:
        self.closed = 0

    def __call__(self, *effects: Any) -> Generator[Any, Any, Any]:
        answers = []
        try:
            for effect in effects:
                answers.append((yield effect))
        except GeneratorExit:
            self.closed += 1
            raise
        return answers


@pytest.fixture
def asker() -> Asker:
    return Asker()


# -- one effect ------------------------------------------------------------------------------------


def test_what_only_computes_is_done_at_once(world: SyncWorld) -> None:
    pending = world.start(Call(max, (1, 2)))
    assert (pending.done(), pending.result()) == (True, 2)
    pending.wait()
    pending.drop()


def test_its_error_is_kept_for_who_asked(world: SyncWorld) -> None:
    pending = world.start(Call(int, ("x",)))
    assert pending.done()
    with pytest.raises(ValueError, match="'x'"):
        pending.result()


def test_a_fetch_is_under_way_until_its_reply_has_come(world: SyncWorld, server: Server) -> None:
    pending = world.start(fetching(server))
    assert server.asked.acquire(timeout=5)
    assert not pending.done()
    server.open.set()
    pending.wait()
    until(pending.done)
    assert pending.result().body == b"/a"
    assert pending.result().status == 200
    until(lambda: world._running == 0)


def test_a_fetch_is_done_at_its_deadline_and_gives_its_slot_back(world: SyncWorld, server: Server) -> None:
    server.open.set()
    assert world.perform(fetching(server)).status == 200  # the first one takes a while: it makes the client
    server.open.clear()
    pending = world.start(fetching(server, timeout=0.1))
    assert not pending.done()
    pending.wait()
    assert pending.done()
    with pytest.raises(NotEvaluated) as caught:
        pending.result()
    assert caught.value.reason == "timeout"
    server.open.set()
    until(lambda: world._running == 0)


def test_a_fetch_that_nobody_waits_for_gives_its_slot_back(world: SyncWorld, server: Server) -> None:
    pending = world.start(fetching(server))
    assert server.asked.acquire(timeout=5)
    pending.drop()
    server.open.set()
    until(lambda: world._running == 0)
    assert world.perform(fetching(server)).status == 200


def test_one_fetch_too_many_is_an_error_at_once(world: SyncWorld, server: Server) -> None:
    under_way = [world.start(fetching(server)) for _ in range(2)]
    pending = world.start(fetching(server))
    assert pending.done()
    with pytest.raises(NotEvaluated) as caught:
        pending.result()
    assert caught.value.reason == "busy"
    server.open.set()
    for one in under_way:
        one.wait()
    until(lambda: world._running == 0)


def test_a_commit_is_under_way_until_its_row_is_stored(world: SyncWorld, log: Log) -> None:
    pending = world.start(Commit(DECISION))
    assert not pending.done()
    pending.drop()  # its row is written all the same: others may share its future
    log.stored.set_result(None)
    assert pending.done()
    assert pending.result() is None


def test_a_commit_that_failed_says_so(world: SyncWorld, log: Log) -> None:
    pending = world.start(Commit(DECISION))
    log.stored.set_exception(LogError("full"))
    with pytest.raises(LogError):
        pending.result()


def test_waiting_ends_with_whatever_happens_first(world: SyncWorld, server: Server, asker: Asker) -> None:
    for pending in (world.start(fetching(server)), world.start(Together((asker(fetching(server)),), 10))):
        other: Future[None] = Future()
        threading.Timer(0.02, other.set_result, (None,)).start()
        began = time.monotonic()
        pending.wait((other,))
        assert time.monotonic() - began < 2
        assert not pending.done()
        pending.drop()


# -- several flows ---------------------------------------------------------------------------------


def test_flows_side_by_side_are_moved_on_as_they_are_looked_after(
    world: SyncWorld, server: Server, asker: Asker
) -> None:
    flows: tuple[Flow[Any], ...] = (
        asker(fetching(server, "/a")),
        asker(Call(max, (1, 2)), Call(max, (3, 4))),
        asker(fetching(server, "/b"), fetching(server, "/c")),
        asker(Call(int, ("x",))),
        asker(),
    )
    pending = world.start(Together(flows, 10))
    assert not pending.done()
    server.open.set()
    while not pending.done():
        pending.wait()
    first, second, third, fourth, fifth = pending.result()
    assert [reply.body for reply in first.value] == [b"/a"]
    assert second == Settled([2, 4])
    assert [reply.body for reply in third.value] == [b"/b", b"/c"]
    assert isinstance(fourth.error, ValueError)
    assert fifth == Settled([])
    until(lambda: world._running == 0)
    assert asker.closed == 0


def test_what_is_late_is_settled_at_the_deadline(world: SyncWorld, server: Server, asker: Asker) -> None:
    pending = world.start(Together((asker(fetching(server)), asker(Call(max, (1, 2)))), 0.1))
    while not pending.done():
        pending.wait()
    late, quick = pending.result()
    assert isinstance(late.error, NotEvaluated)
    assert late.error.reason == "timeout"
    assert quick == Settled([2])
    pending.drop()
    assert asker.closed == 1
    server.open.set()
    until(lambda: world._running == 0)


def test_flows_that_are_dropped_are_closed_and_their_slots_given_back(
    world: SyncWorld, server: Server, asker: Asker
) -> None:
    pending = world.start(Together((asker(fetching(server)), asker(fetching(server))), 10))
    assert server.asked.acquire(timeout=5)
    pending.drop()
    assert asker.closed == 2
    server.open.set()
    until(lambda: world._running == 0)


def test_what_cannot_be_started_is_its_own_flows_error(world: SyncWorld, server: Server, asker: Asker) -> None:
    pending = world.start(Together(tuple(asker(fetching(server)) for _ in range(3)), 10))
    server.open.set()
    while not pending.done():
        pending.wait()
    assert [getattr(one.error, "reason", None) for one in pending.result()] == [None, None, "busy"]


def test_flows_within_flows_are_looked_after_too(world: SyncWorld, server: Server, asker: Asker) -> None:
    inner = Together((asker(fetching(server, "/in"), Call(max, (1, 2))), asker(Together((asker(Call(int, ("x",))),)))))
    pending = world.start(Together((asker(inner, Call(max, (3, 4))), asker(fetching(server, "/out")), asker()), 10))
    assert not pending.done()
    server.open.set()
    while not pending.done():
        pending.wait()
    first, second, third = pending.result()
    (reply, more), deeper = first.value[0][0].value, first.value[0][1].value
    assert (reply.body, more, first.value[1], second.value[0].body, third.value) == (b"/in", 2, 4, b"/out", [])
    assert isinstance(deeper[0][0].error, ValueError)
    assert asker.closed == 0


def test_flows_within_flows_that_are_dropped_are_closed(world: SyncWorld, server: Server, asker: Asker) -> None:
    inner = Together((asker(fetching(server)), asker(Together((asker(fetching(server)),)))))
    pending = world.start(Together((asker(inner), asker(Call(max, (1, 2)))), 10))
    assert server.asked.acquire(timeout=5)
    pending.drop()
    assert asker.closed >= 4
    server.open.set()
    until(lambda: world._running == 0)


def test_a_world_that_is_closed_starts_nothing(world: SyncWorld, server: Server) -> None:
    world.close()
    pending = world.start(fetching(server))
    with pytest.raises(NotEvaluated) as caught:
        pending.result()
    assert caught.value.reason == "closed"
    assert world.spawn(lambda: 1) is None
    assert world._spawned._value == threads._SPAWNED


# -- threads of their own --------------------------------------------------------------------------

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")


def test_a_call_is_spawned_with_its_callers_context(world: SyncWorld) -> None:
    token = NAME.set("somebody")
    try:
        made = world.spawn(lambda: (NAME.get(), threading.current_thread().name))
    finally:
        NAME.reset(token)
    assert made is not None
    name, thread = made.result(5)
    assert name == "somebody"
    assert thread != threading.current_thread().name
    until(lambda: world._spawned._value == threads._SPAWNED)


def test_a_spawned_calls_error_is_its_futures(world: SyncWorld) -> None:
    made = world.spawn(lambda: int("x"))
    assert made is not None
    assert isinstance(made.exception(5), ValueError)
    until(lambda: world._spawned._value == threads._SPAWNED)


def test_where_no_thread_is_free_nothing_is_spawned(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_SPAWNED", 2)
    world = SyncWorld(log)
    over = threading.Event()
    try:
        under_way = [world.spawn(lambda: over.wait(10)) for _ in range(2)]
        assert None not in under_way
        assert world.spawn(lambda: True) is None
        over.set()
        until(lambda: world._spawned._value == 2)
        again = world.spawn(lambda: True)
        assert again is not None
        assert again.result(5)
    finally:
        over.set()
        world.close()
