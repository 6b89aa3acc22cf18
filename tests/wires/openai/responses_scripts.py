"""Streams of the Responses API, written event by event as the reference orders them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.wires.openai import responses_samples as samples
from tests.wires.openai.responses_wholes import response

Event = dict[str, Any]


def numbered(events: Iterator[Event] | list[Event], start: int = 0) -> list[tuple[str, Event]]:
    """The events with their names and numbers."""
    return [(e["type"], {**e, "sequence_number": n}) for n, e in enumerate(events, start)]


def pieces(text: str) -> list[str]:
    """A text as a model gives it: word by word."""
    words = text.split(" ")
    return [words[0], *(f" {word}" for word in words[1:])]


def said(index: int, item: Event, **more: Any) -> Iterator[Event]:
    """A message: parts, deltas and repeats."""
    yield added(index, {**item, "status": "in_progress", "content": []})
    for n, part in enumerate(item["content"]):
        at = {"item_id": item["id"], "output_index": index, "content_index": n}
        name = "refusal" if part["type"] == "refusal" else "text"
        event = f"response.{'refusal' if name == 'refusal' else 'output_text'}"
        extra: Event = {"logprobs": []} if name == "text" else {}
        blank = {**part, name: ""} | ({"annotations": [], "logprobs": []} if name == "text" else {})
        yield {"type": "response.content_part.added", **at, "part": blank}
        for k, piece in enumerate(pieces(part[name])):
            tokens = {"logprobs": part["logprobs"][k : k + 1]} if part.get("logprobs") else extra
            yield {"type": f"{event}.delta", **at, "delta": piece, **tokens, "obfuscation": "aBcD", **more}
        for k, annotation in enumerate(part.get("annotations", ())):
            yield {
                "type": "response.output_text.annotation.added",
                **at,
                "annotation_index": k,
                "annotation": annotation,
            }
        yield {"type": f"{event}.done", **at, name: part[name], **extra}
        yield {"type": "response.content_part.done", **at, "part": part}
    yield done(index, item)


def thought(index: int, item: Event, word: str = "content_part") -> Iterator[Event]:
    """A reasoning item: summary, then text."""
    yield added(index, {**item, "summary": [], "content": []})
    for n, part in enumerate(item["summary"]):
        at = {"item_id": item["id"], "output_index": index, "summary_index": n}
        yield {"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}}
        for piece in pieces(part["text"]):
            yield {"type": "response.reasoning_summary_text.delta", **at, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", **at, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **at, "part": part}
    for n, part in enumerate(item["content"]):
        at = {"item_id": item["id"], "output_index": index, "content_index": n}
        yield {"type": f"response.{word}.added", **at, "part": {**part, "text": ""}}
        for piece in pieces(part["text"]):
            yield {"type": "response.reasoning_text.delta", **at, "delta": piece}
        yield {"type": "response.reasoning_text.done", **at, "text": part["text"]}
        yield {"type": f"response.{word}.done", **at, "part": part}
    yield done(index, item)


def called(index: int, item: Event, word: str, field: str, key: str = "") -> Iterator[Event]:
    """A call whose text comes in deltas: ``word`` names its events, ``key`` the field of the last one."""
    yield added(index, {**item, field: ""} if field in item else item)
    at = {"item_id": item["id"], "output_index": index}
    text = item["operation"][field] if field == "diff" else item[field]
    for piece in pieces(text):
        yield {"type": f"response.{word}.delta", **at, "delta": piece, "obfuscation": "xYz"}
    yield {"type": f"response.{word}.done", **at, key or field: text}
    yield done(index, item)


def worked(index: int, item: Event, *words: str) -> Iterator[Event]:
    """A tool of the API's own: what it does, then the item."""
    blank = {key: value for key, value in item.items() if key in ("type", "id", "action", "container_id")}
    yield added(index, {**blank, "status": "in_progress"})
    for word in words:
        yield {"type": f"response.{item['type']}.{word}", "item_id": item["id"], "output_index": index}
    yield done(index, item)


def shell(index: int) -> Iterator[Event]:
    """Commands and what they print."""
    item = samples.SHELL
    yield added(index, {**item, "action": {"commands": []}, "status": "in_progress"})
    for n, command in enumerate(item["action"]["commands"]):
        at = {"output_index": index, "command_index": n}
        yield {"type": "response.shell_call_command.added", **at, "command": ""}
        for piece in pieces(command):
            yield {"type": "response.shell_call_command.delta", **at, "delta": piece, "obfuscation": "q"}
        yield {"type": "response.shell_call_command.done", **at, "command": command}
    yield done(index, item)
    out = samples.SHELL_OUTPUT
    at = {"item_id": out["id"], "output_index": index + 1, "command_index": 0}
    yield added(index + 1, {**out, "output": [], "status": "in_progress"})
    for name in ("stdout", "stderr"):
        for piece in pieces(out["output"][0][name]):
            yield {"type": "response.shell_call_output_content.delta", **at, "delta": {name: piece}}
    yield {"type": "response.shell_call_output_content.done", **at, "output": out["output"]}
    yield done(index + 1, out)


def added(index: int, item: Event) -> Event:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, item: Event) -> Event:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def around(events: Iterator[Event], output: list[Event], word: str = "completed", **more: Any) -> Iterator[Event]:
    """The response object before and after."""
    begun = response(status="in_progress", completed_at=None, usage=None)
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    yield from events
    yield {"type": f"response.{word}", "response": response(status=word, output=output, **more)}


def answer() -> list[tuple[str, Event]]:
    """Reasoning, then a message."""
    items = [samples.REASONING, samples.MESSAGE]
    return numbered(around(_chain(thought(0, items[0]), said(1, items[1])), items))


def calls() -> list[tuple[str, Event]]:
    """Calls that the app has to run, and a patch."""
    items = [samples.CALL, samples.CUSTOM, samples.PATCH]
    events = _chain(
        called(0, samples.CALL, "function_call_arguments", "arguments"),
        called(1, samples.CUSTOM, "custom_tool_call_input", "input"),
        called(2, samples.PATCH, "apply_patch_call_operation_diff", "diff"),
        shell(3),
    )
    return numbered(around(events, [*items, samples.SHELL, samples.SHELL_OUTPUT]))


def hosted() -> list[tuple[str, Event]]:
    """Tools that the API runs itself."""
    picture = samples.IMAGE
    partial = {
        "type": "response.image_generation_call.partial_image",
        "item_id": picture["id"],
        "output_index": 6,
        "partial_image_index": 0,
        "partial_image_b64": samples.PNG,
        "background": "opaque",
        "output_format": "png",
        "quality": "high",
        "size": "1024x1024",
    }
    items = [
        samples.SEARCH,
        samples.FILES,
        samples.CODE,
        samples.MCP_TOOLS,
        samples.MCP_CALL,
        samples.MCP_ASK,
        picture,
        samples.COMPACTION,
    ]
    events = _chain(
        worked(0, samples.SEARCH, "in_progress", "searching", "completed"),
        worked(1, samples.FILES, "in_progress", "searching", "completed"),
        called(2, samples.CODE, "code_interpreter_call_code", "code"),
        iter([{"type": "response.code_interpreter_call.interpreting", "item_id": "ci_1", "output_index": 2}]),
        worked(3, samples.MCP_TOOLS, "in_progress", "completed"),
        called(4, samples.MCP_CALL, "mcp_call_arguments", "arguments"),
        worked(5, samples.MCP_ASK),
        worked(6, picture, "in_progress", "generating", "completed"),
        iter([partial]),
        iter([{"type": "response.compaction.compacting", "item_id": "cmp_1", "output_index": 7}]),
        worked(7, samples.COMPACTION),
    )
    return numbered(around(events, items))


def odd() -> list[tuple[str, Event]]:
    """Rare events, unknown ones, and a failure."""
    told = {"type": "error", "code": "server_error", "message": "the lamp went out", "param": None}
    events: Iterator[Event] = iter(
        [
            {"type": "response.queued", "response": response(status="queued", output=[])},
            {"type": "keepalive"},
            {"type": "response.audio.delta", "delta": samples.WAV},
            {"type": "response.audio.done"},
            {"type": "response.audio.transcript.delta", "delta": "spoken like a song"},
            {"type": "response.audio.transcript.done"},
            {"type": "response.lamp.delta", "output_index": 0, "delta": "light of the tower"},
            {"type": "response.lamp.done", "output_index": 0, "lamp": {"said": "the lamp is lit"}},
            *thought(0, samples.REASONING, "reasoning_part"),
            {**told, "error": {"type": "server_error", "code": "server_error", "message": "the lamp went out"}},
        ]
    )
    failure = {"code": "server_error", "message": "The model failed to answer"}
    return numbered(around(events, [], "failed", error=failure))


def cut_short() -> list[tuple[str, Event]]:
    """An answer that the provider ends itself."""
    item = {**samples.MESSAGE, "status": "incomplete", "content": [samples.TEXT]}
    ends = {"incomplete_details": {"reason": "max_output_tokens"}}
    return numbered(around(said(0, item), [item], "incomplete", **ends))


def _chain(*parts: Iterator[Event]) -> Iterator[Event]:
    for part in parts:
        yield from part
