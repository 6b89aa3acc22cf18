"""A made-up service and its dialect, with a server on loopback that does what a test tells it: for what all share."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from guardrail.backends.card import Card
from guardrail.backends.dialect import Query, Question, decoded, encoded, malformed, score
from guardrail.checks.protocol import Scores
from guardrail.flow import Flow, Reply, arun, run
from guardrail.worlds import AsyncWorld, SyncWorld
from tests.backends.fakes import marked

CATEGORIES = frozenset({"hate", "violence", "sexual"})
CARD = Card("plain", "A made-up service", CATEGORIES, source="tests")


@dataclass
class Plain:
    """Asks ``{"texts": [...]}``, and reads a list of scores by category, one mapping a text."""

    url: str
    batch: int = 8
    batch_chars: int = 10_000
    criteria: tuple[str, ...] = ()
    slow: bool = False
    model: str = "plain-1"
    card: Card = CARD
    categories: frozenset[str] = CATEGORIES
    points: Mapping[str, Mapping[str, float]] | None = field(
        default_factory=lambda: {p: dict.fromkeys(CATEGORIES, 0.5) for p in ("lenient", "balanced", "strict")}
    )

    def query(self, question: Question) -> Query:
        asked = {"texts": question.texts, "side": question.side, "about": question.criterion, "prompt": question.prompt}
        return Query(self.url, encoded(asked))

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        held = decoded(reply)
        if not isinstance(held, dict) or not isinstance(held.get("scores"), list):
            raise malformed("no scores")
        return [
            Scores({name: score(value) for name, value in one.items()}, model=held.get("model", "plain-1"))
            for one in held["scores"]
        ]


class Server(ThreadingHTTPServer):
    """``reply``: from what was asked to a status and a body; it may wait."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, Any]] = []
        self.inside = self.most = 0
        self.lock = threading.Lock()
        self.reply: Callable[[dict[str, Any]], tuple[int, Any]] = documented
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: some hang up."""

    def texts(self) -> list[str]:
        """All that was asked about, sorted."""
        return sorted(text for asked in self.asked for text in asked["texts"])


def documented(asked: dict[str, Any]) -> tuple[int, Any]:
    """Every category that a text is marked with has a high score."""
    scores = [{name: 0.9 if name in marked(text) else 0.1 for name in CATEGORIES} for text in asked["texts"]]
    return 200, {"scores": scores}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.asked.append(asked)
            self.server.inside += 1
            self.server.most = max(self.server.most, self.server.inside)
        try:
            status, body = self.server.reply(asked)
        finally:
            with self.server.lock:
                self.server.inside -= 1
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Threads:
    """Drives flows, each on a thread of its own, all at a time."""

    def __init__(self) -> None:
        self.world = SyncWorld(lambda _: Future(), workers=32, trust_env=False)

    def all(self, *flows: Flow[Any]) -> list[Any]:
        found: list[Any] = [None] * len(flows)

        def drive(n: int, flow: Flow[Any]) -> None:
            try:
                found[n] = run(flow, self.world.perform)
            except Exception as error:  # noqa: BLE001 - is what the test looks at
                found[n] = error

        threads = [threading.Thread(target=drive, args=(n, flow)) for n, flow in enumerate(flows)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    def close(self) -> None:
        self.world.close()


class Loop:
    """The same on one event loop."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.world = AsyncWorld(lambda _: Future(), trust_env=False)
        self.runner.run(self.world.warm())

    def all(self, *flows: Flow[Any]) -> list[Any]:
        async def drive() -> list[Any]:
            tasks = [arun(flow, self.world.perform) for flow in flows]
            return await asyncio.gather(*tasks, return_exceptions=True)

        return self.runner.run(drive())

    def close(self) -> None:
        self.runner.run(self.world.aclose())
        self.runner.close()
