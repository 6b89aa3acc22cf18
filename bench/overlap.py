"""A check of the request that asks far away, before a model that takes its time: what is added to the first token.

Through the gateway and through the client transport, sync and async; each way beside the same client
unguarded. The three ways run side by side, and the sides of each in turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from guardrail import Guard, transports

from .fleet import Fleet, body, fleet
from .measure import Effort, progress
from .model import PATH, said
from .paced import Script
from .rows import Aim, Row
from .service import SECONDS
from .strategies import overlapping, written
from .timing import timed

_FIRST = 0.3
_SCRIPT = Script(tokens=5, first=_FIRST)
WORDS = ("none", "upstream")
_AIM = Aim(5.0, on="added")
_TURNS = count()
_BARE = ""
"""The side without a guard; the others are called by their word for overlap."""

Taken = dict[tuple[str, str], list[float]]


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:  # noqa: ARG001 - as all suites
    progress("overlap: starting the gateways")
    with fleet(folder, "overlap", lambda service: {word: overlapping(word, service) for word in WORDS}) as ships:
        made = {word: written(folder, f"overlap-{word}", overlapping(word, ships.service)) for word in WORDS}
        guards = {word: Guard.from_policy(path, log="none") for word, path in made.items()}
        try:
            taken = _taken(effort, ships, guards)
        finally:
            for guard in guards.values():
                guard.close()
        for word, guard in guards.items():
            missed = ships.gateways[word].not_evaluated()
            if missed or guard.stats()["not_evaluated"]:
                raise RuntimeError(f"not every request was judged in full (overlap: {word})")
    for way in ("gateway", "client", "async client"):
        for word in WORDS:
            name = f"{way}, a check of {SECONDS * 1e3:.0f} ms, first token after {_FIRST * 1e3:.0f} ms, overlap: {word}"
            aim = _AIM if word == "upstream" else None
            yield timed("overlap", name, "ms", taken[way, word], taken[way, _BARE], aim)


def _taken(effort: Effort, ships: Fleet, guards: Mapping[str, Guard]) -> Taken:
    progress(f"overlap: {effort.asks} calls of each")
    taken: Taken = {}
    failed: list[BaseException] = []

    def beside(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    ways = (_gateway(effort, ships, taken), _client(effort, ships, guards, taken), _async(effort, ships, guards, taken))
    for thread in [beside(work) for work in ways]:
        thread.join()
    if failed:
        raise failed[0]
    return taken


def _gateway(effort: Effort, ships: Fleet, taken: Taken) -> Callable[[], None]:
    urls = {_BARE: ships.bare} | {word: ships.gateways[word].url for word in WORDS}

    def work() -> None:
        with httpx.Client(trust_env=False) as client:
            _turns(effort, "gateway", {word: (client, url) for word, url in urls.items()}, taken)

    return work


def _client(effort: Effort, ships: Fleet, guards: Mapping[str, Guard], taken: Taken) -> Callable[[], None]:
    transport, _ = transports(httpx)

    def work() -> None:
        with contextlib.ExitStack() as stack:
            clients = {_BARE: httpx.Client(transport=httpx.HTTPTransport())}
            clients |= {word: httpx.Client(transport=transport(policy=guard)) for word, guard in guards.items()}
            for client in clients.values():
                stack.enter_context(client)
            _turns(effort, "client", {word: (client, ships.bare) for word, client in clients.items()}, taken)

    return work


def _turns(effort: Effort, way: str, sides: Mapping[str, tuple[httpx.Client, str]], taken: Taken) -> None:
    for n in range(effort.asks + 1):
        for word, (client, url) in sides.items():
            began = time.perf_counter()
            with client.stream("POST", **_request(url)) as answer:
                came = [time.perf_counter() for part in answer.iter_raw() if said(part)]
            if n:  # the first one opens connections
                taken.setdefault((way, word), []).append((came[0] - began) * 1e3)


def _async(effort: Effort, ships: Fleet, guards: Mapping[str, Guard], taken: Taken) -> Callable[[], None]:
    _, transport = transports(httpx)

    async def turns() -> None:
        async with contextlib.AsyncExitStack() as stack:
            clients = {_BARE: httpx.AsyncClient(transport=httpx.AsyncHTTPTransport())}
            clients |= {word: httpx.AsyncClient(transport=transport(policy=guard)) for word, guard in guards.items()}
            for client in clients.values():
                await stack.enter_async_context(client)
            for n in range(effort.asks + 1):
                for word, client in clients.items():
                    began = time.perf_counter()
                    async with client.stream("POST", **_request(ships.bare)) as answer:
                        came = [time.perf_counter() async for part in answer.aiter_raw() if said(part)]
                    if n:
                        taken.setdefault(("async client", word), []).append((came[0] - began) * 1e3)

    return lambda: asyncio.run(turns())


def _request(url: str) -> dict[str, Any]:
    """A prompt that was never asked before: one that was judged once is not judged again."""
    data = body(_SCRIPT, f"Tell me story number {next(_TURNS)}.")
    return {"url": url + PATH, "content": data, "headers": {"content-type": "application/json"}}
