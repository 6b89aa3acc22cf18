"""One guarded ASGI call, both directions judged: CPU beside the same app without a guard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from guardrail import GuardrailMiddleware

from .drive import call, calls, runner
from .measure import Effort, middle, progress, turn_by_turn
from .model import Model, requests
from .policies import forgetful
from .rows import Aim, Row

_AIM = Aim(0.15, "added 0.08 to 0.42 ms, requests only", on="added")
_SIDE_BY_SIDE = 16


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:
    progress("asgi: one call")
    model, bodies = Model(), requests(stream=False)
    log = f"sqlite:///{folder / 'asgi.db'}"
    doors = {
        "no log": GuardrailMiddleware(model, policies["exact"], log="none"),
        "logged to SQLite": GuardrailMiddleware(model, policies["exact"], log=log),
        "exact and local, no log": GuardrailMiddleware(model, forgetful(policies["local"])),
    }
    several = f"logged to SQLite, {_SIDE_BY_SIDE} at a time"
    with runner() as run:
        try:
            for name, door in doors.items():
                if run.run(call(door, bodies[0])) != model.whole:
                    raise RuntimeError(f"the middleware ({name}) changed a harmless answer")
            each = {name: calls(run, door, bodies) for name, door in doors.items()}
            each[several] = calls(run, doors["logged to SQLite"], bodies, _SIDE_BY_SIDE)
            functions = {"bare": calls(run, model, bodies), **each}
            taken = turn_by_turn(functions, effort, clock=time.process_time)
            _judged(doors)
        finally:
            for door in doors.values():
                door.guard.close()
    taken = {name: [seconds * 1e3 for seconds in samples] for name, samples in taken.items()}
    for name in ("no log", "logged to SQLite", several, "exact and local, no log"):
        yield Row(
            "asgi",
            f"one call, {name}",
            "ms CPU",
            middle(taken[name]),
            middle(taken["bare"]),
            "unguarded",
            None if "local" in name else _AIM,
            samples={"guarded": taken[name], "bare": taken["bare"]},
        )


def _judged(doors: dict[str, GuardrailMiddleware]) -> None:
    """Every call must have been judged in full, or its time says nothing."""
    for name, door in doors.items():
        stats = door.guard.stats()
        if stats["outcomes"] != {"allowed": stats["decisions"]} or stats["not_evaluated"]:
            raise RuntimeError(f"not every call was judged and allowed by the middleware ({name})")
