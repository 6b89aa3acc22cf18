"""Bytes on sockets: requests no client would write, and servers no framework would be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def ask_raw(url: str, target: str, body: bytes, method: str = "POST", *lines: str) -> bytes:
    """One request with its target exactly as given; all that comes back."""
    host, port = url.removeprefix("http://").split(":")
    head = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", "Content-Type: application/json"]
    head += [f"Content-Length: {len(body)}", *lines]
    with socket.create_connection((host, int(port)), timeout=20) as link:
        link.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        got = b""
        while chunk := link.recv(65536):
            got += chunk
    return got


@contextmanager
def speaking(answer: bytes, *, waits: bool = False) -> Iterator[str]:
    """A server that gives these bytes to each caller and then hangs up, or ``waits`` until it is left."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                with link:
                    got = b""
                    while b"\r\n\r\n" not in got or not got.endswith(b"}"):
                        got += link.recv(65536)
                    link.sendall(answer)
                    if waits:
                        link.recv(1)
                        left.set()

        left = threading.Event()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
        if waits:
            assert left.wait(20), "the upstream was not left"
        thread.join(20)


def chunked(*parts: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
