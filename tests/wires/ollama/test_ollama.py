"""What is particular to Ollama: streams unless told not to, and endings its own client parses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import ollama
import pytest

from guardrail.http import Head, Request
from guardrail.policy.plan import Plan
from guardrail.verdict import Kind
from guardrail.wires.ollama.operations import operations
from guardrail.wires.protocol import Notice
from guardrail.wires.router import Router
from tests.support import plans
from tests.support.drive import call
from tests.wires.case import NDJSON, framed
from tests.wires.ollama.cases_ollama import ASK, GENERATED, LINES, PROMPT, line

CHAT, GENERATE = operations()[:2]
HEAD = (("content-type", NDJSON),)


def plan(*checks: plans.Word) -> Plan:
    return replace(plans.plan(*checks), router=Router(operations()))


def client(raw: bytes) -> ollama.Client:
    return ollama.Client("http://localhost", transport=httpx.MockTransport(lambda _: httpx.Response(200, content=raw)))


def chat(raw: bytes) -> list[Any]:
    return list(client(raw).chat("m", [{"role": "user", "content": "hi"}], stream=True))


def test_each_text_is_of_its_own_kind() -> None:
    body = CHAT.request(json.dumps(ASK).encode(), Request("POST", "/api/chat", ()))
    found = {segment.text: segment.kind for segment in body.segments}
    assert found["Answer in short sentences."] is Kind.SYSTEM
    assert found["How is the weather in Oslo?"] is Kind.USER
    assert found["I should look it up."] is Kind.REASONING
    assert found["the city of Oslo"] is Kind.TOOL_CALL
    assert found["rain and wind"] is Kind.TOOL_RESULT
    assert [medium.modality for medium in body.media] == ["image"]


def test_a_context_is_tokens() -> None:
    body = GENERATE.request(b'{"model":"m","prompt":"hi","context":[1,2,3]}', Request("POST", "/api/generate", ()))
    assert [medium.modality for medium in body.media] == ["tokens"]


@pytest.mark.parametrize("at", range(len(LINES)))
def test_a_refusal_at_each_line_of_a_chat_is_an_answer_to_the_client(at: int) -> None:
    events = [*LINES[:at], line({"content": "here is the badword now"}), *LINES[at:]]
    result = call(
        plan(plans.Word("badword")), json.dumps(ASK).encode(), framed(events, NDJSON), headers=HEAD, path="/api/chat"
    )
    assert result.refused
    assert b"badword" not in result.body
    read = chat(result.body)
    assert read[-1].done is True
    assert read[-1].done_reason == "stop"
    assert "".join(part.message.content or "" for part in read).endswith(plans.SAY)


@pytest.mark.parametrize("at", range(len(GENERATED)))
def test_a_refusal_at_each_line_of_a_generation_is_an_answer_to_the_client(at: int) -> None:
    events = [*GENERATED[:at], {**GENERATED[1], "response": "the badword"}, *GENERATED[at:]]
    result = call(
        plan(plans.Word("badword")),
        json.dumps(PROMPT).encode(),
        framed(events, NDJSON),
        headers=HEAD,
        path="/api/generate",
    )
    assert b"badword" not in result.body
    read = list(client(result.body).generate("m", "hi", stream=True))
    assert read[-1].done is True
    assert "".join(part.response or "" for part in read).endswith(plans.SAY)


def test_a_refused_request_streams_unless_it_says_no() -> None:
    ask = {"model": "m", "messages": [{"role": "user", "content": "a badword"}]}
    streamed = call(plan(plans.Word("badword")), json.dumps(ask).encode(), path="/api/chat")
    assert streamed.sent is None
    assert chat(streamed.body)[0].message.content == plans.SAY
    whole = call(plan(plans.Word("badword")), json.dumps({**ask, "stream": False}).encode(), path="/api/chat")
    assert client(whole.body).chat("m", ask["messages"]).message.content == plans.SAY  # type: ignore[arg-type]


def test_a_stream_that_breaks_off_is_an_error_to_the_client() -> None:
    codec = CHAT.stream(None, Head(200, HEAD))
    assert codec is not None
    with pytest.raises(ollama.ResponseError, match="It broke off"):
        chat(codec.fail(Notice("It broke off.", "broken", "d0")))


def test_the_cap_is_an_option() -> None:
    body = CHAT.request(json.dumps(ASK).encode(), Request("POST", "/api/chat", ()))
    CHAT.limit_output(body, 20)
    assert json.loads(body.body())["options"] == {"stop": ["the end"], "num_predict": 20}


def test_the_paths_are_not_claimed_without_the_body() -> None:
    assert [wire.name for wire in operations() if wire.sure] == ["ollama.web"]
