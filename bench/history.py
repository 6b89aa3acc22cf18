"""A conversation of 100 messages through the middleware: judged for the first time, and once more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from guardrail import Guard, GuardrailMiddleware

from .drive import call, calls, runner
from .measure import Effort, middle, progress, turn_by_turn
from .model import Model
from .policies import forgetful
from .rows import Row
from .texts import VARIANTS, prose

_MESSAGES, _CHARS = 100, 600


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:  # noqa: ARG001 - as all suites
    progress("history: a long conversation")
    model, bodies = Model(), conversations()
    doors = {
        "judged": GuardrailMiddleware(model, forgetful(policies["local"])),
        "known": GuardrailMiddleware(model, Guard.from_policy(policies["local"], log="none")),
    }
    try:
        with runner() as run:
            for door in doors.values():
                for body in bodies:
                    if run.run(call(door, body)) != model.whole:
                        raise RuntimeError("the middleware changed a harmless answer")
            functions = {"bare": calls(run, model, bodies)}
            functions |= {name: calls(run, door, bodies) for name, door in doors.items()}
            taken = turn_by_turn(functions, effort, clock=time.process_time)
    finally:
        for door in doors.values():
            door.guard.close()
    taken = {name: [seconds * 1e3 for seconds in samples] for name, samples in taken.items()}
    yield Row(
        "history",
        f"{_MESSAGES} messages of {_CHARS} characters, exact and local, judged before",
        "ms CPU",
        middle(taken["known"]),
        middle(taken["judged"]),
        "the first time",
        notes={"unguarded": middle(taken["bare"])},
        samples=taken,
    )


def conversations() -> list[bytes]:
    """Bodies of requests, each a conversation of its own in which no message is like another."""
    messages = [message for size in range(_MESSAGES) for message in prose(_CHARS + size)]
    each = [messages[n::VARIANTS] for n in range(VARIANTS)]
    return [json.dumps({"model": "bench", "messages": list(map(_message, range(_MESSAGES), m))}).encode() for m in each]


def _message(n: int, text: str) -> dict[str, str]:
    return {"role": "assistant" if n % 2 else "user", "content": text}
