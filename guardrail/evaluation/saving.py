"""A tuned policy kept: only if it loads, and only if it then decides as was meant.

Knows how a policy is asked about a finding. Must never know how its text was made.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import GuardrailError
from ..policy.compile import load_plan
from ..policy.plan import Plan
from ..verdict import Action, Finding
from .tuning import Choice

_BELOW = 1e-6


def save(text: str, path: Path, choices: Sequence[Choice], action: str = "refuse") -> None:
    """Put the policy where it shall be, whole or not at all.

    Raises PolicyError where it cannot be loaded there, GuardrailError where another rule stands over a threshold,
    or where it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".yaml", dir=path.parent)
    except OSError as error:
        raise GuardrailError(f"{path.parent} cannot be written to: {error.strerror}") from None
    made = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        verify(load_plan(made), choices, action)
        made.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def verify(plan: Plan, choices: Sequence[Choice], action: str = "refuse") -> None:
    """Each chosen category is acted on from its threshold on, and not below it. Raises GuardrailError."""
    wanted = Action[action.upper()]
    wrong = set()
    for lane in (plan.input, plan.output):
        for moderator in lane.moderators:
            for choice in choices:
                limit = choice.threshold
                if limit is None or choice.category not in moderator.categories:
                    continue

                def at(score: float, name: str = choice.category, check: str = moderator.name) -> Action:
                    return lane.rules.decide(Finding(name, score, 0, 0, check, flagged=False)).action  # noqa: B023

                if at(limit) < wanted or at(limit - _BELOW) >= wanted:
                    wrong.add(choice.category)
    if wrong:
        raise GuardrailError(
            f"nothing was written: another rule of the policy stands over the threshold for {', '.join(sorted(wrong))}"
        )
