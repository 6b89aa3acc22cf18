"""How often a stream should be judged: ``python -m training.cadence --data DIR``.

Judges the beginnings of harmless and of harmful texts as a stream of them would be, with several strides,
and prints how many of each are flagged at the point ``balanced``: every look more is a chance more for a
false alarm. Most of these texts were trained on, so the rows are to be compared with each other only.
Prints figures, never a row.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from guardrail.backends.moderation import Moderation
from guardrail.local.backend import LocalBackend
from guardrail.local.moderation import LocalModeration

from .data import read

MODEL = LocalModeration()
STRIDES = (160, 96, 64, 32)
LONGEST, FROM = 2_000, 300


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.cadence", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the training data")
    parser.add_argument("--texts", type=int, default=1_500, help="texts of each kind")
    arguments = parser.parse_args()
    rows = [row for row in read(arguments.data) if len(row.text) >= FROM]
    harmful = [row.text[:LONGEST] for row in rows if any(value == 1 for value in row.labels.values())]
    harmless = [row.text[:LONGEST] for row in rows if row.labels and not any(row.labels.values())]
    backend = LocalBackend()
    assert backend.points is not None
    points = backend.points["balanced"]
    print(f"{'a look every':>12} {'harmless flagged':>17} {'harmful flagged':>16} {'looks a text':>13}")
    for stride in STRIDES:
        groups = [some[: arguments.texts] for some in (harmless, harmful)]
        backend.stride = stride
        found = [[_flagged(backend, points, text) for text in some] for some in groups]
        shares = [sum(hit for hit, _ in some) / max(1, len(some)) for some in found]
        looks = sum(count for some in found for _, count in some) / max(1, sum(map(len, found)))
        print(f"{stride:>12} {shares[0]:>17.1%} {shares[1]:>16.1%} {looks:>13.1f}")


def _flagged(backend: LocalBackend, points: Mapping[str, float], text: str) -> tuple[bool, int]:
    check = Moderation("harm", backend, {})
    stops, at = [], 0
    while (stop := check.stop(at, text, at)) is not None:
        stops.append(stop)
        at = stop
    if at < len(text):
        stops.append(len(text))
    windows = [text[max(0, stop - check.window) : stop] for stop in stops]
    return any(_over(said, points) for said in MODEL.score(windows)), len(windows)


def _over(said: Mapping[str, float], points: Mapping[str, float]) -> bool:
    return any(score >= points.get(name, 1.1) for name, score in said.items() if name != "toxicity")


if __name__ == "__main__":
    main()
