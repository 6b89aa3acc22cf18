"""uvicorn, as the gateway is run under it: one line when ready, reload, and a quiet end.

Knows sockets and signals; must never know a policy's content or a wire format.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import uvicorn

from ..errors import GuardrailError, PolicyError

if TYPE_CHECKING:
    from ..core import Guard
    from ..doors.asgi import App

_log = logging.getLogger("guardrail")
_BACKLOG = 2048
_DRAIN = 30
"""Seconds that running answers have to end after SIGTERM: as long as Kubernetes waits by default."""
_KEEP_ALIVE = 75
"""Seconds an idle connection stays open: longer than clients and balancers keep theirs (60 on AWS),
so that it is they who close it, and no request is sent into a closing connection."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises GuardrailError where it cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as error:
        why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        remedy = "Give another --host or --port; --port 0 takes any that is free"
        raise GuardrailError(f"cannot listen on {host} port {port}: {why}. {remedy}") from None


def address(listener: socket.socket) -> str:
    """Where a socket listens, as the beginning of a URL (IPv6 in brackets, RFC 3986 section 3.2.2)."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: App, guard: Guard, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then let running answers end. Raises GuardrailError."""
    config = uvicorn.Config(
        app,
        http="httptools" if find_spec("httptools") else "h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who the caller is, the policy's identity says, and nothing else
        server_header=False,  # both come from the upstream, and twice is once too often
        date_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_DRAIN,
    )
    server = _Server(config, guard)
    try:
        server.run(sockets=[listener])
    except SystemExit:
        raise GuardrailError("the gateway could not start; the lines above say why") from None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, guard: Guard) -> None:
        super().__init__(config)
        self._guard = guard
        self._reloading = asyncio.Lock()
        self._reloads: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        assert sockets is not None
        # What stands now stays: looked through again and again, it would hold every stream for tens of milliseconds.
        gc.collect()
        gc.freeze()
        if hasattr(signal, "SIGHUP"):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload_soon)
        print(f"listening on {address(sockets[0])}", flush=True)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, without raising the signal again at the end: a clean stop has exit status 0."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _reload_soon(self) -> None:
        task = asyncio.ensure_future(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload(self) -> None:
        async with self._reloading:
            try:
                await asyncio.to_thread(self._guard.reload)  # which logs what is now in force
            except PolicyError as error:
                kept = f"{self._guard.plan.name} {self._guard.plan.hash[:12]}"
                problems = "; ".join(map(str, error.problems))
                _log.error("the policy was not reloaded, %s stays in force: %s", kept, problems)
