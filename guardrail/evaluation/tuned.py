"""A policy's models asked as one: which categories can be tuned, and the scores they are tuned on.

Knows policies and their checks. Must never know a threshold.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import GuardrailError
from ..policy.load import load
from ..policy.taxonomy import categories_of
from .rows import Data
from .scoring import Scored, Tick, score
from .subjects import BackendSubject, models_of
from .tuning import merged


def tunable(source: str | Path, action: str) -> tuple[frozenset[str], frozenset[str]]:
    """The categories that the policy's models can find, and those of them that its rules of this action are about.

    Raises PolicyError, and GuardrailError where it has no model.
    """
    models = frozenset(name for backend in models_of(source).values() for name in backend.categories)
    if not models:
        raise GuardrailError("this policy has no check that gives scores, so there is no threshold to choose")
    rules = [rule for rule in load(source).spec.rules if rule.do == action]
    return models, frozenset(name for rule in rules for name in categories_of(rule.when, models))


def scored_by(source: str | Path, data: Data, *, workers: int | None = None, tick: Tick | None = None) -> Scored:
    """The highest score of the policy's models that read a row, by category: a rule holds for all of them.

    Raises GuardrailError.
    """
    policy = load(source).spec
    listed = {"input": policy.input, "output": policy.output}
    scored, heard = {}, {}
    for name, backend in models_of(source).items():
        heard[name] = np.array([name in listed[row.direction] for row in data.rows], dtype=np.bool_)
        if not heard[name].any():
            continue
        subject = BackendSubject(backend, name=f"check {name}")
        try:
            scored[name] = score(data.rows, subject, workers=workers, tick=tick)
        finally:
            subject.close()
    if not scored:
        raise GuardrailError("no check of this policy that gives scores reads texts of these directions")
    return merged(scored, heard)
