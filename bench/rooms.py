"""Where the time of one guarded call goes, by room of the package (``python -m bench profile``).

Shares are cProfile's; what they are shares of is CPU time measured without it. cProfile makes many small
calls look dearer than they are, so these figures say where to look, not what to quote.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import guardrail
from guardrail import Guard, GuardrailMiddleware

from .checks import calls_of
from .drive import calls, runner
from .measure import Effort, middle, progress, turn_by_turn
from .model import Model, requests
from .policies import forgetful
from .report import date_of, head
from .texts import prose

PACKAGE = Path(guardrail.__file__).parent
DRIVER = "app, loop and driver (there unguarded too)"
REST = "flow, exchange, ledger, worlds"
OTHERS = "other threads (the store's writer, the model)"
_ROOMS = {
    "doors": "doors",
    "wires": "wires",
    "policy": "policy (lanes, rules, rolling)",
    "checks": "checks",
    "local": "model",
    "backends": "model",
    "store": "store, on the caller's thread",
    "admit": "admit",
}
ORDER = (*dict.fromkeys(_ROOMS.values()), REST, OTHERS, DRIVER)
_TOP = 8

Function = tuple[str, int, str]
Stats = Mapping[Function, tuple[int, int, float, float, Mapping[Function, tuple[int, int, float, float]]]]


@dataclass(frozen=True, slots=True)
class Profile:
    """µs of CPU per call: in all, by room, and by the functions with most time of their own."""

    name: str
    total: float
    rooms: Mapping[str, float]
    top: Mapping[str, float]


def write(
    out: Path, effort: Effort, policies: dict[str, Path], folder: Path, facts: dict[str, Any], *, partial: bool
) -> str:
    """Measure, write ``profile.md`` and its raw figures, and give the text."""
    profiles = measured(effort, policies, folder)
    lines = [*head(facts, partial=partial), "", table(profiles), ""]
    for one in profiles:
        functions = ", ".join(f"{name} {share:.0f}" for name, share in one.top.items())
        lines.append(f"- {one.name}, µs by function: {functions}")
    text = "\n".join([*lines, ""])
    out.mkdir(parents=True, exist_ok=True)
    (out / ("partial.profile.md" if partial else "profile.md")).write_text(text, encoding="utf-8")
    raw = [{"name": p.name, "total": p.total, "rooms": dict(p.rooms), "top": dict(p.top)} for p in profiles]
    name = "partial.profile.json" if partial else f"{date_of(facts)}-profile.json"
    (out / name).write_text(json.dumps({"machine": facts, "profiles": raw}, indent=1) + "\n", encoding="utf-8")
    return text


def measured(effort: Effort, policies: dict[str, Path], folder: Path) -> list[Profile]:
    bodies, asked = requests(stream=False), requests(stream=True)
    guard = Guard.from_policy(policies["exact"], log="none")
    logged = Guard.from_policy(policies["exact"], log=f"sqlite:///{folder / 'profile.db'}")
    local = forgetful(policies["local"])
    try:
        with runner() as run:
            call = partial(calls, run)
            doors = {name: GuardrailMiddleware(Model(), one) for name, one in (("none", guard), ("sqlite", logged))}
            joined = GuardrailMiddleware(Model(20), guard)
            functions = {
                "check 60": calls_of(guard.check, prose(60)),
                "check 1,000": calls_of(guard.check, prose(1_000)),
                "check 1,000 and local": calls_of(local.check, prose(1_000)),
                "ASGI call": call(doors["none"], bodies),
                "ASGI call, SQLite": call(doors["sqlite"], bodies),
                "stream, 1 a read": call(doors["none"], asked),
                "stream, 20 a read": call(joined, asked),
            }
            return [_profile(name, function, effort) for name, function in functions.items()]
    finally:
        for one in (guard, logged, local):
            one.close()


def _profile(name: str, function: Callable[[int], object], effort: Effort) -> Profile:
    progress(f"profile: {name}")
    waits = "SQLite" in name or "local" in name
    here = middle(turn_by_turn({"": function}, effort, clock=time.thread_time)[""]) * 1e6
    everywhere = middle(turn_by_turn({"": function}, effort, clock=time.process_time)[""]) * 1e6
    # Where another thread is waited for, waiting must not count; that clock is dearer, so only there.
    profiler = cProfile.Profile(time.thread_time) if waits else cProfile.Profile()
    until = time.perf_counter() + effort.row_seconds / 4
    while time.perf_counter() < until:
        profiler.enable()
        function(10)
        profiler.disable()
    stats: Stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]  # not in its stub
    own = _own(stats)
    scale = here / sum(own.values())
    rooms: defaultdict[str, float] = defaultdict(float)
    for owner, seconds in own.items():
        rooms[room(owner)] += seconds * scale
    if waits:
        rooms[OTHERS] = max(0.0, everywhere - here)
    top: defaultdict[str, float] = defaultdict(float)
    for owner, seconds in own.items():
        if room(owner) != DRIVER:
            top[label(owner)] += seconds * scale
    return Profile(name, sum(rooms.values()), rooms, dict(sorted(top.items(), key=lambda pair: -pair[1])[:_TOP]))


def room(function: Function) -> str:
    """The room a function of the package belongs to; what is of no room drives the rest."""
    path = Path(function[0])
    if not path.is_relative_to(PACKAGE):
        return DRIVER
    return _ROOMS.get(path.relative_to(PACKAGE).parts[0], REST)


def label(function: Function) -> str:
    path, _, name = function
    return f"{Path(path).relative_to(PACKAGE).with_suffix('').as_posix()}.{name}"


def _own(stats: Stats) -> dict[Function, float]:
    """Seconds by function of the package, with those of libraries counted for whoever called them."""
    owners: dict[Function, dict[Function, float]] = {}
    own: defaultdict[Function, float] = defaultdict(float)
    for function, (_, _, seconds, _, _) in stats.items():
        for owner, share in _owners(function, stats, owners, frozenset()).items():
            own[owner] += seconds * share
    return own


def _owners(
    function: Function, stats: Stats, known: dict[Function, dict[Function, float]], above: frozenset[Function]
) -> dict[Function, float]:
    """Whose time a function's time is, in shares that add up to 1."""
    if room(function) != DRIVER:
        return {function: 1.0}
    if function in known:
        return known[function]
    callers = {f: times for f, times in stats[function][4].items() if f not in above and f != function}
    whole = sum(seconds for _, _, seconds, _ in callers.values())
    if not whole:
        return {function: 1.0}
    shares: defaultdict[Function, float] = defaultdict(float)
    for caller, (_, _, seconds, _) in callers.items():
        for owner, share in _owners(caller, stats, known, above | {function}).items():
            shares[owner] += share * seconds / whole
    if not above:
        known[function] = shares
    return shares


def table(profiles: list[Profile]) -> str:
    lines = ["| µs of CPU | " + " | ".join(p.name for p in profiles) + " |", "|---" * (len(profiles) + 1) + "|"]
    for name in ORDER:
        if any(p.rooms.get(name) for p in profiles):
            cells = [_cell(p.rooms.get(name, 0.0), p.total) for p in profiles]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines.append("| **all** | " + " | ".join(f"**{p.total:,.0f}**" for p in profiles) + " |")
    return "\n".join(lines)


def _cell(value: float, total: float) -> str:
    return f"{value:,.0f} ({value / total:.0%})" if value else ""
