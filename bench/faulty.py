"""A moderation service that fails in every way there is, on loopback: one address for each kind of fault."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("harassment", "hate", "sexual", "violence")
FLAGS = dict.fromkeys(NAMES, False)
LOW = dict.fromkeys(NAMES, 0.01)


def _answer(flags: dict[str, Any] = FLAGS, scores: dict[str, Any] = LOW) -> dict[str, Any]:
    result = {"flagged": any(flags.values()), "categories": flags, "category_scores": scores}
    return {"id": "m", "model": "omni-moderation-2024-09-26", "results": [result]}


BODIES: dict[str, tuple[str, bytes]] = {
    "bad request": ("400 Bad Request", b'{"error": {}}'),
    "bad key": ("401 Unauthorized", b'{"error": {}}'),
    "too many": ("429 Too Many Requests", b'{"error": {}}'),
    "server error": ("500 Internal Server Error", b"<html>"),
    "overloaded": ("503 Service Unavailable", b""),
    "no results": ("200 OK", json.dumps({**_answer(), "results": []}).encode()),
    "wrong shape": ("200 OK", b'{"verdict": "fine"}'),
    "not JSON": ("200 OK", b"<html>all is well</html>"),
    "NaN score": ("200 OK", json.dumps(_answer(scores={**LOW, "hate": float("nan")})).encode()),
    "unknown category": ("200 OK", json.dumps(_answer({"politeness": False}, {"politeness": 0.1})).encode()),
    "redirect": ("302 Found", b""),
}
"""By kind of fault, a reply's status and body."""

LIVE = ("slow", "dripping", "huge", "broken off")
AWAY = ("refused", "no TLS", "no such host")
KINDS = (*BODIES, *LIVE, *AWAY)
"""Every kind of fault."""


class _Handler(socketserver.StreamRequestHandler):
    server: Faulty

    def handle(self) -> None:
        try:
            self._reply()
        except (ConnectionError, ValueError):
            return

    def _reply(self) -> None:
        line = self.rfile.readline()
        if b" HTTP/" not in line:  # the hello of a TLS client
            self.wfile.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            return
        kind = line.split(b" ")[1].decode().strip("/").replace("-", " ")
        length = 0
        while (header := self.rfile.readline()) not in (b"\r\n", b""):
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        self.rfile.read(length)
        over = self.server.over
        if kind == "slow":
            over.wait(30)
        elif kind == "dripping":
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            while not over.wait(0.02):
                self.wfile.write(b" ")
        elif kind == "huge":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
            for _ in range(64):
                self.wfile.write(b" " * 65_536)
        elif kind == "broken off":
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{")
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            status, body = BODIES[kind]
            head = (
                f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\nlocation: /elsewhere\r\n\r\n"
            )
            self.wfile.write(head.encode() + body)


class Faulty(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.over = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: clients hang up on what is slow."""

    def url(self, kind: str) -> str:
        """Where a kind of fault is."""
        port = self.server_address[1]
        if kind == "refused":
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                return f"http://127.0.0.1:{free.getsockname()[1]}/refused"
        if kind == "no such host":
            return "http://no-such-host.invalid/"
        scheme = "https" if kind == "no TLS" else "http"
        return f"{scheme}://127.0.0.1:{port}/{kind.replace(' ', '-')}"


@contextmanager
def faulty() -> Iterator[Faulty]:
    with Faulty() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()
