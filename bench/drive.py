"""An ASGI server without sockets: calls an app with a body and collects what it sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any

from guardrail.doors.asgi import App
from guardrail.doors.delivery import Message

from .model import PATH


def runner() -> asyncio.Runner:
    """On uvloop, as the gateway runs."""
    import uvloop

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def scope(body: bytes) -> dict[str, Any]:
    headers = [
        (b"host", b"127.0.0.1:8000"),
        (b"accept", b"*/*"),
        (b"content-type", b"application/json"),
        (b"authorization", b"Bearer bench"),
        (b"content-length", b"%d" % len(body)),
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }


async def call(app: App, body: bytes, took: Callable[[bytes], object] | None = None) -> bytes:
    """One POST; its answer's body. ``took`` is called with every part as it leaves. Raises for no 200."""
    parts: list[bytes] = []
    status, ended = 0, False
    asked: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if asked:
            return asked.pop()
        return await asyncio.Future()  # the caller stays

    async def send(message: Message) -> None:
        nonlocal status, ended
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            part = message.get("body", b"")
            ended = not message.get("more_body", False)
            if took is not None:
                took(part)
            parts.append(part)

    await app(scope(body), receive, send)
    if status != 200 or not ended:
        raise RuntimeError(f"the call was answered {status} (ended: {ended})")
    return b"".join(parts)


def calls(run: asyncio.Runner, app: App, bodies: Sequence[bytes], at_a_time: int = 1) -> Callable[[int], None]:
    """A function that makes so many calls, ``at_a_time`` of them side by side."""
    turn = cycle(bodies)

    async def several(count: int) -> None:
        for body in islice(turn, count):
            await call(app, body)

    async def all_of(count: int) -> None:
        each, rest = divmod(count, at_a_time)
        await asyncio.gather(*(several(each + (n < rest)) for n in range(at_a_time)))

    if at_a_time == 1:
        return lambda count: run.run(several(count))
    return lambda count: run.run(all_of(count))
