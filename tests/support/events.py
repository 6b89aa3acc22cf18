"""Event streams for tests: a naive reader by the letter of the standard, and builders of chat chunks."""

from __future__ import annotations

import json
import re
from typing import Any

DONE = b"data: [DONE]\n\n"


def chunk(delta: dict[str, Any] | None, index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One chat completion chunk with one choice."""
    choice = {"index": index, "delta": delta or {}, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1760000000, "model": "gpt-5-mini"}
    return {**head, "system_fingerprint": "fp_1", "choices": [choice], "usage": None, **more}


def sse(*trees: Any, end: str = "\n", done: bool = True) -> bytes:
    """The trees as an event stream, with this line end."""
    text = "".join(f"data: {json.dumps(tree, separators=(',', ':'))}{end}{end}" for tree in trees)
    return (text + (f"data: [DONE]{end}{end}" if done else "")).encode()


def said(*texts: str, **more: Any) -> list[dict[str, Any]]:
    """The chunks of an answer that comes in these texts."""
    opening = chunk({"role": "assistant", "content": "", "refusal": None})
    return [opening, *(chunk({"content": t}, **more) for t in texts), chunk({}, finish="stop")]


def read(raw: bytes) -> list[tuple[str, str]]:
    """(event, data) for each event, by the standard's own steps (WHATWG HTML 9.2.6), on whole text.

    A last event without its blank line counts, as clients of these APIs take it.
    """
    text = raw.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    events: list[tuple[str, str]] = []
    name, data = "", list[str]()
    for line in [*re.split("\r\n|\n|\r", text), ""]:
        if not line:
            if data:
                events.append((name, "\n".join(data)))
            name, data = "", []
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "data":
            data.append(value)
        elif key == "event":
            name = value
    return events


def trees(raw: bytes) -> list[Any]:
    return [json.loads(data) for _, data in read(raw) if data.strip() not in ("", "[DONE]")]


def heard(raw: bytes) -> dict[str, str]:
    """All text a caller reads from a stream, put together by the place it stands at, escapes undone."""
    out: dict[str, str] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, str):
            out[path] = out.get(path, "") + value
        elif isinstance(value, dict):
            for key, item in value.items():
                walk(item, f"{path}.{key}")
        elif isinstance(value, list):
            for n, item in enumerate(value):
                at = item.get("index", n) if isinstance(item, dict) else n
                walk(item, f"{path}[{at}]")

    for tree in trees(raw):
        walk(tree, "")
    return out


def content(raw: bytes, choice: int = 0) -> str:
    return heard(raw).get(f".choices[{choice}].delta.content", "")


def finishes(raw: bytes) -> dict[int, str]:
    """Each choice's finish reason."""
    return {
        c["index"]: c["finish_reason"]
        for t in trees(raw)
        for c in t.get("choices", ())
        if c.get("finish_reason") is not None
    }


def ask(**more: Any) -> bytes:
    return json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}], **more}).encode()


def calls(index: int, text: str, choice: int = 0) -> dict[str, Any]:
    return chunk({"tool_calls": [{"index": index, "function": {"arguments": text}}]}, index=choice)
