"""A loopback server that fails in every way a service can, one for each path."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections import Counter
from email.utils import formatdate
from typing import Any

KEPT_OPEN = {"ok", "error", "second_time", "dated"}


class _Handler(socketserver.StreamRequestHandler):
    server: FaultServer
    name = ""

    def handle(self) -> None:
        while line := self.rfile.readline():
            if b" HTTP/" not in line:  # a TLS hello
                self.say("400 Bad Request")
                self.server.over.wait(20)
                return
            self.name = name = line.split(b" ")[1].decode().strip("/")
            length = 0
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
                self.server.hits["cookies"] += header.lower().startswith(b"cookie:")
            self.rfile.read(length)
            self.server.hits[name] += 1
            getattr(self, name)()
            if name not in KEPT_OPEN:
                return

    def say(self, status: str, *headers: str, body: bytes = b"hello") -> None:
        ending = "keep-alive" if self.name in KEPT_OPEN else "close"
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", f"connection: {ending}", *headers, "", ""]
        self.wfile.write("\r\n".join(lines).encode() + body)

    def trickle(self, data: bytes) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            if self.server.over.wait(0.02):
                return

    def ok(self) -> None:
        self.say("200 OK", "X-Twice: a", "X-Twice: b", "set-cookie: session=1")

    def drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n")
        self.trickle(b"x" * 4000)

    def drip_head(self) -> None:
        self.trickle(b"HTTP/1.1 200 OK\r\nx-slow: " + b"x" * 9000)

    def hang(self) -> None:
        self.server.hanging.release()
        self.server.over.wait(20)
        self.say("200 OK")

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def shut(self) -> None:
        """Close without a byte."""

    def torn(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")

    def garbage(self) -> None:
        self.wfile.write(b"BANG 999\r\n\r\n")

    def huge(self) -> None:
        self.say("200 OK", body=b"x" * 5000)

    def huge_chunked(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(200):
            self.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")

    def edge(self) -> None:
        self.say("200 OK", body=b"x" * 4096)

    def zipped(self) -> None:
        self.say("200 OK", "content-encoding: gzip", body=b"\x1f\x8b")

    def redirect(self) -> None:
        self.say("302 Found", "location: /ok")

    def bad_request(self) -> None:
        self.say("400 Bad Request")

    def error(self) -> None:
        self.say("503 Service Unavailable")

    def second_time(self) -> None:
        if self.server.hits["second_time"] % 2:
            self.say("429 Too Many Requests", "Retry-After: 0")
        else:
            self.say("200 OK")

    def dated(self) -> None:
        if self.server.hits["dated"] % 2:
            self.say("429 Too Many Requests", f"Retry-After: {formatdate(0, usegmt=True)}")
        else:
            self.say("200 OK")

    def second_connection(self) -> None:
        if self.server.hits["second_connection"] % 2 == 0:
            self.say("200 OK")

    def much_later(self) -> None:
        self.say("429 Too Many Requests", "Retry-After: 3600")

    def far_later(self) -> None:
        self.say("429 Too Many Requests", "Retry-After: " + "9" * 400)


class FaultServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hits: Counter[str] = Counter()
        self.over = threading.Event()
        self.hanging = threading.Semaphore(0)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""
