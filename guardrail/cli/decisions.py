"""Decisions as people and programs read them: rows of a table, lines of JSON.

The published names come from ``Decision.public()`` and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from .terminal import Column, safe, table

if TYPE_CHECKING:
    from ..verdict import Decision

_COLUMNS = (
    Column("time", 20),
    Column("action", 12),
    Column("outcome", 8),
    Column("status", 6, spare=2),
    Column("ended", 8, spare=1),
    Column("route", 8),
    Column("found", 8),
    Column("id", 9, spare=3),
)


def line(fields: Mapping[str, Any]) -> str:
    """One JSON object on one line, in ASCII: nothing in it can move a cursor or end the line."""
    return json.dumps(fields, ensure_ascii=True)


def fields(decision: Decision) -> dict[str, Any]:
    """What a log row says: the published names, and how the exchange went."""
    return {
        **decision.public(),
        "time": _iso(decision.time, "milliseconds"),
        "door": decision.door,
        "wire": decision.wire,
        "route": decision.route,
        "status": decision.status,
        "ended": decision.ended,
        "spent": None if decision.spent is None else asdict(decision.spent),
    }


def listing(decisions: Iterable[Decision], room: int) -> list[str]:
    """A table of decisions, ``room`` columns wide; below it what must be told of what was found."""
    shown = list(decisions)
    lines = table(_COLUMNS, [_row(decision) for decision in shown], room)
    return lines + [line for notice in _notices(shown) for line in ("", *wrap(notice, room))]


def sheet(decision: Decision) -> list[str]:
    """One decision, a published name a line; what there are several of takes a line each."""
    shown = decision.public()
    shown["findings"] = [f"{f.category}  {f.score:.2f}  {f.start}-{f.end}  {f.check}" for f in decision.findings]
    if notices := _notices([decision]):
        shown["notice"] = notices
    shown["not_evaluated"] = [f"{g.check}  {g.reason}  {g.where}".rstrip() for g in decision.not_evaluated]
    wide = max(map(len, shown))
    lines = []
    for name, value in shown.items():
        values = value if isinstance(value, list) else [value]
        cells = ["-" if v is None else safe(str(v)) for v in values] or ["-"]
        lines += [f"{name if n == 0 else '':{wide}}  {cell}".rstrip() for n, cell in enumerate(cells)]
    return lines


def _notices(decisions: Iterable[Decision]) -> list[str]:
    """What must be told wherever these are shown, each once, after the category it is about."""
    found = [f for decision in decisions for f in decision.findings if f.notice]
    return list(dict.fromkeys(safe(f"{f.category}: {f.notice}") for f in found))


def _row(decision: Decision) -> tuple[str, ...]:
    action = decision.action.word if decision.would is None else f"would {decision.would.word}"
    found = list(dict.fromkeys(finding.category for finding in decision.findings))
    gaps = list(dict.fromkeys(f"{gap.check}: {gap.reason}" for gap in decision.not_evaluated))
    if gaps:
        found.append(f"not evaluated ({', '.join(gaps)})")
    return (
        _iso(decision.time, "seconds"),
        action,
        str(decision.outcome),
        str(decision.status or "-"),
        decision.ended,
        decision.route,
        ", ".join(found) or "-",
        decision.id,
    )


def _iso(seconds: float, precision: str) -> str:
    """ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
