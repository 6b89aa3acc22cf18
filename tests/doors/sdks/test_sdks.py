"""The official SDKs, in both colours, through ``guard(client)`` and through the gateway, whole and streamed."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from guardrail import Guard, guard
from guardrail.doors.gateway import gateway
from guardrail.doors.proxy import Proxy

from ..servers import serving
from .anthropic_dialect import Messages
from .cohere_dialect import CohereChat
from .dialect import Dialect, Heard, Script, Upstream, ask, ask_later
from .google_dialect import Gemini
from .mistral_dialect import MistralChat
from .ollama_dialect import OllamaChat
from .openai_dialects import Chat, Responses

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

DIALECTS: list[Dialect] = [Chat(), Responses(), Messages(), Gemini(), MistralChat(), CohereChat(), OllamaChat()]

EXPECTS: dict[str, frozenset[str]] = {
    "openai.chat": frozenset({"content_filter"}),
    "openai.responses": frozenset({"content_filter"}),
    "anthropic.messages": frozenset({"refusal"}),
    "gemini": frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "OTHER"}),
    "mistral": frozenset({"content_filter"}),
    "cohere": frozenset({"ERROR", "ERROR_TOXIC", "COMPLETE"}),
    "ollama": frozenset({"stop", "content_filter"}),
}
"""The reasons a refused answer may end with; an empty set means that the SDK raises its API's error."""

PLACES = {
    "first chunk": Script(("forbidden", " and", " on.")),
    "middle chunk": Script(("ok ", "for", "bidden", " so", " on.")),
    "last chunk": Script(("ok ", "so ", "forb", "idden")),
    "tool call": Script(("Wait. ",), tool=('{"city": "for', 'bidden"}')),
    "reasoning": Script(("Fine.",), reasoning=("hm, for", "bidden, ", "then")),
    "choices": Script(("ok ", "for", "bidden", " so"), n=2),
}

POLICY = """
guardrail: 1
name: canaries
checks:
  bad: {use: words, words: [forbidden], category: custom/bad}
input:  [bad]
output: [bad]
rules:
  - {when: custom/bad, do: refuse}
"""


@dataclass
class Place:
    """The servers, and one client for each SDK, colour and door."""

    upstream: Upstream
    guard: Guard
    direct: str
    guarded: str
    runner: asyncio.Runner
    clients: dict[tuple[str, str, bool], Any] = field(default_factory=dict)
    closing: list[Callable[[], Any]] = field(default_factory=list)

    def client(self, dialect: Dialect, door: str, later: bool) -> Any:
        key = (dialect.name, door, later)
        if key not in self.clients:
            self.clients[key] = self.runner.run(self._make(dialect, door, later))
        return self.clients[key]

    async def _make(self, dialect: Dialect, door: str, later: bool) -> Any:
        made = dialect.client(self.guarded if door == "gateway" else self.direct, later=later)
        self.closing.append(lambda: dialect.close(made, later=later))
        if door != "client":
            return made
        guarded = guard(made, policy=self.guard)
        self.closing.append(lambda: dialect.close(guarded, later=later))
        return guarded

    def ask(self, dialect: Dialect, door: str, colour: str, how: str, prompt: str, script: Script) -> Heard:
        later, stream = colour == "async", how == "streamed"
        client = self.client(dialect, door, later)
        self.upstream.script = script
        self.upstream.asked.clear()
        if later:
            return self.runner.run(ask_later(dialect, client, prompt, stream=stream, n=script.n))
        return ask(dialect, client, prompt, stream=stream, n=script.n)

    def close(self) -> None:
        async def closing() -> None:
            for close in self.closing:
                if inspect.isawaitable(result := close()):
                    await result

        self.runner.run(closing())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("sdks")
    (folder / "policy.yaml").write_text(POLICY)
    guard_ = Guard.from_policy(folder / "policy.yaml", log="none")
    upstream = Upstream(DIALECTS)
    with (
        serving(upstream.app()) as direct,
        serving(gateway(guard_, Proxy(direct))) as guarded,
        asyncio.Runner() as runner,
    ):
        made = Place(upstream, guard_, direct, guarded, runner)
        yield made
        made.close()
    guard_.close()


def every(dialects: list[Dialect]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("dialect", [pytest.param(d, id=d.name) for d in dialects])


door = pytest.mark.parametrize("door", ["client", "gateway"])
colour = pytest.mark.parametrize("colour", ["sync", "async"])
how = pytest.mark.parametrize("how", ["whole", "streamed"])


@door
@colour
@how
@every(DIALECTS)
def test_a_clean_answer_is_unchanged(place: Place, dialect: Dialect, door: str, colour: str, how: str) -> None:
    script = Script(reasoning=("let me", " see"), tool=('{"city": "Pa', 'ris"}'), n=2 if dialect.choices else 1)
    bare = place.ask(dialect, "none", colour, how, "How are you?", script)
    sent = list(place.upstream.asked)
    heard = place.ask(dialect, door, colour, how, "How are you?", script)
    assert heard.error is None
    assert "Hello" in heard.text
    assert set(heard.reasons) == {dialect.stop}
    assert heard.chunks == bare.chunks
    assert place.upstream.asked == sent


@door
@colour
@how
@every(DIALECTS)
def test_a_refused_prompt_is_an_answer(place: Place, dialect: Dialect, door: str, colour: str, how: str) -> None:
    heard = place.ask(dialect, door, colour, how, "a forbidden thing", Script())
    assert place.upstream.asked == []
    check(dialect, heard)


@door
@colour
@how
@pytest.mark.parametrize("where", list(PLACES))
@every(DIALECTS)
def test_a_refused_answer_is_parsed(
    place: Place, dialect: Dialect, door: str, colour: str, how: str, where: str
) -> None:
    if (where == "choices" and not dialect.choices) or (where == "reasoning" and not dialect.reasons):
        pytest.skip("this API has no such thing")
    heard = place.ask(dialect, door, colour, how, "How are you?", PLACES[where])
    assert place.upstream.asked
    check(dialect, heard)


def check(dialect: Dialect, heard: Heard) -> None:
    """What the SDK gave is a refusal in the API's own shape, and holds nothing that was refused."""
    assert "forb" not in heard.everything()
    assert "bidden" not in heard.everything()
    if not EXPECTS[dialect.name]:
        assert heard.error is not None
        return
    assert heard.error is None
    assert heard.chunks
    assert heard.reasons
    assert set(heard.reasons) <= EXPECTS[dialect.name]
    assert "Hello there." not in heard.text
