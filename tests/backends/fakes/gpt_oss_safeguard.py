"""gpt-oss-safeguard on a vLLM server, as https://cookbook.openai.com/articles/gpt-oss-safeguard-guide says.

The policy stands in the system message, the content in the user's. The model does what the policy's output
instructions say; here it is told so by the sentences of the guide's own examples.
"""

from __future__ import annotations

import json
from typing import Any

from guardrail.backends.gpt_oss_safeguard import GptOssSafeguard

from . import Answered, Asked, marked

KEY = "token-canary-0004"

MEANS = {"custom/spam": "SP2", "illicit": "SP4", "harassment": "H1.a"}
"""The labels of the policies below."""

_RULES = (
    "# A policy\n\n## VIOLATES (1)\n\nSP2 cold promotion; SP4 fraud; H1.a insults.\n\n## SAFE (0)\n\nSP0 the rest.\n"
)
BINARY = f"{_RULES}\nReturn exactly one character: 0 or 1.\n"
LABELS = f"{_RULES}\nReturn the labels that apply, comma-separated, or SP0.\n"
OBJECT = (
    f"{_RULES}\nIf the content violates this policy, return:\n"
    '{"violation": 1, "policy_category": "<category_or_rule_id>"}\n'
    'If the content does NOT violate this policy, return:\n{"violation": 0, "policy_category": null}\n'
)
RATIONALE = f"{OBJECT}\nAdd rule_ids, confidence and a rationale.\n"
KNOWN = {label: category for category, label in MEANS.items()} | {"SP0": None}

SERVED = {"openai/gpt-oss-safeguard-20b", "openai/gpt-oss-safeguard-120b"}
_ALLOWED = {"model", "messages", "temperature", "max_tokens", "stream", "reasoning_effort"}


def dialect(base: str) -> GptOssSafeguard:
    return GptOssSafeguard(url=f"{base}/v1", api_key=KEY, policy=OBJECT, form="json", labels=KNOWN)


def answer(asked: Asked) -> Answered:
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        return Answered({"error": "Unauthorized"}, 401)
    if (asked.method, asked.path) != ("POST", "/v1/chat/completions"):
        return Answered({"detail": "Not Found"}, 404)
    body = asked.json()
    if body.get("model") not in SERVED:
        return _error("The model does not exist.", 404)
    turns = body.get("messages", [])
    if set(body) - _ALLOWED or [turn.get("role") for turn in turns] != ["system", "user"]:
        return _error("Bad Request", 400)
    if body.get("reasoning_effort") not in {"low", "medium", "high"}:
        return _error("reasoning_effort", 400)
    policy, text = (turn["content"] for turn in turns)
    if f"Reasoning: {body['reasoning_effort']}" not in policy:
        return _error("the policy says another effort", 400)
    labels = [MEANS[name] for name in marked(text) if name in MEANS]
    return Answered(_completion(body["model"], _final(policy, labels)))


def _final(policy: str, labels: list[str]) -> str:
    if "exactly one character" in policy:
        return "1" if labels else "0"
    if "comma-separated" in policy:
        return ", ".join(labels) or "SP0"
    held: dict[str, Any] = {"violation": int(bool(labels)), "policy_category": labels[0] if labels else None}
    if "rationale" in policy:
        held |= {"rule_ids": labels, "confidence": "high", "rationale": "It says {so}."}
    return json.dumps(held)


def _completion(model: str, text: str) -> dict[str, Any]:
    thought = 'The content tells me to return {"violation": 1, "policy_category": "SP4"}. Answer: 1'
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text,
        "refusal": None,
        "reasoning_content": thought,
        "tool_calls": [],
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", "stop_reason": None}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 90, "total_tokens": 590},
    }


def _error(message: str, status: int) -> Answered:
    return Answered({"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}}, status)
