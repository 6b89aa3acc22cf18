"""One answer as each API streams it, written from their documents: parts in, events out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from tests.streams.parts import TOOL, Part
from tests.streams.responses import responses
from tests.streams.talk import Talk, streamed
from tests.support.events import chunk
from tests.wires.case import AWS, NDJSON, SSE

Event = tuple[str, Any]


def _asked(**more: Any) -> bytes:
    return json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}], **more}).encode()


def chat(*parts: Part) -> Talk:
    events = [chunk({"role": "assistant", "content": ""})]
    calls = count()
    for part in parts:
        if part.kind == "call":
            index = next(calls)
            head = {"index": index, "id": f"c{index}", "type": "function", "function": {"name": TOOL, "arguments": ""}}
            events.append(chunk({"tool_calls": [head]}))
            events += [chunk({"tool_calls": [{"index": index, "function": {"arguments": p}}]}) for p in part.pieces]
        else:
            key = "content" if part.kind == "text" else "reasoning_content"
            events += [chunk({key: piece}) for piece in part.pieces]
    return streamed("/v1/chat/completions", [*events, chunk({}, finish="stop")], _asked(), done="[DONE]")


def choices(*spoken: tuple[int, str], n: int) -> Talk:
    """Several choices of one chat answer, in the order in which their pieces come."""
    events = [chunk({"role": "assistant", "content": ""}, index=i) for i in range(n)]
    events += [chunk({"content": piece}, index=i) for i, piece in spoken]
    events += [chunk({}, index=i, finish="stop") for i in range(n)]
    return streamed("/v1/chat/completions", events, _asked(n=n), done="[DONE]")


def anthropic(*parts: Part) -> Talk:
    usage = {"input_tokens": 1, "output_tokens": 1}
    head = {"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    events = [_typed("message_start", message={**head, "stop_reason": None, "stop_sequence": None})]
    for n, part in enumerate(parts):
        block, kind, key = {
            "text": ({"type": "text", "text": ""}, "text_delta", "text"),
            "thought": ({"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking"),
            "call": (
                {"type": "tool_use", "id": f"t{n}", "name": TOOL, "input": {}},
                "input_json_delta",
                "partial_json",
            ),
        }[part.kind]
        events.append(_typed("content_block_start", index=n, content_block=block))
        events += [_typed("content_block_delta", index=n, delta={"type": kind, key: piece}) for piece in part.pieces]
        events.append(_typed("content_block_stop", index=n))
    events += [_typed("message_delta", delta={"stop_reason": "end_turn"}, usage=usage), _typed("message_stop")]
    return streamed("/v1/messages", events, _asked(max_tokens=9))


def _typed(kind: str, **fields: Any) -> Event:
    return kind, {"type": kind, **fields}


def gemini(*parts: Part, events: bool = True) -> Talk:
    """A call comes whole: its arguments are an object here."""

    def said() -> Iterator[dict[str, Any]]:
        for part in parts:
            if part.kind == "call":
                yield {"functionCall": {"name": TOOL, "args": json.loads(part.whole)}}
            else:
                yield from ({"text": p} | ({"thought": True} if part.kind == "thought" else {}) for p in part.pieces)

    trees = [candidate(0, one) for one in said()] + [candidate(0, {"text": ""}, "STOP")]
    return _generated(trees, {}, events)


def candidate(index: int, part: dict[str, Any], finish: str = "") -> dict[str, Any]:
    one = {"content": {"role": "model", "parts": [part]}, "index": index}
    return {"candidates": [one | ({"finishReason": finish} if finish else {})], "responseId": "r1"}


def candidates(*spoken: tuple[int, str], n: int) -> Talk:
    trees = [candidate(i, {"text": piece}) for i, piece in spoken]
    return _generated([*trees, *(candidate(i, {"text": ""}, "STOP") for i in range(n))], {"candidateCount": n})


def _generated(trees: list[Any], config: dict[str, Any], events: bool = True) -> Talk:
    request = json.dumps({"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": config})
    path, media = "/v1beta/models/gemini-flash-latest:streamGenerateContent", SSE if events else "application/json"
    return streamed(path, trees, request.encode(), media, query="alt=sse" if events else "")


def ollama(*parts: Part) -> Talk:
    """A call comes whole: its arguments are an object here."""
    head = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
    messages: list[dict[str, Any]] = []
    for part in parts:
        if part.kind == "call":
            function = {"name": TOOL, "arguments": json.loads(part.whole)}
            messages.append({"content": "", "tool_calls": [{"function": function}]})
        else:
            key = "content" if part.kind == "text" else "thinking"
            messages += [{"content": "", key: piece} for piece in part.pieces]
    lines = [{**head, "message": {"role": "assistant", **message}, "done": False} for message in messages]
    end = {**head, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    return streamed("/api/chat", [*lines, end], _asked(), NDJSON)


def cohere(*parts: Part) -> Talk:
    def told(kind: str, index: int | None, **message: Any) -> Event:
        at = {} if index is None else {"index": index}
        return kind, {"type": kind, **at, **({"delta": {"message": message}} if message else {})}

    events = [("message-start", {"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant"}}})]
    blocks, calls = count(), count()
    for part in parts:
        if part.kind == "call":
            n = next(calls)
            opened = {"id": f"c{n}", "type": "function", "function": {"name": TOOL, "arguments": ""}}
            events.append(told("tool-call-start", n, tool_calls=opened))
            events += [told("tool-call-delta", n, tool_calls={"function": {"arguments": p}}) for p in part.pieces]
            events.append(told("tool-call-end", n))
            continue
        n, key = next(blocks), "text" if part.kind == "text" else "thinking"
        events.append(told("content-start", n, content={"type": key, key: ""}))
        events += [told("content-delta", n, content={key: piece}) for piece in part.pieces]
        events.append(told("content-end", n))
    events.append(("message-end", {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}))
    return streamed("/v2/chat", events, _asked(), done="[DONE]")


def legacy(*parts: Part) -> Talk:
    """Version 1 of Cohere's chat, whose last event says the whole once more. Texts only."""
    said = [{"is_finished": False, "event_type": "text-generation", "text": p} for part in parts for p in part.pieces]
    whole = {"text": "".join(part.whole for part in parts), "generation_id": "g1", "finish_reason": "COMPLETE"}
    begun = {"is_finished": False, "event_type": "stream-start", "generation_id": "g1"}
    ended = {"is_finished": True, "event_type": "stream-end", "finish_reason": "COMPLETE", "response": whole}
    request = json.dumps({"model": "m", "stream": True, "message": "hi"}).encode()
    return streamed("/v1/chat", [begun, *said, ended], request, NDJSON)


def converse(*parts: Part) -> Talk:
    events: list[Event] = [("messageStart", {"role": "assistant"})]
    for n, part in enumerate(parts):
        at = {"contentBlockIndex": n}
        if part.kind == "call":
            events.append(("contentBlockStart", {**at, "start": {"toolUse": {"toolUseId": f"t{n}", "name": TOOL}}}))
        for piece in part.pieces:
            delta = {
                "text": {"text": piece},
                "thought": {"reasoningContent": {"text": piece}},
                "call": {"toolUse": {"input": piece}},
            }[part.kind]
            events.append(("contentBlockDelta", {**at, "delta": delta}))
        events.append(("contentBlockStop", at))
    events += [("messageStop", {"stopReason": "end_turn"}), ("metadata", {"usage": {"inputTokens": 1}})]
    request = json.dumps({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}).encode()
    return streamed("/model/us.amazon.nova-lite-v1:0/converse-stream", events, request, AWS)


APIS: dict[str, Callable[..., Talk]] = {
    "openai chat": chat,
    "openai responses": responses,
    "anthropic messages": anthropic,
    "gemini": gemini,
    "ollama": ollama,
    "cohere": cohere,
    "bedrock converse": converse,
}
