"""The server's side of ASGI calls, in memory: what an app gets and says, message by message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

from guardrail import Decision, Guard
from guardrail.policy.plan import Plan
from guardrail.store.recorder import memory
from tests.support import plans
from tests.support.drive import pieces

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

JSON = ("content-type", "application/json")
TEXT = ("content-type", "text/plain; charset=utf-8")
EVENTS = ("content-type", "text/event-stream")
CHAT = "/v1/chat/completions"
BAD, MASKED = "forbidden", "TICKET-1"


@dataclass
class Answer:
    """What the server was told to send."""

    messages: list[Message] = field(default_factory=list)
    received: int = 0  # how often something was asked of the server

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"]) if self.messages else 0

    @property
    def headers(self) -> dict[str, str]:
        return {k.decode().lower(): v.decode() for k, v in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages[1:])

    @property
    def complete(self) -> bool:
        """Is it one head, then bodies of which only the last one is the last?"""
        kinds = [m["type"] for m in self.messages]
        ends = [not m.get("more_body", False) for m in self.messages[1:]]
        return (
            kinds[:1] == ["http.response.start"]
            and set(kinds[1:]) == {"http.response.body"}
            and ends == [False] * (len(ends) - 1) + [True]
        )

    def json(self) -> Any:
        return json.loads(self.body)


def scope_of(
    path: str = "/ask", *, method: str = "POST", headers: Iterable[tuple[str, str]] = (JSON,), **more: Any
) -> Any:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in headers],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 80),
        "extensions": {},
        **more,
    }


def request(body: bytes, cuts: Iterable[int] = ()) -> list[Message]:
    """The body as the messages a server gives."""
    chunks = pieces(body, cuts) or [b""]
    last = len(chunks) - 1
    return [{"type": "http.request", "body": c, "more_body": n < last} for n, c in enumerate(chunks)]


async def call(
    app: App, scope: Any, messages: list[Message], answer: Answer | None = None, gone: asyncio.Event | None = None
) -> Answer:
    """One call. After ``messages`` the caller waits, until ``gone`` says that it has left."""
    answer = Answer() if answer is None else answer
    waiting = list(reversed(messages))
    gone = gone or asyncio.Event()

    async def receive() -> Message:
        answer.received += 1
        if waiting:
            return waiting.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.messages.append(dict(message))

    await app(scope, receive, send)
    return answer


def post(app: App, body: bytes | Any = b"", path: str = "/ask", *, cuts: Iterable[int] = (), **more: Any) -> Answer:
    """One call in a loop of its own. A body that is no bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return asyncio.run(call(app, scope_of(path, **more), request(raw, cuts)))


@dataclass
class Inner:
    """An app that remembers what it was asked, and answers ``chunks`` as it is told."""

    chunks: tuple[bytes, ...] = (b'{"reply":"fine"}',)
    headers: tuple[tuple[str, str], ...] = (JSON,)
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    scopes: list[Any] = field(default_factory=list)
    raises: Exception | None = None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        body = b""
        while True:
            message = await receive()
            self.messages.append(message)
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        self.bodies.append(body)
        head = [(k.encode(), v.encode()) for k, v in self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": head})
        last = len(self.chunks) - 1
        for n, chunk in enumerate(self.chunks):
            if self.raises is not None and n == last:
                raise self.raises
            await send({"type": "http.response.body", "body": chunk, "more_body": n < last})


def canaries(**changes: Any) -> Plan:
    """A plan that refuses one word and masks another, with fields changed."""
    made = plans.plan(plans.Word(BAD), plans.Word(MASKED, plans.MASKED))
    return replace(made, **changes)


def guarding(plan: Plan | None = None) -> tuple[Guard, list[Decision]]:
    """A guard by a plan made by hand, and the rows it writes."""
    guard = Guard(canaries() if plan is None else plan, log="none")
    recorder = memory()
    guard._recorder = recorder
    return guard, recorder.rows


def chat(user: str, **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": user}], **more}).encode()
