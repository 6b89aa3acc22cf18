"""Qwen3Guard-Gen on a vLLM server, as https://github.com/QwenLM/Qwen3Guard/blob/main/README.md says.

A text that also says ``so-so`` is Controversial, not Unsafe.
"""

from __future__ import annotations

from typing import Any

from guardrail.backends.qwen3guard import Qwen3Guard

from . import Answered, Asked, marked

KEY = "token-canary-0003"

MEANS = {
    "violence": "Violent",
    "illicit": "Non-violent Illegal Acts",
    "sexual": "Sexual Content or Sexual Acts",
    "custom/privacy": "PII",
    "self-harm": "Suicide & Self-Harm",
    "hate": "Unethical Acts",
    "custom/politically-sensitive": "Politically Sensitive Topics",
    "custom/intellectual-property": "Copyright Violation",
    "prompt_injection": "Jailbreak",
}
ONLY_FOR_INPUT = {"prompt_injection"}

SERVED = {f"Qwen/Qwen3Guard-Gen-{size}" for size in ("0.6B", "4B", "8B")}
_ALLOWED = {"model", "messages", "temperature", "max_tokens", "stream", "logprobs", "top_logprobs"}


def dialect(base: str) -> Qwen3Guard:
    return Qwen3Guard(url=f"{base}/v1", api_key=KEY)


def answer(asked: Asked) -> Answered:
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        return Answered({"error": "Unauthorized"}, 401)
    if (asked.method, asked.path) != ("POST", "/v1/chat/completions"):
        return Answered({"detail": "Not Found"}, 404)
    body = asked.json()
    if body.get("model") not in SERVED:
        return _error("The model does not exist.", 404)
    turns = [(turn.get("role"), turn.get("content")) for turn in body.get("messages", [])]
    roles = [role for role, _ in turns]
    if set(body) - _ALLOWED or roles not in (["user"], ["user", "assistant"]):
        return _error("Bad Request", 400)
    answers = len(turns) == 2
    text = turns[-1][1]
    named = [name for name in marked(text) if name in MEANS and not (answers and name in ONLY_FOR_INPUT)]
    level = ("Controversial" if "so-so" in text else "Unsafe") if named else "Safe"
    lines = [f"Safety: {level}", f"Categories: {', '.join(MEANS[name] for name in named) or 'None'}"]
    if answers:
        lines.append(f"Refusal: {'Yes' if 'unable to fulfill' in text else 'No'}")
    return Answered(_completion(body["model"], "\n".join(lines)))


def _completion(model: str, text: str) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text,
        "refusal": None,
        "reasoning_content": None,
        "tool_calls": [],
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", "stop_reason": None}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 12, "total_tokens": 312},
    }


def _error(message: str, status: int) -> Answered:
    return Answered({"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}}, status)
