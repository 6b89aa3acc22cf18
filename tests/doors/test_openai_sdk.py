"""The official openai SDK, in both colours, through ``guard(client)`` and through the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai
import pytest

import guardrail
from guardrail import CannotGuard, Decision, Guard, guard
from guardrail.doors.gateway import gateway
from guardrail.doors.proxy import Proxy
from guardrail.store.reader import read

from .servers import Model, serving

Ask = Callable[..., tuple[str, str | None]]


def rows(guard_: Guard, log: str) -> list[Decision]:
    guard_.flush()
    return list(read(log))


def said(user: str) -> list[Any]:
    return [{"role": "user", "content": user}]


class Sync:
    """Asks with the sync client; answers (text, finish_reason)."""

    def __init__(self, client: openai.OpenAI) -> None:
        self.client = client

    def whole(self, user: str, **more: Any) -> tuple[str, str | None]:
        reply = self.client.chat.completions.create(model="m", messages=said(user), **more)
        return reply.choices[-1].message.content or "", reply.choices[-1].finish_reason

    def streamed(self, user: str, **more: Any) -> tuple[str, str | None]:
        text, reason = "", None
        for chunk in self.client.chat.completions.create(model="m", messages=said(user), stream=True, **more):
            for choice in chunk.choices[-1:]:
                text += choice.delta.content or ""
                reason = choice.finish_reason or reason
        return text, reason


class Async:
    """Asks with the async client, each time in a loop of its own."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self.client = client

    def whole(self, user: str, **more: Any) -> tuple[str, str | None]:
        async def ask() -> tuple[str, str | None]:
            reply = await self.client.chat.completions.create(model="m", messages=said(user), **more)
            await self.client._client._transport._inner.aclose()  # type: ignore[attr-defined]
            return reply.choices[-1].message.content or "", reply.choices[-1].finish_reason

        return asyncio.run(ask())

    def streamed(self, user: str, **more: Any) -> tuple[str, str | None]:
        async def ask() -> tuple[str, str | None]:
            text, reason = "", None
            async for chunk in await self.client.chat.completions.create(
                model="m", messages=said(user), stream=True, **more
            ):
                for choice in chunk.choices[-1:]:
                    text += choice.delta.content or ""
                    reason = choice.finish_reason or reason
            await self.client._client._transport._inner.aclose()  # type: ignore[attr-defined]
            return text, reason

        return asyncio.run(ask())


@pytest.fixture
def sdk() -> Iterator[Callable[..., openai.OpenAI]]:
    """Makes clients for a server's address, and closes them."""
    made = []

    def make(url: str, **more: Any) -> openai.OpenAI:
        made.append(openai.OpenAI(**{"base_url": f"{url}/v1", "api_key": "sk-none", **more}))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(params=["sync client", "async client", "sync gateway", "async httpx", "sync httpx"])
def asker(
    request: pytest.FixtureRequest, upstream: str, guard_: Guard, sdk: Callable[..., openai.OpenAI]
) -> Iterator[Any]:
    """One way for the SDK to reach the model through the guard."""
    kind = request.param
    common: dict[str, Any] = {"base_url": f"{upstream}/v1", "api_key": "sk-none"}
    if kind == "sync client":
        yield Sync(guard(sdk(upstream), policy=guard_))
    elif kind == "sync httpx":
        yield Sync(guard(sdk(upstream, http_client=httpx.Client()), policy=guard_))
    elif kind == "async client":
        yield Async(guard(openai.AsyncOpenAI(**common), policy=guard_))
    elif kind == "async httpx":
        yield Async(guard(openai.AsyncOpenAI(http_client=httpx.AsyncClient(), **common), policy=guard_))  # type: ignore[arg-type]
    else:
        with serving(gateway(guard_, Proxy(upstream))) as url:
            yield Sync(sdk(url))


@pytest.mark.parametrize("how", ["whole", "streamed"])
def test_a_harmless_call_is_unchanged(asker: Any, model: Model, guard_: Guard, log: str, how: str) -> None:
    assert getattr(asker, how)("How are you?") == ("Hello there.", "stop")
    (row,) = rows(guard_, log)
    assert (row.action.word, row.outcome, row.ended, row.status) == ("allow", "allowed", "complete", 200)
    assert row.wire == "openai.chat"


@pytest.mark.parametrize("how", ["whole", "streamed"])
def test_a_refused_prompt_never_reaches_the_model(asker: Any, model: Model, guard_: Guard, log: str, how: str) -> None:
    text, reason = getattr(asker, how)("a forbidden thing")
    assert "forbidden" not in text
    assert reason == "content_filter"
    assert model.bodies == []
    (row,) = rows(guard_, log)
    assert (row.action.word, row.ended) == ("refuse", "refused")
    assert row.id in text


@pytest.mark.parametrize("how", ["whole", "streamed"])
@pytest.mark.parametrize(
    "tokens", [["for", "bidden", " and on"], ["ok ", "so ", "forb", "idden"], ["x"] * 50 + [" forbidden"]]
)
def test_a_refused_answer_never_leaves(
    asker: Any, model: Model, guard_: Guard, log: str, how: str, tokens: list[str]
) -> None:
    model.tokens = tokens
    text, reason = getattr(asker, how)("hello")
    assert "forb" not in text
    assert reason == "content_filter"
    (row,) = rows(guard_, log)
    assert (row.action.word, row.ended) == ("refuse", "refused")


@pytest.mark.parametrize("how", ["whole", "streamed"])
def test_masks_go_both_ways(asker: Any, model: Model, guard_: Guard, log: str, how: str) -> None:
    model.tokens = ["see TICK", "ET-12", "3456 now"]
    text, reason = getattr(asker, how)("my card is 4111 1111 1111 1111")
    assert text == "see [redacted] now"
    assert reason == "stop"
    assert b"4111" not in model.bodies[0]
    assert b"[card]" in model.bodies[0]
    (row,) = rows(guard_, log)
    assert (row.action.word, row.outcome) == ("redact", "changed")


def test_several_choices_are_judged_each(asker: Any, model: Model) -> None:
    model.tokens = ["for", "bidden"]
    text, reason = asker.streamed("hello", n=3)
    assert ("forb" in text, reason) == (False, "content_filter")
    assert asker.whole("hello", n=3)[1] == "content_filter"


def test_usage_comes_even_with_a_refusal(sdk: Callable[..., openai.OpenAI], upstream: str, guard_: Guard) -> None:
    client = guard(sdk(upstream), policy=guard_)
    chunks = list(
        client.chat.completions.create(
            model="m", messages=said("forbidden"), stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].usage is not None


def test_a_refusal_closes_the_upstream(
    sdk: Callable[..., openai.OpenAI], upstream: str, model: Model, guard_: Guard
) -> None:
    model.tokens, model.stall = ["fine ", "forbidden ", "more"], True
    client = guard(sdk(upstream), policy=guard_)
    assert Sync(client).streamed("hello")[1] == "content_filter"
    assert model.left.wait(10)


def test_a_refusal_through_the_gateway_closes_the_upstream(
    sdk: Callable[..., openai.OpenAI], upstream: str, model: Model, guard_: Guard
) -> None:
    model.tokens, model.stall = ["fine ", "forbidden ", "more"], True
    with serving(gateway(guard_, Proxy(upstream))) as url:
        assert Sync(sdk(url)).streamed("hello")[1] == "content_filter"
        assert model.left.wait(10)


def test_a_reader_who_leaves_closes_the_upstream_and_has_a_row(
    sdk: Callable[..., openai.OpenAI], upstream: str, model: Model, guard_: Guard, log: str
) -> None:
    model.tokens, model.stall = ["fine ", "and ", "more"], True
    client = guard(sdk(upstream), policy=guard_)
    with client.chat.completions.create(model="m", messages=said("hello"), stream=True) as stream:
        next(iter(stream))
    assert model.left.wait(10)
    (row,) = rows(guard_, log)
    assert row.ended == "disconnected"


def test_every_way_into_the_sdk_passes_the_guard(
    sdk: Callable[..., openai.OpenAI], upstream: str, model: Model, guard_: Guard
) -> None:
    client = guard(sdk(upstream), policy=guard_)
    bad = said("forbidden")
    raw = client.chat.completions.with_raw_response.create(model="m", messages=bad)
    assert raw.parse().choices[0].finish_reason == "content_filter"
    with client.chat.completions.with_streaming_response.create(model="m", messages=bad) as response:
        assert b"content_filter" in response.read()
    assert (
        client.with_options(timeout=5).chat.completions.create(model="m", messages=bad).choices[0].finish_reason
        == "content_filter"
    )
    posted = client.post("/chat/completions", cast_to=httpx2.Response, body={"model": "m", "messages": bad})
    assert "content_filter" in posted.text
    with pytest.raises(openai.ContentFilterFinishReasonError):
        client.chat.completions.parse(model="m", messages=bad)
    assert model.bodies == []


def test_proxies_of_the_environment_are_guarded_too(
    sdk: Callable[..., openai.OpenAI], upstream: str, guard_: Guard, model: Model
) -> None:
    inner = httpx2.Client(mounts={"all://127.0.0.1": httpx2.HTTPTransport(), "http://elsewhere": None})
    client = guard(sdk(upstream, http_client=inner), policy=guard_)
    assert Sync(client).whole("forbidden")[1] == "content_filter"
    assert model.bodies == []


def test_the_original_client_is_untouched(
    sdk: Callable[..., openai.OpenAI], upstream: str, guard_: Guard, model: Model
) -> None:
    original = sdk(upstream)
    guarded = guard(original, policy=guard_)
    assert type(guarded) is type(original)
    guarded.close()
    assert Sync(original).whole("forbidden") == ("Hello there.", "stop")


def test_the_original_may_be_forgotten(sdk: Callable[..., openai.OpenAI], upstream: str, guard_: Guard) -> None:
    guarded = guard(sdk(upstream), policy=guard_)
    import gc

    gc.collect()
    assert Sync(guarded).whole("hello")[1] == "stop"


def test_closing_closes_what_nobody_else_holds(upstream: str, guard_: Guard) -> None:
    inner = httpx2.HTTPTransport()
    guarded = guard(
        openai.OpenAI(base_url=upstream, api_key="-", http_client=httpx2.Client(transport=inner)), policy=guard_
    )
    assert Sync(guarded).whole("hello")[1] == "stop"
    assert inner._pool.connections
    guarded.close()
    assert not inner._pool.connections


def test_what_cannot_be_guarded_is_an_error() -> None:
    class Client:
        pass

    with pytest.raises(CannotGuard, match="transports"):
        guard(Client(), policy="observe")


def test_bad_requests_are_the_apis_own_errors(
    sdk: Callable[..., openai.OpenAI], upstream: str, guard_: Guard, model: Model, log: str
) -> None:
    client = guard(sdk(upstream), policy=guard_)
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", cast_to=object, content=b'{"model": "m", "model": "n", "messages": []}')
    assert caught.value.code == "duplicate_key"
    assert model.bodies == []
    assert [row.ended for row in rows(guard_, log)] == ["bad_request"]


def test_upstream_errors_pass_with_a_row(
    sdk: Callable[..., openai.OpenAI], upstream: str, guard_: Guard, model: Model, log: str
) -> None:
    model.error = 500
    client = guard(sdk(upstream, max_retries=0), policy=guard_)
    with pytest.raises(openai.InternalServerError):
        Sync(client).whole("hello")
    assert [row.status for row in rows(guard_, log)] == [500]


def test_headers_may_hold_any_byte(upstream: str, guard_: Guard, model: Model) -> None:
    with guard(httpx2.Client(headers=[(b"x-name", b"J\xf6rg")]), policy=guard_) as client:
        body = {"model": "m", "messages": said("hello")}
        assert client.post(f"{upstream}/v1/chat/completions", json=body).status_code == 200
    assert model.headers[0]["x-name"] == "J\xf6rg"


def test_an_unreachable_upstream_has_a_row(sdk: Callable[..., openai.OpenAI], guard_: Guard, log: str) -> None:
    client = guard(sdk("http://127.0.0.1:9", max_retries=0), policy=guard_)
    with pytest.raises(openai.APIConnectionError):
        Sync(client).whole("hello")
    assert [row.ended for row in rows(guard_, log)] == ["upstream_error"]


def test_the_gateway_says_when_the_upstream_is_not_there(
    sdk: Callable[..., openai.OpenAI], guard_: Guard, log: str
) -> None:
    with serving(gateway(guard_, Proxy("http://127.0.0.1:9"))) as url:
        client = sdk(url, max_retries=0)
        with pytest.raises(openai.InternalServerError) as caught:
            Sync(client).whole("hello")
    assert caught.value.status_code == 502
    assert [row.ended for row in rows(guard_, log)] == ["upstream_error"]


def test_the_user_is_named_by_context(
    sdk: Callable[..., openai.OpenAI],
    upstream: str,
    model: Model,
    log: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "0123456789abcdef0123456789abcdef")
    path = tmp_path / "p.yaml"
    path.write_text(
        "guardrail: 1\nextends: observe\nmode: enforce\nidentity: {secret: '${SECRET}', forward: safety_identifier}\n"
    )
    guard_ = Guard.from_policy(path, log=log)
    client = guard(sdk(upstream), policy=guard_, user=lambda: "from-callable")
    Sync(client).whole("hello")
    with guardrail.as_user("alice@example.org"):
        Sync(client).whole("hello", safety_identifier="spoofed")
    first, second = rows(guard_, log)
    assert first.user != second.user
    assert second.user is not None
    assert len(second.user) == 64
    assert f'"safety_identifier":"{second.user}"'.encode() in model.bodies[1]
    assert b"alice" not in model.bodies[1]
    guard_.close()
