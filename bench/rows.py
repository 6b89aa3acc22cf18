"""What a measurement says: one value beside its unguarded one, and the aim it was to meet.

Knows how a row is judged and written; must never know how it was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Aim:
    """What a row is to reach, and what the best of others was measured at, in the row's own unit."""

    limit: float
    to_beat: str = ""
    sense: Literal["at most", "at least"] = "at most"
    on: Literal["value", "added", "ratio"] = "value"

    def met(self, row: Row) -> bool:
        reached = {"value": row.value, "added": row.added, "ratio": row.ratio}[self.on]
        assert reached is not None
        return reached <= self.limit if self.sense == "at most" else reached >= self.limit


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. ``value`` and ``bare`` are medians in ``unit``; ``bare_is`` says of what.

    ``notes`` are further figures of the same run; ``samples`` are what the medians were taken of.
    """

    suite: str
    name: str
    unit: str
    value: float
    bare: float | None = None
    bare_is: str = ""
    aim: Aim | None = None
    notes: Mapping[str, str | float | None] = field(default_factory=dict)
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def added(self) -> float | None:
        return None if self.bare is None else self.value - self.bare

    @property
    def ratio(self) -> float | None:
        return self.value / self.bare if self.bare else None

    def raw(self) -> dict[str, Any]:
        """Ready for JSON."""
        aim = None
        if self.aim is not None:
            aim = {
                "limit": self.aim.limit,
                "sense": self.aim.sense,
                "on": self.aim.on,
                "to_beat": self.aim.to_beat,
                "met": self.aim.met(self),
            }
        return {
            "suite": self.suite,
            "name": self.name,
            "unit": self.unit,
            "value": self.value,
            "bare": self.bare,
            "bare_is": self.bare_is,
            "added": self.added,
            "ratio": self.ratio,
            "aim": aim,
            "notes": dict(self.notes),
            "samples": {name: list(values) for name, values in self.samples.items()},
        }


HEAD = ("", "guarded", "beside it", "added", "ratio", "aim", "to beat", "more of the same run")


def table(rows: Sequence[Row]) -> str:
    """A Markdown table of all rows, one suite after the other."""
    cells = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(HEAD))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    aim, beat = "", ""
    if row.aim is not None:
        what = "" if row.aim.on == "value" else f"{row.aim.on} "
        unit = "" if row.aim.on == "ratio" else f" {row.unit}"
        word = "met" if row.aim.met(row) else "not met"
        aim = f"{what}{row.aim.sense} {figure(row.aim.limit)}{unit}: **{word}**"
        beat = row.aim.to_beat
    return (
        f"{row.suite}: {row.name}",
        f"{figure(row.value)} {row.unit}",
        "" if row.bare is None else f"{figure(row.bare)} {row.unit} ({row.bare_is})",
        "" if row.added is None or row.bare_is != "unguarded" else f"{figure(row.added)} {row.unit}",
        "" if row.ratio is None else figure(row.ratio),
        aim,
        beat,
        ", ".join(f"{key} {_note(value)}" for key, value in row.notes.items() if value is not None),
    )


def _note(value: str | float | None) -> str:
    return value if isinstance(value, str) else figure(value or 0.0)


def figure(value: float) -> str:
    """Three figures that mean something."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
