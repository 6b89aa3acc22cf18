"""What the gateway sends on and gives back, and what it says when the upstream is in trouble."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from guardrail import Decision, Guard
from guardrail.doors.gateway import gateway
from guardrail.doors.proxy import Proxy
from tests.support import events

from .driver import CHAT, EVENTS, JSON, Inner, Message, canaries, chat, guarding
from .raw import ask_raw, chunked, speaking
from .servers import Model, serving


@pytest.fixture
def guarded() -> tuple[Guard, list[Decision]]:
    return guarding()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20, headers={"accept-encoding": "identity"}) as made:
        yield made


# -- what is sent on -------------------------------------------------------------------------------

ADDRESSES = [
    ("http://h", "/v1/chat/completions", "http://h/v1/chat/completions"),
    ("http://h/", "/v1/chat/completions", "http://h/v1/chat/completions"),
    ("http://h/v1", "/v1/chat/completions", "http://h/v1/chat/completions"),
    ("http://h/v1/", "/v1/chat/completions", "http://h/v1/chat/completions"),
    ("http://h/v1", "/chat/completions", "http://h/v1/chat/completions"),
    ("http://h/v1", "/v1", "http://h/v1"),
    ("http://h/v1", "/v1beta/x", "http://h/v1/v1beta/x"),
    ("https://h:8443/openai/v1", "/v1/models", "https://h:8443/openai/v1/v1/models"),
    ("https://h/openai/v1", "/openai/v1/models", "https://h/openai/v1/models"),
    ("http://[::1]:9", "/v1/models", "http://[::1]:9/v1/models"),
    ("http://h", "/v1/a b?c#d%e", "http://h/v1/a%20b%3Fc%23d%25e"),
    ("http://h", "/v1/ü", "http://h/v1/%C3%BC"),
]


@pytest.mark.parametrize(("upstream_", "path", "address"), ADDRESSES)
def test_the_upstreams_path_is_never_doubled(upstream_: str, path: str, address: str) -> None:
    assert Proxy(upstream_).address(path, b"") == address
    assert Proxy(upstream_).address(path, b"a=%20&b") == f"{address}?a=%20&b"


@pytest.mark.parametrize("wrong", ["h", "ftp://h", "http://", "", "unix:/x"])
def test_an_upstream_must_be_an_address(wrong: str) -> None:
    with pytest.raises(ValueError, match="http://"):
        Proxy(wrong)


@pytest.mark.parametrize("key", [None, "sk-operator"])
def test_headers_go_on_less_those_of_the_hop(
    key: str | None, model: Model, upstream: str, guarded: tuple[Guard, list[Decision]], client: httpx.Client
) -> None:
    sent = {
        "authorization": "Bearer sk-caller",
        "x-api-key": "sk-other",
        "openai-organization": "org",
        "idempotency-key": "k1",
        "x-guardrail-policy": "none",
        "x-guardrail-anything": "1",
        "connection": "keep-alive, x-of-this-hop",
        "x-of-this-hop": "1",
        "te": "trailers",
        "proxy-authorization": "Basic x",
        "expect": "",
        "x-kept": "yes",
        "content-type": "application/json",
    }
    with serving(gateway(guarded[0], Proxy(upstream, key=key))) as url:
        assert client.post(url + CHAT, content=chat("hello"), headers=sent).status_code == 200
    (got,) = model.headers
    assert got["authorization"] == ("Bearer sk-operator" if key else "Bearer sk-caller")
    assert got.get("x-api-key") == (None if key else "sk-other")
    assert (got["openai-organization"], got["idempotency-key"], got["x-kept"]) == ("org", "k1", "yes")
    assert not {"x-guardrail-policy", "x-guardrail-anything", "x-of-this-hop", "te", "proxy-authorization"} & set(got)
    assert got["host"] == upstream.removeprefix("http://")


@pytest.mark.parametrize("observe", [False, True])
def test_nothing_is_asked_that_the_caller_did_not_ask(observe: bool, model: Model, upstream: str) -> None:
    guard, _ = guarding(canaries(observe=observe))
    with serving(gateway(guard, Proxy(upstream))) as url:
        ask_raw(url, CHAT, chat("hello"))
    (got,) = model.headers
    # An answer that is to be read is asked for plain; who only observes asks for nothing.
    assert got.get("accept-encoding") == (None if observe else "identity")
    assert not {"user-agent", "accept", "cookie"} & set(got)


def test_one_callers_cookies_are_not_the_nexts(client: httpx.Client) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]).get(b"cookie"))
        inner = Inner((b"{}",), (JSON, ("set-cookie", f"session=of-caller-{len(seen)}; path=/")))
        await inner(scope, receive, send)

    with serving(app, lifespan="off") as upstream:
        named = upstream.replace("127.0.0.1", "localhost")  # cookies of bare addresses are not kept anyhow
        with serving(gateway(guarding()[0], Proxy(named))) as url:
            for _ in range(3):
                ask_raw(url, CHAT, chat("hello"))
    assert seen == [None] * 3


def test_many_callers_are_not_held_up_by_slow_ones(guarded: tuple[Guard, list[Decision]]) -> None:
    """More of them than a client's pool has connections by default."""
    arrived, everybody = 0, asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == 120:
            everybody.set()
        await asyncio.wait_for(everybody.wait(), 20)
        await Inner((b"{}",))(scope, receive, send)

    async def ask(url: str) -> list[int]:
        async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None)) as many:
            asked = (many.post(url + CHAT, content=chat("hello"), headers=dict([JSON])) for _ in range(120))
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    with serving(app, lifespan="off") as upstream, serving(gateway(guarded[0], Proxy(upstream))) as url:
        assert asyncio.run(ask(url)) == [200] * 120


def test_an_answer_goes_back_less_the_headers_of_the_hop(client: httpx.Client) -> None:
    raw = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: r1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n"
        b"connection: close, x-of-this-hop\r\nx-of-this-hop: 1\r\nkeep-alive: 5\r\ncontent-length: 2\r\n\r\n{}"
    )
    with speaking(raw) as upstream, serving(gateway(guarding()[0], Proxy(upstream))) as url:
        answer = client.post(url + CHAT, content=chat("hello"), headers=dict([JSON]))
    assert (answer.status_code, answer.content, answer.headers["x-request-id"]) == (200, b"{}", "r1")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert not {"x-of-this-hop", "keep-alive"} & set(answer.headers)


@pytest.mark.parametrize("how", ["gzip", "deflate, gzip", "br"])
def test_observing_passes_compressed_answers_as_they_are(how: str, client: httpx.Client) -> None:
    body = gzip.compress(b'{"a": 1}')
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: {how}\r\ncontent-length: {len(body)}"
    )
    guard, _ = guarding(canaries(observe=True))
    with (
        speaking(f"{head}\r\n\r\n".encode() + body) as upstream,
        serving(gateway(guard, Proxy(upstream))) as url,
        client.stream("POST", url + CHAT, content=chat("hello"), headers=dict([JSON])) as answer,
    ):
        got = b"".join(answer.iter_raw())
        assert (answer.headers["content-encoding"], answer.headers["content-length"]) == (how, str(len(body)))
    assert got == body


# -- the upstream is in trouble --------------------------------------------------------------------


BEGUN = [events.sse(tree, done=False) for tree in events.said("fine ", "and forb")[:3]]


@pytest.mark.parametrize("waits", [False, True], ids=["hangs up", "is silent"])
def test_a_stream_that_breaks_off_is_told_unlike_a_refusal(
    waits: bool,
    guarded: tuple[Guard, list[Decision]],
    client: httpx.Client,
) -> None:
    guard, rows = guarded
    with speaking(chunked(*BEGUN), waits=waits) as upstream, serving(gateway(guard, Proxy(upstream, read=0.3))) as url:
        answer = client.post(url + CHAT, content=chat("hello", stream=True), headers=dict([JSON]))
    assert answer.status_code == 200
    assert events.trees(answer.content)[-1]["error"]["code"] == "upstream_error"
    assert b"content_filter" not in answer.content
    assert b"[DONE]" not in answer.content
    assert events.content(b"".join(BEGUN[:2])) in answer.text
    assert "forb" not in answer.text
    assert [(row.ended, row.status) for row in rows] == [("upstream_error", 200)]


@pytest.mark.parametrize(
    ("said", "waits", "status"),
    [
        (b"", False, 502),
        (b"", True, 504),
        (b"what is this\r\n\r\n", False, 502),
        (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{", False, 502),
        (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{", True, 504),
    ],
)
def test_an_upstream_in_trouble_is_an_error_of_the_api(
    said: bytes,
    waits: bool,
    status: int,
    guarded: tuple[Guard, list[Decision]],
    client: httpx.Client,
) -> None:
    guard, rows = guarded
    with speaking(said, waits=waits) as upstream, serving(gateway(guard, Proxy(upstream, read=0.3))) as url:
        answer = client.post(url + CHAT, content=chat("hello"), headers=dict([JSON]))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, "upstream_error")
    assert [(row.ended, row.status) for row in rows] == [("upstream_error", status)]


def test_a_redirect_is_not_followed(guarded: tuple[Guard, list[Decision]], client: httpx.Client) -> None:
    said = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"
    with speaking(said) as upstream, serving(gateway(guarded[0], Proxy(upstream))) as url:
        assert client.post(url + CHAT, content=chat("hello"), headers=dict([JSON])).status_code == 307


@dataclass
class Leaving:
    """An upstream that begins to answer or not, and then waits until it is left."""

    begins: bool
    asked: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        if self.begins:
            start: Message = {"type": "http.response.start", "status": 200, "headers": []}
            start["headers"] = [(k.encode(), v.encode()) for k, v in (EVENTS,)]
            await send(start)
            await send({"type": "http.response.body", "body": BEGUN[0] + BEGUN[1], "more_body": True})
        self.asked.set()
        assert (await receive())["type"] == "http.disconnect"
        self.left.set()


@pytest.mark.parametrize("begins", [False, True])
def test_a_caller_who_leaves_frees_the_upstream(begins: bool, guarded: tuple[Guard, list[Decision]]) -> None:
    guard, rows = guarded
    model = Leaving(begins)
    stored = threading.Event()
    submit = guard._recorder.submit

    def watched(decision: Decision) -> Any:
        try:
            return submit(decision)
        finally:
            stored.set()

    guard._recorder.submit = watched  # type: ignore[method-assign]
    with serving(model, lifespan="off") as upstream, serving(gateway(guard, Proxy(upstream))) as url:
        host, port = url.removeprefix("http://").split(":")
        body = chat("hello", stream=begins)
        with socket.create_connection((host, int(port)), timeout=20) as link:
            head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
            link.sendall(f"{head}\r\n\r\n".encode() + body)
            assert model.asked.wait(20)
            assert not begins or link.recv(10)
        assert model.left.wait(20)
        assert stored.wait(20)
    assert [row.ended for row in rows] == ["disconnected"]


def test_a_stream_through_the_gateway_is_byte_for_byte(client: httpx.Client) -> None:
    raw = events.sse(*events.said("so ", "it ", "is"))
    said = chunked(raw[:50], raw[50:]) + b"0\r\n\r\n"
    with speaking(said) as upstream, serving(gateway(guarding()[0], Proxy(upstream))) as url:
        answer = client.post(url + CHAT, content=chat("hello", stream=True), headers=dict([JSON]))
    assert answer.content == raw


def test_a_long_prompt_is_over_the_cap_before_it_is_read(upstream: str, model: Model) -> None:
    plan = canaries()
    guard, rows = guarding(replace(plan, caps=replace(plan.caps, body=1000)))
    with serving(gateway(guard, Proxy(upstream))) as url:
        got = ask_raw(url, CHAT, b"", "POST", "Expect: 100-continue", "Content-Length: 99999999")
        assert b"100 Continue" not in got
    assert model.bodies == []
    assert json.dumps([row.status for row in rows]) in ("[413]", "[]")
