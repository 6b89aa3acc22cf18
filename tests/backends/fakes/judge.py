"""A chat model that keeps to a JSON schema, on a server as the reference of POST /v1/chat/completions says.

``response_format``: https://platform.openai.com/docs/guides/structured-outputs (``strict``: every property required,
``additionalProperties`` false). The model reads the rubric and the data; of what the data says to it, it does nothing.
"""

from __future__ import annotations

import json
import re
from typing import Any

from guardrail.backends.judge import Judge

from . import Answered, Asked, marked

KEY = "sk-canary-0005"

MEANS = {
    "harassment": "harassment",
    "harassment/threatening": "harassment.threatening",
    "hate": "hate",
    "hate/threatening": "hate.threatening",
    "illicit": "illicit",
    "illicit/violent": "illicit.violent",
    "self-harm": "self-harm",
    "self-harm/instructions": "self-harm.instructions",
    "self-harm/intent": "self-harm.intent",
    "sexual": "sexual",
    "sexual/minors": "sexual.minors",
    "violence": "violence",
    "violence/graphic": "violence.graphic",
}

REASONER = "o4-mini"
"""A model that reasons: https://platform.openai.com/docs/guides/reasoning. It says so itself of what it does not take."""

_ALLOWED = {"model", "messages", "stream", "response_format", "temperature", "max_tokens"}
_ALLOWED_REASONER = {"model", "messages", "stream", "response_format", "max_completion_tokens", "reasoning_effort"}
_ANNOUNCED = re.compile(r"The number is ([0-9a-f]{32})\.")


def dialect(base: str) -> Judge:
    return Judge(url=f"{base}/v1", api_key=KEY, model="any-model")


def answer(asked: Asked) -> Answered:
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        return _error("Incorrect API key provided.", "invalid_api_key", 401)
    if (asked.method, asked.path) != ("POST", "/v1/chat/completions"):
        return _error("Invalid URL", "not_found", 404)
    body = asked.json()
    turns = body.get("messages", [])
    allowed = _ALLOWED_REASONER if body.get("model") == REASONER else _ALLOWED
    for name in ("temperature", "max_tokens"):
        if name in body and name not in allowed:
            return _error(f"Unsupported parameter: '{name}' is not supported.", "unsupported_parameter", 400)
    if set(body) - allowed or [turn.get("role") for turn in turns] != ["system", "user"]:
        return _error("Unrecognized request argument supplied", "unknown_parameter", 400)
    schema = _schema(body.get("response_format"))
    if schema is None:
        return _error("Invalid schema for response_format", "invalid_request_error", 400)
    data = read(turns[1]["content"])
    held = {
        key: _value(key in [name.replace("/", ".") for name in marked(data["text"])], schema[key]) for key in schema
    }
    return Answered(_completion(body["model"], json.dumps(held)))


def read(shown: str) -> dict[str, str]:
    """The data, as a reader finds it who was told of one line between two lines with the number."""
    announced = _ANNOUNCED.match(shown)
    assert announced is not None
    lines = shown.splitlines()
    begin, end = (lines.index(f"DATA {announced[1]} {word}") for word in ("BEGINS", "ENDS"))
    assert end == begin + 2
    held: dict[str, str] = json.loads(lines[begin + 1])
    return held


def _schema(form: Any) -> dict[str, Any] | None:
    if not isinstance(form, dict) or set(form) != {"type", "json_schema"} or form["type"] != "json_schema":
        return None
    held = form["json_schema"]
    schema = held.get("schema", {})
    keys = schema.get("properties", {})
    strict = (
        set(schema) == {"type", "properties", "required", "additionalProperties"} and not schema["additionalProperties"]
    )
    named = re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", held.get("name", ""))
    if not (strict and named and held.get("strict") is True and schema["required"] == list(keys)):
        return None
    return keys if keys and all(_values(value) for value in keys.values()) else None


def _values(value: Any) -> list[Any] | None:
    if value == {"type": "boolean"}:
        return [False, True]
    return value.get("enum") if set(value) == {"type", "enum"} and value["type"] == "integer" else None


def _value(found: bool, value: Any) -> Any:
    values = _values(value)
    assert values is not None
    return values[-1] if found else values[0]


def _completion(model: str, text: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": f"{model}-2026-01-01",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 90, "total_tokens": 990},
    }


def _error(message: str, code: str, status: int) -> Answered:
    return Answered({"error": {"message": message, "type": "invalid_request_error", "code": code}}, status)
