"""One of these services on loopback, which remembers what it was asked."""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import Answered, Asked


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Fake

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, body)
        self.server.asked.append(asked)
        answer = self.server.answer(asked)
        raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in {"content-type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Fake(ThreadingHTTPServer):
    """The service of the module of this name. ``base``: its address, without a slash at the end."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.module = importlib.import_module(f"{__package__}.{name}")
        self.answer: Callable[[Asked], Answered] = self.module.answer
        self.asked: list[Asked] = []
        self.base = f"http://127.0.0.1:{self.server_address[1]}"

    def bodies(self) -> list[Any]:
        """The JSON that it was asked, in order."""
        return [asked.json() for asked in self.asked]


@contextmanager
def served(name: str) -> Iterator[Fake]:
    """The service, running."""
    with Fake(name) as fake:
        thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield fake
        finally:
            fake.shutdown()
            thread.join()
