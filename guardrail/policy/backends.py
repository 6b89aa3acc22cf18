"""From what a policy says of a check to the backend it asks. Nothing is asked here.

Knows the words after ``use:`` and where their dialects are; each is loaded when a policy names it. Must never know
what a rule does with a score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from ..backends.catalogue import DIALECTS
from ..backends.combined import Combined, Member
from ..backends.dialect import UNNAMED, Dialect
from ..backends.line import Line
from ..backends.memory import Memory
from ..backends.only import Only
from ..backends.openai_inline import OpenAIInline
from ..backends.remote import Remote
from ..checks.protocol import Backend
from . import combinations, spec
from .anycheck import ModelCheck
from .combination import CombinedCheck, PythonCheck
from .lines import Lines
from .lines import made as new_line
from .services import OpenAIInlineCheck, PresidioLocalCheck, ServiceCheck, options
from .taxonomy import categories_of

_SPELLED = {"fms": {"means": "categories"}}
"""Options whose key in a policy is not the dialect's own, which a check has already."""


def backends_of(
    policy: spec.Policy,
    failed: Callable[[str, Exception], None],
    *,
    about: tuple[str, ...] = (),
    lines: Lines | None = None,
) -> dict[str, Backend]:
    """By the name of a check its backend: first those that stand alone, then those that put others together.

    ``failed`` is told which check cannot be made, and why. ``about``: see ``backend_of``. ``lines``: those to the
    services; new ones where not said.
    """
    checks, lines = policy.checks, lines or Lines()
    found: dict[str, Backend] = {}

    def put(name: str, make: Callable[[], Backend | None]) -> None:
        try:
            made = make()
        except (OSError, ValueError, ImportError) as error:
            failed(name, error)
            found.pop(name, None)
        else:
            if made is not None:
                found[name] = made

    for name, check in checks.items():
        line = lines.of(name, check) if isinstance(check, ServiceCheck) else None
        put(name, partial(backend_of, check, about=about, line=line))
    for name in combinations.in_order(policy):
        own = checks[name]
        assert isinstance(own, CombinedCheck)
        if all(member in found or not isinstance(checks.get(member), ModelCheck | None) for member in own.of):
            put(name, partial(combined_of, own, checks, found))
    for name, check in checks.items():
        if name in found and isinstance(check, ModelCheck):
            put(name, partial(heard, found[name], check))
    return found


def backend_of(check: Any, *, about: tuple[str, ...] = (), line: Line | None = None) -> Backend | None:
    """The backend of a check by itself; None where it asks none, or others (see ``backends_of``).

    ``about``: what answers depend on besides the text, such as the policy's hash. ``line``: that to a service; a new
    one where not said. Raises ValueError or OSError for what cannot be made, with what to do.
    """
    if isinstance(check, ServiceCheck):
        return _service(check, about, line or new_line(check))
    if isinstance(check, spec.LocalCheck):
        from ..local.backend import LocalBackend

        try:
            return LocalBackend(check.tier)
        except ImportError as error:
            raise ValueError(str(error)) from None
    if isinstance(check, OpenAIInlineCheck):
        return OpenAIInline(check.model)
    if isinstance(check, PresidioLocalCheck):
        from ..backends.presidio_local import PresidioLocal

        own: dict[str, Any] = {"language": check.language, "entities": check.entities, "config": check.config}
        ignore = frozenset(check.ignore)
        return PresidioLocal(**{name: value for name, value in own.items() if value is not None}, ignore=ignore)
    if isinstance(check, PythonCheck):
        from ..backends.plugin import plugin

        return plugin(check.backend, dict(check.options))
    return None


def combined_of(check: CombinedCheck, checks: Mapping[str, Any], backends: Mapping[str, Backend]) -> Backend:
    """The backend of a check that puts others together; ``backends`` are those of its members.

    Raises ValueError for a member that asks no model.
    """
    members = []
    for member in check.of:
        own = checks[member]
        if not isinstance(own, ModelCheck):
            what = f"`of` names {member}, which asks no model: list it under input or output"
            raise ValueError(what)  # noqa: TRY004 - the policy is wrong, not the program
        if isinstance(own, OpenAIInlineCheck):
            what = f"`of` names {member}, whose scores come with the model's answer: list it under input or output"
            raise ValueError(what)  # noqa: TRY004 - the policy is wrong, not the program
        members.append(Member(member, heard(backends[member], own), check.weights.get(member, 1.0)))
    band = None if check.unsure is None else (check.unsure.low, check.unsure.high)
    return Combined(check.use, members, between=band)


def heard(backend: Backend, check: ModelCheck) -> Backend:
    """The backend, listened to only about what the check wants. Raises ValueError where that is nothing it judges."""
    if check.categories is None:
        return backend
    # A text that is flagged as a whole, with no category named, is some harm.
    wanted = categories_of(check.categories, backend.categories | {UNNAMED})
    if not wanted & backend.categories:
        raise ValueError(f"`categories` has nothing that {backend.name} judges; it judges {told(backend)}")
    if isinstance(backend, OpenAIInline):
        return backend.only(frozenset(wanted))
    return Only(backend, frozenset(wanted))


def told(backend: Backend) -> str:
    """What a backend judges, for a message."""
    return ", ".join(sorted(backend.categories))


def _service(check: ServiceCheck, about: tuple[str, ...], line: Line) -> Backend:
    word = str(getattr(check, "use"))  # noqa: B009 - each class of service has it, as a literal of its own
    module, _, name = DIALECTS[word].partition(":")
    found = {_SPELLED.get(word, {}).get(key, key): value for key, value in options(check).items()}
    make = getattr(import_module(f"guardrail.backends.{module}"), name)
    dialect: Dialect = make(**{key: value for key, value in found.items() if value is not None})
    memory = Memory((word, dialect.model, *about), seconds=check.cache or 0.0)
    remote = Remote(
        dialect, timeout=check.timeout, attempts=check.attempts, hedge=check.hedge, line=line, memory=memory
    )
    return remote.on("input")
