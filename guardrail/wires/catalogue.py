"""All wire formats there are, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Iterable

from .openai.chat import Chat
from .operation import Operation
from .router import Router


def operations() -> tuple[Operation, ...]:
    """One of each."""
    return (Chat(),)


def router(own: Iterable[Operation] = ()) -> Router:
    """All of them, and an app's own routes before them."""
    return Router(operations(), own)
