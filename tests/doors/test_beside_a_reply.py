"""A safety model that judges a reply is told what the user had asked, as it went upstream; others hear what they did."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from guardrail import Guard, transports
from tests.backends.fakes import openai
from tests.backends.fakes.chat_server import KEY
from tests.backends.fakes.loopback import Fake, served
from tests.support import events

MODEL = "http://model.test/v1/chat/completions"
QUESTION, SENT, REPLY = "who is canary today", "who is [gone] today", "Nobody that I know of."
POLICY = """
guardrail: 1
mode: {mode}
checks:
  names: {{use: words, words: [canary], category: custom/name}}
  {checks}
input: [{reads}]
output: [harm]
refusals: {{manner: error}}
rules:
  - {{when: custom/name, do: redact, mask: "[gone]"}}
  - {{when: harm, do: refuse}}
"""
GUARD = f"{{use: llama-guard, url: URL/v1, api_key: {KEY}}}"
ONLY = GUARD.replace("}", ", categories: [violence]}")
NEXT = (
    "two: {use: llama-guard, url: 'http://127.0.0.1:1', categories: [violence]}\n  harm: {use: first, of: [one, two]}"
)
FORMS = {
    "alone": f"harm: {GUARD}",
    "only": f"harm: {ONLY}",
    "in a combination": f"one: {GUARD}\n  {NEXT}",
    "only, in a combination": f"one: {ONLY}\n  {NEXT}",
}
DEAF = f"harm: {{use: openai, url: URL/v1/moderations, api_key: {openai.KEY}}}"

Ask = Callable[..., Any]


@pytest.fixture
def safety() -> Iterator[Fake]:
    with served("llama_guard") as fake:
        yield fake


@pytest.fixture
def guards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Guard]]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    made: list[Guard] = []

    def make(fake: Fake, checks: str = FORMS["alone"], mode: str = "enforce", reads: str = "names") -> Guard:
        path = tmp_path / f"p{len(made)}.yaml"
        checks = checks.replace("URL", fake.base)
        path.write_text(POLICY.format(mode=mode, checks=checks, reads=reads), encoding="utf-8")
        made.append(Guard.from_policy(path, log="none"))
        return made[-1]

    yield make
    for guard in made:
        guard.close()


def conversation(*user: str, stream: bool = False) -> dict[str, Any]:
    """A first turn that is over, and these texts of the user's after it."""
    before = [("system", "be kind"), ("user", "good morning"), ("assistant", "Hello!")]
    said = [{"role": role, "content": text} for role, text in (*before, *(("user", text) for text in user))]
    return {"model": "m", "messages": said, "stream": stream}


def model(reply: str) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        if json.loads(request.content).get("stream"):
            head = {"content-type": "text/event-stream"}
            return httpx.Response(200, headers=head, content=events.sse(*events.said(*reply.split("|"))))
        message = {"role": "assistant", "content": reply.replace("|", "")}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return httpx.Response(200, json={"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]})

    return answer


def threads(guard: Guard, body: Any, reply: str = REPLY, url: str = MODEL) -> httpx.Response:
    with httpx.Client(transport=transports(httpx)[0](httpx.MockTransport(model(reply)), policy=guard)) as client:
        return client.post(url, json=body)


def loop(guard: Guard, body: Any, reply: str = REPLY, url: str = MODEL) -> httpx.Response:
    async def asking() -> httpx.Response:
        upstream = transports(httpx)[1](httpx.MockTransport(model(reply)), policy=guard)
        try:
            async with httpx.AsyncClient(transport=upstream) as client:
                return await client.post(url, json=body)
        finally:
            await guard.aclose()

    return asyncio.run(asking())


def shown(fake: Fake) -> list[list[tuple[str, str]]]:
    """The conversations that the safety model was asked about."""
    return [[(m["role"], m["content"]) for m in body["messages"]] for body in fake.bodies()]


def beside(prompt: str, reply: str = REPLY) -> list[tuple[str, str]]:
    return [("user", prompt), ("assistant", reply)]


@pytest.mark.parametrize("ask", [threads, loop])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("form", FORMS)
def test_it_is_told_the_last_turns_as_they_went_upstream(
    safety: Fake, guards: Callable[..., Guard], ask: Ask, stream: bool, form: str
) -> None:
    answer = ask(guards(safety, FORMS[form]), conversation(QUESTION, "and why", stream=stream))
    assert answer.status_code == 200
    assert shown(safety) == [beside(f"{SENT}\nand why")]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("form", FORMS)
def test_what_it_finds_in_the_reply_is_refused_and_what_stands_in_the_prompt_is_not(
    safety: Fake, guards: Callable[..., Guard], stream: bool, form: str
) -> None:
    guard = guards(safety, FORMS[form])
    assert "Nobody" in threads(guard, conversation("about [violence]", stream=stream)).text
    assert "[violence]" not in threads(guard, conversation("hello", stream=stream), "about [violence]").text


@pytest.mark.parametrize("word", ["buffer", "after"])
def test_a_stream_that_is_judged_at_its_end_is_judged_beside_it(
    safety: Fake, guards: Callable[..., Guard], word: str
) -> None:
    checks = FORMS["alone"].replace("}", f", stream: {word}}}")
    assert "Nobody" in threads(guards(safety, checks), conversation(QUESTION, stream=True)).text
    assert shown(safety) == [beside(SENT)]


def test_every_window_of_a_stream_is_judged_beside_it(safety: Fake, guards: Callable[..., Guard]) -> None:
    told = "It is a fine day. |So it is, to be sure, and has been so since the morning. |" * 8
    threads(guards(safety), conversation(QUESTION, stream=True), told)
    assert len(shown(safety)) > 1
    assert {tuple(turns[:-1]) for turns in shown(safety)} == {(("user", SENT),)}


def test_json_within_a_streamed_reply_is_judged_beside_it(safety: Fake, guards: Callable[..., Guard]) -> None:
    def tool(request: httpx.Request) -> httpx.Response:
        call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "fine"}'}}
        frames = [events.chunk({"role": "assistant", "tool_calls": [call]}), events.chunk({}, finish="tool_calls")]
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=events.sse(*frames))

    guard = guards(safety)
    with httpx.Client(transport=transports(httpx)[0](httpx.MockTransport(tool), policy=guard)) as client:
        client.post(MODEL, json=conversation(QUESTION, stream=True))
    assert beside(SENT, "fine") in shown(safety)
    assert {turns[0] for turns in shown(safety)} == {("user", SENT)}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_one_who_only_observes_is_told_what_went_upstream(
    safety: Fake, guards: Callable[..., Guard], stream: bool
) -> None:
    """There nothing is masked."""
    assert "Nobody" in threads(guards(safety, mode="observe"), conversation(QUESTION, stream=stream)).text
    assert shown(safety) == [beside(QUESTION)]


@pytest.mark.parametrize("cache", ["10m", "never"])
def test_the_same_reply_to_another_prompt_is_asked_about_again(
    safety: Fake, guards: Callable[..., Guard], cache: str
) -> None:
    guard = guards(safety, FORMS["alone"].replace("}", f", cache: {cache}}}"))
    for prompt in ("one", "two", "one"):
        assert threads(guard, conversation(prompt)).status_code == 200
    assert shown(safety) == [beside("one"), beside("two")]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_service_that_judges_texts_alone_hears_the_reply_and_nothing_else(
    guards: Callable[..., Guard], stream: bool
) -> None:
    with served("openai") as fake:
        threads(guards(fake, DEAF), conversation(QUESTION, stream=stream))
        assert [body["input"] for body in fake.bodies()] == [[REPLY]]


def test_what_a_user_writes_is_judged_alone(safety: Fake, guards: Callable[..., Guard]) -> None:
    threads(guards(safety, reads="names, harm"), conversation("why is that"))
    *before, last = shown(safety)
    assert sorted(before) == [[("user", text)] for text in ("Hello!", "good morning", "why is that")]
    assert last == beside("why is that")


def test_of_a_body_that_no_wire_format_claims_nothing_is_told(safety: Fake, guards: Callable[..., Guard]) -> None:
    body = {"login": "someone", "password": "a secret word"}
    assert threads(guards(safety), body, url="http://app.test/login").status_code == 200
    assert "a secret word" not in json.dumps(shown(safety))
    assert [("user", REPLY)] in shown(safety)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_the_plain_call_takes_a_prompt(safety: Fake, guards: Callable[..., Guard], colour: str) -> None:
    guard = guards(safety)

    async def asking() -> None:
        await guard.acheck(REPLY, direction="output", prompt=QUESTION)
        await guard.aclose()

    if colour == "sync":
        guard.check(REPLY, direction="output", prompt=QUESTION)
    else:
        asyncio.run(asking())
    guard.check(REPLY, direction="output")
    assert shown(safety) == [beside(QUESTION), [("user", REPLY)]]
