"""The bare upstream as a server: ``python -m bench.stub``. uvicorn with httptools and uvloop."""

from __future__ import annotations

import socket
from typing import Any

import uvicorn

from .model import Model


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        assert sockets is not None
        print(f"listening on http://127.0.0.1:{sockets[0].getsockname()[1]}", flush=True)


def serve(app: Any) -> None:
    """Serve an ASGI app until it is told to end."""
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    _Server(config).run(sockets=[socket.create_server(("127.0.0.1", 0), backlog=2048)])


if __name__ == "__main__":
    serve(Model())
