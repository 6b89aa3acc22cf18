"""A streaming chat endpoint of one's own, guarded: ``uvicorn examples.starlette_stream:app``.

    curl -N localhost:8000/chat -H 'content-type: application/json' -d '{"message": "hello"}'

The guard reads event streams it does not know as well: the same field of later events goes on with
the text of the earlier ones, so a card number that is cut into several events is still found.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from guardrail import GuardrailMiddleware


async def chat(request: Request) -> StreamingResponse:
    """Stands in for a call of a model that streams."""
    message = (await request.json())["message"]
    reply = f"You said: {message}. The last customer paid with 4111 1111 1111 1111, by the way."
    return StreamingResponse(_events(reply), media_type="text/event-stream")


async def _events(reply: str) -> AsyncIterator[str]:
    for start in range(0, len(reply), 6):
        await asyncio.sleep(0)
        yield f"data: {json.dumps({'delta': reply[start : start + 6]})}\n\n"


app = Starlette(
    routes=[Route("/chat", chat, methods=["POST"])],
    middleware=[Middleware(GuardrailMiddleware, policy="default")],
)
