"""What is particular to Cohere: two versions at one path, blocks with ends, and endings its SDK parses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import cohere
import httpx
import pytest

from guardrail.http import Head, Request
from guardrail.policy.plan import Plan
from guardrail.verdict import Kind
from guardrail.wires.cohere.operations import operations
from guardrail.wires.protocol import Notice
from guardrail.wires.router import Router
from tests.support import plans
from tests.support.drive import call
from tests.wires.case import NDJSON, SSE, framed
from tests.wires.cohere.cases_cohere import ASK, EVENTS, LEGACY, LEGACY_EVENTS, STREAMED, event

CHAT = operations()[0]
BAD = event("content-delta", 1, {"message": {"content": {"text": "the badword"}}})


def plan(*checks: plans.Word) -> Plan:
    return replace(plans.plan(*checks), router=Router(operations()))


def served(raw: bytes, media: str) -> httpx.Client:
    return httpx.Client(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, content=raw, headers={"content-type": media}))
    )


def read_v2(raw: bytes) -> list[Any]:
    client = cohere.ClientV2(api_key="test", base_url="https://example.com", httpx_client=served(raw, SSE))
    return list(client.chat_stream(model="m", messages=[cohere.UserChatMessageV2(content="hi")]))


def read_v1(raw: bytes, media: str) -> list[Any]:
    client = cohere.Client(api_key="test", base_url="https://example.com", httpx_client=served(raw, media))
    return list(client.chat_stream(message="hi"))


def test_each_text_is_of_its_own_kind() -> None:
    body = CHAT.request(json.dumps(ASK).encode(), Request("POST", "/v2/chat", ()))
    found = {segment.text: segment.kind for segment in body.segments}
    assert found["Answer in short sentences."] is Kind.SYSTEM
    assert found["How is the weather?"] is Kind.USER
    assert found["I should look it up."] is Kind.REASONING
    assert found['{"city": "the city of Oslo"}'] is Kind.TOOL_CALL
    assert found["A weather note"] is Kind.TOOL_RESULT
    assert found["Tells the weather."] is Kind.DEFINITION


def test_each_text_of_version_1_is_of_its_own_kind() -> None:
    body = CHAT.request(json.dumps(LEGACY).encode(), Request("POST", "/v1/chat", ()))
    found = {segment.text: segment.kind for segment in body.segments}
    assert found["How is the weather?"] is Kind.USER
    assert found["Answer in short sentences."] is Kind.SYSTEM
    assert found["And to you."] is Kind.ASSISTANT
    assert found["It rains in Oslo."] is Kind.TOOL_RESULT
    assert CHAT.messages(body) == 3


@pytest.mark.parametrize("at", range(len(EVENTS)))
def test_a_refusal_at_each_event_closes_what_is_open(at: int) -> None:
    result = call(
        plan(plans.Word("badword")),
        json.dumps(STREAMED).encode(),
        framed([*EVENTS[:at], BAD, *EVENTS[at:]], SSE, "[DONE]"),
        headers=(("content-type", SSE),),
        path="/v2/chat",
    )
    assert result.refused
    assert b"badword" not in result.body
    read = read_v2(result.body)
    words = [part.type for part in read]
    for block in ("content", "tool-call", "citation"):
        assert words.count(f"{block}-start") == words.count(f"{block}-end")
    assert words[0] == "message-start"
    assert words.count("message-start") == 1
    assert words[-1] == "message-end"
    assert read[-1].delta.finish_reason == ("ERROR" if "tool-call-start" in words else "COMPLETE")
    deltas = [part for part in read if part.type == "content-delta"]
    assert deltas[-1].delta.message.content.text == plans.SAY


@pytest.mark.parametrize("media", [SSE, NDJSON, "application/stream+json"])
@pytest.mark.parametrize("at", range(len(LEGACY_EVENTS)))
def test_a_refusal_at_each_event_of_version_1(media: str, at: int) -> None:
    bad = {"is_finished": False, "event_type": "text-generation", "text": "the badword"}
    events = [*LEGACY_EVENTS[:at], bad, *LEGACY_EVENTS[at:]]
    result = call(
        plan(plans.Word("badword")),
        json.dumps({**LEGACY, "stream": True}).encode(),
        framed(events, SSE if media == SSE else NDJSON),
        headers=(("content-type", media),),
        path="/v1/chat",
    )
    assert b"badword" not in result.body
    lines = [line.removeprefix("data: ") for line in result.body.decode().splitlines() if line]
    trees = [json.loads(text) for text in lines]
    assert trees[0]["event_type"] == "stream-start"
    assert trees[-1]["finish_reason"] == "ERROR_TOXIC"
    assert trees[-1]["response"]["text"].endswith(plans.SAY)


def test_the_sdk_reads_an_ending_of_version_1() -> None:
    ask = json.dumps({"message": "a badword", "stream": True}).encode()
    result = call(plan(plans.Word("badword")), ask, path="/v1/chat")
    assert result.head is not None
    read = read_v1(result.body, dict(result.head.headers)["content-type"])
    assert [part.event_type for part in read] == ["stream-start", "text-generation", "stream-end"]
    assert read[-1].response.text == plans.SAY


def test_a_refused_request_is_answered_as_it_was_asked() -> None:
    messages = [{"role": "user", "content": "a badword"}]
    whole = call(
        plan(plans.Word("badword")), json.dumps({"model": "m", "messages": messages}).encode(), path="/v2/chat"
    )
    client = cohere.ClientV2(
        api_key="test", base_url="https://example.com", httpx_client=served(whole.body, "application/json")
    )
    said = client.chat(model="m", messages=[cohere.UserChatMessageV2(content="hi")])
    assert said.message.content is not None
    assert said.message.content[0].text == plans.SAY  # type: ignore[union-attr]
    ask = json.dumps({"model": "m", "messages": messages, "stream": True}).encode()
    streamed = call(plan(plans.Word("badword")), ask, path="/v2/chat")
    assert [part.type for part in read_v2(streamed.body)][-1] == "message-end"


def test_a_stream_that_breaks_off_ends_as_an_error() -> None:
    codec = CHAT.stream(None, Head(200, (("content-type", SSE),)))
    assert codec is not None
    (_, last) = read_v2(codec.fail(Notice("It broke off.", "broken", "d0")))
    assert last.delta.finish_reason == "ERROR"


def test_the_providers_own_refusal_is_known() -> None:
    answer = CHAT.response(b'{"text": "", "finish_reason": "ERROR_TOXIC"}', "application/json")
    assert CHAT.incident(200, answer) == "ERROR_TOXIC"


def test_tokens_to_be_spelled_out_are_tokens() -> None:
    tokens = next(wire for wire in operations() if wire.name == "cohere.tokens")
    body = tokens.request(b'{"model": "c", "tokens": [1, 2]}', Request("POST", "/v1/detokenize", ()))
    assert [medium.modality for medium in body.media] == ["tokens"]
