"""``python -m bench.readme``: puts the last results into the README, so that no figure is typed by hand."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"
_BETWEEN = re.compile(r"(?<=<!-- bench -->\n).*?(?=<!-- /bench -->)", re.DOTALL)
_COLUMNS = 6  # what was measured, guarded, beside it, added, ratio, aim
_TELLING = (
    "pace: 200 tokens, proxy alone, first text",
    "pace: 200 tokens, exact, window, first text",
    "pace: 200 tokens, exact and local, window, first text",
    "pace: 200 tokens, exact and remote, window, first text",
    "pace: 200 tokens, exact and remote, after, first text",
    "pace: 2,000 tokens, exact and remote, window, last byte",
    "pace: 2,000 tokens, exact and remote, window, held back",
    "pace: 2,000 tokens, exact and remote, window, questions",
    "length: 20,000 tokens, exact",
    "length: 20,000 tokens, exact and local",
    "length: 20,000 tokens, exact, a match opens at every token",
    "stalled: exact and remote, a reader that stops, memory added at most",
    "idle: 1,000 silent streams, exact and remote, memory",
    "idle: 1,000 silent streams, exact and remote, CPU",
    "local: 500 characters, fast",
    "local: 500 characters, accurate",
    "local: 500 characters, cascade",
    "local: 4,000 characters, cascade",
    "leak: a refused sentence, window, what left",
    "leak: a refused sentence, after, what left",
)
"""Of suites with many rows: those that are shown first. Of all others, the rows that have an aim are."""
_MANY = ("local", "pace", "speed", "length", "stalled", "idle", "leak")
_ASIDE = ("pace", "speed")
"""Suites whose other rows are kept in the results alone."""


def section() -> str:
    """What stands in the README between its two marks."""
    lines = (RESULTS / "latest.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    table = [row[:_COLUMNS] for row in rows[2:]]
    table = [row for row in table if row[0] in _TELLING or _suite(row) not in _ASIDE]
    first = [row for row in table if row[0] in _TELLING or (row[5] and _suite(row) not in _MANY)]
    profile = (RESULTS / "profile.md").read_text(encoding="utf-8").splitlines()
    return "\n".join(
        [
            lines[0],
            "Medians of one run. The machine's two cores are shared, so ratios and CPU times say more than rates.",
            "",
            *_table(first),
            "",
            "<details><summary>All rows, and where the time of one call goes (µs of CPU by room)</summary>",
            "",
            *_table(table),
            "",
            *[line for line in profile if line.startswith("|")],
            "",
            "</details>",
            "",
        ]
    )


def _suite(row: list[str]) -> str:
    return row[0].partition(":")[0]


def _table(rows: list[list[str]]) -> list[str]:
    head = ["", "guarded", "beside it", "added", "ratio", "aim"]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * _COLUMNS, *rows)]


def written(readme: str) -> str:
    """The README with the section in its place."""
    return _BETWEEN.sub(lambda _: section(), readme, count=1)


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
