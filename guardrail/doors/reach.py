"""What a client can reach: the search for a connection that no guard stands on.

Knows Python objects and which of them speak to a network; nothing of how one SDK is built.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import Any

from ..errors import CannotGuard
from .transport import Lease
from .wrapping import is_guarded, kind, library

_MOST = 50_000
"""Objects looked at before the search gives up, which is an error; SDK clients have a few hundred."""

_SESSIONS = {
    "aiohttp": "ClientSession",
    "requests": "Session",
    "urllib3": "PoolManager",
    "botocore": "BaseClient",
    "websockets": "Connection",
    "httpcore": "ConnectionPool",
    "httpcore2": "ConnectionPool",
    "grpc": "Channel",
}
"""By package: what the names of its classes that hold connections end with."""


def stray(client: object, packages: Iterable[str], aside: Iterable[str] = ()) -> object | None:
    """The first HTTP client or session within reach of ``client`` that is not guarded, or None.

    Objects, functions and bound methods of ``packages`` are looked into, plain containers too;
    objects of anyone else are only looked at: what a caller's own callback holds (a token
    provider's session, say) never carries what the SDK sends. ``aside``: attributes left out.
    Raises CannotGuard where there is more to search than there should be.
    """
    roots, skipped = tuple(packages), frozenset(aside)
    seen: dict[int, object] = {}
    waiting: deque[object] = deque([client])
    while waiting:
        found = waiting.popleft()
        if id(found) in seen or found is None or isinstance(found, (str, bytes, int, float, type, Lease)):
            continue
        seen[id(found)] = found  # kept, so that no other object gets this id
        if len(seen) > _MOST:
            raise CannotGuard(f"{kind(client)} reaches too many objects to be sure that all it sends is guarded")
        if library(found) is not None:
            if not is_guarded(found):
                return found
            waiting.extend(value for name, value in _fields(found) if name not in ("_transport", "_mounts"))
        elif _is_session(found):
            return found
        else:
            waiting.extend(_parts(found, roots, skipped))
    return None


def belongs(value: object, packages: tuple[str, ...]) -> bool:
    """Is the value's class, or one it is made from, of one of these packages?"""
    return any(_within(base.__module__, packages) for base in type(value).__mro__)


def _within(module: str | None, packages: tuple[str, ...]) -> bool:
    return module is not None and any(module == name or module.startswith(name + ".") for name in packages)


def _is_session(value: object) -> bool:
    for base in type(value).__mro__:
        ending = _SESSIONS.get(base.__module__.partition(".")[0])
        if ending is not None and base.__name__.endswith(ending):
            return True
    return False


def _parts(value: object, packages: tuple[str, ...], aside: frozenset[str]) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.keys()
        yield from value.values()
    elif isinstance(value, (list, tuple, set, frozenset, deque)):
        yield from value
    elif isinstance(value, MethodType):
        yield value.__self__
        yield value.__func__
    elif isinstance(value, partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, FunctionType):
        if _within(value.__module__, packages):
            yield from (cell.cell_contents for cell in value.__closure__ or () if _filled(cell))
            yield from (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values())
    elif belongs(value, packages):
        yield from (field for name, field in _fields(value) if name not in aside)


def _fields(value: object) -> Iterator[tuple[str, Any]]:
    """Attributes as they are stored. Nothing is computed, so nothing is loaded or opened by looking."""
    yield from getattr(value, "__dict__", {}).items()
    for base in type(value).__mro__:
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__"):
                try:
                    yield name, object.__getattribute__(value, name)
                except AttributeError:
                    continue


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
