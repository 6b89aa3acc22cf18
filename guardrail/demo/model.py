"""A server that speaks OpenAI's chat completions, for demos and tests: ``POST /v1/chat/completions``,
whole and streamed, and ``GET /v1/models``.

Source: OpenAI API reference, "Chat completions" (2026-08). Must never be taken for a model.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .script import answer, tokens

MODEL = "demo"
_MOST_CHOICES = 128  # OpenAI's own limit of `n`
_DELAY = 0.02


def demo_model(*, delay: float = _DELAY) -> Starlette:
    """The demo model as an ASGI app. ``delay``: seconds before each token."""
    numbers = itertools.count(1)

    async def completions(request: Request) -> Response:
        try:
            asked = _read(await request.body())
        except ValueError as error:
            return _error(str(error))
        number = f"chatcmpl-demo-{next(numbers)}"
        if asked.stream:
            return StreamingResponse(_streamed(asked, number, delay), media_type="text/event-stream")
        await asyncio.sleep(delay * len(asked.reply))
        return JSONResponse(_whole(asked, number))

    async def models(_: Request) -> Response:
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "guardrail"}
        return JSONResponse({"object": "list", "data": [model]})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", completions, methods=["POST"]),
            Route("/v1/models", models),
        ]
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    model: str
    prompt: int  # tokens
    reply: Sequence[str]  # tokens
    finish: str
    choices: int
    stream: bool
    usage: bool

    def counts(self) -> dict[str, int]:
        said = len(self.reply) * self.choices
        return {"prompt_tokens": self.prompt, "completion_tokens": said, "total_tokens": self.prompt + said}


def _read(body: bytes) -> _Asked:
    """Raises ValueError for what is no chat completions request."""
    try:
        tree = json.loads(body)
    except ValueError:
        raise ValueError("the body is not JSON") from None
    messages = tree.get("messages") if isinstance(tree, dict) else None
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        raise ValueError("'messages' must be a list of at least one message")
    choices = 1 if tree.get("n") is None else tree["n"]
    if type(choices) is not int or not 1 <= choices <= _MOST_CHOICES:
        raise ValueError(f"'n' must be a whole number from 1 to {_MOST_CHOICES}")
    most = next((tree[k] for k in ("max_completion_tokens", "max_tokens") if tree.get(k) is not None), None)
    if most is not None and (type(most) is not int or most < 1):
        raise ValueError("'max_completion_tokens' must be a whole number of at least 1")
    said = [_text(message) for message in messages]
    last = next((t for t, m in zip(reversed(said), reversed(messages), strict=True) if m.get("role") == "user"), "")
    reply = tokens(answer(last))
    options = tree.get("stream_options")
    return _Asked(
        model=str(tree.get("model") or MODEL),
        prompt=sum(len(tokens(text)) for text in said),
        reply=reply[:most],
        finish="stop" if most is None or len(reply) <= most else "length",
        choices=choices,
        stream=tree.get("stream") is True,
        usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(p["text"] for p in parts if isinstance(p, dict) and isinstance(p.get("text"), str))


def _like(asked: _Asked, id: str, kind: str) -> dict[str, Any]:
    return {"id": id, "object": kind, "created": int(time.time()), "model": asked.model}


def _whole(asked: _Asked, id: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(asked.reply), "refusal": None}
    choices = [
        {"index": n, "message": message, "logprobs": None, "finish_reason": asked.finish} for n in range(asked.choices)
    ]
    return {**_like(asked, id, "chat.completion"), "choices": choices, "usage": asked.counts()}


async def _streamed(asked: _Asked, id: str, delay: float) -> AsyncIterator[bytes]:
    like = _like(asked, id, "chat.completion.chunk")
    if asked.usage:
        like["usage"] = None  # in every chunk but the last, says the reference

    def chunk(n: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        return _event({**like, "choices": [{"index": n, "delta": delta, "logprobs": None, "finish_reason": finish}]})

    for n in range(asked.choices):
        yield chunk(n, {"role": "assistant", "content": "", "refusal": None})
    for token in asked.reply:
        await asyncio.sleep(delay)
        for n in range(asked.choices):
            yield chunk(n, {"content": token})
    for n in range(asked.choices):
        yield chunk(n, {}, asked.finish)
    if asked.usage:
        yield _event({**like, "choices": [], "usage": asked.counts()})
    yield b"data: [DONE]\n\n"


def _event(tree: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _error(message: str) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status_code=400)
