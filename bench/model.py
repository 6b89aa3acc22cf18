"""A chat model that costs next to nothing: chat completions, whole and streamed, as a bare ASGI app.

Stands in for the upstream, in this process and as a server. Knows the wire format, no guard.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .policies import CANARY
from .texts import prose, tokens

if TYPE_CHECKING:
    from guardrail.doors.asgi import Scope
    from guardrail.doors.delivery import Receive, Send

PATH = "/v1/chat/completions"
ANSWER_TOKENS, STREAM_TOKENS = 50, 200
PROMPT_CHARS = 60
LEAKY = "leaky"
"""The model name that is answered with the refused word in the middle, cut over several frames."""
CANARY_PIECES = (f" {CANARY[:4]}", CANARY[4:7], CANARY[7:])


def requests(*, stream: bool, model: str = "bench") -> list[bytes]:
    """Bodies of requests with a prompt of 60 characters, to be used in turn."""
    more = {"stream": True} if stream else {}
    return [
        json.dumps({"model": model, "messages": [{"role": "user", "content": prompt}], **more}).encode()
        for prompt in prose(PROMPT_CHARS)
    ]


def whole() -> bytes:
    """An answer of 50 tokens."""
    message = {"role": "assistant", "content": "".join(tokens(ANSWER_TOKENS)), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 14, "completion_tokens": ANSWER_TOKENS, "total_tokens": 14 + ANSWER_TOKENS}
    head = {"id": "chatcmpl-bench", "object": "chat.completion", "created": 1, "model": "bench"}
    return json.dumps({**head, "choices": [choice], "usage": usage}).encode()


def frames(pieces: Sequence[str]) -> list[bytes]:
    """The frames of a stream: the role, one a token, the end."""

    def frame(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
        return b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n"

    spoken = [frame({"content": piece}) for piece in pieces]
    return [frame({"role": "assistant", "content": ""}), *spoken, frame({}, "stop"), b"data: [DONE]\n\n"]


def said(frames_: bytes) -> list[str]:
    """The pieces of text in a stream, frame by frame."""
    pieces = []
    for line in frames_.split(b"\n"):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:]).get("choices", ()):
                pieces.append(choice["delta"].get("content") or "")
    return [piece for piece in pieces if piece]


class Model:
    """The app. ``per_read`` frames of a stream are sent at once; ``sent`` counts its reads so far.

    ``pieces``: what a stream says, a piece a frame.
    """

    def __init__(self, per_read: int = 1, pieces: Sequence[str] | None = None) -> None:
        pieces = tokens(STREAM_TOKENS) if pieces is None else pieces
        half = len(pieces) // 2
        self.whole = whole()
        self.reads = _joined(frames(pieces), per_read)
        self.leaky = _joined(frames([*pieces[:half], *CANARY_PIECES, *pieces[half:]]), per_read)
        self._whole_head = _start(b"application/json", (b"content-length", b"%d" % len(self.whole)))
        self.sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        asked = json.loads(await request_body(receive))
        if not asked.get("stream"):
            await send(self._whole_head)
            return await send({"type": "http.response.body", "body": self.whole})
        await send(head_of_stream())
        for n, data in enumerate(self.leaky if asked["model"] == LEAKY else self.reads, 1):
            self.sent = n
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def request_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def head_of_stream() -> dict[str, Any]:
    return _start(b"text/event-stream; charset=utf-8")


def _start(media: bytes, *more: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-type", media), *more]}


def _joined(parts: list[bytes], size: int) -> list[bytes]:
    return [b"".join(parts[n : n + size]) for n in range(0, len(parts), size)]
