"""A WebSocket is not read: by the policy's word it passes or is closed, and a row says so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from guardrail import Guard, GuardrailMiddleware
from guardrail.doors.gateway import gateway
from guardrail.policy.plan import Scope

from .driver import canaries, guarding


async def talk(app: Any, path: str = "/talk", **more: Any) -> list[Any]:
    """One socket on which the caller says one thing and leaves."""
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "subprotocols": [],
        **more,
    }
    waiting = [
        {"type": "websocket.disconnect", "code": 1000},
        {"type": "websocket.receive", "text": "hello"},
        {"type": "websocket.connect"},
    ]
    sent = []

    async def receive() -> Any:
        return waiting.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(f"you said {text}")


def behind(guard: Guard) -> Any:
    return GuardrailMiddleware(Starlette(routes=[WebSocketRoute("/talk", echo)]), guard)


TALKED = ["websocket.accept", "websocket.send"]
CLOSED = [{"type": "websocket.close", "code": 1008, "reason": "not a guarded route"}]


@pytest.mark.parametrize(
    ("scope", "observe", "passes", "ended"),
    [
        (Scope(), False, True, "opened"),
        (Scope(unclaimed="walk"), False, True, "opened"),
        (Scope(unclaimed="refuse"), False, False, "refused"),
        (Scope(unclaimed="refuse"), True, True, "opened"),
        (Scope(unclaimed="pass"), False, True, None),
        (Scope(skip=("/talk",), unclaimed="refuse"), False, True, None),
        (Scope(only=("/other",), unclaimed="refuse"), False, True, None),
    ],
)
def test_a_socket_passes_or_is_closed_by_the_policys_word(
    scope: Scope, observe: bool, passes: bool, ended: str | None
) -> None:
    guard, rows = guarding(canaries(scope=scope, observe=observe))
    sent = asyncio.run(talk(behind(guard)))
    assert ([m["type"] for m in sent] == TALKED) if passes else (sent == CLOSED)
    assert [row.ended for row in rows] == ([ended] if ended else [])
    for row in rows:
        assert (row.route, row.wire, row.not_evaluated[0].reason) == ("WS /talk", "websocket", "websocket")
        assert row.outcome == "not_evaluated"
        assert row.action.word == ("allow" if passes else "refuse")
        assert (row.would is not None) == observe


def test_the_gateway_opens_no_socket() -> None:
    async def upstream(*_: Any) -> None:
        raise AssertionError("the socket reached the upstream")

    guard, rows = guarding()
    assert asyncio.run(talk(gateway(guard, upstream))) == CLOSED
    assert [row.ended for row in rows] == ["refused"]


def test_a_long_path_is_cut_in_the_row() -> None:
    guard, rows = guarding(canaries(scope=Scope(unclaimed="refuse")))
    assert asyncio.run(talk(behind(guard), "/" + "x" * 5000)) == CLOSED
    assert rows[0].route == "WS /" + "x" * 199
