"""Many streams that have begun and say nothing more, through the gateway: memory of each, and the CPU of waiting."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from .fleet import ALONE, PROXY, Fleet, Gateway, body, fleet
from .measure import Effort, progress
from .model import PATH
from .paced import Script
from .processes import cpu_seconds, resident_mb
from .rows import Row
from .strategies import KINDS, Kind, strategy

_SCRIPT = Script(tokens=20, silent=True)
_KINDS: tuple[Kind, ...] = ("exact", "remote")
_SIDE_BY_SIDE = 8
"""Streams that are begun at once: fewer than a gateway may ask the service at a time."""
_TEXT = re.compile(rb'"content": "[^"]')
_CALM = 2.0
"""Seconds until what was held for a sentence's end has been judged without it."""


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:  # noqa: ARG001 - as all suites
    _allow_files(4 * effort.idle + 1_000)
    progress("idle: starting the gateways")
    with fleet(folder, "idle", _policies) as ships:
        memory, cpu = asyncio.run(_watched(effort, ships))
        missed = {name: gateway.not_evaluated() for name, gateway in ships.gateways.items()}
    count = f"{effort.idle:,} silent streams"
    for name in (KINDS[kind] for kind in _KINDS):
        gaps = {"streams not judged in full": missed[name] or None}
        yield Row("idle", f"{count}, {name}, memory", "kB a stream", memory[name], memory[PROXY], PROXY, None, gaps)
        yield Row("idle", f"{count}, {name}, CPU", "ms CPU a second", cpu[name], cpu[PROXY], PROXY)


def _policies(service: str) -> dict[str, Mapping[str, Any]]:
    return {PROXY: ALONE, **{KINDS[kind]: strategy(kind, "window", service) for kind in _KINDS}}


async def _watched(effort: Effort, ships: Fleet) -> tuple[dict[str, float], dict[str, float]]:
    """kB a stream, and ms of CPU a second, of each gateway."""
    memory, readers = {}, []
    for name, gateway in ships.gateways.items():
        progress(f"idle: beginning {effort.idle:,} streams, {name}")
        before = resident_mb(gateway.pid)
        readers += await _begun(gateway, effort.idle)
        memory[name] = -before
    await asyncio.sleep(_CALM)
    progress(f"idle: watching for {effort.still:.3g} s")
    used = {name: cpu_seconds(gateway.pid) for name, gateway in ships.gateways.items()}
    await asyncio.sleep(effort.still)
    for name, gateway in ships.gateways.items():
        used[name] = (cpu_seconds(gateway.pid) - used[name]) / effort.still * 1e3
        memory[name] = (memory[name] + resident_mb(gateway.pid)) / effort.idle * 1e3
    if any(reader.lost for reader in readers):
        raise RuntimeError("a silent stream was ended")
    for reader in readers:
        reader.close()
    return memory, used


async def _begun(gateway: Gateway, count: int) -> list[_Reader]:
    """Streams of which text has come."""
    loop, free = asyncio.get_running_loop(), asyncio.Semaphore(_SIDE_BY_SIDE)
    parts = urlsplit(gateway.url)

    async def begin(n: int) -> _Reader:
        async with free:
            make = partial(_Reader, _request(parts.netloc, n))
            _, reader = await loop.create_connection(make, parts.hostname or "", parts.port or 80)
            async with asyncio.timeout(20):
                await reader.begun
            return reader

    return await asyncio.gather(*(begin(n) for n in range(count)))


class _Reader(asyncio.Protocol):
    """One stream; of what comes only its beginning is looked at."""

    def __init__(self, request: bytes) -> None:
        self._request, self._seen = request, b""
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.begun.done():
            self._seen += data
            if _TEXT.search(self._seen):
                self.begun.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if not self.begun.done():
            self.begun.set_exception(ConnectionError("a stream was ended before it had begun"))

    def close(self) -> None:
        self._transport.close()


def _request(host: str, n: int) -> bytes:
    data = body(_SCRIPT, f"Tell me story number {n}.")
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def _allow_files(count: int) -> None:
    """Every stream has a socket here, and two in its gateway."""
    try:
        import resource
    except ImportError:  # not on Windows, which has no such bound
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
