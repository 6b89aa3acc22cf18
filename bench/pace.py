"""Streams at a model's own pace through the gateway: what a reader waits for, beside the bare upstream.

All sides are read at the same time by the same client, a new reader of each in turn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .fleet import ALONE, PROXY, Fleet, fleet
from .measure import Effort, middle, progress, quantile
from .paced import Script
from .readers import Reading, read
from .rows import Row
from .service import questions
from .strategies import KINDS, STRATEGIES, Strategy, strategy
from .timing import timed

RATE = 50.0
_APART = 0.013
"""Seconds between two readers; no divisor of a token's time, or they would all wait for the same moment."""


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:  # noqa: ARG001 - as all suites
    words = STRATEGIES if effort.wide else STRATEGIES[:1]
    progress("pace: starting the gateways")
    with fleet(folder, "pace", lambda service: _policies(service, words)) as ships:
        for kind, called in KINDS.items():
            named = {_name(called, word): word for word in words}
            for size in effort.tokens[:2]:
                progress(f"pace: {size:,} tokens at {RATE:.0f} a second, {called}, {effort.readers} readers of each")
                yield from _size(ships, named, size, effort.readers, alone=kind == "exact")


def _policies(service: str, words: Sequence[Strategy]) -> dict[str, Mapping[str, Any]]:
    made = {_name(called, word): strategy(kind, word, service) for kind, called in KINDS.items() for word in words}
    return {PROXY: ALONE, **made}


def _name(called: str, word: Strategy) -> str:
    return f"{called}, {word}"


def _size(ships: Fleet, named: Mapping[str, Strategy], size: int, readers: int, *, alone: bool) -> Iterator[Row]:
    before = {name: _counts(ships, name, word) for name, word in named.items()}
    urls = {name: ships.gateways[name].url for name in (*([PROXY] if alone else []), *named)}
    script = Script(tokens=size, rate=RATE)
    wait = size / RATE + 60
    found = read({"": ships.bare, **urls}, script, each=readers, apart=_APART, core=ships.beside, timeout=wait)
    bare = found[""]
    for name in urls:
        title, readings = f"{size:,} tokens, {name}", found[name]
        yield timed("pace", f"{title}, first text", "ms", _first(readings), _first(bare))
        yield timed("pace", f"{title}, last byte", "ms", _last(readings), _last(bare))
        if name == PROXY:
            continue
        asked, missed = (n - was for n, was in zip(_counts(ships, name, named[name]), before[name], strict=True))
        held = behind(readings, bare)
        notes = {"p99": quantile(held, 0.99), "at most": max(held)}
        yield Row("pace", f"{title}, held back", "tokens", middle(held), notes=notes, samples={"guarded": held})
        if asked:
            gaps = {"streams not judged in full": f"{missed} of {len(readings)}" if missed else None}
            yield Row("pace", f"{title}, questions", "a stream", asked / len(readings), notes=gaps)


def _counts(ships: Fleet, name: str, word: Strategy) -> tuple[int, int]:
    """Questions so far by this strategy, and the gateway's decisions that lack an answer."""
    return questions(ships.service, word), ships.gateways[name].not_evaluated()


def _first(readings: Sequence[Reading]) -> list[float]:
    return [reading.arrivals[0] * 1e3 for reading in readings]


def _last(readings: Sequence[Reading]) -> list[float]:
    return [reading.last * 1e3 for reading in readings]


def behind(readings: Sequence[Reading], bare: Sequence[Reading]) -> list[float]:
    """Tokens a reader has not got that a bare one has, at each moment half-way between two tokens."""
    times = [middle(column) for column in zip(*(reading.arrivals for reading in bare), strict=True)]
    half = 0.5 / RATE
    return [
        float(max(0, n - bisect_right(reading.arrivals, at + half)))
        for reading in readings
        for n, at in enumerate(times, 1)
    ]
