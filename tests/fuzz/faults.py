"""Faults planted in the product on purpose: a fuzzer that does not find them proves nothing.

Each is a context manager that breaks one thing as a careless change might, and mends it at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from guardrail.core import Guard
from guardrail.exchange import Exchange
from guardrail.http import Request, header
from guardrail.wires.routes import plain
from guardrail.wires.walk import Walker


@contextmanager
def _patched(owner: type, name: str, made: Callable[[Any], Any]) -> Iterator[None]:
    before = owner.__dict__[name]
    setattr(owner, name, made(before))
    try:
        yield
    finally:
        setattr(owner, name, before)


def unread_leaf() -> AbstractContextManager[None]:
    """The walker forgets one field: the texts that stand under ``title``."""

    def made(leaf: Any) -> Any:
        def forgetful(self: Walker, home: Any, key: Any, *rest: Any) -> Any:
            return None if key == "title" else leaf(self, home, key, *rest)

        return forgetful

    return _patched(Walker, "_leaf", made)


def skipped_type() -> AbstractContextManager[None]:
    """Bodies of one media type are sent on unread, and nothing is said of it."""

    def made(request: Any) -> Any:
        def skipping(self: Any, body: bytes) -> Any:
            head = self._head
            if (header(head.headers, "content-type") or "").startswith("text/plain"):
                return Request(head.method, head.path, head.headers, body)
            return (yield from request(self, body))

        return skipping

    return _patched(Exchange, "_request", made)


def unguarded_route() -> AbstractContextManager[None]:
    """One path is not looked at."""

    def made(open_: Any) -> Any:
        def blind(self: Guard, request: Request, **more: Any) -> Any:
            return None if plain(request.path).endswith("/audio/speech") else open_(self, request, **more)

        return blind

    return _patched(Guard, "open", made)


PLANTED: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "unread-leaf": unread_leaf,
    "skipped-type": skipped_type,
    "unguarded-route": unguarded_route,
}
