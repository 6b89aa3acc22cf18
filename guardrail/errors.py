"""Every error this package raises on purpose.

    GuardrailError
    ├── PolicyError       the policy cannot be used; carries every problem found, not the first
    ├── CannotGuard       this object has no seam that a guard could be put on
    ├── LogError          the decision log cannot be opened or written
    ├── BadRequest        bytes without exactly one reading, or over a cap; carries the HTTP status
    ├── NotEvaluated      a check could not run; carries the reason as a short word
    └── UpstreamError     the model's server was not reached, or broke off; carries the HTTP status

Messages say what, where and what to do. They never carry a secret or a user's text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class GuardrailError(Exception):
    """The root of the tree."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a policy: where it stands, what it is, and the remedy."""

    where: str  # "my-app.yaml:12" or "my-app.yaml"
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.remedy}"


class PolicyError(GuardrailError):
    """The policy cannot be used. ``problems`` holds all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"the policy has {count}:", *(f"  {p}" for p in self.problems)]))


class CannotGuard(GuardrailError, TypeError):
    """The object given has no transport that could be wrapped."""


class LogError(GuardrailError):
    """The decision log cannot be opened or written."""


class BadRequest(GuardrailError):
    """The caller sent something that cannot be read in exactly one way.

    ``status`` is 400, 413 or 415; ``code`` is a stable word for machines.
    """

    def __init__(self, message: str, *, code: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class NotEvaluated(GuardrailError):
    """A check could not run. ``reason`` is a short stable word: timeout, status, malformed, ..."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class UpstreamError(GuardrailError):
    """The model's server was not reached (502), was too slow (504), or broke off in the middle."""

    def __init__(self, message: str, *, status: int = 502) -> None:
        super().__init__(message)
        self.status = status
