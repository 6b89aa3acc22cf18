"""The moderation beside an answer, through the official SDK and a server on loopback: client, gateway and app."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import openai
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guardrail import Decision, Guard, GuardrailMiddleware, guard
from guardrail.doors.gateway import gateway
from guardrail.doors.proxy import Proxy
from guardrail.store.reader import read
from tests.inline_cases import (
    POLICY,
    chat_side,
    chat_stream,
    chat_whole,
    responses_side,
    responses_stream,
    responses_whole,
)

from .servers import serving

SAY = "a canary answer"


@dataclass
class Provider:
    """Judges what it is asked and what it answers, by the words in square brackets, where it is asked to."""

    answer: str = SAY
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/v1/{path:path}", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        asked = json.loads(await request.body())
        self.bodies.append(asked)
        chat = request.url.path.endswith("completions")
        side = chat_side if chat else responses_side
        words = asked["messages"][-1]["content"] if chat else asked["input"]
        said = {"input": side(words), "output": side(self.answer)} if asked.get("moderation") else None
        if asked.get("stream"):
            streamed = chat_stream if chat else responses_stream
            return Response(streamed(self.answer, said), media_type="text/event-stream")
        return Response((chat_whole if chat else responses_whole)(self.answer, said), media_type="application/json")


def chat(client: Any, text: str, **more: Any) -> tuple[str, Any]:
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], **more)
    return answer.choices[0].message.content or "", answer.moderation


def chat_streamed(client: Any, text: str, **more: Any) -> tuple[str, Any]:
    said, moderation = "", None
    messages = [{"role": "user", "content": text}]
    for chunk in client.chat.completions.create(model="m", messages=messages, stream=True, **more):
        moderation = chunk.moderation or moderation
        said += "".join(choice.delta.content or "" for choice in chunk.choices)
    return said, moderation


def responses(client: Any, text: str, **more: Any) -> tuple[str, Any]:
    answer = client.responses.create(model="m", input=text, **more)
    return answer.output_text, answer.moderation


def responses_streamed(client: Any, text: str, **more: Any) -> tuple[str, Any]:
    return heard(list(client.responses.create(model="m", input=text, stream=True, **more)))


def heard(events: list[Any]) -> tuple[str, Any]:
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    return said, events[-1].response.moderation


async def chat_async(client: Any, text: str, **more: Any) -> tuple[str, Any]:
    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], **more)
    return answer.choices[0].message.content or "", answer.moderation


async def responses_async(client: Any, text: str, **more: Any) -> tuple[str, Any]:
    return heard([event async for event in await client.responses.create(model="m", input=text, stream=True, **more)])


def alone(ask: Callable[..., Any]) -> Callable[..., tuple[str, Any]]:
    """A call of the async SDK in a loop of its own."""

    def asking(client: Any, text: str, **more: Any) -> tuple[str, Any]:
        async def whole() -> tuple[str, Any]:
            async with client:
                return await ask(client, text, **more)  # type: ignore[no-any-return]

        return asyncio.run(whole())

    return asking


SYNC = {
    "chat": chat,
    "chat streamed": chat_streamed,
    "responses": responses,
    "responses streamed": responses_streamed,
}
ASYNC = {"chat, async": alone(chat_async), "responses streamed, async": alone(responses_async)}


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def guard_(tmp_path: Path) -> Iterator[Guard]:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    made = Guard.from_policy(path, log=f"sqlite:///{tmp_path / 'decisions.db'}")
    yield made
    made.close()


@contextmanager
def doors(door: str, provider: Provider, guard_: Guard, colour: type) -> Iterator[Any]:
    """What makes an SDK's client that speaks to the provider through one of the doors."""
    app: Any = provider.app()
    with serving(GuardrailMiddleware(app, guard_) if door == "app" else app) as url:
        if door == "gateway":
            with serving(gateway(guard_, Proxy(url))) as front:
                yield partial(colour, api_key="k", base_url=f"{front}/v1", max_retries=0)
        elif door == "client":
            yield lambda: guard(colour(api_key="k", base_url=f"{url}/v1", max_retries=0), policy=guard_)
        else:
            yield partial(colour, api_key="k", base_url=f"{url}/v1", max_retries=0)


def row(guard_: Guard, tmp_path: Path) -> Decision:
    guard_.flush()
    return next(iter(read(f"sqlite:///{tmp_path / 'decisions.db'}", newest_first=True)))


@pytest.mark.parametrize("door", ["client", "gateway", "app"])
@pytest.mark.parametrize("way", [*SYNC, *ASYNC])
def test_both_sides_are_held_to_the_rules(
    door: str, way: str, provider: Provider, guard_: Guard, tmp_path: Path
) -> None:
    colour = openai.OpenAI if way in SYNC else openai.AsyncOpenAI
    ask = {**SYNC, **ASYNC}[way]
    with doors(door, provider, guard_, colour) as made:
        text, moderation = ask(made(), "What is a good soup?")
        assert (text.strip(), moderation) == (SAY, None)
        assert provider.bodies[-1]["moderation"] == {"model": "omni-moderation-latest"}
        text, moderation = ask(made(), "Hello.", moderation={"model": "omni-moderation-2024-09-26"})
        assert text.strip() == SAY
        assert moderation is not None, "who asks for it gets it"
        text, _ = ask(made(), "about [violence]")
        assert "canary" not in text
        assert [f.category for f in row(guard_, tmp_path).findings] == ["violence"]
        provider.answer = "a canary about [self-harm/intent]"
        text, _ = ask(made(), "Hello again.")
        assert "canary" not in text
        assert [f.category for f in row(guard_, tmp_path).findings] == ["self-harm/intent"]
