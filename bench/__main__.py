"""``python -m bench``: measures, prints a table, keeps the raw figures. ``python -m bench profile``: by room."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from . import machine, policies, report
from .measure import FULL, QUICK, Effort, progress
from .rows import Row

Suite = Callable[[Effort, dict[str, Path], Path], Iterator[Row]]
SUITES = {
    "check": "checks",
    "asgi": "calls",
    "history": "history",
    "stream": "streams",
    "gateway": "gateway",
    "client": "client",
    "import": "startup",
    "local": "embedded",
    "pace": "pace",
    "speed": "speed",
    "overlap": "overlap",
    "frame": "frames",
    "length": "lengths",
    "stalled": "stalled",
    "idle": "idle",
    "leak": "leaks",
}
RESULTS = Path(__file__).parent / "results"


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Guarded against unguarded, in one run.")
    parser.add_argument("what", nargs="?", choices=("all", "profile"), default="all", help="profile: time by room")
    parser.add_argument("--quick", action="store_true", help="only to see that it runs: the figures say nothing")
    parser.add_argument("--only", nargs="+", choices=SUITES, metavar="NAME", help=f"some of {', '.join(SUITES)}")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER", help="where results are kept")
    asked = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are ended on the way out
    effort, facts = QUICK if asked.quick else FULL, machine.facts()
    with tempfile.TemporaryDirectory(prefix="guardrail-bench-") as name:
        folder = Path(name)
        files = policies.written(folder)
        if asked.what == "profile":
            from .rooms import write

            print(write(asked.out, effort, files, folder, facts, partial=asked.quick))
            return 0
        rows: list[Row] = []
        for suite in asked.only or SUITES:
            rows += _suite(suite)(effort, files, folder)
    facts["load average after"] = machine.load()
    print(report.write(asked.out, rows, facts, partial=bool(asked.quick or asked.only)))
    progress(f"results are in {asked.out}")
    return 0


def _suite(name: str) -> Suite:
    suite: Suite = import_module(f".{SUITES[name]}", __package__).rows
    return suite


if __name__ == "__main__":
    sys.exit(main())
