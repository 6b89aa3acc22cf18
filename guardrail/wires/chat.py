"""OpenAI chat completions, whole and streamed, and the servers that speak it with extra fields.

Source: OpenAI API reference, "Chat completions" and "Chat completion chunk object" (2026-08);
reasoning fields as DeepSeek, Groq, OpenRouter and Mistral send them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ..http import Head, Release
from ..text import Segment
from ..verdict import Kind
from . import generic, jsontext, silent
from .chat_stream import ChatStream
from .document import Body, Document
from .protocol import Notice
from .routes import ends_with
from .table import Anchor, Entry, Text, table

_ROLES = {
    "user": Kind.USER,
    "system": Kind.SYSTEM,
    "developer": Kind.SYSTEM,
    "assistant": Kind.ASSISTANT,
    "tool": Kind.TOOL_RESULT,
    "function": Kind.TOOL_RESULT,
}
_DEFINITION = Text(Kind.DEFINITION)
_CALL = Text(Kind.TOOL_CALL, nested=True)


def _spoken(at: str) -> dict[str, Entry]:
    """A message's own text, its reasoning and its tool calls, in either direction."""
    reasoning = Text(Kind.REASONING, "reasoning")
    return {
        f"{at}.content": Text(join="content"),
        f"{at}.content[*]": Text(join="content"),
        f"{at}.content[*].text": Text(join="content"),
        f"{at}.content[*].refusal": Text(join="content"),
        f"{at}.content[*].thinking": reasoning,
        f"{at}.content[*].thinking[*].text": reasoning,
        f"{at}.refusal": Text(join="refusal"),
        f"{at}.reasoning_content": reasoning,
        f"{at}.reasoning": Text(Kind.REASONING, "reasoning too"),
        f"{at}.reasoning_details[*].text": Text(Kind.REASONING, "details"),
        f"{at}.reasoning_details[*].summary": Text(Kind.REASONING, "summary"),
        f"{at}.tool_calls[*]": Anchor(),
        f"{at}.tool_calls[*].function.arguments": _CALL,
        f"{at}.tool_calls[*].custom.input": Text(Kind.TOOL_CALL),
        f"{at}.function_call.arguments": _CALL,
        f"{at}.audio.transcript": Text(join="transcript"),
    }


REQUEST = table(
    {
        **_spoken("messages[*]"),
        "messages[*]": Anchor(_ROLES, Kind.USER),
        "tools": _DEFINITION,
        "functions": _DEFINITION,
        "response_format": _DEFINITION,
        "tool_choice": _DEFINITION,
        "prediction": Text(Kind.ASSISTANT),
        **silent.CHAT_REQUEST,
    }
)
_TOKENS = {
    "choices[*].logprobs.content[*].token": Text(Kind.ASSISTANT, "logprobs"),
    "choices[*].logprobs.refusal[*].token": Text(Kind.ASSISTANT, "logprobs refusal"),
}
RESPONSE = table({"choices[*]": Anchor(), **_spoken("choices[*].message"), **_TOKENS, **silent.CHAT_RESPONSE})
CHUNK = table({"choices[*]": Anchor(), **_spoken("choices[*].delta"), **_TOKENS, **silent.CHAT_RESPONSE})
_CAPS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_JSON = ("content-type", "application/json")
_MOST_CHOICES = 16


class Chat:
    """The wire format of ``POST .../chat/completions``."""

    name = "openai.chat"

    def claims(self, method: str, path: str) -> bool:
        return method == "POST" and ends_with(path, "/chat/completions")

    def request(self, body: bytes, media: str) -> Body:
        return Document(body, REQUEST, Kind.OTHER)

    def response(self, body: bytes, media: str) -> Body:
        if not body or media.startswith("text/"):  # a server in front may answer so where it fails
            return generic.body(body, media, RESPONSE, Kind.ASSISTANT)
        return Document(body, RESPONSE, Kind.ASSISTANT)

    def stream(self, asked: Body | None) -> ChatStream:
        return ChatStream(CHUNK, **_basis(asked))

    def messages(self, asked: Body) -> int:
        messages = asked.tree.get("messages") if isinstance(asked.tree, dict) else None
        return len(messages) if isinstance(messages, list) else 0

    def limit_output(self, asked: Body, tokens: int) -> None:
        tree = asked.tree
        if not isinstance(tree, dict):
            return
        given = [name for name in _CAPS if tree.get(name) is not None]
        for name in given:
            if type(tree[name]) is not int or not 0 < tree[name] <= tokens:
                asked.set(name, tokens)
        if not given:
            asked.set("max_completion_tokens", tokens)

    def forward(self, asked: Body, name: str, user: str | None) -> None:
        if user is None:  # what a client says of itself names nobody
            asked.drop(name)
        else:
            asked.set(name, user)

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Token log-probabilities repeat the text: an edited choice loses them."""
        tree = body.tree
        choices = tree.get("choices") if isinstance(tree, dict) else None
        for n, choice in enumerate(choices if isinstance(choices, list) else ()):
            touched = any(s.edits and s.path[:2] == ("choices", n) for s in segments)
            if touched and isinstance(choice, dict) and choice.get("logprobs") is not None:
                choice["logprobs"] = None
                body.touched = True

    def render(self, asked: Body | None, notice: Notice) -> Release:
        if not notice.answer:
            return Release(error(notice), Head(notice.status, (_JSON, *notice.headers())), end=True)
        basis = _basis(asked)
        tree = asked.tree if asked is not None and isinstance(asked.tree, dict) else {}
        if tree.get("stream") is True:
            body = ChatStream(CHUNK, **basis).refuse(notice)
            head = Head(200, (("content-type", "text/event-stream; charset=utf-8"), *notice.headers()))
            return Release(body, head, end=True)
        message: dict[str, Any] = {"role": "assistant", "content": notice.text, "refusal": None, "annotations": []}
        body = jsontext.encode(
            {
                "id": f"chatcmpl-{notice.decision}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": basis["model"],
                "choices": [
                    {"index": n, "message": message, "logprobs": None, "finish_reason": "content_filter"}
                    for n in range(basis["choices"])
                ],
                "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            }
        )
        return Release(body, Head(200, (_JSON, *notice.headers())), end=True)


def error(notice: Notice) -> bytes:
    """OpenAI's error object."""
    kind = "server_error" if notice.status >= 500 else "invalid_request_error"
    if notice.status == 429:
        kind = "rate_limit_error"
    tree = {"message": notice.text, "type": kind, "param": None, "code": notice.code, "decision_id": notice.decision}
    return jsontext.encode({"error": tree})


def _basis(asked: Body | None) -> dict[str, Any]:
    """What a reply repeats of its request."""
    tree = asked.tree if asked is not None and isinstance(asked.tree, dict) else {}
    model, n, options = tree.get("model"), tree.get("n"), tree.get("stream_options")
    return {
        "model": model if isinstance(model, str) else "",
        "choices": n if isinstance(n, int) and 1 <= n <= _MOST_CHOICES else 1,
        "usage": isinstance(options, dict) and options.get("include_usage") is True,
    }
