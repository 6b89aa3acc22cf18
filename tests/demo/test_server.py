from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from guardrail.demo.server import served


async def _hello(_: Any) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", _hello)])


def test_serves_until_the_end() -> None:
    before = threading.active_count()
    with served(APP) as url:
        assert httpx.get(url).text == "hello"
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    assert threading.active_count() == before


def test_two_at_a_time() -> None:
    with served(APP) as one, served(APP) as two:
        assert one != two
        assert httpx.get(one).text == httpx.get(two).text


def test_a_port_that_is_taken() -> None:
    with served(APP) as url, pytest.raises(OSError, match="in use"), served(APP, port=int(url.rpartition(":")[2])):
        pass


def test_an_app_that_does_not_start() -> None:
    async def fails(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "not today"})

    with pytest.raises(RuntimeError, match="did not start"), served(fails):
        pass
