"""Ways out of an SDK that no HTTP transport sees, replaced by an error.

Knows attributes and names; nothing of one SDK, of HTTP or of rules.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, NoReturn

from ..errors import CannotGuard


class Sealed:
    """Stands where a method or resource was that opens connections of its own. Any use raises CannotGuard."""

    def __init__(self, name: str) -> None:
        self._sealed = name

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise CannotGuard(
            f"{self._sealed} opens a connection of its own (a WebSocket, or a client of its own) that this guarded "
            "client cannot read. Use the API's HTTP routes, or knowingly the client that was given to guard()"
        )

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self()


class _Later:
    """A resource that is made, and sealed, when it is first used: SDKs load these parts late, and they are large."""

    def __init__(self, holder: Any, name: str, make: Callable[[], Any], paths: list[str], label: str) -> None:
        self._args = holder, name, make, paths, label

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        holder, name, make, paths, label = self._args
        made = vars(holder)[name]
        if made is self:
            made = make()
            seal(made, paths, label)
            vars(holder)[name] = made  # only now: nobody may see it unsealed
        return getattr(made, attribute)


def seal(holder: Any, paths: Iterable[str], label: str) -> None:
    """Replace what stands at each dotted path below ``holder`` by an error on use.

    A path whose first steps this version of the SDK does not have is passed over. Raises
    CannotGuard where a step is there, but cannot be replaced on this one object.
    """
    below: dict[str, list[str]] = {}
    for path in paths:
        name, _, rest = path.partition(".")
        below.setdefault(name, []).append(rest)
    for name, rests in below.items():
        here = f"{label}.{name}"
        if "" in rests:
            vars(holder)[name] = Sealed(here)
        elif (make := _maker(holder, name)) is not None and not _made(holder, name):
            vars(holder)[name] = _Later(holder, name, make, rests, here)
        elif name in vars(holder):
            seal(vars(holder)[name], rests, here)
        elif inspect.getattr_static(holder, name, None) is not None:
            raise CannotGuard(f"this version of the SDK builds {here} in a way that cannot be sealed")


def _made(holder: Any, name: str) -> bool:
    return not isinstance(vars(holder).get(name), (type(None), _Later))


def _maker(holder: Any, name: str) -> Callable[[], Any] | None:
    """How this object makes the resource of that name late, if it does."""
    static = inspect.getattr_static(type(holder), name, None)
    if isinstance(static, cached_property):
        make = static.func
        return lambda: make(holder)
    module, kind = getattr(type(holder), "_sub_sdk_map", {}).get(name, (None, None))
    if module is None:
        return None
    return lambda: getattr(importlib.import_module(module), kind)(holder.sdk_configuration, parent_ref=holder)
