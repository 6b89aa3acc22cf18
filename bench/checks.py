"""``Guard.check``: one text in process, beside ten bare regular expressions on the same text."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

from guardrail import Guard, Outcome

from .measure import Effort, middle, progress, quantile, turn_by_turn
from .policies import bare, forgetful
from .rows import Aim, Row
from .texts import prose, typeset, with_findings

_AIMS = {
    60: Aim(10.0, "53 µs, the best peer"),
    1_000: Aim(20.0, "150 µs, the best peer"),
    32_000: Aim(300.0, "7,500 µs, the best peer"),
}
_MORE_CHARS = 1_000


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:
    guards = {
        "exact": forgetful(policies["exact"]),
        "exact and local": forgetful(policies["local"]),
        "exact, logged to SQLite": forgetful(policies["exact"], log=f"sqlite:///{folder / 'check.db'}"),
    }
    try:
        for length, aim in _AIMS.items():
            yield from _length(effort, guards, prose(length), f"{length:,} characters", aim, Outcome.ALLOWED)
        name = f"{_MORE_CHARS:,} characters, "
        yield from _length(effort, guards, typeset(_MORE_CHARS), f"{name}not all ASCII", None, Outcome.ALLOWED)
        found = with_findings(_MORE_CHARS)
        yield from _length(effort, guards, found, f"{name}an e-mail and a card", None, Outcome.CHANGED)
    finally:
        for guard in guards.values():
            guard.close()


def _length(
    effort: Effort, guards: dict[str, Guard], texts: list[str], name: str, aim: Aim | None, expected: Outcome
) -> Iterator[Row]:
    progress(f"check: {name}")
    alarms = {which: _alarms(guard, texts, expected) for which, guard in guards.items()}
    functions = {which: calls_of(guard.check, texts) for which, guard in guards.items()}
    taken = turn_by_turn({"bare": calls_of(bare, texts), **functions}, effort)
    taken = {which: [seconds * 1e6 for seconds in samples] for which, samples in taken.items()}
    for which in guards:
        values = taken[which]
        notes: dict[str, str | float | None] = {"p99": quantile(values, 0.99)}
        if "logged" in which:
            notes["CPU"] = middle(_cpu(functions[which], effort))
        if alarms[which]:
            notes["false alarms of the model"] = f"{alarms[which]} of {len(texts)} texts"
        yield Row(
            "check",
            f"{name}, {which}",
            "µs",
            middle(values),
            middle(taken["bare"]),
            "ten bare regexes",
            aim if which == "exact" else None,
            notes,
            {"guarded": values, "bare": taken["bare"]},
        )


def _alarms(guard: Guard, texts: Sequence[str], expected: Outcome) -> int:
    """How many of these harmless texts the model flags. Raises where exact checks err, or nothing was judged."""
    alarms = 0
    for text in texts:
        decision = guard.check(text)
        exact = [finding for finding in decision.findings if finding.check != "harm"]
        if decision.outcome is not expected or decision.not_evaluated or bool(exact) != (expected is Outcome.CHANGED):
            raise RuntimeError(f"a harmless text was {decision.outcome} by {guard.plan.name}, not {expected}")
        alarms += len(exact) < len(decision.findings)
    return alarms


def calls_of(function: Callable[[str], object], texts: Sequence[str]) -> Callable[[int], None]:
    """A function that makes so many calls, with the texts in turn."""
    turn = cycle(texts)

    def calls(count: int) -> None:
        for text in islice(turn, count):
            function(text)

    return calls


def _cpu(function: Callable[[int], None], effort: Effort) -> list[float]:
    """µs of CPU per call, all threads of the process together."""
    taken = turn_by_turn({"cpu": function}, effort, clock=time.process_time)
    return [seconds * 1e6 for seconds in taken["cpu"]]
