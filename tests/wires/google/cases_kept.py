"""What Google's API keeps, and its older and batched calls, from the public reference."""

from __future__ import annotations

from tests.wires.case import Case

_ASK = {"contents": [{"role": "user", "parts": [{"text": "Name a lake in Italy."}]}]}
_SAID = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Lake Como."}]}, "finishReason": "STOP"}]}
_BATCH = {
    "batch": {
        "displayName": "a batch of lakes",
        "inputConfig": {"requests": {"requests": [{"request": _ASK, "metadata": {"key": "request one"}}]}},
    }
}
_FILE = {
    "name": "files/abc",
    "displayName": "a picture of a lake",
    "mimeType": "image/png",
    "sizeBytes": "123",
    "uri": "https://example.org/v1beta/files/abc",
    "state": "ACTIVE",
}

CASES = [
    Case(
        "batch",
        "/v1beta/models/gemini-x:batchGenerateContent",
        _BATCH,
        {"name": "batches/1", "metadata": {"displayName": "a batch of lakes", "state": "BATCH_STATE_PENDING"}},
    ),
    Case(
        "batch fetched",
        "/v1beta/batches/1",
        method="GET",
        request_type="",
        answer={"name": "batches/1", "done": True, "response": {"inlinedResponses": [{"response": _SAID}]}},
    ),
    Case("file", "/v1beta/files/abc", method="GET", request_type="", answer=_FILE),
    Case(
        "file downloaded",
        "/v1beta/files/abc:download",
        method="GET",
        request_type="",
        answer=b"one line\nand another line\n",
        answer_type="text/plain",
    ),
    Case("upload begun", "/upload/v1beta/files", {"file": {"display_name": "a picture of a lake"}}, {"file": _FILE}),
    Case(
        "older",
        "/v1beta/models/chat-bison-001:generateMessage",
        {"prompt": {"context": "Speak of lakes.", "messages": [{"author": "0", "content": "Which is the deepest?"}]}},
        {"candidates": [{"author": "1", "content": "That is Lake Baikal."}], "messages": []},
    ),
]
