"""HTTP clients of httpx and httpx2, copied with a guard on every transport.

Knows how the two libraries' clients hold their transports; nothing of SDKs, of rules or of what is sent.
"""

from __future__ import annotations

import copy
import importlib
from types import ModuleType
from typing import Any

from ..core import Guard
from ..errors import CannotGuard
from .transport import Lease, User, transports

_LIBRARIES = ("httpx2", "httpx")
_WAY = ("send", "_send_handling_auth", "_send_handling_redirects", "_send_single_request", "_transport_for_url")
"""The methods between a call and its transport. Who replaces one may go past the transports."""


def library(client: object) -> ModuleType | None:
    """The HTTP library this object is a client of; None for anything else."""
    roots = {base.__module__.partition(".")[0] for base in type(client).__mro__}
    for name in _LIBRARIES:
        if name in roots:
            http = importlib.import_module(name)
            if isinstance(client, (http.Client, http.AsyncClient)):
                return http
    return None


def is_guarded(client: Any) -> bool:
    """Does each way from this HTTP client to the network lead through a guard?"""
    http = library(client)
    if http is None or _detour(client) is not None:
        return False
    mounts = getattr(client, "_mounts", {}).values()
    kinds = transports(http)
    return isinstance(getattr(client, "_transport", None), kinds) and all(
        mount is None or isinstance(mount, kinds) for mount in mounts
    )


class Wrapping:
    """Puts one guard on HTTP clients: ``wrapping(client)`` gives a guarded copy that shares its connections."""

    def __init__(self, guard: Guard, user: User | None, owner: object) -> None:
        self._guard, self._user, self._owner = guard, user, owner

    def __call__(self, client: Any, *, keep: object = None, maker: str | None = None) -> Any:
        """A guarded copy. The transports stay the original's.

        ``keep`` is held as long as the copy lives, for owners that close their clients when they are
        collected. ``maker`` names the attribute by which the client makes further clients (one for
        each event loop); those are guarded as they are made. Raises CannotGuard.
        """
        http = library(client)
        if http is None:
            raise CannotGuard(f"{kind(client)} is no client of httpx or httpx2; point it at the gateway")
        factory = None if maker is None else getattr(client, maker, None)
        if factory is None and (name := _detour(client)) is not None:
            raise CannotGuard(
                f"{kind(client)} has a {name}() of its own, which may go past a guard on its transports; "
                "guard a plain client of httpx or httpx2 and hand that one to it, or use the gateway"
            )
        clone = copy.copy(client)
        self._put(http, clone, Lease(self._owner, keep))
        clone._headers, clone._cookies = client._headers.copy(), http.Cookies(client._cookies)
        clone._event_hooks = {name: list(hooks) for name, hooks in client._event_hooks.items()}
        if maker is not None and factory is not None:
            vars(clone)[maker] = _Maker(factory, self)
        return clone

    def own(self, client: Any) -> Any:
        """Guards a client that nobody else has: it is changed itself, and closes its transports."""
        http = library(client)
        assert http is not None
        self._put(http, client, None)
        return client

    def _put(self, http: ModuleType, client: Any, lease: Lease | None) -> None:
        transport = transports(http)[isinstance(client, http.AsyncClient)]

        def wrap(inner: Any) -> Any:
            return transport(inner, policy=self._guard, user=self._user, lease=lease)

        try:
            mounts = {pattern: None if inner is None else wrap(inner) for pattern, inner in client._mounts.items()}
            client._transport, client._mounts = wrap(client._transport), mounts
        except AttributeError as error:
            raise CannotGuard(
                f"this version of {http.__name__} keeps its transports elsewhere ({error}); "
                "use guardrail.transports(...)"
            ) from None


class _Maker:
    """Makes HTTP clients in place of the class it was given, each of them guarded."""

    def __init__(self, factory: Any, wrapping: Wrapping) -> None:
        self._factory, self._wrapping = factory, wrapping

    def __call__(self, **arguments: Any) -> Any:
        return self._wrapping.own(self._factory(**arguments))


def _detour(client: Any) -> str | None:
    """The first step between a call and its transport that is not the library's own."""
    if any(isinstance(value, _Maker) for value in vars(client).values()):
        return None
    for name in _WAY:
        if name in vars(client):
            return name
        owner = next((base for base in type(client).__mro__ if name in vars(base)), None)
        if owner is not None and owner.__module__.partition(".")[0] not in _LIBRARIES:
            return name
    return None


def kind(value: object) -> str:
    """What a message calls this object: never its repr, which may hold a key."""
    return f"{type(value).__module__}.{type(value).__qualname__}"
