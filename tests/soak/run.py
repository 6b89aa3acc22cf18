"""Runs rounds until the time or their number is up, and counts. Knows nothing of what a round does."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from tests.soak.rounds import made
from tests.streams import talk
from tests.streams.talk import Talk

MOST = 40
"""Failures after which a run ends: more of them say no more."""


@dataclass
class Report:
    """What came of a run. ``failures``: index of the round, and what is wrong, without any of its text."""

    seed: int
    rounds: int = 0
    cuts: int = 0
    seconds: float = 0.0
    plans: Counter[str] = field(default_factory=Counter)
    streams: set[str] = field(default_factory=set)
    failures: list[tuple[int, str]] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{name} {n}" for name, n in sorted(self.plans.items()))
        return (
            f"seed {self.seed}: {self.rounds} cases of {len(self.streams)} streams, {self.cuts} cuts, "
            f"{self.seconds:.0f} s, {len(self.failures)} failures ({kinds})"
        )


def talks(*, own: bool) -> list[Talk]:
    """The streams a soak draws from: ours, and the recorded ones where there are any and they are wanted."""
    ours = [each for _, each in sorted(talk.own().items())]
    return ours + ([] if own else [each for _, each in sorted(talk.recorded().items())])


def soak(
    seed: int,
    streams: Sequence[Talk],
    *,
    start: int = 0,
    rounds: int | None = None,
    seconds: float | None = None,
    tell: Callable[[Report], None] = lambda report: None,
    sought: str | None = None,
) -> Report:
    """Run rounds from ``start``; ``tell`` hears of each. Ends early where many laws were found broken, or one
    whose name begins as is ``sought``."""
    report, begun = Report(seed), time.monotonic()
    for index in count(start):
        report.seconds = time.monotonic() - begun
        over = rounds is not None and index >= start + rounds
        if over or (seconds is not None and report.seconds >= seconds) or len(report.failures) >= MOST:
            return report
        if sought is not None and any(what.startswith(sought) for _, what in report.failures):
            return report
        _one(report, index, streams)
        tell(report)
    raise AssertionError("numbers do not end")


def _one(report: Report, index: int, streams: Sequence[Talk]) -> None:
    try:
        each = made(report.seed, index, streams)
        report.plans[each.plan] += 1
        report.streams.add(each.trial.talk.name)
        broken: dict[str, int] = {}
        for way, law in each.broken():
            broken.setdefault(law.partition(", in increment")[0], way)
        report.failures += [(index, f"{law} ({each}, cuts {way})") for law, way in broken.items()]
        report.cuts += sum(map(len, each.cuts))
    except Exception as error:  # noqa: BLE001 - whatever is raised is a finding, not the end of the run
        report.failures.append((index, f"raised {type(error).__name__}"))
    report.rounds += 1
