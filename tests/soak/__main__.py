"""``python -m tests.soak --seconds 3600 [--seed N]``: the laws of streams, for as long as one likes.

Draws from our own streams and, where ``GUARDRAIL_TRAFFIC`` names a folder, from recorded ones. Prints how far it is,
and at the end cases, cuts, seed and failures; ends with 1 where a law was broken, with a command that shows it again.
``--planted NAME`` breaks the guard first, and then ends with 1 unless that is found.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.soak.faults import PLANTED
from tests.soak.run import Report, soak, talks

EVERY = 30.0
"""Seconds between two words of how far it is."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long (60 where no number of rounds is given)")
    parser.add_argument("--rounds", type=int, help="how many cases")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--own", action="store_true", help="only our own streams")
    parser.add_argument("--planted", choices=PLANTED, help="break the guard, and stop at the first find")
    given = parser.parse_args()
    seconds = given.seconds if given.seconds or given.rounds else 60.0
    streams, progress = talks(own=given.own), Progress()
    if given.planted:
        with PLANTED[given.planted]():
            report = soak(given.seed, streams, start=given.start, rounds=given.rounds, seconds=seconds, sought="")
        found = report.failures[0][1] if report.failures else "not found"
        print(f"planted {given.planted}, seed {given.seed}, {report.rounds} cases: {found}")
        return 0 if report.failures else 1
    report = soak(given.seed, streams, start=given.start, rounds=given.rounds, seconds=seconds, tell=progress)
    print(report)
    for index, what in report.failures:
        print(f"  {what}: {again(given.seed, index, own=given.own)}")
    return 1 if report.failures else 0


def again(seed: int, index: int, *, own: bool) -> str:
    """The command that runs one case once more; which it is depends on the streams there are to draw from."""
    folder = os.environ.get("GUARDRAIL_TRAFFIC")
    traffic = f"GUARDRAIL_TRAFFIC={folder} " if folder and not own else ""
    return f"{traffic}python -m tests.soak --seed {seed} --start {index} --rounds 1{' --own' if own else ''}"


class Progress:
    """Says every few seconds how far it is."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, report: Report) -> None:
        if (now := time.monotonic()) - self._last >= EVERY:
            self._last = now
            print(report, flush=True)


if __name__ == "__main__":
    sys.exit(main())
