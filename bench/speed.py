"""Streams as fast as they come, through the middleware in process: what is added until text, until the end, and of CPU.

Guarded and unguarded in turn. The model's app lets the event loop go round after each frame, as one that
reads a socket does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

from guardrail import Guard, GuardrailMiddleware
from guardrail.doors.asgi import App, Scope
from guardrail.doors.delivery import Message, Receive, Send

from .drive import call, runner
from .machine import cores
from .measure import Effort, progress
from .model import Model, requests, said
from .processes import server
from .rows import Row
from .service import SECONDS, questions
from .strategies import KINDS, STRATEGIES, Strategy, strategy, written
from .texts import tokens
from .timing import timed

_LEAST = 5


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:  # noqa: ARG001 - as all suites
    usable = cores()
    words = STRATEGIES if effort.wide else STRATEGIES[:1]
    with (
        (folder / "speed.stderr").open("wb") as errors,
        server(["bench.service", str(SECONDS)], usable[-1] if usable else None, errors) as (service, _),
    ):
        for kind, called in KINDS.items():
            for word in words:
                guard = Guard.from_policy(
                    written(folder, f"speed-{kind}-{word}", strategy(kind, word, service)), log="none"
                )
                try:
                    for size in effort.tokens[:2]:
                        progress(f"speed: {size:,} tokens, {called}, {word}")
                        yield from _size(effort, guard, size, f"{size:,} tokens, {called}, {word}", service, word)
                finally:
                    guard.close()


def _size(effort: Effort, guard: Guard, size: int, name: str, service: str, word: Strategy) -> Iterator[Row]:
    text = tokens(size)
    model, asked = _Turning(Model(pieces=text)), requests(stream=True)[0]
    sides: dict[str, App] = {"bare": model, "guarded": GuardrailMiddleware(model, guard)}
    taken: dict[str, list[tuple[float, float, float]]] = {side: [] for side in sides}
    with runner() as run:
        if said(run.run(call(sides["guarded"], asked))) != text:
            raise RuntimeError(f"the middleware changed a harmless stream ({name})")
        before, until, count = questions(service, word), time.perf_counter() + effort.row_seconds / 6, 0
        while count < _LEAST or (time.perf_counter() < until and count < effort.streams):
            count += 1
            for side, app in sides.items():
                taken[side].append(run.run(_times(app, asked)))
        asks = (questions(service, word) - before) / count
    if guard.stats()["not_evaluated"]:
        raise RuntimeError(f"not every stream was judged in full ({name})")
    notes = {"questions a stream": asks} if asks else None
    for place, (what, unit) in enumerate((("first text", "ms"), ("last byte", "ms"), ("CPU", "ms CPU"))):
        values = {side: [one[place] * 1e3 for one in taken[side]] for side in sides}
        told = notes if what == "last byte" else None
        yield timed("speed", f"{name}, {what}", unit, values["guarded"], values["bare"], notes=told)


class _Turning:
    """An app that lets others have their turn after each part of its answer."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            await send(message)
            await asyncio.sleep(0)

        await self._app(scope, receive, sent)


async def _times(app: App, body: bytes) -> tuple[float, float, float]:
    """Seconds from the call to its first text and its last byte, and its seconds of CPU."""
    left: list[tuple[float, bytes]] = []
    began, used = time.perf_counter(), time.process_time()
    await call(app, body, lambda part: left.append((time.perf_counter(), part)))
    used = time.process_time() - used
    first = next(at for at, part in left if said(part))
    return first - began, left[-1][0] - began, used
