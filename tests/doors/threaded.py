"""A call on a thread of its own, with a model behind it that speaks only when a test says so.

``SyncTap`` and ``SyncAsk`` are ``calling``'s ``Tap`` and ``Ask`` for the transports of threads.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest

from guardrail import Guard, transports

from .driver import CHAT, EVENTS, JSON, chat

URL = f"http://model{CHAT}"
HEADERS = dict([JSON])
libraries = pytest.mark.parametrize("http", [httpx, httpx2], ids=["httpx", "httpx2"])


@dataclass
class SyncTap:
    """``Tap`` for threads."""

    http: ModuleType
    called: threading.Event = field(default_factory=threading.Event)
    bodies: list[bytes] = field(default_factory=list)
    queue: queue.Queue[Any] = field(default_factory=queue.Queue)
    opened: int = 0
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def say(self, *items: Any) -> SyncTap:
        for item in items:
            self.queue.put(item)
        return self

    def take(self) -> Any:
        item = self.queue.get(timeout=10)
        if isinstance(item, Exception):
            raise item
        return item

    def transport(self) -> Any:
        tap, http = self, self.http

        class Stream(http.SyncByteStream):  # type: ignore[misc,name-defined]
            def __iter__(self) -> Iterator[bytes]:
                while (chunk := tap.take()) is not None:
                    yield chunk

            def close(self) -> None:
                tap.closed.release()

        class Transport(http.BaseTransport):  # type: ignore[misc,name-defined]
            def handle_request(self, request: Any) -> Any:
                tap.bodies.append(request.read())
                tap.called.set()
                status = tap.take()
                tap.opened += 1
                return http.Response(status, headers=[EVENTS], stream=Stream())

        return Transport()


class SyncAsk:
    """One call by a thread of its own."""

    def __init__(self, tap: SyncTap, guard: Guard, text: str = "hello") -> None:
        self.text, self.status, self.error = "", 0, None
        self._sent, self._tap, self._guard = chat(text, stream=True), tap, guard
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    error: Exception | None

    def _ask(self) -> None:
        http = self._tap.http
        with http.Client(transport=transports(http)[0](self._tap.transport(), policy=self._guard)) as client:
            try:
                answer = client.post(URL, content=self._sent, headers=HEADERS)
                self.text, self.status = answer.text, answer.status_code
            except Exception as error:  # noqa: BLE001 - for the test to look at
                self.error = error

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def join(self) -> SyncAsk:
        self._thread.join(10)
        assert self.done
        return self


def idle(guard: Guard) -> bool:
    """Does nothing run any more in its world of threads?"""
    for _ in range(2000):
        if guard.world()._running == 0 and guard.world()._spawned._value == 64:
            return True
        threading.Event().wait(0.001)
    return False
