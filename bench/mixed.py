"""``python -m bench.mixed``: many calls of every kind under the default policy, in one process.

Whole and streamed answers, short and long prompts, harmless and refused ones, several at a time. Prints
how long the event loop was held at most, how the memory went, and what was decided. ``--seconds`` goes
on for at least so long, ``--calls`` for at least so many. What stands at the start is left alone by
garbage collections, as in the gateway; ``--no-freeze``: as in an app that does nothing about it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from guardrail import Guard, GuardrailMiddleware

from .drive import call, runner
from .model import Model
from .processes import resident_mb
from .texts import prose

_BEAT = 0.005
_TICKS = 20
_UNKIND = (
    "I will kill you tonight.",
    "GUARDRAIL-TEST-REFUSE",
    "my card is 4111 1111 1111 1111",
    "you are a worthless idiot",
)
_LENGTHS = (60, 200, 500, 2_000, 8_000, 32_000)
_WEIGHTS = (40, 25, 20, 10, 4, 1)
_STALL = 0.050


@dataclass(slots=True)
class Loop:
    """How late the event loop was with a beat of ``_BEAT`` seconds."""

    late: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_BEAT)
            self.late.append(time.perf_counter() - began - _BEAT)


@dataclass(slots=True)
class Run:
    calls: int
    seconds: float
    outcomes: Counter[str]
    memory: list[float]
    loop: Loop


def bodies(seed: int, count: int) -> list[bytes]:
    """Requests drawn by ``seed``."""
    rng = random.Random(seed)
    texts = {length: prose(length) for length in _LENGTHS}
    found = []
    for _ in range(count):
        text = rng.choice(texts[rng.choices(_LENGTHS, _WEIGHTS)[0]])
        if rng.random() < 0.1:
            text = f"{text} {rng.choice(_UNKIND)}"
        messages = [{"role": "user", "content": text}]
        if rng.random() < 0.3:
            messages = [
                *messages,
                {"role": "assistant", "content": rng.choice(texts[200])},
                {"role": "user", "content": "And then?"},
            ]
        found.append(json.dumps({"model": "bench", "messages": messages, "stream": rng.random() < 0.5}).encode())
    return found


async def drive(guard: Guard, calls: int, seconds: float, at_a_time: int, seed: int, *, freeze: bool = True) -> Run:
    app = GuardrailMiddleware(Model(), guard)
    turn = bodies(seed, 2_000)
    run = Run(0, 0.0, Counter(), [], Loop())
    began = time.monotonic()
    for body in turn[:200]:
        await _one(app, body, Counter())
    gc.collect()
    if freeze:
        gc.freeze()
    watch = asyncio.create_task(run.loop.watch())

    async def several() -> None:
        while run.calls < calls or time.monotonic() - began < seconds:
            run.calls += 1
            await _one(app, turn[run.calls % len(turn)], run.outcomes)
            await asyncio.sleep(0)  # as between two reads of a socket
            if run.calls % max(1, calls // _TICKS) == 0:
                run.memory.append(resident_mb())

    await asyncio.gather(*(several() for _ in range(at_a_time)))
    watch.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watch
    run.seconds = time.monotonic() - began
    return run


async def _one(app: GuardrailMiddleware, body: bytes, outcomes: Counter[str]) -> None:
    try:
        answer = await call(app, body)
    except RuntimeError:
        outcomes["refused"] += 1
    else:
        outcomes["refused" if b"content_filter" in answer else "answered"] += 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.mixed", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--at-a-time", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-freeze", action="store_true")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    guard = Guard.from_policy("default", log="none")
    with runner() as loop:
        run = loop.run(
            drive(guard, asked.calls, asked.seconds, asked.at_a_time, asked.seed, freeze=not asked.no_freeze)
        )
    guard.close()
    late = sorted(run.loop.late)
    print(f"{run.calls:,} calls in {run.seconds:,.0f} s, {asked.at_a_time} at a time: {dict(run.outcomes)}")
    median, slow = (late[int(len(late) * share)] * 1e3 for share in (0.5, 0.999))
    held = sum(one > _STALL for one in late)
    print(f"event loop late by {median:.1f} ms (median), {slow:.1f} ms (p99.9), {late[-1] * 1e3:.1f} ms (most);")
    print(f"  {held} of {len(late):,} beats over 50 ms")
    print(f"memory: {run.memory[0]:.0f} MB early, {max(run.memory):.0f} MB at most, {run.memory[-1]:.0f} MB at the end")


if __name__ == "__main__":
    main()
