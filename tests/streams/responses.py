"""An answer as OpenAI's Responses API streams it: deltas, and the repeats of them (API reference, "Streaming events")."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from tests.streams.parts import TOOL, Part, text
from tests.streams.talk import Talk, streamed
from tests.wires.openai.responses_scripts import added, done, numbered


def responses(*parts: Part) -> Talk:
    events: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for kind, group in groupby(parts, key=lambda part: part.kind):
        for together in [[*group]] if kind == "text" else [[part] for part in group]:
            index = len(items)
            item, told = {"text": _message, "thought": _reasoning, "call": _function}[kind](index, together)
            events += [added(index, told[0]), *told[1:], done(index, item)]
            items.append(item)
    return streamed("/v1/responses", numbered(_around(events, items)), _input())


def repeated(said: str, again: str) -> Talk:
    """A message whose deltas say one thing, and whose repeats another."""
    item, told = _message(0, [text(said)])
    late: dict[str, Any] = json.loads(json.dumps(item).replace(json.dumps(said), json.dumps(again)))
    events = [added(0, told[0]), *told[1:3]]
    at = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    events += [{"type": "response.output_text.done", **at, "text": again, "logprobs": []}]
    events += [{"type": "response.content_part.done", **at, "part": late["content"][0]}, done(0, late)]
    return streamed("/v1/responses", numbered(_around(events, [late])), _input())


def _around(events: list[dict[str, Any]], output: list[dict[str, Any]]) -> list[dict[str, Any]]:
    begun = {"id": "resp_1", "object": "response", "created_at": 1760000000, "model": "m", "status": "in_progress"}
    begun |= {"output": [], "error": None, "incomplete_details": None, "usage": None}
    ended = {**begun, "status": "completed", "output": output}
    return [{"type": "response.created", "response": begun}, *events, {"type": "response.completed", "response": ended}]


def _input() -> bytes:
    return json.dumps({"model": "m", "stream": True, "input": "hi"}).encode()


Told = tuple[dict[str, Any], list[dict[str, Any]]]


def _message(index: int, parts: list[Part]) -> Told:
    content = [{"type": "output_text", "text": part.whole, "annotations": [], "logprobs": []} for part in parts]
    item = {"type": "message", "id": f"i{index}", "status": "completed", "role": "assistant", "content": content}
    told: list[dict[str, Any]] = [{**item, "status": "in_progress", "content": []}]
    for n, part in enumerate(parts):
        at = {"item_id": item["id"], "output_index": index, "content_index": n}
        told.append({"type": "response.content_part.added", **at, "part": {**content[n], "text": ""}})
        told += [{"type": "response.output_text.delta", **at, "delta": p, "logprobs": []} for p in part.pieces]
        told.append({"type": "response.output_text.done", **at, "text": part.whole, "logprobs": []})
        told.append({"type": "response.content_part.done", **at, "part": content[n]})
    return item, told


def _reasoning(index: int, parts: list[Part]) -> Told:
    (part,) = parts
    summary = {"type": "summary_text", "text": part.whole}
    item = {"type": "reasoning", "id": f"i{index}", "status": "completed", "summary": [summary]}
    at = {"item_id": item["id"], "output_index": index, "summary_index": 0}
    name = "response.reasoning_summary"
    return item, [
        {**item, "summary": []},
        {"type": f"{name}_part.added", **at, "part": {**summary, "text": ""}},
        *({"type": f"{name}_text.delta", **at, "delta": piece} for piece in part.pieces),
        {"type": f"{name}_text.done", **at, "text": part.whole},
        {"type": f"{name}_part.done", **at, "part": summary},
    ]


def _function(index: int, parts: list[Part]) -> Told:
    (part,) = parts
    item = {"type": "function_call", "id": f"i{index}", "call_id": f"c{index}", "name": TOOL, "status": "completed"}
    at = {"item_id": item["id"], "output_index": index}
    name = "response.function_call_arguments"
    return {**item, "arguments": part.whole}, [
        {**item, "arguments": "", "status": "in_progress"},
        *({"type": f"{name}.delta", **at, "delta": piece} for piece in part.pieces),
        {"type": f"{name}.done", **at, "arguments": part.whole},
    ]
