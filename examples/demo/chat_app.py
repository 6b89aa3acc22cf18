"""A chat app with one page. Its backend talks to the gateway in the OpenAI wire format.

It knows the gateway's address and nothing of guarding: refusals reach it as answers and as errors,
as they would from any model's server.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = Path(__file__).with_name("page")
USER = "visitor"
_MOST_MESSAGES = 100


def chat_app(gateway: str, *, model: str = "demo") -> Starlette:
    """``gateway`` is where the gateway listens, such as ``http://127.0.0.1:8787``."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=gateway, timeout=httpx.Timeout(10, read=600)) as client:
            app.state.client = client
            yield

    async def chat(request: Request) -> Response:
        messages = _messages(await request.body())
        if messages is None:
            return JSONResponse({"error": "send {messages: [{role, content}, ...]}"}, status_code=400)
        headers = {"x-demo-user": USER, "accept-language": request.headers.get("accept-language", "en")}
        asked = {"model": model, "messages": messages, "stream": True}
        lines = _lines(request.app.state.client, asked, headers)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    routes = [Route("/chat", chat, methods=["POST"]), Mount("/", StaticFiles(directory=PAGE, html=True))]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.add_middleware(_OnlyFromHere)
    return app


async def _lines(client: httpx.AsyncClient, asked: dict[str, Any], headers: dict[str, str]) -> AsyncIterator[str]:
    """For the page, one JSON object a line: ``text`` as it comes, then ``end`` or ``error``."""
    try:
        async with client.stream("POST", "/v1/chat/completions", json=asked, headers=headers) as response:
            if response.status_code != 200:
                yield _line(error=_message(await response.aread()), status=response.status_code)
                return
            async for line in response.aiter_lines():
                if not line.startswith("data: ") or line == "data: [DONE]":
                    continue
                event = json.loads(line.removeprefix("data: "))
                if "error" in event:
                    yield _line(error=event["error"]["message"], status=502)
                    return
                for choice in event["choices"]:
                    if text := choice["delta"].get("content"):
                        yield _line(text=text)
                    if end := choice.get("finish_reason"):
                        yield _line(end=end)
    except httpx.HTTPError:
        yield _line(error="The gateway could not be reached.", status=502)


def _line(**fields: str | int) -> str:
    return json.dumps(fields) + "\n"


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return "The answer could not be read."


def _messages(body: bytes) -> list[dict[str, str]] | None:
    try:
        given = json.loads(body)["messages"]
        messages = [{"role": m["role"], "content": m["content"]} for m in given]
    except (ValueError, KeyError, TypeError):
        return None
    fits = 0 < len(messages) <= _MOST_MESSAGES and all(
        m["role"] in ("user", "assistant") and isinstance(m["content"], str) for m in messages
    )
    return messages if fits else None


class _OnlyFromHere:
    """The page needs nothing from anywhere else, and says so to the browser."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy = b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
                message["headers"] = [*message["headers"], (b"content-security-policy", policy)]
            await send(message)

        await self._app(scope, receive, sending)
