"""One scripted model, the four doors before it, and one client of each SDK, colour and door."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from guardrail import Guard, GuardrailMiddleware, guard, transports
from guardrail.doors.gateway import gateway
from guardrail.doors.proxy import Proxy

from ..servers import serving
from .anthropic_dialect import Messages
from .cohere_dialect import CohereChat
from .dialect import Dialect, Heard, Plain, Script, Upstream, ask, ask_later
from .google_dialect import Gemini
from .mistral_dialect import MistralChat
from .ollama_dialect import OllamaChat
from .openai_dialects import Chat, Responses

CHAT, RESPONSES, MESSAGES = Chat(), Responses(), Messages()
DIALECTS: list[Dialect] = [CHAT, RESPONSES, MESSAGES, Gemini(), MistralChat(), CohereChat(), OllamaChat()]
DOORS = ("client", "gateway", "middleware", "httpx2", "httpx")
"""The last two are the plain transports for these libraries, in the HTTP client that the SDK is given."""

TWO = ("client", "gateway")
"""One door inside the SDK and one before it, for what the doors have no part in."""

POLICY = r"""
guardrail: 1
name: canaries
checks:
  bad: {use: words, words: [forbidden], category: custom/bad}
  ticket: {use: patterns, patterns: ['TICKET-\d{6}'], category: custom/ticket}
  personal: {use: personal-data, entities: [card]}
input:  [bad, ticket, personal]
output: [bad, ticket, personal]
rules:
  - {when: custom/bad, do: refuse}
  - {when: custom/ticket, do: redact}
  - {when: personal/card, do: redact}
"""


@dataclass
class Place:
    """The servers, and the clients as they are first asked for."""

    upstream: Upstream
    guard: Guard
    urls: dict[str, str]  # by door; every door that is missing is in the client
    runner: asyncio.Runner
    clients: dict[tuple[str, str, bool], Any] = field(default_factory=dict)
    closing: list[Callable[[], Any]] = field(default_factory=list)

    def client(self, dialect: Dialect, door: str, *, later: bool) -> Any:
        key = (dialect.name, door, later)
        if key not in self.clients:
            self.clients[key] = self.runner.run(self._make(dialect, door, later))
        return self.clients[key]

    async def _make(self, dialect: Dialect, door: str, later: bool) -> Any:
        plain = self._plain(door) if door in ("httpx", "httpx2") else None
        made = dialect.client(self.urls.get(door, self.urls["none"]), later=later, plain=plain)
        self.closing.append(lambda: dialect.close(made, later=later))
        if door != "client":
            return made
        guarded = guard(made, policy=self.guard)
        self.closing.append(lambda: dialect.close(guarded, later=later))
        return guarded

    def _plain(self, name: str) -> Plain:
        library = importlib.import_module(name)
        sync, later = (kind(policy=self.guard) for kind in transports(library))
        self.closing += [sync.close, later.aclose]
        return Plain(library, (sync, later))

    def says(self, script: Script) -> None:
        """From now on the model says this, and has been asked nothing."""
        self.upstream.script = script
        self.upstream.asked.clear()

    def run(self, work: Awaitable[Any]) -> Any:
        """Async work, always in the loop that the async clients live in."""

        async def doing() -> Any:
            return await work

        return self.runner.run(doing())

    def ask(self, dialect: Dialect, door: str, colour: str, how: str, prompt: str, script: Script) -> Heard:
        later, stream = colour == "async", how == "streamed"
        client = self.client(dialect, door, later=later)
        self.says(script)
        if later:
            return self.runner.run(ask_later(dialect, client, prompt, stream=stream, n=script.n))
        return ask(dialect, client, prompt, stream=stream, n=script.n)

    def close(self) -> None:
        async def closing() -> None:
            for close in self.closing:
                if inspect.isawaitable(result := close()):
                    await result

        self.runner.run(closing())


@contextmanager
def standing(folder: Path, policy: str = POLICY) -> Iterator[Place]:
    """Serve the model and the doors that are servers, for as long as the block lasts."""
    (folder / "policy.yaml").write_text(policy)
    guard_ = Guard.from_policy(folder / "policy.yaml", log="none")
    upstream = Upstream(DIALECTS)
    with (
        serving(upstream.app()) as direct,
        serving(gateway(guard_, Proxy(direct))) as proxied,
        serving(GuardrailMiddleware(upstream.app(), guard_)) as inside,
        asyncio.Runner() as runner,
    ):
        made = Place(upstream, guard_, {"none": direct, "gateway": proxied, "middleware": inside}, runner)
        yield made
        made.close()
    guard_.close()


def ways(dialects: Sequence[Dialect], doors: Sequence[str] = DOORS) -> pytest.MarkDecorator:
    """Each of these dialects through each of these doors that there is for it."""
    pairs = [(d, door) for d in dialects for door in doors if not door.startswith("httpx") or door in d.libraries]
    return pytest.mark.parametrize(
        ("dialect", "door"), [pytest.param(d, door, id=f"{d.name}-{door}") for d, door in pairs]
    )


colours = pytest.mark.parametrize("colour", ["sync", "async"])
hows = pytest.mark.parametrize("how", ["whole", "streamed"])
