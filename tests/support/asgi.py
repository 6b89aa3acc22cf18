"""A tiny ASGI server in memory, and an app that answers with what it is given. Streams both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Headers = Sequence[tuple[str, str]]


def encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers]


@dataclass
class Upstream:
    """An app that records what it is asked and answers with these pieces."""

    answer: Sequence[bytes] = (b"{}",)
    status: int = 200
    headers: Headers = (("content-type", "application/json"),)
    asked: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.asked.append(body)
        await send({"type": "http.response.start", "status": self.status, "headers": encoded(self.headers)})
        for piece in self.answer:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@dataclass
class Heard:
    """What a caller got."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    pieces: list[bytes] = field(default_factory=list)
    ended: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


async def ask(
    app: Any,
    body: bytes | Sequence[bytes] = b"",
    *,
    path: str = "/v1/chat/completions",
    method: str = "POST",
    headers: Headers = (("content-type", "application/json"),),
    scope: dict[str, Any] | None = None,
) -> Heard:
    """One call. The caller never leaves of its own accord."""
    chunks = [body] if isinstance(body, bytes) else list(body)
    incoming = [{"type": "http.request", "body": c, "more_body": n < len(chunks) - 1} for n, c in enumerate(chunks)]
    incoming.reverse()
    heard = Heard()

    async def receive() -> dict[str, Any]:
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            assert not heard.status, "a second start"
            heard.status = message["status"]
            heard.headers = tuple((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in message["headers"])
            return
        assert heard.status, "a body before the start"
        assert not heard.ended, "more after the end"
        heard.pieces.append(message.get("body", b""))
        heard.ended = not message.get("more_body", False)

    path, _, query = path.partition("?")
    made = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": encoded(headers),
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        "scheme": "http",
        "extensions": {},
        **(scope or {}),
    }
    await app(made, receive, send)
    return heard
