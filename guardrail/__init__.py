"""guardrail: a safety layer between an app and a language model, from one policy file.

    from guardrail import GuardrailMiddleware, Guard, guard, transports, as_user

Importing this package loads none of its heavy parts; each comes when its name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .context import as_user
    from .core import Guard
    from .doors.asgi import GuardrailMiddleware
    from .doors.client import guard
    from .doors.transport import transports
    from .errors import BadRequest, CannotGuard, GuardrailError, LogError, PolicyError, Problem
    from .verdict import Action, Decision, Finding, Outcome

__version__ = "0.1.0"

_HOMES = {
    "Action": "verdict",
    "BadRequest": "errors",
    "CannotGuard": "errors",
    "Decision": "verdict",
    "Finding": "verdict",
    "Guard": "core",
    "GuardrailError": "errors",
    "GuardrailMiddleware": "doors.asgi",
    "LogError": "errors",
    "Outcome": "verdict",
    "PolicyError": "errors",
    "Problem": "errors",
    "as_user": "context",
    "guard": "doors.client",
    "transports": "doors.transport",
}

__all__ = [
    "Action",
    "BadRequest",
    "CannotGuard",
    "Decision",
    "Finding",
    "Guard",
    "GuardrailError",
    "GuardrailMiddleware",
    "LogError",
    "Outcome",
    "PolicyError",
    "Problem",
    "as_user",
    "guard",
    "transports",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
