"""Exchanges of Ollama's API, written from its documents."""

from __future__ import annotations

from typing import Any

from tests.wires.case import NDJSON, Case

_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_HEAD = {"model": "llama3.2", "created_at": "2026-01-01T00:00:00Z"}
_END = {"done": True, "done_reason": "stop", "total_duration": 5, "eval_count": 2}
_CALL = {"function": {"name": "get_weather", "arguments": {"city": "the city of Oslo"}}}
ASK: dict[str, Any] = {
    "model": "llama3.2",
    "messages": [
        {"role": "system", "content": "Answer in short sentences."},
        {"role": "user", "content": "How is the weather in Oslo?", "images": [_PNG]},
        {"role": "assistant", "content": "", "thinking": "I should look it up.", "tool_calls": [_CALL]},
        {"role": "tool", "content": "rain and wind", "tool_name": "get_weather"},
    ],
    "tools": [{"type": "function", "function": {"name": "get_weather", "description": "Tells the weather."}}],
    "format": {"type": "object", "description": "What is wanted."},
    "options": {"stop": ["the end"], "num_predict": 100},
    "keep_alive": "5m",
}


def line(message: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**_HEAD, "message": {"role": "assistant", **message}, "done": False, **more}


LINES: list[Any] = [
    line({"content": "", "thinking": "Let me think "}),
    line({"content": "", "thinking": "about it."}),
    line({"content": "It rains "}),
    line({"content": "in Oslo."}),
    line({"content": "", "tool_calls": [_CALL]}),
    line({"content": ""}, **_END),
]
GENERATED: list[Any] = [
    {**_HEAD, "response": "", "thinking": "Let me think about it.", "done": False},
    {**_HEAD, "response": "It rains ", "done": False},
    {**_HEAD, "response": "in Oslo.", "done": False},
    {**_HEAD, "response": "", **_END},
]
PROMPT: dict[str, Any] = {
    "model": "llama3.2",
    "prompt": "How is the weather?",
    "suffix": "says the man",
    "system": "Answer in short sentences.",
    "template": "{{ .System }} and {{ .Prompt }}",
    "images": [_PNG],
}
CASES: list[Case] = [
    Case("ollama.chat", "/api/chat", ASK, answer_type=NDJSON, events=LINES),
    Case(
        "ollama.chat whole",
        "/api/chat",
        {**ASK, "stream": False},
        {**LINES[3], "message": {"role": "assistant", "content": "It rains.", "thinking": "I think."}, **_END},
    ),
    Case("ollama.generate", "/api/generate", PROMPT, answer_type=NDJSON, events=GENERATED),
    Case(
        "ollama.generate whole",
        "/api/generate",
        {**PROMPT, "stream": False},
        {**_HEAD, "response": "It rains.", **_END},
    ),
    Case(
        "ollama.embed",
        "/api/embed",
        {"model": "e", "input": ["a small text", "one more text"]},
        {"embeddings": [[0.1]]},
    ),
    Case(
        "ollama.create",
        "/api/create",
        {"model": "mine", "from": "llama3.2", "system": "You are a sea captain.", "parameters": {"stop": ["the end"]}},
        answer_type=NDJSON,
        events=[{"status": "writing manifest"}, {"status": "all is done"}],
    ),
    Case(
        "ollama.show",
        "/api/show",
        {"model": "llama3.2"},
        {
            "license": "a licence text",
            "modelfile": "FROM llama3.2",
            "template": "{{ .Prompt }}",
            "capabilities": ["tools"],
        },
    ),
]
