"""The client door: a new SDK client like the one given, with a guard on every transport it has.

Knows the order of the steps: copy, search, seal. How an SDK is built stands in ``sdks``, how an
HTTP client is in ``wrapping``; nothing here knows what is sent.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from ..core import Guard, as_guard
from ..errors import CannotGuard
from .reach import stray
from .sdks import Family, advice, family
from .seals import seal
from .transport import User
from .wrapping import Wrapping, is_guarded, kind, library

C = TypeVar("C")


def guard(client: C, *, policy: str | Path | Guard = "default", user: User | None = None, log: str | None = None) -> C:
    """A new client of the same type whose calls are guarded; the one given is left untouched.

    Takes an httpx or httpx2 client, or a client of openai, anthropic, google-genai, mistralai,
    cohere or ollama, in both colours, and of any SDK whose ``copy()`` takes an ``http_client``.
    Every mounted transport is wrapped, so calls by a proxy are guarded too. The new client is then
    searched: it is returned only if no HTTP client or session within its reach is unguarded.

    What goes over a WebSocket passes no transport: on the new client ``realtime.connect()``,
    ``responses.connect()``, ``live`` and the like raise CannotGuard when they are used. Clients
    that sign their requests (Bedrock) sign before the guard: a mask in the prompt then makes the
    signature wrong, and the upstream refuses the call.

    The connections stay the original's: closing the new client leaves them open, unless nobody
    holds the original any more. ``user``: an id of yours, or a function that gives one;
    ``with as_user("id"):`` wins over it.

    Raises CannotGuard at once for a client that cannot be guarded; PolicyError for the policy.
    """
    made: C
    if library(client) is not None:
        keep = client if hasattr(type(client), "__del__") else None
        made = Wrapping(as_guard(policy, log), user, client)(client, keep=keep)
        _search(made, ())
        return made
    known = family(client)
    if known is None:
        what = "module" if isinstance(client, (ModuleType, type)) else kind(client)
        raise CannotGuard(f"guard() cannot guard a {what}: {advice(client)}")
    made = known.make(client, Wrapping(as_guard(policy, log), user, client))
    if type(made) is not type(client) or made is client:
        raise CannotGuard(f"{kind(client)} did not give a new client of its own type")
    _search(made, (*known.packages, *_own_packages(client)), known.aside)
    _finish(made, known)
    return made


def _search(made: object, packages: tuple[str, ...], aside: tuple[str, ...] = ()) -> None:
    found = stray(made, packages, aside)
    if found is not None:
        raise CannotGuard(
            f"guard() cannot guard this {kind(made)}: besides its HTTP client it holds a {kind(found)} that no guard "
            "stands on. Take that out or give it a guarded one, or point the client at the gateway"
        )


def _own_packages(client: object) -> set[str]:
    """The packages of the classes this client's class is made from: a caller's subclass may hold more."""
    roots = {base.__module__.partition(".")[0] for base in type(client).__mro__}
    return roots - {"builtins", "abc", "typing", "contextlib", "google"}


def _finish(made: Any, known: Family) -> None:
    """Seal what passes no transport, on this client and on each copy that is made of it."""
    seal(made, known.sockets, type(made).__name__)
    for name in ("copy", "with_options"):
        if "_client" in vars(made) and callable(method := getattr(type(made), name, None)):
            vars(made)[name] = _Copies(made, method, known)


class _Copies:
    """``copy()`` of a guarded client: its copies are guarded too, or it raises CannotGuard."""

    def __init__(self, client: Any, method: Any, known: Family) -> None:
        self._client, self._method, self._known = client, method, known

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        made = self._method(self._client, *args, **kwargs)
        if not is_guarded(made._client):
            raise CannotGuard(
                f"a copy of a guarded {kind(made)} was given an HTTP client without a guard; "
                "guard the HTTP client too, or copy the client that was given to guard()"
            )
        _finish(made, self._known)
        return made
