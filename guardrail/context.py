"""Who the current call is for, where the application says so: ``with as_user("id"):``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_user: ContextVar[str | None] = ContextVar("guardrail_user", default=None)


@contextmanager
def as_user(user: str) -> Iterator[None]:
    """Every guarded call inside is made for this user: an id of yours, which is hashed before it
    is stored or sent on. It wins over a client's or a door's own ``user``."""
    token = _user.set(user)
    try:
        yield
    finally:
        _user.reset(token)


def current_user() -> str | None:
    return _user.get()
