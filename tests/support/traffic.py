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
    chunks = row.get("response_chunks")
    if chunks is not None:
        answer = b"".join(b"data: " + chunk.encode() + b"\n\n" for chunk in chunks)
    else:
        answer = json.dumps(row["response_json"]).encode()
    chat = row["endpoint"] == "chat.completions"
    return Recorded(
        row["id"],
        row["provider"],
        row["endpoint"],
        "POST",
        "/v1/chat/completions" if chat else f"/recorded/{row['endpoint']}",
        PLAIN,
        "application/json",
        200,
        "application/json" if chunks is None else "text/event-stream",
        answer,
    )
