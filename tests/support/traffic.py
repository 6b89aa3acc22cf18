"""Recorded exchanges, read where they lie. The folder is named by ``GUARDRAIL_TRAFFIC``."""

from __future__ import annotations

import base64
import gzip
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from guardrail.wires.aws import AwsEvents

PLAIN = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


@dataclass(frozen=True)
class Recorded:
    """One request and its answer, as bytes."""

    id: str
    provider: str
    endpoint: str
    method: str
    path: str
    request: bytes
    request_type: str
    status: int
    content_type: str
    answer: bytes

    @property
    def is_chat(self) -> bool:
        return self.endpoint == "chat.completions"

    @property
    def is_stream(self) -> bool:
        return self.content_type.startswith("text/event-stream")


def folder() -> Path | None:
    named = os.environ.get("GUARDRAIL_TRAFFIC")
    return Path(named) if named and Path(named).is_dir() else None


@cache
def recorded() -> tuple[Recorded, ...]:
    """Everything recorded in the folder; the answers without requests of ``response-fixtures`` go
    with a request that is plain."""
    at = folder()
    if at is None:
        return ()
    rows: list[Recorded] = []
    for file in sorted(at.glob("*.jsonl.gz")):
        with gzip.open(file, "rt") as lines:
            rows += [_read(json.loads(line)) for line in lines]
    return tuple(rows)


def _read(row: dict[str, Any]) -> Recorded:
    if "method" not in row:
        return _fixture(row)
    if row.get("request_raw_b64") is not None:
        request = base64.b64decode(row["request_raw_b64"])
    elif row.get("request_raw") is not None:
        request = row["request_raw"].encode()
    else:
        request = b"" if row.get("request_json") is None else json.dumps(row["request_json"]).encode()
    if not request and row["endpoint"] == "chat.completions":
        request = PLAIN  # it was not recorded
    if row.get("response_body_b64") is not None:
        answer = base64.b64decode(row["response_body_b64"])
    else:
        answer = (row.get("response_body") or "").encode()
    return Recorded(
        row["id"],
        row["provider"],
        row["endpoint"],
        row["method"],
        row["path"],
        request,
        row.get("request_content_type") or _guess(row),
        row["status"],
        row.get("content_type") or "",
        answer,
    )


def _guess(row: dict[str, Any]) -> str:
    """The media type where it was not recorded."""
    if row.get("request_json") is not None:
        return "application/json"
    if row["endpoint"] == "chat.completions":
        return "application/json"
    return "application/octet-stream" if row.get("request_raw") or row.get("request_raw_b64") else ""


def _fixture(row: dict[str, Any]) -> Recorded:
    chunks, endpoint = row.get("response_chunks"), row["endpoint"]
    path, request, media = _ASKED[endpoint], PLAIN, "application/json"
    if chunks is None:
        answer = json.dumps(row["response_json"]).encode()
    elif endpoint == "converse":
        answer, media, path = _binary(chunks), "application/vnd.amazon.eventstream", f"{path}-stream"
    else:
        answer, media = _events(chunks, named=endpoint == "messages"), "text/event-stream"
        path = path.replace(":generateContent", ":streamGenerateContent?alt=sse")
        request = PLAIN[:-1] + b',"stream":true}'
    return Recorded(row["id"], row["provider"], endpoint, "POST", path, request, "application/json", 200, media, answer)


_ASKED = {
    "chat.completions": "/v1/chat/completions",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "generateContent": "/v1beta/models/m:generateContent",
    "interactions": "/v1beta/interactions",
    "converse": "/model/m/converse",
    "chat": "/v2/chat",
}


_ENDS = ("message_stop", "response.completed", "response.incomplete", "response.failed")


def _events(chunks: list[str], *, named: bool) -> bytes:
    ends = [n for n, chunk in enumerate(chunks) if json.loads(chunk).get("type") in _ENDS]
    chunks = chunks[: ends[0] + 1] if ends else chunks  # some hold several answers, one after the other
    names = [f"event: {json.loads(chunk).get('type')}\n" if named else "" for chunk in chunks]
    return "".join(f"{name}data: {chunk}\n\n" for name, chunk in zip(names, chunks, strict=True)).encode()


def _binary(chunks: list[str]) -> bytes:
    """The fixtures hold each event as an object with the event's name as its key."""
    framing = AwsEvents()
    return b"".join(
        framing.write(json.dumps(tree).encode(), name) for chunk in chunks for name, tree in json.loads(chunk).items()
    )
