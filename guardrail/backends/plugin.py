"""Backends that others wrote: by dotted path, or by the name of an entry point. Read only when a policy names one.

Knows how to find what makes a backend, and what every backend must have. Must never load what no policy names.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from ..checks.protocol import Backend
from .checked import Checked

GROUP = "guardrail.backends"
"""The group of entry points that packages register their backends in."""

_TYPES: Mapping[str, type] = {
    "name": str,
    "categories": frozenset,
    "longest": int,
    "stride": int,
    "inline": int,
    "remote": bool,
}


def plugin(path: str, options: Mapping[str, Any]) -> Backend:
    """What ``path`` makes of the options, its answers checked. Raises ValueError where it is not there, fails, or is no
    backend.
    """
    make = _found(path)
    try:
        made = make(**options)
    except Exception as error:  # noqa: BLE001 - other people's code, which may fail in any way
        failure = f"`{path}` failed as it was made: {type(error).__name__}: {_without(str(error), options)}"
    else:
        return Checked(checked(made, path))
    raise ValueError(failure)


def _without(message: str, options: Mapping[str, Any]) -> str:
    """The message without any option's value, which may be a key."""
    for value in options.values():
        if isinstance(value, str) and len(value) > 3:
            message = message.replace(value, "[...]")
    return message


def checked(made: Any, path: str) -> Backend:
    """The same, once it has what every backend must have. Raises ValueError."""
    for name, kind in _TYPES.items():
        if not isinstance(getattr(made, name, None), kind):
            what = f"what `{path}` makes is no backend: it has no `{name}` of type {kind.__name__}"
            raise ValueError(what)  # noqa: TRY004 - the policy is wrong, not the program
    if not hasattr(made, "points") or not callable(getattr(made, "moderate", None)):
        raise ValueError(f"what `{path}` makes is no backend: it lacks `points` or `moderate`")
    if made.points is not None and not {"lenient", "balanced", "strict"} <= set(made.points):
        raise ValueError(f"what `{path}` makes is no backend: `points` lacks lenient, balanced or strict")
    if not made.categories or made.longest < 1 or made.stride < 1:
        raise ValueError(f"what `{path}` makes is no backend: no categories, or a length that is not positive")
    backend: Backend = made
    return backend


def _found(path: str) -> Any:
    module, colon, name = path.partition(":")
    if colon:
        try:
            return getattr(import_module(module), name)
        except AttributeError:
            raise ValueError(f"`{module}` has no `{name}`") from None
        except Exception as error:  # noqa: BLE001 - other people's code, which may fail in any way
            raise ValueError(f"`{module}` cannot be imported: {type(error).__name__}: {error}") from None
    known = entry_points(group=GROUP)
    for point in known:
        if point.name == path:
            try:
                return point.load()
            except Exception as error:  # noqa: BLE001 - other people's code, which may fail in any way
                raise ValueError(
                    f"the entry point `{path}` cannot be loaded: {type(error).__name__}: {error}"
                ) from None
    names = ", ".join(sorted(point.name for point in known)) or "none"
    raise ValueError(f"no package has an entry point `{path}` in {GROUP} (there are: {names}); or write module:name")
