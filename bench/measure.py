"""Taking times: repeats, medians, and things to compare measured turn by turn.

Knows clocks and counts; must never know what is measured.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Samples = dict[str, list[float]]
LEAST = 5
"""Samples a row has at least, whatever its time budget."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured. ``row_seconds`` bounds one group of things measured turn by turn.

    ``tokens``: of a short, a long and a very long stream, each ten times the one before. ``readers``: how
    many read one address at once. ``idle``: streams that are left silent. ``flood``: bytes of a stream that
    is not read. ``still``: seconds for which these two are watched. ``asks``: calls that wait for a first token.
    ``wide``: every way of judging streams and of reading them, not one of each.
    """

    samples: int
    sample_seconds: float
    row_seconds: float
    streams: int
    load_seconds: float
    warm_seconds: float
    rounds: int
    processes: int
    tokens: tuple[int, int, int]
    readers: int
    asks: int
    idle: int
    flood: int
    still: float
    wide: bool


FULL = Effort(
    samples=201,
    sample_seconds=0.01,
    row_seconds=8.0,
    streams=201,
    load_seconds=3.0,
    warm_seconds=0.75,
    rounds=3,
    processes=7,
    tokens=(200, 2_000, 20_000),
    readers=16,
    asks=25,
    idle=1_000,
    flood=64_000_000,
    still=15.0,
    wide=True,
)
QUICK = Effort(
    samples=5,
    sample_seconds=0.0002,
    row_seconds=0.2,
    streams=5,
    load_seconds=1.5,
    warm_seconds=0.1,
    rounds=1,
    processes=1,
    tokens=(4, 40, 400),
    readers=2,
    asks=2,
    idle=20,
    flood=2_000_000,
    still=0.6,
    wide=False,
)


def turn_by_turn(
    functions: Mapping[str, Callable[[int], object]], effort: Effort, clock: Callable[[], float] = time.perf_counter
) -> Samples:
    """Seconds per call of each function, by name. A function is given how many calls to make.

    One sample of each is taken after the other, so that a slow moment of the machine meets them all.
    """
    counts = {name: _count(function, effort.sample_seconds) for name, function in functions.items()}
    taken: Samples = {name: [] for name in functions}
    until = time.perf_counter() + effort.row_seconds
    for n in range(effort.samples):
        if n >= LEAST and time.perf_counter() > until:
            break
        for name, function in functions.items():
            began = clock()
            function(counts[name])
            taken[name].append((clock() - began) / counts[name])
    return taken


def _count(function: Callable[[int], object], seconds: float) -> int:
    """How many calls fill one sample. Warms up on the way."""
    count = 1
    while True:
        began = time.perf_counter()
        function(count)
        took = time.perf_counter() - began
        if took >= seconds:
            return count
        count = max(count + 1, math.ceil(count * min(10.0, 1.1 * seconds / max(took, 1e-9))))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def middle(values: Sequence[float]) -> float:
    return median(values)


def progress(text: str) -> None:
    """One line for who is waiting; results go to standard output."""
    print(f"bench: {text}", file=sys.stderr, flush=True)
