"""The client door: a new SDK client like the one given, with a guard on every transport it has.

Knows how SDKs hold their HTTP client; nothing of what they send.
"""

from __future__ import annotations

import copy
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from ..core import Guard, as_guard
from ..errors import CannotGuard
from .transport import Lease, User, transports

C = TypeVar("C")
_LIBRARIES = ("httpx2", "httpx")


def guard(client: C, *, policy: str | Path | Guard = "default", user: User | None = None, log: str | None = None) -> C:
    """A new client of the same type whose calls are guarded; the one given is left untouched.

    Takes an httpx or httpx2 client, or an SDK client that holds one and can be copied with another
    (openai, anthropic). Every mounted transport is wrapped, so calls by a proxy are guarded too.
    The connections stay the original's: closing the new client leaves them open, unless nobody
    holds the original any more. ``user``: an id of yours, or a function that gives one;
    ``with as_user("id"):`` wins over it.

    Raises CannotGuard at once for a client without such a seam; PolicyError for the policy.
    """
    http = _library(client)
    if http is not None:
        holder = client if hasattr(type(client), "__del__") else None
        clone: C = _with_guard(http, client, as_guard(policy, log), user, Lease(client, holder))
        return clone
    inner = next(
        (found for name in ("_client", "http_client") if (found := getattr(client, name, None)) is not None), None
    )
    http = _library(inner)
    if http is None or not callable(getattr(client, "copy", None)):
        kind = f"{type(client).__module__}.{type(client).__qualname__}"
        raise CannotGuard(
            f"guard() cannot guard a {kind}: it holds no httpx or httpx2 client that can be exchanged. "
            "Give it a transport from guardrail.transports(...), or point it at the gateway."
        )
    wrapped = _with_guard(http, inner, as_guard(policy, log), user, Lease(client, inner))
    made: C = client.copy(http_client=wrapped)  # type: ignore[attr-defined]
    if not any(found is wrapped for found in vars(made).values()):
        raise CannotGuard(
            f"{type(client).__qualname__}.copy() did not take the guarded HTTP client; use guardrail.transports(...)"
        )
    return made


def _library(client: object) -> ModuleType | None:
    """The HTTP library this object is a client of."""
    roots = {base.__module__.partition(".")[0] for base in type(client).__mro__}
    for name in _LIBRARIES:
        if name in roots:
            http = importlib.import_module(name)
            if isinstance(client, (http.Client, http.AsyncClient)):
                return http
    return None


def _with_guard(http: ModuleType, client: Any, guard_: Guard, user: User | None, lease: Lease) -> Any:
    """A copy of an HTTP client with every transport wrapped. The transports stay the original's."""
    kind = transports(http)[isinstance(client, http.AsyncClient)]

    def wrap(inner: Any) -> Any:
        return kind(inner, policy=guard_, user=user, lease=lease)

    clone = copy.copy(client)
    try:
        clone._transport = wrap(client._transport)
        clone._mounts = {pattern: None if inner is None else wrap(inner) for pattern, inner in client._mounts.items()}
        clone._headers, clone._cookies = client._headers.copy(), http.Cookies(client._cookies)
        clone._event_hooks = {name: list(hooks) for name, hooks in client._event_hooks.items()}
    except AttributeError as error:
        raise CannotGuard(
            f"this version of {http.__name__} keeps its transports elsewhere ({error}); use guardrail.transports(...)"
        ) from None
    return clone
