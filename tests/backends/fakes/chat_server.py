"""What the fakes of safety models share: an OpenAI-compatible chat server that is strict about requests.

From https://platform.openai.com/docs/api-reference/chat/create; vLLM refuses bodies it cannot read with 400.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from guardrail.backends.dialect import Dialect, Query, Question
from guardrail.checks.protocol import Scores
from guardrail.flow import Reply

from . import Answered, Asked

KEY = "sk-canary-0002"
PLAIN = frozenset({"model", "messages", "temperature", "max_tokens", "stream", "logprobs", "top_logprobs"})


def refused(status: int, message: str) -> Answered:
    return Answered({"error": {"message": message, "type": "invalid_request_error"}}, status)


def body_of(asked: Asked, *more: str) -> dict[str, Any] | Answered:
    """The body of a good request; ``more``: keys it may have beside OpenAI's. Otherwise the refusal."""
    if asked.path != "/v1/chat/completions":
        return refused(404, "no such path")
    if asked.method != "POST":
        return refused(405, "POST only")
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        return refused(401, "no such key")
    if asked.headers.get("content-type") != "application/json":
        return refused(400, "JSON only")
    try:
        body = asked.json()
    except ValueError:
        return refused(400, "no JSON")
    if not isinstance(body, dict) or set(body) - PLAIN - set(more) or not isinstance(body.get("model"), str):
        return refused(400, "unknown or missing keys")
    if body.get("stream") is not False or body.get("temperature") != 0 or not isinstance(body.get("max_tokens"), int):
        return refused(400, "sampling")
    if ("top_logprobs" in body) != (body.get("logprobs") is True) or not 0 <= body.get("top_logprobs", 0) <= 20:
        return refused(400, "log-probabilities")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return refused(400, "messages")
    return body


def roles(body: Mapping[str, Any]) -> list[str]:
    return [message["role"] for message in body["messages"]]


def parts(content: Any) -> list[dict[str, Any]] | None:
    """A message's content as parts, as the API describes them; None for what is neither a string nor parts."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list) or not content:
        return None
    for part in content:
        if part.get("type") == "text":
            good = set(part) == {"type", "text"} and isinstance(part["text"], str)
        else:
            good = set(part) == {"type", "image_url"} and set(part["image_url"]) == {"url"}
        if not good:
            return None
    return content


def words(content: Any) -> str:
    return "".join(part.get("text", "") for part in parts(content) or [])


def odds(*tokens: Mapping[str, float]) -> dict[str, Any]:
    """``choices[].logprobs`` with these probabilities, the likeliest of each token being the one that was said."""
    content = []
    for likely in tokens:
        top = [{"token": t, "logprob": math.log(p), "bytes": list(t.encode())} for t, p in likely.items()]
        top.sort(key=lambda one: -float(str(one["logprob"])))
        content.append({**top[0], "top_logprobs": top})
    return {"content": content}


def completion(text: str, model: str, logprobs: Any = None, finish: str = "stop") -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "logprobs": logprobs,
                "finish_reason": finish,
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def received(query: Query) -> Asked:
    return Asked(query.method, urlsplit(query.url).path, {k.lower(): v for k, v in query.headers}, query.body)


def reply(answered: Answered | dict[str, Any]) -> Reply:
    made = answered if isinstance(answered, Answered) else Answered(answered)
    body = made.body if isinstance(made.body, bytes) else json.dumps(made.body).encode()
    return Reply(made.status, tuple(made.headers.items()), body)


def ask(dialect: Dialect, question: Question, answer: Callable[[Asked], Answered]) -> Sequence[Scores]:
    """The whole way: the dialect's query to the fake, the fake's reply to the dialect."""
    return dialect.read(question, reply(answer(received(dialect.query(question)))))
