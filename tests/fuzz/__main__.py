"""``python -m tests.fuzz --cases 100000 --seed 1``: counts and seed; ends with 1 where a case got past the guard.

``--planted NAME`` breaks the guard first, and then ends with 1 unless the fault is found.
``--show INDEX`` says what a case does, without its text.
"""

from __future__ import annotations

import argparse
import sys

from .faults import PLANTED
from .grammar import case
from .harness import DOORS, described, fuzz, hunt

MOST = 40


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="index of the first case")
    parser.add_argument("--door", choices=DOORS, help="only this door")
    parser.add_argument("--planted", choices=[*PLANTED, "all"], help="break the guard, and stop at the first find")
    parser.add_argument("--show", type=int, help="say what one case does")
    given = parser.parse_args()
    doors = (given.door,) if given.door else DOORS
    if given.show is not None:
        print(described(case(given.seed, given.show)))
        return 0
    indices = range(given.start, given.start + given.cases)
    if given.planted:
        names = PLANTED if given.planted == "all" else [given.planted]
        return max(_planted(name, given.seed, indices) for name in names)
    report = fuzz(given.seed, indices, doors)
    print("\n".join(report.lines()))
    for door, index, what in report.failures[:MOST]:
        print(
            f"  {what}: --seed {given.seed} --door {door} --start {index} --cases 1   {described(case(given.seed, index))}"
        )
    if len(report.failures) > MOST:
        print(f"  and {len(report.failures) - MOST} more")
    return 1 if report.failures else 0


def _planted(name: str, seed: int, indices: range) -> int:
    count = hunt(seed, indices, PLANTED[name])
    print(f"planted {name}, seed {seed}: {'not found' if count is None else f'found after {count} cases'}")
    return 1 if count is None else 0


if __name__ == "__main__":
    sys.exit(main())
