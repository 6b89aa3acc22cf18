"""Legacy completions: what is read as whose, and refusals as the official client reads them."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from typing import Any

import pytest

from guardrail.http import Request
from guardrail.verdict import Kind
from guardrail.wires.openai.completions import AgentChat, Completions, Infill
from guardrail.wires.router import Router
from tests.support import plans
from tests.support.drive import EVENTS as SSE_HEADERS
from tests.support.drive import JSON, Result, call
from tests.wires.case import SSE, framed
from tests.wires.openai.sdk import client

cases = importlib.import_module("tests.wires.openai.cases_completions")
PATH = "/v1/completions"
ROUTER = Router((Completions(), Infill(), AgentChat()))


def plan(word: str, **more: Any) -> Any:
    return replace(plans.plan(plans.Word(word, **more)), router=ROUTER)


def answered(word: str, request: Any, answer: bytes, headers: Any = JSON, **more: Any) -> Result:
    guarded = replace(plan(word, **more), input=plans.NOTHING.input)
    return call(
        guarded, json.dumps(request).encode(), answer, headers=headers, path=PATH, cuts=range(0, len(answer), 33)
    )


def test_each_prompt_is_a_users_text_and_token_ids_are_a_medium() -> None:
    wire, asked = Completions(), Request("POST", PATH, JSON)
    body = wire.request(b'{"model":"m","prompt":["one text","two"],"suffix":"three"}', asked)
    assert [(s.text, s.kind) for s in body.segments if s.keep] == [(t, Kind.USER) for t in ("one text", "two", "three")]
    for prompt in ("[1, 2, 3]", "[[1, 2], [3]]"):
        body = wire.request(b'{"prompt":%s}' % prompt.encode(), asked)
        assert {medium.modality for medium in body.media} == {"tokens"}
    body = wire.request(b'{"prompt_embeds":"gAKKCmz8nEb5IGqoUBlyAfN/9g=="}', asked)
    assert {medium.modality for medium in body.media} == {"tokens"}


@pytest.mark.parametrize(
    ("prompt", "n", "choices"), [("a b", 2, 2), (["a b", "c d"], 2, 4), ([1, 2], 1, 1), ([[1], [2]], 1, 2)]
)
def test_a_refused_prompt_is_answered_with_as_many_choices(prompt: Any, n: int, choices: int) -> None:
    request = {"model": "m", "prompt": prompt, "n": n, "suffix": "harmful"}
    result = call(plan("harmful"), json.dumps(request).encode(), path=PATH)
    answer = client(result).completions.create(model="m", prompt="x")
    assert [c.finish_reason for c in answer.choices] == ["content_filter"] * choices
    assert {c.text for c in answer.choices} == {plans.SAY}
    result = call(plan("harmful"), json.dumps({**request, "stream": True}).encode(), path=PATH)
    chunks = list(client(result).completions.create(model="m", prompt="x", stream=True))
    assert sorted(c.index for chunk in chunks for c in chunk.choices) == list(range(choices))


@pytest.mark.parametrize("at", range(6))
def test_a_stream_refused_at_any_event_ends_as_the_client_expects(at: int) -> None:
    events = [json.loads(json.dumps(event)) for event in cases.EVENTS]
    events[at]["choices"][0]["text"] += " harmful"
    request = {"model": "m", "prompt": "a", "n": 2, "stream": True, "stream_options": {"include_usage": True}}
    result = answered("harmful", request, framed(events, SSE, "[DONE]"), SSE_HEADERS)
    assert result.refused
    assert b"harmful" not in result.body
    chunks = list(client(result).completions.create(model="m", prompt="x", stream=True))
    ends = [c.index for chunk in chunks for c in chunk.choices if c.finish_reason]
    assert sorted(ends) == [0, 1]
    assert any(plans.SAY in c.text for chunk in chunks for c in chunk.choices)
    assert chunks[-1].usage is not None
    assert result.body.endswith(b"data: [DONE]\n\n")


def test_a_masked_choice_loses_its_log_probabilities_and_the_other_keeps_them() -> None:
    logprobs = {"tokens": [" pri", "vate"], "token_logprobs": [0, 0], "top_logprobs": None, "text_offset": [0, 4]}
    texts = [(" private words", logprobs), (" open words", {"tokens": [" open"]})]
    tree = {
        "choices": [{"index": n, "text": t, "logprobs": p, "finish_reason": "stop"} for n, (t, p) in enumerate(texts)]
    }
    result = answered("private", {"prompt": "a"}, json.dumps(tree).encode(), category=plans.MASKED)
    said = json.loads(result.body)["choices"]
    assert [choice["text"] for choice in said] == [" [gone] words", " open words"]
    assert [choice["logprobs"] for choice in said] == [None, {"tokens": [" open"]}]


def test_the_providers_own_refusal_is_recorded() -> None:
    error = {"error": {"message": "It was filtered.", "type": None, "param": None, "code": "content_filter"}}
    result = call(plan("harmful"), b'{"prompt":"a"}', json.dumps(error).encode(), status=400, path=PATH)
    assert result.rows[-1].ended == "provider_refused"


def test_the_output_cap_and_the_users_name_are_put() -> None:
    wire = Completions()
    body = wire.request(b'{"prompt":"a","max_tokens":900,"user":"me"}', Request("POST", PATH, JSON))
    wire.limit_output(body, 100)
    wire.forward(body, "user", "u-1")
    assert json.loads(body.body()) == {"prompt": "a", "max_tokens": 100, "user": "u-1"}


def test_mistrals_two_answer_as_chat_does() -> None:
    for path, wire in (("/v1/fim/completions", Infill()), ("/v1/agents/completions", AgentChat())):
        match = ROUTER.find(Request("POST", path, JSON))
        assert match is not None
        assert match.wire.name == wire.name
        result = call(plan("harmful"), b'{"prompt":"harmful","messages":[]}', path=path)
        assert json.loads(result.body)["choices"][0]["message"]["content"] == plans.SAY
