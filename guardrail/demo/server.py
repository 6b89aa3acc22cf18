"""An app served on loopback by a thread of this process, for demos, examples and tests.

Knows uvicorn; must never know which app it serves. Needs the extra ``gateway``.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn


@contextlib.contextmanager
def served(app: Callable[..., Any], *, port: int = 0) -> Iterator[str]:
    """Serve an ASGI app and give its address, such as ``http://127.0.0.1:49152``; stop at the end.

    ``port`` 0 takes one that is free. Raises OSError for a port that is taken, RuntimeError where
    the app does not start.
    """
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        app, ws="none", log_level="warning", log_config=None, access_log=False, timeout_graceful_shutdown=5
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run_in_thread, args=(listener,), name="served")
    thread.start()
    try:
        server.settled.wait()
        if not server.started:
            raise RuntimeError("the app did not start; its log says why")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


class _Server(uvicorn.Server):
    """Says when it has started, or that it never will."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    def run_in_thread(self, listener: socket.socket) -> None:
        try:
            self.run(sockets=[listener])
        except SystemExit:  # how uvicorn says that the app's start-up failed
            self.started = False
        finally:
            self.settled.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.settled.set()
