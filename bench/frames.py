"""What a frame of a stream costs in process: CPU beside the same stream unguarded, in turn."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from guardrail import Guard, GuardrailMiddleware

from .drive import call, calls, runner
from .measure import Effort, Samples, progress, turn_by_turn
from .model import Model, frames, requests, said
from .rows import Aim, Row
from .texts import tokens
from .timing import timed

_READS = {1: "one frame a read", 20: "20 frames a read"}
CALLED = {"exact": "exact", "local": "exact and local"}
_PER_FRAME = Aim(15.0, on="added")


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:  # noqa: ARG001 - as all suites
    text = tokens(effort.tokens[1])
    count = len(frames(text))
    for policy, called in CALLED.items():
        for per_read, how in _READS.items():
            name = f"{len(text):,} tokens, {how}, {called}"
            progress(f"frame: {name}")
            taken = stream_cpu(effort, policies[policy], text, per_read)
            values = {side: [seconds / count * 1e6 for seconds in samples] for side, samples in taken.items()}
            aim = _PER_FRAME if policy == "exact" else None
            yield timed("frame", name, "µs CPU a frame", values["guarded"], values["bare"], aim)


def stream_cpu(effort: Effort, policy: Path, text: Sequence[str], per_read: int) -> Samples:
    """Seconds of CPU of a stream, guarded and unguarded, on the clock of the whole process."""
    model, bodies = Model(per_read, text), requests(stream=True)
    guard = Guard.from_policy(policy, log="none")
    door = GuardrailMiddleware(model, guard)
    try:
        with runner() as run:
            if said(run.run(call(door, bodies[0]))) != list(text):
                raise RuntimeError("the middleware changed a stream in which nothing was to be changed")
            functions = {"bare": calls(run, model, bodies), "guarded": calls(run, door, bodies)}
            brief = replace(effort, row_seconds=effort.row_seconds / 4)
            return turn_by_turn(functions, brief, clock=time.process_time)
    finally:
        guard.close()
