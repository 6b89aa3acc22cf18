"""Files, uploads and batches, written from the APIs' references."""

from __future__ import annotations

import json
from typing import Any

from tests.wires.case import Case

BOUNDARY = "----------AaB03x"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def upload(purpose: str, filename: str, content: bytes, name: str = "file", **fields: str) -> bytes:
    """A form that carries one file."""
    raw = b""
    for key, value in {**({"purpose": purpose} if purpose else {}), **fields}.items():
        raw += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
    raw += head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
    return raw + f"--{BOUNDARY}--\r\n".encode()


def lines(*rows: Any, end: str = "\n") -> bytes:
    return "".join(json.dumps(row) + end for row in rows).encode()


def ask(number: int, text: str, url: str = "/v1/chat/completions") -> dict[str, Any]:
    body: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    if url == "/v1/embeddings":
        body = {"model": "text-embedding-3-small", "input": text}
    if url == "/v1/completions":
        body = {"model": "gpt-3.5-turbo-instruct", "prompt": text}
    return {"custom_id": f"request-{number}", "method": "POST", "url": url, "body": body}


def result(number: int, text: str) -> dict[str, Any]:
    logprobs = {"content": [{"token": word, "logprob": -0.1} for word in text.split()]}
    message = {"role": "assistant", "content": text}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "stop"}],
    }
    response = {"status_code": 200, "request_id": "req_1", "body": body}
    return {"id": f"batch_req_{number}", "custom_id": f"request-{number}", "response": response, "error": None}


BATCH = lines(
    ask(1, "What is the sea?"), ask(2, "Blue and deep", "/v1/embeddings"), ask(3, "Name a river", "/v1/completions")
)
EXAMPLES = lines(
    {"messages": [{"role": "user", "content": "Say hello to me"}, {"role": "assistant", "content": "Hello to you"}]},
    {
        "input": {"messages": [{"role": "user", "content": "And once more"}]},
        "preferred_output": [{"role": "assistant", "content": "Gladly so"}],
        "non_preferred_output": [{"role": "assistant", "content": "Not again please"}],
    },
    {"prompt": "One and one", "completion": "is two"},
)
_FILE = {
    "id": "file-abc123",
    "object": "file",
    "bytes": 120000,
    "created_at": 1700000000,
    "expires_at": 1800000000,
    "filename": "my data.jsonl",
    "purpose": "batch",
    "status": "processed",
    "status_details": "all lines are fine",
}
_BATCH = {
    "id": "batch_abc123",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "model": "gpt-4o-mini",
    "errors": {"object": "list", "data": [{"code": "invalid", "line": 2, "message": "no such model", "param": None}]},
    "input_file_id": "file-abc123",
    "completion_window": "24h",
    "status": "completed",
    "output_file_id": "file-cvaTdG",
    "error_file_id": "file-HOWS94",
    "created_at": 1700000000,
    "request_counts": {"total": 100, "completed": 95, "failed": 5},
    "metadata": {"customer": "one of ours"},
}
_INLINE = {
    "batch_requests": [
        {
            "batch_request_id": "0",
            "batch_request": {
                "chat_get_completion": {"model": "grok", "messages": [{"role": "user", "content": "a b"}]}
            },
        }
    ]
}
_RESULTS = {
    "results": [
        {
            "batch_request_id": "0",
            "batch_result": {"response": {"chat_get_completion": result(1, "Four it is")["response"]["body"]}},
        }
    ],
    "pagination_token": None,
}
_DOCUMENT = b"%PDF-1.7\n" + bytes(range(128, 256))

CASES = [
    Case("files: batch", "/v1/files", upload("batch", "in.jsonl", BATCH), _FILE, request_type=FORM),
    Case("files: examples", "/v1/files", upload("fine-tune", "in.jsonl", EXAMPLES), _FILE, request_type=FORM),
    Case("files: evals", "/v1/files", upload("evals", "in.jsonl", lines({"item": {"q": "who is it"}})), _FILE,
         request_type=FORM),
    Case("files: text", "/v1/files", upload("user_data", "a file.txt", b"Some words of mine"), _FILE,
         request_type=FORM),
    Case("files: document", "/v1/files", upload("assistants", "a.pdf", _DOCUMENT,
         **{"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}), _FILE, request_type=FORM),
    Case("files: list", "/v1/files", None, {"object": "list", "data": [_FILE], "has_more": False}, method="GET"),
    Case("files: look up", "/v1/files/file-abc123", None, _FILE, method="GET"),
    Case("files: delete", "/v1/files/file-abc123", None, {"id": "file-abc123", "object": "file", "deleted": True},
         method="DELETE"),
    Case("content: results", "/v1/files/file-1/content", None,
         lines(result(1, "The sea is water"), {"id": "2", "custom_id": "b", "response": None,
               "error": {"code": "batch_expired", "message": "it ran out of time"}}),
         method="GET", answer_type="application/octet-stream"),
    Case("content: requests", "/v1/files/file-1/content", None, BATCH, method="GET", answer_type="application/jsonl"),
    Case("content: text", "/v1/files/file-1/content", None, b"Some words of mine", method="GET",
         answer_type="application/octet-stream"),
    Case("content: document", "/v1/containers/cntr_1/files/cfile_1/content", None, _DOCUMENT, method="GET",
         answer_type="application/binary"),
    Case("content: film", "/v1/videos/video_1/content", None, b"\x00\x00\x00\x18ftypmp42" + bytes(64), method="GET",
         answer_type="video/mp4"),
    Case("uploads", "/v1/uploads", {"filename": "my data.txt", "purpose": "assistants", "bytes": 20,
         "mime_type": "text/plain"},
         {"id": "upload_1", "object": "upload", "filename": "my data.txt", "status": "pending"}),
    Case("uploads: part", "/v1/uploads/upload_1/parts", upload("", "blob", b"Some words of mine", "data"),
         {"id": "part_1", "object": "upload.part", "upload_id": "upload_1"}, request_type=FORM),
    Case("uploads: complete", "/v1/uploads/upload_1/complete", {"part_ids": ["part_1"], "md5": "a1b2"},
         {"id": "upload_1", "object": "upload", "status": "completed", "file": _FILE}),
    Case("batches", "/v1/batches", {"input_file_id": "file-abc123", "endpoint": "/v1/chat/completions",
         "completion_window": "24h", "metadata": {"customer": "one of ours"}}, _BATCH),
    Case("batches: list", "/v1/batches", None, {"object": "list", "data": [_BATCH], "has_more": False}, method="GET"),
    Case("batches: look up", "/v1/batches/batch_abc123", None, _BATCH, method="GET"),
    Case("batches: cancel", "/v1/batches/batch_abc123/cancel", None, _BATCH),
    Case("batches: requests of xAI", "/v1/batches/b1/requests", _INLINE, b"null"),
    Case("batches: results of xAI", "/v1/batches/b1/results", None, _RESULTS, method="GET"),
    Case("batches: jobs of Mistral", "/v1/batch/jobs", {"endpoint": "/v1/chat/completions", "model": "mistral-small",
         "requests": [ask(1, "What is the sea?")], "metadata": {"job": "a first one"}},
         {"id": "b", "object": "batch", "endpoint": "/v1/chat/completions", "errors": [], "status": "QUEUED",
          "outputs": [result(1, "The sea is water")]}),
    Case("containers", "/v1/containers", {"name": "my own box", "file_ids": ["file-abc123"]},
         {"id": "cntr_1", "object": "container", "name": "my own box", "status": "running"}),
    Case("containers: file", "/v1/containers/cntr_1/files", upload("", "a.csv", b"one,two words\n"),
         {"id": "cfile_1", "object": "container.file", "path": "/mnt/data/a b.csv", "source": "user"},
         request_type=FORM),
    Case("skills", "/v1/skills", upload("", "SKILL.md", b"# How to add\nAdd the two", "files[]"),
         {"id": "skill_1", "object": "skill", "name": "adding", "description": "How to add numbers"},
         request_type=FORM),
]  # fmt: skip
