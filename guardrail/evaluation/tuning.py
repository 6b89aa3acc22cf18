"""The threshold of each category for a false-positive budget or a target recall.

Knows scores, truth and which category stands above which. Must never know how a policy is written.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..policy.taxonomy import HARM, parents
from .figures import Array, Confusion, Truth, confusion
from .rows import Data
from .scoring import Scored

LEAST = 10
"""Positives, and negatives, below which a category is left alone: a threshold from one kind alone has no evidence
about the other, and from harmless rows alone it would lie at the first score above 0. Our own bound."""

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Goal:
    """One of the two is given, in (0, 1] for a recall and [0, 1) for a budget."""

    target_recall: float | None = None
    max_fpr: float | None = None

    def __str__(self) -> str:
        if self.target_recall is not None:
            return f"recall of at least {self.target_recall:g}"
        return f"false-positive rate of at most {self.max_fpr:g}"

    def choose(self, scores: Array, truth: Truth) -> float | None:
        if self.target_recall is not None:
            return for_recall(scores, truth, self.target_recall)
        assert self.max_fpr is not None
        return for_budget(scores, truth, self.max_fpr)


@dataclass(frozen=True, slots=True)
class Choice:
    """One category: its threshold with the evidence, or ``why`` it has none. ``note``: what else to know."""

    category: str
    threshold: float | None
    positives: int
    negatives: int
    counts: Confusion | None = None
    why: str = ""
    note: str = ""

    @property
    def rows(self) -> int:
        return self.positives + self.negatives


def for_recall(scores: Array, truth: Truth, target: float) -> float | None:
    """The highest threshold that finds at least this share of the positives: the score of one of them.

    None where that score is 0, at which everything is flagged. Rounded down to six digits, so none is lost.
    """
    positives = np.sort(scores[truth == 1])[::-1]
    if not len(positives):
        return None
    needed = max(1, math.ceil(target * len(positives) - 1e-9))
    limit = _down(float(positives[needed - 1]))
    return limit if limit > 0 else None


def for_budget(scores: Array, truth: Truth, share: float) -> float | None:
    """The lowest score seen at which at most this share of the negatives is flagged, to six digits.

    Where no score lies above the negatives that must not be flagged, just above them. None where that is over 1.
    """
    negatives = np.sort(scores[truth == 0])[::-1]
    allowed = math.floor(share * len(negatives) + 1e-9)
    if allowed >= len(negatives):
        return None
    beyond = float(negatives[allowed])  # this one must not be flagged any more
    above = scores[(truth >= 0) & (scores > beyond)]
    lowest = float(above.min()) if len(above) else beyond + 10**-_DIGITS
    limit = _down(lowest) if _down(lowest) > beyond else _up(lowest)
    return limit if limit <= 1 else None


def _down(score: float) -> float:
    rounded = round(score, _DIGITS)
    return rounded if rounded <= score else round(rounded - 10**-_DIGITS, _DIGITS)


def _up(score: float) -> float:
    rounded = round(score, _DIGITS)
    return rounded if rounded >= score else round(rounded + 10**-_DIGITS, _DIGITS)


def tune(data: Data, scored: Scored, goal: Goal, categories: Collection[str], least: int = LEAST) -> list[Choice]:
    """A choice for each of ``categories``, in order of name, with the evidence on these rows.

    A rule for a parent holds for its children too, so a child cannot have a higher threshold than its parent:
    for a budget the parent is raised, for a recall the child is lowered, and either way the goal is kept. A child
    whose parent has no threshold is left alone for a budget: the parent's rule would break it.
    """
    kept = {name: _known(data, scored, name) for name in sorted(categories) if name in scored.scores}
    choices = {name: _chosen(name, *kept[name], goal, least) for name in kept}
    for name in kept:
        if (above := _parent(name)) in choices:
            _reconcile(choices, name, above, goal)
    return [_evidence(choice, *kept[name]) for name, choice in choices.items()]


def _known(data: Data, scored: Scored, name: str) -> tuple[Array, Truth]:
    truth = data.truth(name)
    known = scored.judged & (truth >= 0) & ~np.isnan(scored.scores[name])
    return scored.scores[name][known], truth[known]


def _parent(name: str) -> str:
    line = [above for above in parents(name)[1:] if above != HARM]
    return line[0] if line else ""


def _chosen(name: str, scores: Array, truth: Truth, goal: Goal, least: int) -> Choice:
    positives, negatives = int((truth == 1).sum()), int((truth == 0).sum())
    if min(positives, negatives) < least:
        return Choice(name, None, positives, negatives, why=f"fewer than {least} rows of one kind")
    limit = goal.choose(scores, truth)
    why = "" if limit is not None else f"no threshold gives a {goal}"
    return Choice(name, limit, positives, negatives, why=why)


def _reconcile(choices: dict[str, Choice], name: str, above: str, goal: Goal) -> None:
    child, parent = choices[name], choices[above]
    if child.threshold is None:
        return
    if parent.threshold is None:
        if goal.max_fpr is not None:
            choices[name] = replace(child, threshold=None, why=f"{above} has no threshold, and its rule holds here too")
    elif child.threshold > parent.threshold:
        if goal.max_fpr is not None:
            note = f"raised from {parent.threshold:g} for {name}, of which a rule for {above} holds too"
            choices[above] = replace(parent, threshold=child.threshold, note=note)
        else:
            note = f"lowered from {child.threshold:g}, for the rule for {above} holds here too"
            choices[name] = replace(child, threshold=parent.threshold, note=note)


def _evidence(choice: Choice, scores: Array, truth: Truth) -> Choice:
    if choice.threshold is None:
        return choice
    return replace(choice, counts=confusion(scores >= choice.threshold, truth))


def merged(scored: Mapping[str, Scored], heard: Mapping[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]) -> Scored:
    """Several checks as one: by row and category the highest score of those that are heard there.

    ``heard``: by check, which rows it reads (a check may read requests only). A row that one of them could not
    judge is not judged.
    """
    first = next(iter(scored.values()))
    scores: dict[str, Array] = {}
    judged = np.zeros(len(first.judged), dtype=np.bool_)
    for name, of in scored.items():
        judged |= heard[name]
        for category, values in of.scores.items():
            own = np.where(heard[name], values, np.nan)
            scores[category] = np.fmax(scores[category], own) if category in scores else own
    for name, of in scored.items():
        judged &= of.judged | ~heard[name]
    return replace(first, scores=scores, judged=judged, flagged={}, thresholds={})
