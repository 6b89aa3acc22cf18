"""Results as files: all samples as JSON, and the table as Markdown. Partial runs never take a full one's place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from .machine import quiet
from .rows import Row, table

_HOW = (
    "Medians. `added` is guarded less unguarded; `ratio` is guarded over what stands beside it, measured in turn in "
    "the same run."
)


def write(folder: Path, rows: Sequence[Row], facts: dict[str, Any], *, partial: bool) -> str:
    """Write ``<date>.json`` and ``latest.md`` (a partial run: ``partial.json`` and ``.md``); the text of the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = json.dumps({"machine": facts, "rows": [row.raw() for row in rows]}, indent=1)
    (folder / ("partial.json" if partial else f"{date_of(facts)}.json")).write_text(raw + "\n", encoding="utf-8")
    text = "\n".join([*head(facts, partial=partial), _HOW, "", table(rows), ""])
    (folder / ("partial.md" if partial else "latest.md")).write_text(text, encoding="utf-8")
    return text


def date_of(facts: dict[str, Any]) -> str:
    """When the run began, as a file name."""
    return datetime.fromisoformat(facts["date"]).strftime("%Y-%m-%dT%H%M%SZ")


def head(facts: dict[str, Any], *, partial: bool) -> list[str]:
    loads = facts["load average"]
    head_, changes, _ = facts["commit"].partition("+")
    commit = head_[:12] + (" with changes" if changes else "")
    usable = f"{facts['cores usable']} of {facts['cores']} cores"
    machine = f"{facts['model']}, {usable}, {facts['python']}, {facts['system']}"
    lines = [f"{facts['date']}, commit {commit}; {machine}; load average before: {loads}."]
    if not quiet(loads):
        lines.append("**The machine was not quiet when this began: wall times and rates are not to be quoted.**")
    if partial:
        lines.append("**A quick or partial run: not to be quoted.**")
    return lines
