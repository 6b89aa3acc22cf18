"""Real servers on loopback for the doors' tests: a scripted chat model, and uvicorn in a thread."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass
class Model:
    """Speaks chat completions. Says ``tokens``; with ``stall`` it then waits until it is left."""

    tokens: list[str] = field(default_factory=lambda: ["Hello", " there", "."])
    stall: bool = False
    error: int = 0
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)  # a stream was closed by its reader
    sent: int = 0

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["POST", "GET"])])

    async def _answer(self, request: Request) -> Response:
        raw = await request.body()
        self.bodies.append(raw)
        self.headers.append(dict(request.headers))
        self.paths.append(request.url.path)
        if self.error:
            return JSONResponse({"error": {"message": "try later", "type": "server_error"}}, status_code=self.error)
        if request.method == "GET":
            return JSONResponse(
                {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}]}
            )
        asked = json.loads(raw)
        if asked.get("stream"):
            return StreamingResponse(self._stream(asked), media_type="text/event-stream")
        choices = [
            {
                "index": n,
                "message": {"role": "assistant", "content": "".join(self.tokens), "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
            for n in range(asked.get("n", 1))
        ]
        usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked.get("model", "m")}
        return JSONResponse({**head, "choices": choices, "usage": usage})

    async def _stream(self, asked: dict[str, Any]) -> Any:
        def frame(choices: list[Any], **more: Any) -> bytes:
            tree = {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "m",
                "choices": choices,
            }
            return b"data: " + json.dumps({**tree, **more}).encode() + b"\n\n"

        try:
            for n in range(asked.get("n", 1)):
                yield frame([{"index": n, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
            for token in self.tokens:
                for n in range(asked.get("n", 1)):
                    self.sent += 1
                    yield frame([{"index": n, "delta": {"content": token}, "finish_reason": None}])
                await anyio.sleep(0)
            if self.stall:
                await anyio.sleep_forever()
            for n in range(asked.get("n", 1)):
                yield frame([{"index": n, "delta": {}, "finish_reason": "stop"}])
            if (asked.get("stream_options") or {}).get("include_usage"):
                yield frame([], usage={"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8})
            yield b"data: [DONE]\n\n"
        finally:
            self.left.set()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def serving(app: Any, **config: Any) -> Iterator[str]:
    """Serve an ASGI app on a free port; gives ``http://127.0.0.1:PORT``."""
    server = _Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=5, **config))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.ready.wait(20)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
