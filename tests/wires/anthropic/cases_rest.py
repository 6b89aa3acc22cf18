"""Anthropic's batches, files, skills, models and legacy completions, written from its API reference."""

from __future__ import annotations

import json
from typing import Any

from tests.wires.anthropic.cases_messages import ANSWER, ERROR, REQUEST, VERSION
from tests.wires.case import SSE, Case

_BATCHES = "/v1/messages/batches"
_TIMES = {"created_at": "2026-01-02T03:04:05Z", "expires_at": "2026-01-03T03:04:05Z", "ended_at": None}
_BATCH: dict[str, Any] = {
    "id": "msgbatch_1",
    "type": "message_batch",
    "processing_status": "ended",
    "results_url": "https://api.example/v1/messages/batches/msgbatch_1/results",
    "request_counts": {"succeeded": 1},
    **_TIMES,
}
_LINES = [
    {"custom_id": "one", "result": {"type": "succeeded", "message": ANSWER}},
    {"custom_id": "two", "result": {"type": "errored", "error": ERROR}},
    {"custom_id": "three", "result": {"type": "expired"}},
]
_FILE = {
    "id": "file_1",
    "type": "file",
    "filename": "my notes.txt",
    "mime_type": "text/plain",
    "size_bytes": 9,
    **_TIMES,
}
_LIST = {"data": [_FILE], "has_more": False, "first_id": "file_1", "last_id": "file_1"}
_FORM = (
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="my notes.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nSome notes of mine.\r\n--edge--\r\n"
)
_SKILL = {"id": "skill_1", "type": "skill", "display_title": "To write well", "latest_version": "1", **_TIMES}
_MODELS = {"data": [{"type": "model", "id": "claude-a", "display_name": "Claude A"}], "has_more": False}
_ASKED = {"model": "claude-2", "prompt": "\n\nHuman: Hello there.\n\nAssistant:", "max_tokens_to_sample": 9,
          "stop_sequences": ["\n\nHuman:"], "metadata": {"user_id": "user-1"}}  # fmt: skip
_SAID = {"type": "completion", "id": "compl_1", "completion": " Hello to you.", "stop_reason": "stop_sequence",
         "stop": "\n\nHuman:", "model": "claude-2", "log_id": "compl_1"}  # fmt: skip
_PARTS = [
    ("completion", {**_SAID, "completion": " Hello", "stop_reason": None, "stop": None}),
    ("ping", {"type": "ping"}),
    ("completion", {**_SAID, "completion": " to you."}),
]

CASES = [
    Case("anthropic batch", _BATCHES, {"requests": [{"custom_id": "one", "params": REQUEST}]}, _BATCH),
    Case("anthropic batch cancelled", _BATCHES + "/msgbatch_1/cancel", {}, _BATCH),
    Case("anthropic batches", _BATCHES, None, {"data": [_BATCH], "has_more": False}, "GET", ""),
    Case("anthropic results", _BATCHES + "/msgbatch_1/results", None,
         "".join(json.dumps(line) + "\n" for line in _LINES).encode(), "GET", "", "application/x-jsonl"),
    Case("anthropic completion", "/v1/complete", _ASKED, _SAID),
    Case("anthropic completion stream", "/v1/complete", {**_ASKED, "stream": True}, events=_PARTS, answer_type=SSE),
    Case("anthropic upload", "/v1/files", _FORM, _FILE, "POST", "multipart/form-data; boundary=edge",
         headers=VERSION),
    Case("anthropic files", "/v1/files", None, _LIST, "GET", "", headers=VERSION),
    Case("anthropic download", "/v1/files/file_1/content", None, b"Some notes of mine.", "GET", "", "text/plain",
         headers=VERSION),
    Case("anthropic skill", "/v1/skills/skill_1", None, _SKILL, "GET", "", headers=VERSION),
    Case("anthropic models", "/v1/models", None, _MODELS, "GET", "", headers=VERSION),
]  # fmt: skip
