"""The load generator: ``python -m bench.load URL``. A closed loop of clients; prints one JSON object.

On a protocol of its own over uvloop and httptools, since it shares a core with the upstream and must
not be what is measured. Checks every answer; a wrong one is counted, never overlooked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import time
from collections.abc import Iterator
from itertools import cycle
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import uvloop

from .measure import quantile
from .model import PATH, Model, requests, said
from .processes import cpu_seconds, pin


class _Load:
    """What all clients share: what to send, what to expect, and what was seen in the window."""

    def __init__(self, host: str, *, stream: bool) -> None:
        model = Model()
        self.expected = b"".join(model.reads) if stream else model.whole
        self.stream = stream
        self.sent: Iterator[bytes] = cycle([_request(host, body) for body in requests(stream=stream)])
        self.first: list[float] = []
        self.last: list[float] = []
        self.wrong = 0
        self.counting = self.over = False

    def right(self, status: int, body: bytes) -> bool:
        if status != 200:
            return False
        return body == self.expected or (self.stream and said(body) == said(self.expected))


class _Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._began = self._first = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        self._send()

    def _send(self) -> None:
        self._parts = []
        self._first = 0.0
        self._began = time.perf_counter()
        self._transport.write(next(self._load.sent))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._load.wrong += 1
            self._transport.close()

    def on_body(self, body: bytes) -> None:
        if not self._first:
            self._first = time.perf_counter()
        self._parts.append(body)

    def on_message_complete(self) -> None:
        load = self._load
        if load.counting:
            load.last.append(time.perf_counter() - self._began)
            load.first.append(self._first - self._began)
        if not load.right(self._parser.get_status_code(), b"".join(self._parts)):
            load.wrong += 1
        if load.over:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.wrong += not self._load.over
        if not self.done.done():
            self.done.set_result(None)


def _request(host: str, body: bytes) -> bytes:
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer bench\r\naccept: */*\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(
    address: str, *, clients: int, seconds: float, warm: float, stream: bool, pid: int, beside: int
) -> dict[str, Any]:
    """Drive ``address`` and tell what came of it.

    ``pid`` is the server's process, whose CPU time is read; ``beside`` is the upstream's, which shares
    a core with this one: where the two together are busy all the time, it is they who set the pace.
    """
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    host, port = parts.hostname, parts.port
    state = _Load(parts.netloc, stream=stream)
    loop = asyncio.get_running_loop()
    protocols = []
    for _ in range(clients):
        _, protocol = await loop.create_connection(lambda: _Client(state), host, port)
        protocols.append(protocol)
    await asyncio.sleep(warm)
    state.counting, began, before = True, time.perf_counter(), _used(pid, beside)
    await asyncio.sleep(seconds)
    state.counting, took, after = False, time.perf_counter() - began, _used(pid, beside)
    state.over = True
    async with asyncio.timeout(15):
        await asyncio.gather(*(protocol.done for protocol in protocols))
    done = len(state.last)
    server, rest = (after[n] - before[n] for n in (0, 1))
    return {
        "done": done,
        "wrong": state.wrong,
        "per_second": done / took,
        "p50_ms": quantile(state.last, 0.5) * 1e3,
        "p99_ms": quantile(state.last, 0.99) * 1e3,
        "first_byte_ms": quantile(state.first, 0.5) * 1e3,
        "cpu_ms": server / done * 1e3 if done else math.nan,
        "busy": server / took,
        "beside_busy": rest / took,
    }


def _used(pid: int, beside: int) -> tuple[float, float]:
    """CPU seconds of the server, and of what shares this core (nan where the system does not say)."""
    return cpu_seconds(pid), time.process_time() + cpu_seconds(beside)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.load")
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--warm", type=float, default=0.75)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--pid", type=int, required=True, help="the server's process id")
    parser.add_argument("--beside", type=int, required=True, help="the upstream's process id")
    parser.add_argument("--core", type=int, help="the core to stay on")
    asked = parser.parse_args()
    pin(0, asked.core)
    driven = load(
        asked.url,
        clients=asked.clients,
        seconds=asked.seconds,
        warm=asked.warm,
        stream=asked.stream,
        pid=asked.pid,
        beside=asked.beside,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as run:
        print(json.dumps(run.run(driven)))


if __name__ == "__main__":
    main()
