"""The moderation endpoint of OpenAI. Source: https://platform.openai.com/docs/api-reference/moderations."""

from __future__ import annotations

from typing import Any

from guardrail.backends.dialect import Dialect
from guardrail.backends.openai import OpenAIModeration

from . import Answered, Asked, marked

KEY = "sk-canary-0001"
MEANS = {
    name: name
    for name in (
        "harassment",
        "harassment/threatening",
        "hate",
        "hate/threatening",
        "illicit",
        "illicit/violent",
        "self-harm",
        "self-harm/instructions",
        "self-harm/intent",
        "sexual",
        "sexual/minors",
        "violence",
        "violence/graphic",
    )
}


def dialect(base: str) -> Dialect:
    return OpenAIModeration(KEY, url=f"{base}/v1/moderations")


def answer(asked: Asked) -> Answered:
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        return _error(401, "invalid_api_key")
    body = asked.json()
    if (asked.method, asked.path) != ("POST", "/v1/moderations") or set(body) - {"input", "model"}:
        return _error(404, "unknown_url")
    if not isinstance(body.get("input"), list) or not body["input"]:
        return _error(400, "invalid_request_error")
    return Answered({"id": "modr-1", "model": body["model"], "results": [_result(text) for text in body["input"]]})


def _result(text: str) -> dict[str, Any]:
    flags = {name: name in marked(text) for name in MEANS}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": {name: 0.91 if flag else 0.01 for name, flag in flags.items()},
        "category_applied_input_types": {name: ["text"] for name in MEANS},
    }


def _error(status: int, code: str) -> Answered:
    return Answered({"error": {"message": code, "type": "invalid_request_error", "code": code}}, status)
