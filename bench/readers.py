"""Readers of streams, side by side: ``python -m bench.readers NAME=URL...``. Prints one JSON object.

Each address is read by as many readers, one after the other in turn, a little apart; each notes when
every token came. The client is the same for all, on a protocol of its own over uvloop and httptools.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import uvloop

from .model import PATH, said
from .paced import OWN_NUMBER, Script
from .processes import output, pin

_END = b"\n\n"


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds from asking to each token and to the last byte."""

    arrivals: list[float]
    last: float


class _Reader(asyncio.Protocol):
    """One connection, one stream."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._parser = httptools.HttpResponseParser(self)
        self.reads: list[tuple[float, bytes]] = []
        self.began = self.last = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only

    def ask(self) -> None:
        self.began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.reads.append((time.perf_counter(), body))

    def on_message_complete(self) -> None:
        self.last = time.perf_counter()
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def reading(self, expected: str) -> Reading:
        """Raises RuntimeError for a stream that was not given as it was made."""
        if self._parser.get_status_code() != 200 or not self.last:
            raise RuntimeError(f"a stream was answered {self._parser.get_status_code()}, or did not end")
        arrivals, text, rest = [], "", b""
        for at, body in self.reads:
            whole, cut, rest = (rest + body).rpartition(_END)
            for piece in said(whole + cut):
                arrivals.append(at - self.began)
                text += piece
        text = OWN_NUMBER.sub("", text)
        if text != expected:
            raise RuntimeError(f"a harmless stream was changed: {len(text)} characters of {len(expected)}")
        return Reading(arrivals, self.last - self.began)


def read(
    urls: dict[str, str], script: Script, *, each: int, apart: float, core: int | None, timeout: float
) -> dict[str, list[Reading]]:
    """Read every address ``each`` times in a process of its own, a new reader every ``apart`` seconds."""
    words = ["-m", "bench.readers", *(f"{name}={url}" for name, url in urls.items())]
    words += ["--model", script.name(), "--each", str(each), "--apart", str(apart)]
    words += ["--core", str(core)] if core is not None else []
    found: dict[str, list[dict[str, Any]]] = json.loads(output(words, timeout=timeout))
    return {name: [Reading(**one) for one in readings] for name, readings in found.items()}


async def _read(urls: dict[str, str], model: str, each: int, apart: float) -> dict[str, list[dict[str, Any]]]:
    loop = asyncio.get_running_loop()
    readers: dict[str, list[_Reader]] = {name: [] for name in urls}
    for n in range(each):
        for name, url in urls.items():
            parts = urlsplit(url)
            make = partial(_Reader, _request(parts.netloc, model, n))
            _, reader = await loop.create_connection(make, parts.hostname or "", parts.port or 80)
            readers[name].append(reader)
    for n in range(each):
        for side in readers.values():
            side[n].ask()
            await asyncio.sleep(apart)
    await asyncio.gather(*(reader.done for side in readers.values() for reader in side))
    expected = "".join(Script.read(model).pieces())
    return {name: [asdict(reader.reading(expected)) for reader in side] for name, side in readers.items()}


def _request(host: str, model: str, n: int) -> bytes:
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": f"Story {n}"}]})
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer bench\r\naccept: */*\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.readers")
    parser.add_argument("addresses", nargs="+", metavar="NAME=URL")
    parser.add_argument("--model", required=True, help="what is asked for")
    parser.add_argument("--each", type=int, default=1, help="readers of each address")
    parser.add_argument("--apart", type=float, default=0.01, help="seconds between two readers' beginnings")
    parser.add_argument("--core", type=int, help="the core to stay on")
    asked = parser.parse_args()
    pin(0, asked.core)
    urls = dict(address.split("=", 1) for address in asked.addresses)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as run:
        print(json.dumps(run.run(_read(urls, asked.model, asked.each, asked.apart))))


if __name__ == "__main__":
    main()
