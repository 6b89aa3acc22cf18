"""What the upstream answers: whole bodies and streams of each family, clean or with the canary in them.

Written from the APIs' public references. In a template ``"~"`` is text that the caller reads.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from random import Random
from typing import Any

from . import framing, jsonish
from .apis import NESTED, TEXT, Api
from .words import phrase, sentence

_CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": NESTED}}
_DONE = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "instructions": TEXT, "output": [
    {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": TEXT}]},
    {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": [
        {"type": "output_text", "text": TEXT, "annotations": []}]},
    {"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": NESTED, "status": "completed"}]}  # fmt: skip
_ERROR = {"error": {"message": TEXT, "type": "invalid_request_error", "param": None, "code": "x"}}
WHOLE: dict[str, tuple[Any, ...]] = {
    "chat": ({"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": TEXT, "reasoning_content": TEXT,
         "tool_calls": [_CALL], "refusal": None}, "logprobs": None}], "usage": {"total_tokens": 3}}, _ERROR),
    "responses": (_DONE, _ERROR),
    "completions": ({"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": TEXT, "finish_reason": "stop"}]},),
    "messages": ({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [
        {"type": "thinking", "thinking": TEXT, "signature": "Eq"}, {"type": "text", "text": TEXT},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"city": TEXT}}], "stop_reason": "tool_use"},
        {"type": "error", "error": {"type": "overloaded_error", "message": TEXT}}),
    "gemini": ({"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
        {"text": TEXT}, {"functionCall": {"name": "f", "args": {"a": TEXT}}}]}}], "modelVersion": "g"},),
    "converse": ({"output": {"message": {"role": "assistant", "content": [
        {"text": TEXT}, {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": TEXT}}}]}}, "stopReason": "end_turn"},),
    "ollama": ({"model": "l", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": TEXT}, "done": True},
               {"model": "l", "response": TEXT, "done": True}),
    "cohere": ({"id": "c", "message": {"role": "assistant", "content": [{"type": "text", "text": TEXT}], "tool_plan": TEXT},
                "finish_reason": "COMPLETE"},),
    "data": ({"object": "list", "data": [{"index": 0, "embedding": [0.1, 0.2]}], "model": "e"},
             {"id": "r", "results": [{"index": 0, "relevance_score": 0.5, "document": {"text": TEXT}}]}, _ERROR),
    "image": ({"created": 1, "data": [{"b64_json": "iVBORw0KGgo=", "revised_prompt": TEXT}]}, _ERROR),
    "models": ({"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}]},),
    "app": ({"reply": TEXT}, {"a": [TEXT, {"b": TEXT}]}, [TEXT], _ERROR),
}  # fmt: skip
WHOLE["gemini.stream"], WHOLE["converse.stream"] = WHOLE["gemini"], WHOLE["converse"]
WHOLE["sound"] = WHOLE["text"] = WHOLE["app"]


@dataclass(frozen=True)
class Answer:
    """One answer of the upstream's."""

    status: int
    headers: list[tuple[str, str]]
    pieces: list[bytes]
    planted: bool
    what: str


def answer(rng: Random, api: Api, *, streamed: bool) -> Answer:
    """An answer of this route; a third of them carry the canary."""
    planted = rng.random() < 0.33 and api.speaks != "models"
    bad = sentence(rng) if planted else None
    how = rng.random()
    streams = (api.speaks in _STREAMS and streamed) or api.speaks.endswith(".stream")
    if streams and how < 0.95:
        raw, media, what = _STREAMS[api.speaks](rng, bad)
        status = 200
    elif api.speaks == "text" or how < 0.05:
        raw, media, what = (
            (bad or phrase(rng)).encode(),
            rng.choice(["text/plain; charset=utf-8", "text/plain", "text/csv"]),
            "text",
        )
        status = rng.choice([200, 200, 200, 502])
    elif how < 0.08:
        made = {"m": bad or phrase(rng)}, {"m": phrase(rng)}
        raw, media, what = _sse([("", tree) for tree in made]), "text/event-stream", "events"
        status = 200
    else:
        template = rng.choice(WHOLE[api.speaks])
        text = jsonish.clean(rng, template, bad)
        planted = planted and bool(jsonish.frame(template).slots)
        what = "json"
        raw = text.encode("utf-8", "surrogatepass")
        if planted and rng.random() < 0.2:
            text, what = jsonish.spoiled(rng, template)
            raw = jsonish.encoded(rng, text)[0] if rng.random() < 0.3 else text.encode("utf-8", "surrogatepass")
        media = (
            "application/json"
            if rng.random() < 0.9
            else rng.choice(["application/problem+json", "text/json", "text/plain", ""])
        )
        status = 400 if "error" in template else 200
    headers = [("content-type", media)] if media else []
    if rng.random() < 0.08:
        coding = rng.choice(["gzip", "deflate", "gzip", "br", "zstd"])
        raw = framing.packed(coding, raw)
        if rng.random() < 0.9:
            headers.append(("content-encoding", coding))
        what += f" {coding}"
    if not streams and rng.random() < 0.7:
        headers.append(("content-length", str(len(raw))))
    return Answer(status, headers, _cut(rng, raw, streams), planted, what)


def _cut(rng: Random, raw: bytes, streams: bool) -> list[bytes]:
    if not raw:
        return []
    if not streams:
        return [raw] if rng.random() < 0.7 else framing.chunks(rng, raw)
    step = rng.choice([len(raw), len(raw), 7, 31, 100, 400])
    return [raw[n : n + step] for n in range(0, len(raw), step)]


def _parts(rng: Random, bad: str | None) -> list[str]:
    """A text as a stream says it: in pieces, the canary mostly cut somewhere."""
    said = f"{phrase(rng)} {bad} {phrase(rng)}" if bad is not None else f"{phrase(rng)} {phrase(rng)}"
    size = rng.choice([3, 5, 9, 40])
    return [said[n : n + size] for n in range(0, len(said), size)]


def _sse(events: list[tuple[str, Any]], end: str = "\n") -> bytes:
    out = []
    for name, tree in events:
        data = tree if isinstance(tree, str) else json.dumps(tree)
        out.append((f"event: {name}{end}" if name else "") + f"data: {data}{end}{end}")
    return "".join(out).encode()


def _end(rng: Random) -> str:
    return rng.choice(["\n", "\n", "\r\n", "\r"])


def _chat(rng: Random, bad: str | None) -> tuple[bytes, str, str]:
    where = rng.choice(["content", "content", "reasoning_content", "refusal", "arguments"])

    def chunk(delta: Any, finish: str | None = None) -> tuple[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return "", {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    events = [chunk({"role": "assistant", "content": ""})]
    for part in _parts(rng, bad):
        call = {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
        events.append(chunk(call if where == "arguments" else {where: part}))
    events += [chunk({}, "stop"), ("", "[DONE]")]
    return _sse(events, _end(rng)), "text/event-stream; charset=utf-8", "chat events"


def _completions(rng: Random, bad: str | None) -> tuple[bytes, str, str]:
    made = [
        ("", {"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": p}]}) for p in _parts(rng, bad)
    ]
    return _sse([*made, ("", "[DONE]")], _end(rng)), "text/event-stream", "completion events"


def _responses(rng: Random, bad: str | None) -> tuple[bytes, str, str]:
    parts = _parts(rng, bad if rng.random() < 0.8 else None)
    whole = "".join(parts)
    at = {"item_id": "m1", "output_index": 0, "content_index": 0}
    item = {"id": "m1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    full = {**item, "status": "completed", "content": [{"type": "output_text", "text": whole, "annotations": []}]}
    said = bad if bad is not None and bad not in whole else phrase(rng)
    trees: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": [], "instructions": said}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **at, "part": {"type": "output_text", "text": "", "annotations": []}},
        *({"type": "response.output_text.delta", **at, "delta": part} for part in parts),
        {"type": "response.output_text.done", **at, "text": whole},
        {"type": "response.content_part.done", **at, "part": full["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": full},
        {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": [full], "instructions": said}},
    ]  # fmt: skip
    events = [(str(t["type"]), {**t, "sequence_number": n}) for n, t in enumerate(trees)]
    return _sse(events, _end(rng)), "text/event-stream; charset=utf-8", "response events"


def _messages(rng: Random, bad: str | None) -> tuple[bytes, str, str]:
    opened, kind, key = rng.choice([
        ({"type": "text", "text": ""}, "text_delta", "text"),
        ({"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking"),
        ({"type": "tool_use", "id": "t", "name": "f", "input": {}}, "input_json_delta", "partial_json"),
    ])  # fmt: skip
    parts = _parts(rng, bad)
    if kind == "input_json_delta":
        parts = ['{"a": ', *(json.dumps("".join(parts))[n : n + 9] for n in range(0, 400, 9)), "}"]
    trees: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": {"id": "msg", "type": "message", "role": "assistant", "content": [], "model": "m"},
        },
        {"type": "content_block_start", "index": 0, "content_block": opened},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": kind, key: part}} for part in parts if part),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 3},
        },
        {"type": "message_stop"},
    ]
    return _sse([(t["type"], t) for t in trees], _end(rng)), "text/event-stream", "message events"


def _gemini(rng: Random, bad: str | None) -> tuple[bytes, str, str]:
    trees = [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": p}]}, "index": 0}]} for p in _parts(rng, bad)
    ]
    if rng.random() < 0.5:
        return _sse([("", t) for t in trees], "\r\n"), "text/event-stream", "gemini events"
    return (
        ("[" + "\n,\r\n".join(json.dumps(t, indent=2) for t in trees) + "\n]").encode(),
        "application/json",
        "gemini array",
    )


def _ollama(rng: Random, bad: str | None) -> tuple[bytes, str, str]:
    rows = [{"model": "l", "message": {"role": "assistant", "content": p}, "done": False} for p in _parts(rng, bad)]
    lines = [*rows, {"model": "l", "message": {"role": "assistant", "content": ""}, "done": True}]
    return "".join(json.dumps(r) + "\n" for r in lines).encode(), "application/x-ndjson", "rows"


def _cohere(rng: Random, bad: str | None) -> tuple[bytes, str, str]:
    trees: list[dict[str, Any]] = [
        {"type": "message-start", "delta": {"message": {"role": "assistant", "content": []}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        *(
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": p}}}}
            for p in _parts(rng, bad)
        ),
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
    ]
    return _sse([(t["type"], t) for t in trees]), "text/event-stream", "cohere events"


def _converse(rng: Random, bad: str | None) -> tuple[bytes, str, str]:
    trees: list[tuple[str, Any]] = [
        ("messageStart", {"role": "assistant"}),
        *(("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": p}}) for p in _parts(rng, bad)),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
    ]
    return b"".join(binary_event(n, t) for n, t in trees), "application/vnd.amazon.eventstream", "binary events"


def binary_event(name: str, tree: Any) -> bytes:
    """One message of the AWS event stream encoding: lengths, CRC, headers, payload, CRC."""
    head = b""
    for key, value in ((":event-type", name), (":content-type", "application/json"), (":message-type", "event")):
        head += bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    data = json.dumps(tree).encode()
    prelude = struct.pack(">II", 16 + len(head) + len(data), len(head))
    out = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + data
    return out + struct.pack(">I", zlib.crc32(out))


_STREAMS = {
    "chat": _chat, "completions": _completions, "responses": _responses, "messages": _messages, "gemini.stream": _gemini,
    "ollama": _ollama, "cohere": _cohere, "converse.stream": _converse, "app": _chat,
}  # fmt: skip
