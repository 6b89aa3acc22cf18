"""Legacy completions and Mistral's two of its own, written from the APIs' references."""

from __future__ import annotations

from typing import Any

from tests.wires.case import SSE, Case

_REQUEST = {
    "model": "gpt-3.5-turbo-instruct",
    "prompt": "Write a line about the sea",
    "suffix": " and then it ends.",
    "max_tokens": 40,
    "temperature": 0,
    "top_p": 1,
    "n": 2,
    "best_of": 2,
    "echo": False,
    "logprobs": 1,
    "stop": ["the end", "\n\n"],
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logit_bias": {"50256": -100},
    "seed": 7,
    "user": "someone we know",
}
_LOGPROBS = {
    "tokens": [" It", " is", " blue"],
    "token_logprobs": [-0.1, -0.2, -0.3],
    "top_logprobs": [{" It": -0.1}, {" is": -0.2}, {" blue": -0.3}],
    "text_offset": [0, 3, 6],
}


def _answer(*texts: str) -> dict[str, Any]:
    return {
        "id": "cmpl-8abc",
        "object": "text_completion",
        "created": 1700000000,
        "model": "gpt-3.5-turbo-instruct",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [
            {"text": text, "index": n, "logprobs": _LOGPROBS if not n else None, "finish_reason": "stop"}
            for n, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": 6, "completion_tokens": 12, "total_tokens": 18},
    }


def chunk(text: str, index: int = 0, reason: str | None = None, logprobs: Any = None) -> dict[str, Any]:
    return {
        "id": "cmpl-8abc",
        "object": "text_completion",
        "created": 1700000000,
        "model": "gpt-3.5-turbo-instruct",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [{"text": text, "index": index, "logprobs": logprobs, "finish_reason": reason}],
        "usage": None,
    }


EVENTS = [
    chunk(" It is", logprobs={"tokens": [" It", " is"], "token_logprobs": [0, 0], "text_offset": [0, 3]}),
    chunk("The other", 1),
    chunk(" blue and deep."),
    chunk(" one is green.", 1),
    chunk("", 0, "stop"),
    chunk("", 1, "length"),
    {**chunk(""), "choices": [], "usage": {"prompt_tokens": 6, "completion_tokens": 9, "total_tokens": 15}},
]
_CHAT = {
    "id": "cmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "codestral-latest",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "return a + b"}, "finish_reason": "stop"},
    ],
    "usage": {"prompt_tokens": 6, "completion_tokens": 12, "total_tokens": 18},
}
CASES = [
    Case("completions", "/v1/completions", _REQUEST, _answer(" It is blue and deep.", " The waves are high.")),
    Case(
        "completions of a list, Azure's path",
        "/openai/deployments/mine/completions",
        {"prompt": ["Name a river", "Name a hill"], "max_tokens": 10},
        _answer(" The Danube flows.", " Box Hill stands."),
        query="api-version=2024-10-21",
    ),
    Case(
        "completions streamed",
        "/v1/completions",
        {**_REQUEST, "stream": True, "stream_options": {"include_usage": True}},
        events=EVENTS,
        answer_type=SSE,
        done="[DONE]",
    ),
    Case(
        "fim",
        "/v1/fim/completions",
        {"model": "codestral-latest", "prompt": "def add(a, b):", "suffix": "return the sum", "stop": ["# end of it"]},
        _CHAT,
    ),
    Case(
        "agents completions",
        "/v1/agents/completions",
        {
            "agent_id": "ag_019",
            "messages": [{"role": "user", "content": "What is new today?"}],
            "tools": [{"type": "function", "function": {"name": "add", "description": "Adds two numbers"}}],
        },
        _CHAT,
    ),
]
