"""Text for people at a terminal: made harmless, measured, and set in columns.

Knows characters and widths; must never know what a decision is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_GAP = "  "
_MORE = "…"


def safe(text: str) -> str:
    """The text on one line, with everything a terminal might obey written out (threat T42).

    Control characters, line ends, bidirectional marks and other invisible characters become escapes
    such as ``\\x1b``.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def width(text: str) -> int:
    """Columns a terminal takes for ``text`` (Unicode Standard Annex 11): wide letters take two."""
    if text.isascii():
        return len(text)
    return sum(_columns(c) for c in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, columns: int) -> str:
    """The text, cut to so many columns, with a mark where it was cut."""
    if width(text) <= columns:
        return text
    kept, used = [], width(_MORE)
    for character in text:
        used += _columns(character)
        if used > columns:
            break
        kept.append(character)
    return "".join(kept) + _MORE


@dataclass(frozen=True, slots=True)
class Column:
    """``least``: the width it may be cut to. ``spare``: the highest is cut first, and left out first
    where even that is too wide; 0 always stays."""

    name: str
    least: int
    spare: int = 0


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> list[str]:
    """Lines of a table at most ``room`` columns wide, as far as the columns' ``least`` allow. Cells are made safe."""
    cells = [[column.name for column in columns], *([safe(cell) for cell in row] for row in rows)]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    least = [min(column.least, natural) for column, natural in zip(columns, widths, strict=True)]
    kept = list(range(len(columns)))
    while _wide(least[n] for n in kept) > room:
        last = max(kept, key=lambda n: columns[n].spare)
        if columns[last].spare == 0:
            break
        kept.remove(last)
    while (wide := _wide(widths[n] for n in kept)) > room:
        n = max(kept, key=lambda n: (widths[n] > least[n], columns[n].spare, widths[n]))
        if widths[n] == least[n]:
            break
        widths[n] = max(least[n], widths[n] - (wide - room))
    return [_line([row[n] for n in kept], [widths[n] for n in kept]) for row in cells]


def _wide(widths: Iterable[int]) -> int:
    sizes = list(widths)
    return sum(sizes) + len(_GAP) * (len(sizes) - 1)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    cut = [fit(cell, columns) for cell, columns in zip(cells, widths, strict=True)]
    return _GAP.join(c + " " * (n - width(c)) for c, n in zip(cut, widths, strict=True)).rstrip()
