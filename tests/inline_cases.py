"""Answers of Chat Completions and Responses that carry a moderation, written from the API's references."""

from __future__ import annotations

import json
from typing import Any

from guardrail.policy.compile import load_plan
from guardrail.policy.plan import Plan
from tests.backends.conftest import result_for
from tests.support.events import chunk, said, sse

MODEL = "omni-moderation-2024-09-26"
RESPONSES = "/v1/responses"
POLICY = """
guardrail: 1
name: inline
checks:
  beside: {use: openai-inline}
input: [beside]
output: [beside]
rules:
  - {when: harm, do: refuse}
"""


def chat_side(text: str) -> dict[str, Any]:
    results = [{**result_for(text), "type": "moderation_result", "model": MODEL}]
    return {"type": "moderation_results", "model": MODEL, "results": results}


def responses_side(text: str) -> dict[str, Any]:
    return {**result_for(text), "type": "moderation_result", "model": MODEL}


ERROR = {"type": "error", "code": "server_error", "message": "it could not be judged"}


def chat_whole(text: str, moderation: Any) -> bytes:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    return json.dumps({**head, "usage": usage, **_told(moderation)}).encode()


def told(moderation: Any, **more: Any) -> dict[str, Any]:
    """The chunk of its own that carries a moderation."""
    last = {**chunk(None), "choices": []}
    del last["usage"]
    return {**last, "moderation": moderation, **more}


def chat_stream(text: str, moderation: Any) -> bytes:
    words = [f"{word} " for word in text.split(" ")]
    return sse(*said(*words), *([] if moderation is None else [told(moderation)]))


def response(text: str, moderation: Any = None, status: str = "completed") -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": "m",
        "output": [item] if text else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **_told(moderation),
    }


def responses_whole(text: str, moderation: Any) -> bytes:
    return json.dumps(response(text, moderation)).encode()


def responses_stream(text: str, moderation: Any) -> bytes:
    begun, ended = response("", status="in_progress"), response(text, moderation)
    item, part = ended["output"][0], ended["output"][0]["content"][0]
    at: dict[str, Any] = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    empty = {**item, "content": [], "status": "in_progress"}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": empty},
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        *(
            {"type": "response.output_text.delta", **at, "delta": f"{word} ", "logprobs": []}
            for word in text.split(" ")
        ),
        {"type": "response.output_text.done", **at, "text": f"{text} ", "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": ended},
    ]
    lines = [
        f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': n})}\n\n"
        for n, event in enumerate(events)
    ]
    return "".join(lines).encode()


def plan_of(policy: str, folder: Any) -> Plan:
    path = folder / "policy.yaml"
    path.write_text(policy)
    return load_plan(path)


def _told(moderation: Any) -> dict[str, Any]:
    return {} if moderation is None else {"moderation": moderation}
