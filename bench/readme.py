"""``python -m bench.readme``: puts the last results into the README, so that no figure is typed by hand."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"
_BETWEEN = re.compile(r"(?<=<!-- bench -->\n).*?(?=<!-- /bench -->)", re.DOTALL)
_COLUMNS = 6  # what was measured, guarded, beside it, added, ratio, aim


def section() -> str:
    """What stands in the README between its two marks."""
    lines = (RESULTS / "latest.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    table = [row[:_COLUMNS] for row in rows[2:]]
    aims = [row for row in table if row[5]]
    profile = (RESULTS / "profile.md").read_text(encoding="utf-8").splitlines()
    return "\n".join(
        [
            lines[0],
            "Medians of one run. The machine's two cores are shared, so ratios and CPU times say more than rates.",
            "",
            *_table(aims),
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


def _table(rows: list[list[str]]) -> list[str]:
    head = ["", "guarded", "beside it", "added", "ratio", "aim"]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * _COLUMNS, *rows)]


def written(readme: str) -> str:
    """The README with the section in its place."""
    return _BETWEEN.sub(lambda _: section(), readme, count=1)


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
