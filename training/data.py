"""The training rows: which files, which labels, which fold. Knows the data folder's form.

Must never print a row, read a file of unclear licence, or read the sealed evaluation sets.
"""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from guardrail.local.categories import TRAINED

FILES = ("moderation", "benign", "injection")
"""The plain files: stated licences only. ``ai_text`` and ``pii_train`` are for other models."""

FOLDS = 3
WEAK = 0.5
"""Weight of a row whose labels are derived, machine-made or noisy."""

TEMPLATES = ("project synthetic templates", "own positives", "own near misses")
"""Sources that are the only one for some categories: dealt to the folds by row, not as a whole."""


class NoData(Exception):
    """The data folder or a file in it is missing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text. ``labels``: category to 0 or 1; an absent category is unknown."""

    text: str
    labels: Mapping[str, int]
    source: str
    license: str
    weight: float = 1.0
    benign: bool = False  # from everyday material, clear of every category


def read(folder: Path) -> list[Row]:
    """All rows of the plain files in ``folder``. Raises NoData, naming what is missing."""
    missing = [f"{name}.jsonl.gz" for name in FILES if not (folder / f"{name}.jsonl.gz").is_file()]
    if missing:
        raise NoData(f"{folder}: no {', '.join(missing)} there. Give the folder of the training data with --data.")
    return [row for name in FILES for row in _rows(folder / f"{name}.jsonl.gz", benign=name == "benign")]


def _rows(path: Path, *, benign: bool) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            held = json.loads(line)
            labels = {name: int(value) for name, value in held["labels"].items() if name in TRAINED}
            if held.get("weak") and labels.get("toxicity") == 1 and labels.get("hate") == 0:
                del labels["hate"]  # "not hate" was only derived from "offensive": many such texts are hate
            if held["split"] == "train" and labels:
                weight = WEAK if held.get("weak") else 1.0
                yield Row(held["text"], labels, held["source"], held["license"], weight, benign)


def folds(rows: Sequence[Row], seed: int, count: int = FOLDS) -> list[int]:
    """A fold for each row, such that a source is in one fold only (``TEMPLATES`` aside).

    Sources are dealt in an order drawn by ``seed``, each to the fold where its labels are rarest,
    so that every fold has something of every category that several sources have.
    """
    positives: dict[str, dict[str, int]] = {}
    for row in rows:
        of = positives.setdefault(row.source, {"rows": 0})
        of["rows"] += 1
        for name, value in row.labels.items():
            of[name] = of.get(name, 0) + value
    totals: dict[str, int] = {}
    for of in positives.values():
        for name, number in of.items():
            totals[name] = totals.get(name, 0) + number
    order = sorted(positives)
    random.Random(seed).shuffle(order)
    order.sort(key=lambda source: -max(positives[source][n] / max(totals[n], 1) for n in positives[source]))
    held: list[dict[str, float]] = [{} for _ in range(count)]
    dealt: dict[str, int] = {}
    for source in order:
        shares = {name: number / max(totals[name], 1) for name, number in positives[source].items()}
        dealt[source] = min(range(count), key=lambda f: sum(held[f].get(n, 0.0) * s for n, s in shares.items()))
        for name, share in shares.items():
            held[dealt[source]][name] = held[dealt[source]].get(name, 0.0) + share
    return [
        zlib.crc32(f"{seed}:{row.text}".encode()) % count if row.source in TEMPLATES else dealt[row.source]
        for row in rows
    ]


def attributions(rows: Iterable[Row]) -> list[dict[str, str | int]]:
    """What must ship with the model: each source, its licence as found, and how many rows were used."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        counts[row.source, row.license] = counts.get((row.source, row.license), 0) + 1
    return [{"source": s, "license": lic, "rows": n} for (s, lic), n in sorted(counts.items())]
