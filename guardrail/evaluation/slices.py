"""Parts of the rows that are looked at on their own: by source, by language, by length.

Knows rows. Must never know scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .rows import Row

BY = ("source", "lang", "length")

LENGTHS = ((100, "up to 100"), (500, "101 to 500"), (2000, "501 to 2,000"))
"""Characters: the most of each part, and what it is called. A short message, a paragraph, a page; longer is more."""
_LONGER = "over 2,000"

MOST = 40
"""Parts shown of one kind, the largest first; a file can have a source a row."""


def length_of(text: str) -> str:
    """Which of ``LENGTHS`` a text is in."""
    return next((name for most, name in LENGTHS if len(text) <= most), _LONGER)


def slices(rows: Sequence[Row], by: Sequence[str] = BY) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """The kind, the name, and which rows are in it. A kind in which all rows are the same gives nothing."""
    for kind in by:
        names = [_name(row, kind) for row in rows]
        sizes: dict[str, int] = {}
        for name in names:
            sizes[name] = sizes.get(name, 0) + 1
        if len(sizes) < 2:
            continue
        order = [name for _, name in LENGTHS] + [_LONGER] if kind == "length" else _largest(sizes)
        held = np.array(names)
        for name in order:
            if name in sizes:
                yield kind, name, held == name


def _name(row: Row, kind: str) -> str:
    if kind == "length":
        return length_of(row.text)
    return (row.source if kind == "source" else row.lang) or "(not said)"


def _largest(sizes: dict[str, int]) -> list[str]:
    return sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST]
