"""What the model told, place by place, as the objects of an SDK hold it: text, thoughts, arguments of calls.

Knows the shapes of three APIs' objects, whole and streamed, and which of their events only repeat what
was told before. Of doors, scripts and masks it must never know.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Telling = Iterator[tuple[str, str, bool]]
"""Place, text, and: does it repeat the whole of what was told there?"""


@dataclass
class Spoken:
    """``told`` by place (``text 0``, ``thought 0``, ``call 0``), and what ``repeated`` the whole of it."""

    told: dict[str, str] = field(default_factory=dict)
    repeated: dict[str, list[str]] = field(default_factory=dict)

    def called(self, place: str = "call 0") -> Any:
        """The arguments of a call, which must be JSON."""
        return json.loads(self.told[place])


def spoken(name: str, chunks: list[Any]) -> Spoken:
    """Put together what these chunks (plain trees) of the dialect of this name tell."""
    made = Spoken()
    for chunk in chunks:
        for place, text, again in _READERS[name](chunk):
            if again:
                made.repeated.setdefault(place, []).append(text)
            else:
                made.told[place] = made.told.get(place, "") + text
    return made


def _chat(chunk: Any) -> Telling:
    for choice in chunk["choices"]:
        index, message = choice["index"], choice.get("delta") or choice.get("message") or {}
        yield f"text {index}", message.get("content") or "", False
        yield f"thought {index}", message.get("reasoning_content") or "", False
        for call in message.get("tool_calls") or ():
            yield f"call {index}", call["function"]["arguments"] or "", False


def _messages(chunk: Any) -> Telling:
    delta = chunk.get("delta") or {}
    for block in [*(chunk.get("content") or ()), delta]:
        kind = (block.get("type") or "").removesuffix("_delta")
        if kind == "text":
            yield "text 0", block["text"], False
        elif kind == "thinking":
            yield "thought 0", block["thinking"], False
        elif kind == "input_json":
            yield "call 0", block["partial_json"], False
        elif kind == "tool_use":
            yield "call 0", json.dumps(block["input"]), False


_DELTAS = {
    "response.output_text": "text 0",
    "response.reasoning_summary_text": "thought 0",
    "response.function_call_arguments": "call 0",
}


def _responses(chunk: Any) -> Telling:
    if chunk.get("object") == "response":
        yield from ((place, text, False) for item in chunk["output"] for place, text in _item(item))
        return
    kind, _, last = chunk["type"].rpartition(".")
    if kind in _DELTAS:
        said = chunk["delta"] if last == "delta" else chunk.get("text", chunk.get("arguments"))
        yield _DELTAS[kind], said, last == "done"
    elif last == "done":
        items = [chunk["item"]] if "item" in chunk else [{"type": "message", "content": [chunk["part"]]}]
        yield from ((place, text, True) for item in items for place, text in _item(item))
    elif last in ("completed", "incomplete"):
        yield from ((place, text, True) for item in chunk["response"]["output"] for place, text in _item(item))


def _item(item: Any) -> Iterator[tuple[str, str]]:
    for part in [*(item.get("summary") or ()), *(item.get("content") or ())]:
        yield "thought 0" if part["type"] == "summary_text" else "text 0", part["text"]
    if "arguments" in item:
        yield "call 0", item["arguments"]


_READERS: dict[str, Callable[[Any], Telling]] = {
    "openai.chat": _chat,
    "openai.responses": _responses,
    "anthropic.messages": _messages,
}
