"""All rows there are: the data sets', and the project's own. Which are learnt from and which are held out.

Must never print a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guardrail.local.categories import LEARNT

from . import documents, everyday, long_prose, near_misses, positives, twins
from .data import OWN, Row, read, split

SEED = 20231

NEAR_MISS = 2.0
"""Weight of an own harmless row: a false refusal is what users notice."""


@dataclass(frozen=True, slots=True)
class Rows:
    """``learn`` and ``dev`` share no source and no text."""

    learn: list[Row]
    dev: list[Row]


def gather(data: Path) -> Rows:
    """Everything but the test twins, which only the report reads. Raises NoData."""
    learn, dev = split(read(data))
    held_out = [row for part in twins.PARTS for row in twins.rows(part, held_out=True)]
    return Rows([*learn, *own()], [*dev, *documents.rows("dev"), *held_out])


def own() -> list[Row]:
    """The texts written for this project that are learnt from."""
    clear = dict.fromkeys(LEARNT, 0)
    harmless = near_misses.sentences() + long_prose.texts() + everyday.fillers()
    found = [Row(text, clear, "own near misses", OWN, NEAR_MISS) for text in harmless]
    found += [
        Row(text, clear, "own everyday questions", OWN, NEAR_MISS, benign=True, lang=lang)
        for text, lang in everyday.languages()
    ]
    found += [Row(text, labels, "own positives", OWN) for text, labels in positives.sentences()]
    for part in twins.PARTS:
        found += twins.rows(part)
    return found + documents.rows("train")
