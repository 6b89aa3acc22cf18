"""Asking a subject about every row, and keeping what it said as arrays.

Knows rows and subjects. Must never know the labels of a row.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..categories import OPENAI_MODERATION
from .figures import Array
from .rows import ANY, DataError, Row
from .subjects import Said, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

Tick = Callable[[int, int], None]
"""Told after each text: how many are done, and of how many."""

WORKERS = 8
"""Questions at a time to a subject that asks somebody far away; one that computes is asked one by one."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What a subject said of every row.

    ``scores``: by category, and ``any`` (the highest of the 13), a number a row, NaN where it did not look.
    ``flagged``: the same in yes and no. ``judged``: by row, whether it could say anything. ``seconds``: by row.
    ``unjudged``: why not, and how often.
    """

    name: str
    ranks: bool
    thresholds: Mapping[str, float]
    scores: Mapping[str, Array]
    flagged: Mapping[str, NDArray[np.bool_]]
    judged: NDArray[np.bool_]
    seconds: Array
    unjudged: Mapping[str, int]

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.flagged) - {ANY}))


def score(rows: Sequence[Row], subject: Subject, *, workers: int | None = None, tick: Tick | None = None) -> Scored:
    """Ask about each row once. Raises DataError where not one could be judged.

    ``workers``: questions at a time; left out, ``WORKERS`` for a subject that is far away and else one.
    """
    at_once = workers if workers is not None else (WORKERS if subject.remote else 1)
    said: list[Said] = []
    seconds = np.zeros(len(rows))
    with _answers(rows, subject, at_once) as answers:
        for answer, took in answers:
            seconds[len(said)] = took
            said.append(answer)
            if tick is not None:
                tick(len(said), len(rows))
    reasons = Counter(answer.unjudged for answer in said if answer.unjudged is not None)
    if len(said) == sum(reasons.values()):
        why = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
        raise DataError(f"{subject.name} could not judge a single text: {why}")
    return Scored(
        subject.name,
        subject.ranks,
        subject.thresholds,
        _scores(said, subject) if subject.ranks else {},
        {name: np.array([name in s.flagged for s in said]) for name in (*subject.categories, ANY)},
        np.array([s.unjudged is None for s in said]),
        seconds,
        dict(reasons),
    )


def _scores(said: Sequence[Said], subject: Subject) -> dict[str, Array]:
    found = {name: np.array([s.scores.get(name, np.nan) for s in said]) for name in subject.categories}
    asked = [found[name] for name in OPENAI_MODERATION if name in found]
    found[ANY] = np.fmax.reduce(asked) if asked else np.full(len(said), np.nan)
    return found


@contextmanager
def _answers(rows: Sequence[Row], subject: Subject, workers: int) -> Iterator[Iterable[tuple[Said, float]]]:
    """The answers in the order of the rows, each with the seconds it took."""

    def ask(row: Row) -> tuple[Said, float]:
        begun = time.perf_counter()
        answer = subject.ask(row.text, row.direction)
        return answer, time.perf_counter() - begun

    if workers <= 1:
        yield map(ask, rows)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="guardrail-eval")
    try:
        yield pool.map(ask, rows)
    finally:
        pool.shutdown(cancel_futures=True)
