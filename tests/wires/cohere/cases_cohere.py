"""Exchanges of Cohere's API, versions 1 and 2, written from its reference."""

from __future__ import annotations

from typing import Any

from tests.wires.case import NDJSON, SSE, Case

_PAGE = {"id": "d1", "data": {"title": "A weather note", "text": "It rains in Oslo."}}
_CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "the city of Oslo"}'},
}
_SOURCE = {"type": "document", "id": "d1", "document": {"id": "d1", "text": "It rains in Oslo."}}
_CITATION = {"start": 0, "end": 8, "text": "It rains", "type": "TEXT_CONTENT", "sources": [_SOURCE]}
_USAGE = {"billed_units": {"input_tokens": 1}, "tokens": {"input_tokens": 1}}
ASK: dict[str, Any] = {
    "model": "command-a-03-2025",
    "messages": [
        {"role": "system", "content": "Answer in short sentences."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "How is the weather?"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "tool_plan": "I will look it up.",
            "tool_calls": [_CALL],
            "citations": [_CITATION],
            "content": [{"type": "thinking", "thinking": "I should look it up."}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "document", "document": _PAGE}]},
        {"role": "user", "content": "And tomorrow, then?"},
    ],
    "tools": [{"type": "function", "function": {"name": "get_weather", "description": "Tells the weather."}}],
    "documents": ["a loose page", _PAGE],
    "response_format": {"type": "json_object", "json_schema": {"description": "What is wanted."}},
    "citation_options": {"mode": "FAST"},
    "safety_mode": "CONTEXTUAL",
    "stop_sequences": ["the end"],
    "tool_choice": "REQUIRED",
    "thinking": {"type": "enabled"},
}
STREAMED = {**ASK, "stream": True}


def event(kind: str, index: int | None = None, delta: Any = None, **more: Any) -> tuple[str, Any]:
    at = {} if index is None else {"index": index}
    return kind, {"type": kind, **at, **({} if delta is None else {"delta": delta}), **more}


def _message(**what: Any) -> dict[str, Any]:
    return {"message": what}


def _arguments(text: str) -> dict[str, Any]:
    return _message(tool_calls={"function": {"arguments": text}})


EVENTS: list[Any] = [
    event("message-start", delta=_message(role="assistant", content=[], tool_plan=""), id="m1"),
    event("tool-plan-delta", delta=_message(tool_plan="I will ")),
    event("tool-plan-delta", delta=_message(tool_plan="look it up.")),
    event("tool-call-start", 0, _message(tool_calls={**_CALL, "function": {"name": "get_weather", "arguments": ""}})),
    event("tool-call-delta", 0, _arguments('{"city": "the ci')),
    event("tool-call-delta", 0, _arguments('ty of Oslo"}')),
    event("tool-call-end", 0),
    event("content-start", 0, _message(content={"type": "thinking", "thinking": ""})),
    event("content-delta", 0, _message(content={"thinking": "Let me think "})),
    event("content-delta", 0, _message(content={"thinking": "about it."})),
    event("content-end", 0),
    event("content-start", 1, _message(content={"type": "text", "text": ""})),
    event("content-delta", 1, _message(content={"text": "It rains "})),
    event("content-delta", 1, _message(content={"text": "in Oslo."})),
    event("citation-start", 0, _message(citations=_CITATION)),
    event("citation-end", 0),
    event("content-end", 1),
    event("message-end", delta={"finish_reason": "COMPLETE", "usage": _USAGE}, id="m1"),
]
LEGACY: dict[str, Any] = {
    "model": "command-r",
    "message": "How is the weather?",
    "preamble": "Answer in short sentences.",
    "chat_history": [{"role": "USER", "message": "Good day to you."}, {"role": "CHATBOT", "message": "And to you."}],
    "documents": [{"title": "A note", "snippet": "It rains in Oslo."}],
    "tools": [
        {"name": "look", "description": "Looks it up.", "parameter_definitions": {"q": {"description": "a query"}}}
    ],
    "tool_results": [{"call": {"name": "look", "parameters": {"q": "a query"}}, "outputs": [{"text": "some rain"}]}],
}
LEGACY_ANSWER: dict[str, Any] = {
    "text": "It rains in Oslo.",
    "generation_id": "g1",
    "response_id": "r1",
    "finish_reason": "COMPLETE",
    "tool_calls": [{"name": "look", "parameters": {"q": "the weather"}}],
    "citations": [{"start": 0, "end": 8, "text": "It rains", "document_ids": ["d1"]}],
    "documents": [{"id": "d1", "snippet": "It rains in Oslo."}],
    "search_queries": [{"text": "weather in Oslo", "generation_id": "g1"}],
    "chat_history": [{"role": "USER", "message": "How is the weather?"}],
}
LEGACY_EVENTS: list[Any] = [
    {"is_finished": False, "event_type": "stream-start", "generation_id": "g1"},
    {"is_finished": False, "event_type": "text-generation", "text": "It rains "},
    {"is_finished": False, "event_type": "text-generation", "text": "in Oslo."},
    {"is_finished": False, "event_type": "citation-generation", "citations": LEGACY_ANSWER["citations"]},
    {"is_finished": True, "event_type": "stream-end", "finish_reason": "COMPLETE", "response": LEGACY_ANSWER},
]
CASES: list[Case] = [
    Case(
        "cohere.chat",
        "/v2/chat",
        ASK,
        {
            "id": "m1",
            "finish_reason": "COMPLETE",
            "message": {
                "role": "assistant",
                "tool_plan": "I will look it up.",
                "tool_calls": [_CALL],
                "content": [{"type": "thinking", "thinking": "I think."}, {"type": "text", "text": "It rains."}],
                "citations": [_CITATION],
            },
            "usage": _USAGE,
        },
    ),
    Case("cohere.stream", "/v2/chat", STREAMED, answer_type=SSE, events=EVENTS, done="[DONE]"),
    Case("cohere.legacy", "/v1/chat", LEGACY, LEGACY_ANSWER),
    Case("cohere.legacy stream", "/v1/chat", {**LEGACY, "stream": True}, answer_type=NDJSON, events=LEGACY_EVENTS),
    Case(
        "cohere.embed",
        "/v2/embed",
        {
            "model": "embed-v4.0",
            "input_type": "search_query",
            "texts": ["a small text"],
            "inputs": [{"content": [{"type": "text", "text": "one more text"}]}],
        },
        {"id": "e1", "embeddings": {"float": [[0.1]]}, "texts": ["a small text"]},
    ),
    Case(
        "cohere.rerank",
        "/v2/rerank",
        {"model": "rerank-v3.5", "query": "what rains", "documents": ["the sky", {"text": "a cloud"}]},
        {"id": "k1", "results": [{"index": 0, "relevance_score": 0.9, "document": {"text": "the sky"}}]},
    ),
    Case(
        "cohere.tokenize",
        "/v1/tokenize",
        {"model": "c", "text": "a small text"},
        {"tokens": [1], "token_strings": ["a"]},
    ),
]
