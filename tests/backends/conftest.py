"""A loopback server that answers as the public document of the moderation endpoint says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from guardrail.backends.dialect import Dialect, Side
from guardrail.backends.remote import Remote, RemoteBackend
from guardrail.flow import Flow, run
from guardrail.worlds import SyncWorld

DOCUMENTED = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
]


def result_for(text: str) -> dict[str, Any]:
    """Flags the categories whose names stand in the text as ``[name]``."""
    flags = {name: f"[{name}]" in text for name in DOCUMENTED}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": {name: 0.91 if flag else 0.01 for name, flag in flags.items()},
        "category_applied_input_types": {name: ["text"] for name in DOCUMENTED},
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ModerationServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append((dict(self.headers), json.loads(body)))
        status, answer = self.server.reply(json.loads(body)["input"])
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class ModerationServer(ThreadingHTTPServer):
    """``reply`` may be replaced: the texts to a status and a JSON value, or raw bytes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.reply: Callable[[list[str]], tuple[int, Any]] = self.documented
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1/moderations"

    def documented(self, texts: list[str]) -> tuple[int, Any]:
        results = [result_for(text) for text in texts]
        return 200, {"id": "modr-1", "model": "omni-moderation-2024-09-26", "results": results}


def asked(dialect: Dialect, *, side: Side = "input", **options: Any) -> RemoteBackend:
    """A dialect as a backend, with time enough for a busy machine."""
    return Remote(dialect, **{"timeout": 30.0, **options}).on(side)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModerationServer]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with ModerationServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def drive() -> Iterator[Callable[[Flow[Any]], Any]]:
    """Runs a flow against the real network of this machine."""
    world = SyncWorld(lambda _: Future())
    yield lambda flow: run(flow, world.perform)
    world.close()
