"""Every backend keeps the contract: against a server on loopback that answers as its public document says."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from guardrail.backends.dialect import OneSided, Side
from guardrail.backends.remote import Remote
from guardrail.checks.protocol import Backend
from guardrail.local.backend import LocalBackend
from guardrail.testing import BackendContract

from .fakes import Answered, Asked

SERVICES = (
    "openai",
    "mistral",
    "azure",
    "azure_shield",
    "model_armor",
    "bedrock_guardrail",
    "presidio",
    "fms",
    "http_json",
    "llama_guard",
    "shieldgemma",
    "nemotron",
    "granite_guardian",
    "qwen3guard",
    "gpt_oss_safeguard",
    "judge",
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Fake

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer: Answered = self.server.answer(Asked(self.command, self.path, headers, body))
        raw = answer.body if isinstance(answer.body, bytes) else _json(answer.body)
        self.send_response(answer.status)
        for name, value in {"content-type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


class Fake(ThreadingHTTPServer):
    """One service of ``fakes`` on loopback."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.module = importlib.import_module(f"tests.backends.fakes.{name}")
        self.answer = self.module.answer
        self.base = f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture(scope="class", params=[(name, side) for name in SERVICES for side in ("input", "output")], ids="-".join)
def service(request: pytest.FixtureRequest) -> Iterator[tuple[Fake, Side]]:
    name, side = request.param
    with Fake(name) as fake:
        thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield fake, side
        fake.shutdown()
        thread.join()


class TestServices(BackendContract):
    """All dialects, on both sides. ``MEANS`` of a fake says what it knows, in its document's words."""

    @pytest.fixture(autouse=True)
    def _service(self, service: tuple[Fake, Side], monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        self.fake, self.side = service
        dialect = self.fake.module.dialect(self.fake.base)
        judged = dialect.judges(self.side) if isinstance(dialect, OneSided) else dialect.categories
        if not judged:
            pytest.skip("it judges nothing of this side")
        self.harmful = {ours: f"a text about [{ours}]" for ours in self.fake.module.MEANS if ours in judged}

    def backend(self) -> Backend:
        return Remote(self.fake.module.dialect(self.fake.base), timeout=30.0).on("input")


class TestLocal(BackendContract):
    harmful: Mapping[str, str] = {"harassment": "you are a stupid worthless idiot and everybody hates you"}

    def backend(self) -> Backend:
        return LocalBackend("fast")
