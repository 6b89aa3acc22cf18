"""``guard(client)``: what it takes, what it refuses, and that nothing goes past the guard on what it gave."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import anthropic
import boto3
import cohere
import httpx
import httpx2
import ollama
import openai
import pytest
import requests
from google import genai
from google.genai import types
from mistralai.client import Mistral

from guardrail import CannotGuard, Guard, guard
from guardrail.doors.reach import stray
from guardrail.doors.wrapping import is_guarded

from .servers import Model

Make = Callable[[str], Any]
URL = "http://127.0.0.1:9"
PACKAGES = ("openai", "anthropic", "google.genai", "mistralai", "cohere", "ollama", "tests")

pytestmark = [
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]


def gemini(url: str, **options: Any) -> genai.Client:
    return genai.Client(api_key="none", http_options=types.HttpOptions(base_url=url, **options))


CLIENTS: dict[str, Make] = {
    "openai": lambda url: openai.OpenAI(base_url=f"{url}/v1", api_key="-"),
    "openai async": lambda url: openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="-"),
    "openai httpx": lambda url: openai.OpenAI(base_url=url, api_key="-", http_client=httpx.Client()),  # type: ignore[arg-type]
    "azure": lambda url: openai.AzureOpenAI(azure_endpoint=url, api_key="-", api_version="2024-10-21"),
    "azure async": lambda url: openai.AsyncAzureOpenAI(azure_endpoint=url, api_key="-", api_version="2024-10-21"),
    "anthropic": lambda url: anthropic.Anthropic(base_url=url, api_key="-"),
    "anthropic async": lambda url: anthropic.AsyncAnthropic(base_url=url, api_key="-"),
    "anthropic bedrock": lambda url: anthropic.AnthropicBedrock(aws_access_key="a", aws_secret_key="b", aws_region="r"),
    "anthropic vertex": lambda url: anthropic.AnthropicVertex(access_token="t", region="r", project_id="p"),
    "google": gemini,
    "google httpx": lambda url: gemini(url, httpx_client=httpx.Client(), httpx_async_client=httpx.AsyncClient()),
    "mistral": lambda url: Mistral(api_key="-", server_url=url),
    "cohere": lambda url: cohere.ClientV2(api_key="-", base_url=url, max_retries=0),
    "cohere async": lambda url: cohere.AsyncClientV2(api_key="-", base_url=url),
    "cohere v1": lambda url: cohere.Client(api_key="-", base_url=url),
    "cohere v1 async": lambda url: cohere.AsyncClient(api_key="-", base_url=url),
    "ollama": lambda url: ollama.Client(host=url),
    "ollama async": lambda url: ollama.AsyncClient(host=url),
    "httpx": lambda url: httpx.Client(),
    "httpx async": lambda url: httpx.AsyncClient(),
    "httpx2": lambda url: httpx2.Client(),
    "httpx2 async": lambda url: httpx2.AsyncClient(),
}

Ask = Callable[[Any, str], Any]
ASKS: dict[str, Ask] = {
    "openai": lambda c, text: c.chat.completions.create(model="m", messages=[{"role": "user", "content": text}]),
    "anthropic": lambda c, text: c.messages.create(
        model="m", max_tokens=9, messages=[{"role": "user", "content": text}]
    ),
    "google": lambda c, text: c.models.generate_content(model="m", contents=text),
    "mistral": lambda c, text: c.chat.complete(model="m", messages=[{"role": "user", "content": text}]),
    "cohere": lambda c, text: c.chat(model="m", messages=[{"role": "user", "content": text}]),
    "ollama": lambda c, text: c.chat(model="m", messages=[{"role": "user", "content": text}]),
}


def attempt(call: Callable[[], Any]) -> None:
    """The model of these tests speaks one format only, so what the SDK makes of its answer is of no interest."""
    try:
        call()
    except CannotGuard:
        raise
    except Exception:  # noqa: BLE001
        pass


@pytest.mark.parametrize("name", list(CLIENTS))
def test_a_new_client_of_the_same_type_is_guarded_whole(name: str, guard_: Guard) -> None:
    original = CLIENTS[name](URL)
    before = dict(vars(original))
    guarded = guard(original, policy=guard_)
    assert type(guarded) is type(original)
    assert guarded is not original
    assert stray(guarded, PACKAGES, ("credentials",)) is None
    assert stray(original, PACKAGES, ("credentials",)) is not None
    assert vars(original).items() >= before.items()


@pytest.mark.parametrize("name", list(ASKS))
def test_what_the_original_had_cached_is_not_used(name: str, guard_: Guard, upstream: str, model: Model) -> None:
    original, ask = CLIENTS[name](upstream), ASKS[name]
    attempt(lambda: ask(original, "forbidden"))
    assert len(model.bodies) == 1
    guarded = guard(original, policy=guard_)
    attempt(lambda: ask(guarded, "forbidden"))
    assert len(model.bodies) == 1
    attempt(lambda: ask(original, "forbidden"))
    assert len(model.bodies) == 2


@pytest.mark.parametrize("name", list(ASKS))
def test_the_original_may_be_forgotten(name: str, guard_: Guard, upstream: str, model: Model) -> None:
    guarded = guard(CLIENTS[name](upstream), policy=guard_)
    gc.collect()
    attempt(lambda: ASKS[name](guarded, "forbidden"))
    assert model.bodies == []
    attempt(lambda: ASKS[name](guarded, "hello"))
    assert len(model.bodies) == 1


def test_googles_client_for_each_loop_is_guarded(guard_: Guard, upstream: str, model: Model) -> None:
    guarded = guard(gemini(upstream), policy=guard_)

    async def ask(text: str) -> None:
        await guarded.aio.models.generate_content(model="m", contents=text)

    for text, reached in (("forbidden", 0), ("forbidden", 0), ("hello", 1), ("hello", 2)):
        attempt(functools.partial(asyncio.run, ask(text)))
        assert len(model.bodies) == reached


def test_a_call_goes_to_the_guard_whatever_part_of_the_sdk_makes_it(guard_: Guard, upstream: str, model: Model) -> None:
    google = guard(gemini(upstream), policy=guard_)
    attempt(lambda: google.chats.create(model="m").send_message("forbidden"))
    attempt(lambda: google.interactions.create(model="m", input="forbidden"))
    mistral = guard(Mistral(api_key="-", server_url=upstream), policy=guard_)
    attempt(lambda: mistral.beta.conversations.start(model="m", inputs="forbidden"))
    first = guard(CLIENTS["cohere v1"](upstream), policy=guard_)
    attempt(lambda: first.chat(message="forbidden"))
    attempt(lambda: first.v2.chat(model="m", messages=[{"role": "user", "content": "forbidden"}]))
    attempt(lambda: first.with_raw_response.chat(message="forbidden"))
    assert model.bodies == []


# -- what cannot be guarded -------------------------------------------------------------------------


class Detour(httpx2.Client):
    def send(self, request: Any, **more: Any) -> Any:
        return super().send(request, **more)


class TwoClients(openai.OpenAI):
    """A subclass with a second way out."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.second = [{"deep": functools.partial(print, httpx.Client())}]


class OwnSender:
    """What mistralai takes for an HTTP client: the methods, and no transport."""

    def send(self, *args: Any, **more: Any) -> Any: ...
    def build_request(self, *args: Any, **more: Any) -> Any: ...
    def close(self) -> None: ...


async def _session() -> aiohttp.ClientSession:
    async with aiohttp.ClientSession() as session:
        return session


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "boto3": (lambda: boto3.client("bedrock-runtime", region_name="us-east-1"), "gateway"),
    "boto3 session": (lambda: boto3.Session(region_name="us-east-1"), "gateway"),
    "requests": (requests.Session, "gateway"),
    "aiohttp": (lambda: asyncio.run(_session()), "gateway"),
    "nothing": (object, "transports"),
    "a module": (lambda: openai, "transports"),
    "a class": (lambda: openai.OpenAI, "transports"),
    "a resource": (lambda: CLIENTS["openai"](URL).chat, "copy"),
    "a websocket's manager": (lambda: CLIENTS["openai"](URL).responses.connect(), "copy"),
    "google's async half": (lambda: gemini(URL).aio, r"\.aio"),
    "google by aiohttp": (lambda: gemini(URL, aiohttp_client=asyncio.run(_session())), "httpx_async_client"),
    "mistral by something else": (lambda: Mistral(api_key="-", client=OwnSender()), "gateway"),
    "cohere for AWS": (lambda: cohere.BedrockClientV2(aws_region="r"), "gateway"),
    "a send of its own": (lambda: Detour(), "send"),
    "a send put on it": (lambda: _patched(httpx.Client()), "send"),
    "an SDK with such a client": (lambda: openai.OpenAI(api_key="-", http_client=Detour()), "send"),
    "a second client": (lambda: TwoClients(api_key="-"), "httpx"),
}


def _patched(client: httpx.Client) -> httpx.Client:
    client.send = client.send  # type: ignore[method-assign]
    return client


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_cannot_be_guarded_is_an_error_at_once(name: str, guard_: Guard) -> None:
    make, remedy = REFUSED[name]
    with pytest.raises(CannotGuard, match=remedy) as caught:
        guard(make(), policy=guard_)
    assert URL not in str(caught.value)


def test_a_token_providers_session_is_none_of_ours(guard_: Guard) -> None:
    session = requests.Session()

    def token() -> str:
        return str(session)

    client = openai.AzureOpenAI(azure_endpoint=URL, azure_ad_token_provider=token, api_version="1")
    assert is_guarded(guard(client, policy=guard_)._client)


def test_a_copy_is_guarded_or_an_error(guard_: Guard, upstream: str, model: Model) -> None:
    client = guard(CLIENTS["openai"](upstream), policy=guard_)
    for made in (client.copy(), client.with_options(timeout=5), client.with_options(timeout=5).copy(api_key="-")):
        attempt(functools.partial(ASKS["openai"], made, "forbidden"))
        with pytest.raises(CannotGuard):
            made.realtime.connect(model="m")
    assert model.bodies == []
    with pytest.raises(CannotGuard, match="copy of a guarded"):
        client.copy(http_client=httpx2.Client())
    inner = guard(httpx2.Client(), policy=guard_)
    assert is_guarded(client.copy(http_client=inner)._client)
    sub = guard(CLIENTS["anthropic"](upstream), policy=guard_)
    attempt(lambda: ASKS["anthropic"](sub.with_options(timeout=5), "forbidden"))
    assert model.bodies == []


# -- what passes no transport -----------------------------------------------------------------------


def connects(client: Any, package: str, name: str, depth: int = 4) -> Iterator[tuple[str, Any]]:
    """Every ``connect`` in the tree of an SDK's resources, by its dotted name."""
    for attribute in dir(type(client)):
        static = inspect.getattr_static(type(client), attribute)
        if attribute == "connect":
            yield name, client
        elif isinstance(static, functools.cached_property) and not attribute.startswith(("_", "with_")):
            getattr(getattr(client, attribute), "_client", None)  # what is made late is made on use
            below = vars(client)[attribute]
            if depth and type(below).__module__.startswith(package):
                yield from connects(below, package, f"{name}.{attribute}", depth - 1)


@pytest.mark.parametrize("name", ["openai", "openai async", "azure"])
def test_every_websocket_of_openai_is_sealed(name: str, guard_: Guard) -> None:
    client = guard(CLIENTS[name](URL), policy=guard_)
    found = dict(connects(client, "openai.resources", "client"))
    assert {"client.realtime", "client.responses", "client.beta.realtime", "client.live"} <= set(found)
    for resource in found.values():
        with pytest.raises(CannotGuard, match="connection of its own"):
            resource.connect(model="m")


def test_sealing_leaves_the_rest_and_the_original_as_they_were(guard_: Guard, upstream: str) -> None:
    original = CLIENTS["openai"](upstream)
    client = guard(original, policy=guard_)
    assert callable(client.responses.create)
    assert type(client.beta.assistants) is type(original.beta.assistants)
    assert type(original.realtime.connect(model="m")).__name__ == "RealtimeConnectionManager"


def test_the_websockets_of_the_others_are_sealed(guard_: Guard) -> None:
    google = guard(gemini(URL), policy=guard_)
    mistral = guard(Mistral(api_key="-", server_url=URL), policy=guard_)
    uses: list[Callable[[], Any]] = [
        lambda: google.aio.live.connect(model="m"),
        lambda: google.aio.live.music,
        lambda: mistral.audio.realtime.connect("m"),
        lambda: mistral.audio.realtime_speech.connect(model="m"),
        lambda: mistral.audio.sessions.init(),
        lambda: mistral.beta.connectors.mcp_client(connector_id_or_name="c"),
        lambda: mistral.beta.connectors.http_client(connector_id_or_name="c"),
    ]
    for use in uses:
        with pytest.raises(CannotGuard, match="connection of its own"):
            use()
    assert callable(mistral.audio.speech.complete)
