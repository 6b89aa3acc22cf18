"""A stream of 200 tokens through the middleware in process: delay, CPU, and what is held back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from guardrail import GuardrailMiddleware

from .drive import call, calls, runner
from .measure import Effort, middle, progress, quantile, turn_by_turn
from .model import STREAM_TOKENS, Model, requests, said
from .policies import forgetful
from .rows import Row

_READS = {1: "one frame a read", 20: "20 frames a read"}
_POLICIES = {"exact": "exact", "local": "exact and local"}


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:  # noqa: ARG001 - as all suites
    for per_read, how in _READS.items():
        for policy, called in _POLICIES.items():
            progress(f"stream: {how}, {called}")
            model = Model(per_read)
            door = GuardrailMiddleware(model, forgetful(policies[policy]))
            try:
                yield from _stream(effort, model, door, f"{STREAM_TOKENS} tokens, {how}, {called}")
            finally:
                door.guard.close()


def _stream(effort: Effort, model: Model, door: GuardrailMiddleware, name: str) -> Iterator[Row]:
    bodies = requests(stream=True)
    with runner() as run:
        if said(run.run(call(door, bodies[0]))) != said(b"".join(model.reads)):
            raise RuntimeError("the middleware changed a harmless stream")
        functions = {"bare": calls(run, model, bodies), "guarded": calls(run, door, bodies)}
        cpu = turn_by_turn(functions, effort, clock=time.process_time)
        times: dict[str, list[list[float]]] = {"bare": [], "guarded": []}
        for _ in range(effort.streams):
            times["bare"].append(run.run(_times(model, bodies[0])))
            times["guarded"].append(run.run(_times(door, bodies[0])))
        held, sends = run.run(_held(model, door, bodies[0]))
    cpu_ms = {which: [seconds * 1e3 for seconds in samples] for which, samples in cpu.items()}
    notes: dict[str, str | float | None] = {
        "held back at the median": f"{middle(held):.0f} tokens",
        "at most": f"{max(held)}",
        "sends": f"{sends}",
    }
    yield _row(f"{name}, CPU", "ms CPU", cpu_ms, notes, {"held": [float(n) for n in held]})
    for place, which in enumerate(("first byte", "first text", "last byte")):
        values = {side: [taken[place] * 1e3 for taken in all_] for side, all_ in times.items()}
        yield _row(f"{name}, {which}", "ms", values, {"p99": quantile(values["guarded"], 0.99)}, {})


def _row(
    name: str,
    unit: str,
    values: dict[str, list[float]],
    notes: dict[str, str | float | None],
    more: dict[str, list[float]],
) -> Row:
    guarded, bare = middle(values["guarded"]), middle(values["bare"])
    return Row("stream", name, unit, guarded, bare, "unguarded", None, notes, {**values, **more})


async def _times(app: Model | GuardrailMiddleware, body: bytes) -> list[float]:
    """Seconds from the call to its first byte, its first text and its last byte."""
    left: list[tuple[float, bytes]] = []
    began = time.perf_counter()
    await call(app, body, lambda part: left.append((time.perf_counter(), part)))
    first = next(at for at, part in left if part)
    text = next(at for at, part in left if said(part))
    return [first - began, text - began, left[-1][0] - began]


async def _held(model: Model, door: GuardrailMiddleware, body: bytes) -> tuple[list[int], int]:
    """After each read: tokens that had arrived less tokens that had left; and how often something left."""
    left: list[tuple[int, bytes]] = []
    await call(door, body, lambda part: left.append((model.sent, part)))
    arrived = [len(said(b"".join(model.reads[:n]))) for n in range(len(model.reads) + 1)]
    held = []
    for n in range(1, len(model.reads) + 1):
        gone = len(said(b"".join(part for sent, part in left if sent <= n)))
        held.append(arrived[n] - gone)
    # the last reads hold no more text: the stream is over there, and nothing is held
    with_text = [h for h, n in zip(held, range(1, len(held) + 1), strict=True) if arrived[n] > arrived[n - 1]]
    return with_text, sum(1 for _, part in left if part)
