"""``python -m bench.resilience``: 1,000 texts asked of a service of which 3 in 10 requests fail, and what came of it.

Prints the counters of breaker, hedging, cache and coalescing; fails where anybody waited longer than the deadline,
where the service saw more requests at a time or in a second than its budget, or where a failure was told as a clean
text.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from guardrail.backends.line import Line
from guardrail.backends.openai import OpenAIModeration
from guardrail.backends.remote import Remote
from guardrail.errors import NotEvaluated
from guardrail.flow import arun
from guardrail.worlds import AsyncWorld

DEADLINE, HEDGE = 3.0, 0.15
CONCURRENCY, RATE = 16, (250, 1.0)
FAULTS = 0.3
SLACK = 0.1
"""Seconds over the deadline that this machine may take to tell of it; requests that arrive together by chance."""


@dataclass
class Seen:
    """What the service saw: when requests came, and how many were under way at a time."""

    at: list[float] = field(default_factory=list)
    inside: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def in_a_second(self) -> int:
        """The most requests in any second."""
        times, first, most = sorted(self.at), 0, 0
        for last, time_ in enumerate(times):
            while time_ - times[first] >= RATE[1]:
                first += 1
            most = max(most, last - first + 1)
        return most


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:
        seen, chance = self.server.seen, self.server.chance
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with seen.lock:
            seen.at.append(time.monotonic())
            seen.inside += 1
            seen.most = max(seen.most, seen.inside)
            fault = chance.choice(("503", "429", "broken", "slow")) if chance.random() < FAULTS else ""
        try:
            self._wait(2 * DEADLINE if fault == "slow" else 0.005)
            if fault in ("503", "429"):
                return self._answer(int(fault), b"{}")
            results = [_result(text) for text in body["input"]]
            whole = json.dumps({"id": "m", "model": "omni", "results": results}).encode()
            return self._answer(200, b"{" if fault == "broken" else whole)
        except OSError:
            self.close_connection = True
        finally:
            with seen.lock:
                seen.inside -= 1

    def _wait(self, seconds: float) -> None:
        """Until the time is over, or whoever asked has hung up: then no request is under way any more."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.server.over.wait(min(0.01, seconds)):
            with contextlib.suppress(BlockingIOError):
                if not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    raise ConnectionResetError

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _result(text: str) -> dict[str, Any]:
    flag = "[bad]" in text
    return {"flagged": flag, "categories": {"violence": flag}, "category_scores": {"violence": 0.9 if flag else 0.1}}


class Service(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen, self.chance, self.over = Seen(), random.Random(seed), threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1/moderations"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: clients hang up on what is slow."""


@contextmanager
def service(seed: int = 1) -> Iterator[Service]:
    with Service(seed) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it."""

    answered: int
    wrong: int
    failed: Counter[str]
    longest: float
    counts: dict[str, Any]
    at_a_time: int
    in_a_second: int

    def problems(self) -> list[str]:
        """Laws that did not hold."""
        found = []
        if self.longest > DEADLINE + SLACK:
            found.append(f"somebody waited {self.longest:.2f} s")
        if self.at_a_time > CONCURRENCY:
            found.append(f"{self.at_a_time} requests at a time")
        if self.in_a_second > RATE[0] * (1 + SLACK):
            found.append(f"{self.in_a_second} requests in a second")
        if self.wrong:
            found.append(f"{self.wrong} texts were judged wrongly")
        return found


async def load(server: Service, texts: int) -> Load:
    """Ask about so many texts, a third of them seen before or asked about at the same time."""
    line = Line(concurrency=CONCURRENCY, rate=RATE)
    backend = Remote(OpenAIModeration("sk-x", url=server.url), timeout=DEADLINE, attempts=3, hedge=HEDGE, line=line)
    world = AsyncWorld(lambda _: Future(), trust_env=False)
    await world.warm()
    chance = random.Random(2)
    failed: Counter[str] = Counter()
    longest, answered, wrong = 0.0, 0, 0

    async def one(n: int) -> None:
        nonlocal longest, answered, wrong
        await asyncio.sleep(n * 0.008)
        number = chance.randrange(n + 1) if chance.random() < 0.33 else n
        text = f"text {number} {'[bad]' if number % 5 == 0 else ''}"
        begun = time.monotonic()
        try:
            (said,) = await arun(backend.texts([text], "input"), world.perform)
        except NotEvaluated as error:
            failed[error.reason] += 1
        else:
            answered += 1
            wrong += bool((said.flags or {}).get("violence")) is not (number % 5 == 0)
        longest = max(longest, time.monotonic() - begun)

    await asyncio.gather(*(one(n) for n in range(texts)))
    await world.aclose()
    return Load(answered, wrong, failed, longest, backend.stats(), server.seen.most, server.seen.in_a_second())


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.resilience", description=__doc__)
    parser.add_argument("--texts", type=int, default=1000, help="how many (default: %(default)s)")
    asked = parser.parse_args(words)
    with service() as server:
        found = asyncio.run(load(server, asked.texts))
    print(f"{asked.texts} texts: {found.answered} answered, {sum(found.failed.values())} not evaluated")
    print("not evaluated:", ", ".join(f"{reason} {count}" for reason, count in found.failed.most_common()) or "none")
    print(f"longest wait: {found.longest:.2f} s of {DEADLINE:.2f} s")
    print(f"the service saw at most {found.at_a_time} at a time ({CONCURRENCY}) and {found.in_a_second} in a second")
    for name, count in found.counts.items():
        print(f"{name:28} {count}")
    for problem in found.problems():
        print("not as promised:", problem, file=sys.stderr)
    return 1 if found.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
