"""How the CPU of a stream grows with its length: each beside one a tenth as long.

Plain prose, and two texts made to keep the checks busy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .frames import CALLED, stream_cpu
from .measure import Effort, middle, progress, quantile
from .policies import CANARY
from .rows import Aim, Row
from .strategies import written
from .texts import tokens

_LINEAR = Aim(11.5, "10, and the tolerance of a shared machine", on="ratio")
_OPENING = ("https://", f" {CANARY[:-1]}", " sk-", " 4111 1111", " a.b", "-c.d")
"""Pieces that each leave a match open: an address, a word of the list, a key, a card, an e-mail."""
_UNENDING = {
    "checks": {"notes": {"use": "patterns", "patterns": ["<note>[^<]*</note>"], "category": "custom/note"}},
    "output": ["notes"],
    "rules": [{"when": "custom/note", "do": "flag"}],
}
"""A pattern whose match may go on without end."""


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:
    plain = {size: tokens(size) for size in effort.tokens}
    for policy, called in CALLED.items():
        yield from _lengths(effort, policies[policy], called, plain)
    opening = {size: [_OPENING[n % len(_OPENING)] for n in range(size)] for size in effort.tokens}
    yield from _lengths(effort, policies["exact"], "exact, a match opens at every token", opening)
    unending = written(folder, "unending", _UNENDING)
    kept = {size: ["<note>", *text[1:]] for size, text in plain.items()}
    yield from _lengths(effort, unending, "exact, one match open all the time", kept)


def _lengths(effort: Effort, policy: Path, called: str, texts: Mapping[int, Sequence[str]]) -> Iterator[Row]:
    shorter: tuple[int, list[float]] | None = None
    for size, text in texts.items():
        name = f"{size:,} tokens, {called}"
        progress(f"length: {name}")
        taken = stream_cpu(effort, policy, text, 1)
        guarded = [seconds * 1e3 for seconds in taken["guarded"]]
        if shorter is not None:
            less, before = shorter
            notes = {"p99": quantile(guarded, 0.99), "unguarded": middle(taken["bare"]) * 1e3}
            samples = {"guarded": guarded, "shorter": before}
            middles = middle(guarded), middle(before)
            yield Row("length", name, "ms CPU", *middles, f"{less:,} tokens", _LINEAR, notes, samples)
        shorter = size, guarded
