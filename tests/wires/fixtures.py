"""Bodies of the chat completions API, written from its public reference (and, for the extra fields,
from those of DeepSeek, Groq, OpenRouter, Mistral, Azure and Perplexity). No recorded traffic."""

from __future__ import annotations

from typing import Any

from tests.support.events import chunk, said

_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "City and country.", "examples": ["Bern, Switzerland"]},
                "unit": {"type": "string", "enum": ["celsius", "degrees fahrenheit"]},
            },
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}

REQUESTS: dict[str, Any] = {
    "plain": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "What is a good name for a cat?"}]},
    "everything": {
        "model": "gpt-5-mini",
        "messages": [
            {"role": "system", "content": "You are a helpful assistant.", "name": "operator"},
            {"role": "developer", "content": [{"type": "text", "text": "Answer briefly."}]},
            {"role": "user", "content": "Hello there", "name": "ann"},
        ],
        "temperature": 0.70,
        "top_p": 1.0,
        "n": 2,
        "seed": 12345678901234567890,
        "stream": True,
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "stop": ["\n\n", "THE END"],
        "max_completion_tokens": 256,
        "presence_penalty": 0,
        "logit_bias": {"50256": -100},
        "logprobs": True,
        "top_logprobs": 2,
        "user": "user-1",
        "safety_identifier": "s-1",
        "prompt_cache_key": "cache-1",
        "prompt_cache_retention": "24h",
        "metadata": {"topic": "a chat about cats"},
        "store": False,
        "service_tier": "auto",
        "reasoning_effort": "low",
        "verbosity": "low",
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "wav"},
        "prediction": {"type": "content", "content": [{"type": "text", "text": "A cat named"}]},
        "web_search_options": {
            "user_location": {"type": "approximate", "approximate": {"city": "New York", "country": "US"}}
        },
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "cat",
                "description": "A cat.",
                "strict": True,
                "schema": {"type": "object", "title": "A cat", "properties": {"name": {"type": "string"}}},
            },
        },
    },
    "tools": {
        "model": "gpt-5-mini",
        "tools": [_TOOL, {"type": "custom", "custom": {"name": "code", "description": "Run some code."}}],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "parallel_tool_calls": True,
        "messages": [
            {"role": "user", "content": "Weather in Bern and Basel?"},
            {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": '{"city": "Bern, Switzerland", "days": 3}'},
                    },
                    {"id": "call_2", "type": "custom", "custom": {"name": "code", "input": "print(1 + 1)"}},
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": '{"sky": "mostly clear", "degrees": 17.0}'},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "2 as text"}]},
        ],
    },
    "functions": {
        "model": "gpt-4",
        "functions": [{"name": "look_up", "description": "Look a word up.", "parameters": {"type": "object"}}],
        "function_call": "auto",
        "messages": [
            {"role": "assistant", "content": "", "function_call": {"name": "look_up", "arguments": '{"word": "a b"}'}},
            {"role": "function", "name": "look_up", "content": "It is a word."},
        ],
    },
    "parts": {
        "model": "gpt-5-mini",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is in this image"},
                    {"type": "text", "text": "and in this file?"},
                    {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                    {"type": "input_audio", "input_audio": {"data": "UklGRiQAAABXQVZF", "format": "wav"}},
                    {
                        "type": "file",
                        "file": {"filename": "a file.pdf", "file_data": "data:application/pdf;base64,JVBE"},
                    },
                    {"type": "file", "file": {"file_id": "file-1"}},
                ],
            },
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "I cannot do that."}]},
            {"role": "assistant", "content": None, "audio": {"id": "audio_1"}},
        ],
    },
    "reasoning": {
        "model": "deepseek-reasoner",
        "reasoning": {"effort": "low", "exclude": False},
        "messages": [
            {"role": "assistant", "content": "Yes.", "reasoning_content": "Let me think about it."},
            {"role": "assistant", "content": "Yes.", "reasoning": "I think so too."},
            {
                "role": "assistant",
                "content": "Yes.",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "A thought.", "format": "x-v1", "index": 0, "signature": "c2ln"},
                    {"type": "reasoning.summary", "summary": "In short.", "id": "r-1", "format": "x-v1", "index": 1},
                    {"type": "reasoning.encrypted", "data": "ZW5j", "format": "x-v1", "index": 2},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "A deep thought."}], "closed": True},
                    {"type": "text", "text": "Yes."},
                ],
            },
        ],
    },
    "cached": {
        "model": "anthropic/claude-x",
        "provider": {"order": ["anthropic"], "allow_fallbacks": False},
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Read this.", "cache_control": {"type": "ephemeral"}}],
            }
        ],
    },
}


def answer(*messages: dict[str, Any], finish: str = "stop", **more: Any) -> dict[str, Any]:
    """A whole answer with these messages as its choices."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "gpt-5-mini",
        "choices": [
            {"index": n, "message": {"role": "assistant", **m}, "logprobs": None, "finish_reason": finish}
            for n, m in enumerate(messages)
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18},
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        **more,
    }


def token(text: str) -> dict[str, Any]:
    """One token's log-probabilities."""
    return {
        "token": text,
        "logprob": -0.10,
        "bytes": list(text.encode()),
        "top_logprobs": [{"token": text, "logprob": -0.10, "bytes": list(text.encode())}],
    }


_LOGPROBS = answer({"content": "A cat", "refusal": None})
_LOGPROBS["choices"][0]["logprobs"] = {"content": [token("A"), token(" cat")], "refusal": None}

_CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Bern, CH"}'}},
    {"id": "call_2", "type": "custom", "custom": {"name": "code", "input": "print('a b')"}},
]

ANSWERS: dict[str, Any] = {
    "plain": answer({"content": "Hello to you!", "refusal": None, "annotations": []}),
    "several": answer({"content": "One answer."}, {"content": "Another answer."}, {"content": "A third."}),
    "refusal": answer({"content": None, "refusal": "I will not help with that."}),
    "calls": answer({"content": None, "tool_calls": _CALLS}, finish="tool_calls"),
    "function_call": answer(
        {"content": None, "function_call": {"name": "look_up", "arguments": '{"word": "a b"}'}}, finish="function_call"
    ),
    "logprobs": _LOGPROBS,
    "annotations": answer(
        {
            "content": "See here.",
            "annotations": [
                {
                    "type": "url_citation",
                    "url_citation": {"start_index": 0, "end_index": 3, "title": "A title", "url": "https://e.org/a"},
                }
            ],
        }
    ),
    "audio": answer(
        {
            "content": None,
            "audio": {"id": "audio_1", "expires_at": 1760000000, "data": "UklGRg==", "transcript": "I say hello."},
        }
    ),
    "reasoning": answer(
        {"content": "Yes.", "reasoning_content": "Let me think."},
        {"content": "Yes.", "reasoning": "I think so."},
        {
            "content": "Yes.",
            "reasoning_details": [
                {"type": "reasoning.text", "text": "A thought.", "format": "x-v1", "index": 0, "signature": "c2ln"},
                {"type": "reasoning.summary", "summary": "In short.", "id": "r-1", "index": 1},
                {"type": "reasoning.encrypted", "data": "ZW5j", "format": "x-v1", "index": 2},
            ],
        },
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Deep."}]},
                {"type": "text", "text": "Yes"},
            ]
        },
    ),
    "extras": answer(
        {"content": "Hi.", "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}]},
        provider="Some Provider",
        citations=["https://example.org/a"],
        search_results=[{"title": "A result", "url": "https://example.org/b", "date": "2026-01-01"}],
        x_groq={"id": "req_1"},
        prompt_filter_results=[
            {"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}
        ],
    ),
    "error": {
        "error": {
            "message": "The model `x` does not exist.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
            "failed_generation": "half a text",
        }
    },
}


def _call(index: int, text: str | None = None, **first: Any) -> dict[str, Any]:
    function = {**({"name": first.pop("name")} if "name" in first else {}), "arguments": text or ""}
    return chunk({"tool_calls": [{"index": index, **first, "function": function}]})


_USAGE = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
_JUDGED = {
    "flagged": False,
    "categories": {"violence": False},
    "category_scores": {"violence": 0.01},
    "category_applied_input_types": {"violence": ["text"]},
    "model": "omni-moderation-2024-09-26",
    "type": "moderation_result",
}
_MODERATION = {
    "input": {"type": "moderation_results", "model": "omni-moderation-2024-09-26", "results": [_JUDGED]},
    "output": {"type": "error", "code": "server_error", "message": "It could not be judged."},
}
ANSWERS["moderation"] = {**ANSWERS["plain"], "moderation": _MODERATION}
REQUESTS["moderation"] = {
    **REQUESTS["plain"],
    "moderation": {
        "model": "omni-moderation-latest",
        "policy": {"input": {"mode": "score"}, "output": {"mode": "block"}},
    },
}

STREAMS: dict[str, list[Any]] = {
    "plain": [*said("Hello", " to", " you", "!"), chunk({}, usage=_USAGE) | {"choices": []}],
    "obfuscated": said("Hello", " you", obfuscation="a8Xz"),
    "several": [
        *(chunk({"role": "assistant", "content": ""}, index=n) for n in range(3)),
        *(chunk({"content": t}, index=n) for t in ("one ", "two ") for n in range(3)),
        *(chunk({}, index=n, finish="stop") for n in range(3)),
    ],
    "two in a chunk": [
        {**chunk({}), "choices": [{"index": n, "delta": {"content": "a b"}, "finish_reason": None} for n in (1, 0)]}
    ],
    "calls": [
        chunk({"role": "assistant", "content": None}),
        _call(0, id="call_1", type="function", name="get_weather"),
        _call(1, id="call_2", type="function", name="get_weather"),
        _call(0, '{"city": "Be'),
        _call(1, '{"city": "Ba'),
        _call(0, 'rn, \\u0043H"}'),
        _call(1, 'sel, CH"}'),
        chunk({}, finish="tool_calls"),
    ],
    "function_call": [
        chunk({"role": "assistant", "content": None, "function_call": {"name": "look_up", "arguments": ""}}),
        chunk({"function_call": {"arguments": '{"word": '}}),
        chunk({"function_call": {"arguments": '"a b"}'}}),
        chunk({}, finish="function_call"),
    ],
    "refusal": [chunk({"refusal": "I will "}), chunk({"refusal": "not help."}), chunk({}, finish="stop")],
    "reasoning": [
        chunk({"role": "assistant", "content": "", "reasoning_content": "Let me "}),
        chunk({"reasoning_content": "think."}),
        chunk(
            {"reasoning": "I think", "reasoning_details": [{"type": "reasoning.text", "text": "I think", "index": 0}]}
        ),
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Deep thought"}]}]}),
        chunk({"content": "Yes."}),
        chunk({}, finish="stop"),
    ],
    "logprobs": [
        {
            **chunk({}),
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": t},
                    "logprobs": {"content": [token(t)], "refusal": None},
                    "finish_reason": None,
                }
            ],
        }
        for t in ("A", " cat")
    ],
    "audio": [
        chunk({"audio": {"id": "audio_1", "transcript": "I say "}}),
        chunk({"audio": {"data": "UklGRg=="}}),
        chunk({"audio": {"transcript": "hello."}}),
        chunk({}, finish="stop"),
    ],
    "error": [chunk({"role": "assistant", "content": "He"}), ANSWERS["error"]],
    "azure": [
        {**chunk({}), "id": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
        *said("Hi", " there"),
    ],
    "moderation": [*said("Hello"), {**chunk({}, moderation=_MODERATION), "choices": []}],
}
CUSTOM: dict[str, Any] = {
    "request": {"session": "s-1", "turns": [{"who": "me", "text": "Hello there"}, {"who": "bot", "text": "Hi"}]},
    "answer": {"reply": {"text": "Good day."}, "suggestions": ["Ask again", "Stop here"]},
}
