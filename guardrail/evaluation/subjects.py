"""What can be measured: a backend at an operating point, or a whole policy through the plain call.

Knows how each is asked. Must never know labels: what a subject says of a text cannot depend on the truth.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import pydantic

from ..backends.windows import windows
from ..categories import OPENAI_MODERATION
from ..checks.protocol import Backend, Scores
from ..core import Guard
from ..errors import BadRequest, GuardrailError, NotEvaluated
from ..flow import run
from ..policy import spec
from ..policy.backends import backend_of as made
from ..policy.backends import backends_of
from ..policy.load import load
from ..policy.taxonomy import GROUPS
from ..verdict import Action, Decision, Outcome
from ..worlds import SyncWorld
from .rows import ANY, Direction

POINT = "balanced"

PATIENCE = "30s"
"""For one answer of a service that is only measured: nobody waits for it, and a row given up says nothing."""

_SHORT: Mapping[str, Mapping[str, str]] = {"local": {}, "openai": {"api_key": "OPENAI_API_KEY"}}
"""Backends that need no more than a name and, from the environment, these."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a subject says of one text.

    ``scores``: by category, in [0, 1]; what it did not look at is absent. ``flagged``: the categories it
    flags, and ``any`` where the text as a whole is. ``unjudged``: why it could not say, a short word.
    """

    scores: Mapping[str, float]
    flagged: frozenset[str] = frozenset()
    unjudged: str | None = None


class Subject(Protocol):
    """Something that judges texts, to be measured. ``ask`` may be called from several threads.

    ``categories``: those it can find. ``ranks``: it gives a score for every text, not only for what it flags.
    ``thresholds``: by category, the score from which it flags, where that is one number.
    """

    name: str
    categories: frozenset[str]
    ranks: bool
    thresholds: Mapping[str, float]
    remote: bool

    def ask(self, text: str, direction: Direction) -> Said:
        """Never raises for what only this text brings about."""
        ...

    def close(self) -> None: ...


class BackendSubject:
    """A backend at one of its operating points. Texts longer than it takes are cut as a check would cut them.

    ``thresholds`` stand over the point's. Raises GuardrailError where the point or a category is not there.
    """

    ranks = True

    def __init__(
        self, backend: Backend, *, point: str = POINT, thresholds: Mapping[str, float] | None = None, name: str = ""
    ) -> None:
        own = thresholds or {}
        if backend.points is None and point != POINT:
            raise GuardrailError(f"{backend.name} has no operating point but its own decision, which is {POINT}")
        if backend.points is not None and point not in backend.points:
            raise GuardrailError(f"{backend.name} has no point {point}. It has: {', '.join(sorted(backend.points))}.")
        if unknown := sorted(set(own) - backend.categories):
            raise GuardrailError(f"{backend.name} does not judge {', '.join(unknown)}, so no threshold can be set")
        self.name = name or backend.name
        self.categories = backend.categories
        self.thresholds: Mapping[str, float] = {**(backend.points[point] if backend.points is not None else {}), **own}
        self.remote = backend.remote
        self._backend = backend
        self._world = SyncWorld(lambda _: Future())
        _ready(self)

    def ask(self, text: str, direction: Direction = "input") -> Said:
        """The same for both directions: a backend does not know whose text it reads."""
        pieces = [text[a:b] for a, b in windows(text, self._backend.longest) if not text[a:b].isspace()]
        if not pieces:
            return Said(dict.fromkeys(self.categories, 0.0))
        try:
            answers = run(self._backend.moderate(pieces), self._world.perform)
        except NotEvaluated as error:
            return Said({}, unjudged=error.reason)
        scores: dict[str, float] = {}
        unseen = frozenset[str]().union(*(answer.unseen for answer in answers))
        for answer in answers:
            for name, score in answer.scores.items():
                if name not in unseen:  # of a text that was looked at in part nobody knows its score
                    scores[name] = max(score, scores.get(name, 0.0))
        return Said(scores, self._flagged(scores, answers))

    def _flagged(self, scores: Mapping[str, float], answers: Sequence[Scores]) -> frozenset[str]:
        own = {name for answer in answers for name, flag in (answer.flags or {}).items() if flag}
        flagged = {name for name in own if name not in self.thresholds}
        flagged |= {name for name, limit in self.thresholds.items() if scores.get(name, -1.0) >= limit}
        return frozenset({*flagged, ANY} if flagged.intersection((*OPENAI_MODERATION, "harm")) else flagged)

    def close(self) -> None:
        self._world.close()


class PolicySubject:
    """A policy as callers meet it: what its rules care for is flagged, and ``any`` is a refusal.

    A score is known only of what was found, so there is no ranking. Nothing is written to a log.
    Raises PolicyError.
    """

    ranks = False
    thresholds: Mapping[str, float] = {}

    def __init__(self, policy: str | Path) -> None:
        self._guard = Guard.from_policy(policy, log="none")
        plan = self._guard.plan
        self.name = f"policy {plan.name}"
        models = (*plan.input.moderators, *plan.output.moderators)
        names = {name for model in models for name in model.categories}
        names |= {name for scanner in (*plan.input.scanners, *plan.output.scanners) for name in scanner.categories}
        self.categories = _with_groups(names)
        self.remote = any(model.remote for model in models)
        _ready(self)

    def ask(self, text: str, direction: Direction = "input") -> Said:
        try:
            decision = self._guard.check(text, direction=direction)
        except BadRequest as error:
            return Said({}, unjudged=error.code)
        if decision.outcome is Outcome.NOT_EVALUATED:
            return Said({}, unjudged=decision.not_evaluated[0].reason)
        found = _with_groups(finding.category for finding in decision.findings)
        return Said({}, found | {ANY} if refused(decision) else found)

    def close(self) -> None:
        self._guard.close()


def _ready(subject: Subject) -> None:
    """What the first question would load while its time runs is loaded before."""
    if subject.remote:
        import_module("httpx")


def _with_groups(names: Iterable[str]) -> frozenset[str]:
    """Names, and ``personal`` for ``personal/email``: what is found exactly is labelled by its group as often."""
    return frozenset(
        found for name in names for found in (name, name.partition("/")[0]) if found in GROUPS or found == name
    )


def refused(decision: Decision) -> bool:
    """Whether a decision keeps the text back, or would where the policy only observes."""
    action = decision.action if decision.would is None else decision.would
    return action >= Action.REVIEW


def named(name: str, environment: Mapping[str, str] = os.environ) -> Backend:
    """The backend of this name with nothing said but what the environment holds. Raises GuardrailError."""
    if name not in _SHORT:
        ours = f"Those that need no more than a name: {', '.join(_SHORT)}."
        raise GuardrailError(f"no such backend. {ours} For another, name a check of a policy: --policy P --check NAME.")
    fields: dict[str, object] = {"use": name}
    for field, variable in _SHORT[name].items():
        if not environment.get(variable):
            raise GuardrailError(f"the backend {name} needs {variable} in the environment")
        fields[field] = environment[variable]
    if name == "openai":
        fields["timeout"] = PATIENCE
    if name == "openai" and (base := environment.get("OPENAI_BASE_URL")):
        fields["url"] = f"{base.rstrip('/')}/moderations"
    try:
        check = spec.CHECKS[name].model_validate(fields)
    except pydantic.ValidationError:
        check = None
    if check is None:
        raise GuardrailError(f"what the environment says about the backend {name} cannot be used: see OPENAI_BASE_URL")
    return _made(check, name)


def check_of(policy: str | Path, name: str) -> Backend:
    """The backend behind a check of a policy. Raises PolicyError, and GuardrailError where it has none."""
    loaded = load(policy).spec
    checks = loaded.checks
    if name not in checks:
        raise GuardrailError(f"this policy has no check of that name. It has: {', '.join(sorted(checks))}.")
    found = backends_of(loaded, _failed)
    if name not in found:
        raise GuardrailError(f"{name} computes and gives no scores, so there is nothing to rank: leave --check out")
    return found[name]


def models_of(policy: str | Path) -> dict[str, Backend]:
    """By the check's name, the backends of a policy that give scores. Raises PolicyError, GuardrailError."""
    return backends_of(load(policy).spec, _failed)


def _failed(name: str, error: Exception) -> None:
    raise GuardrailError(f"the backend {name} cannot be made: {error}")


def _made(check: Any, name: str) -> Backend:
    backend = _tried(check, name)
    if backend is None:
        raise GuardrailError(f"{name} computes and gives no scores, so there is nothing to rank: leave --check out")
    return backend


def _tried(check: Any, name: str) -> Backend | None:
    try:
        return made(check)
    except (ImportError, OSError, ValueError) as error:
        raise GuardrailError(f"the backend {name} cannot be made: {error}") from None
