"""Numbers that tools are called with are read wherever arguments are an object, and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from guardrail.verdict import Outcome
from tests.support import plans
from tests.support.drive import Result, call
from tests.support.plans import MASK, MASKED, Word, plan
from tests.wires.case import AWS, NDJSON, SSE, Case, framed

CARD, TICKET = "4111", "TICKET"
PLAN = plan(Word(CARD, MASKED), Word(TICKET, MASKED))
ANSWERS = replace(PLAN, input=plans.NOTHING.input)
ARGUMENTS: list[Any] = [
    {"card": 4111},
    {"a": {"b": [1, True, None, {"c": -4111.5e2}]}},
    {"a": [2, 34111]},
    {"n": 41110000000000000000000000000000},
]
GEMINI = "/v1beta/models/m:generateContent"
CLEAN = {"model": "m", "message": "hi", "messages": [{"role": "user", "content": "hi"}]}


def gemini(part: Any) -> Any:
    return {"role": "model", "parts": [part]}


def converse(value: Any) -> Any:
    return {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "look", "input": value}}]}


def use(value: Any) -> Any:
    return {"type": "tool_use", "id": "t", "name": "look", "input": value}


def called(value: Any) -> Any:
    return {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "look", "arguments": value}}]}


def searched(value: Any) -> Any:
    return {"type": "tool_search_call", "id": "ts_1", "call_id": "c", "execution": "client", "arguments": value}


def message(value: Any) -> Any:
    return {"type": "message", "role": "assistant", "content": [use(value)]}


def legacy(value: Any) -> Any:
    return [{"name": "look", "parameters": value}]


def exchanges(value: Any) -> list[Case]:
    """Requests and whole answers that hold a call with these arguments."""
    anthropic, chat = {**CLEAN, "messages": [message(value)]}, {**CLEAN, "messages": [called(value)]}
    function = {"functionCall": {"name": "look", "args": value}}
    results = {**CLEAN, "tool_results": [{"call": {"name": "look", "parameters": value}, "outputs": []}]}
    return [
        Case("messages", "/v1/messages", anthropic, message(value)),
        Case("gemini", GEMINI, {"contents": [gemini(function)]}, {"candidates": [{"content": gemini(function)}]}),
        Case("ollama", "/api/chat", chat, {"model": "m", "message": called(value), "done": True}),
        Case(
            "converse", "/model/m/converse", {"messages": [converse(value)]}, {"output": {"message": converse(value)}}
        ),
        Case("cohere", "/v1/chat", {**CLEAN, "tool_calls": legacy(value)}, {"text": "", "tool_calls": legacy(value)}),
        Case("cohere results", "/v1/chat", results, {"text": "", **results}),
        Case("chat", "/v1/chat/completions", chat, {"choices": [{"index": 0, "message": called(value)}]}),
        Case("responses", "/v1/responses", {"model": "m", "input": [searched(value)]}, {"output": [searched(value)]}),
    ]


def streams(value: Any) -> list[Case]:
    """Answers that stream such a call."""
    function = {"functionCall": {"name": "look", "args": value}}
    start = {"type": "content_block_start", "index": 0, "content_block": use(value)}
    item = {"type": "response.output_item.done", "output_index": 0, "item": searched(value)}
    chunk = {"choices": [{"index": 0, "delta": called(value)}]}
    calls = {"event_type": "tool-calls-generation", "tool_calls": legacy(value)}
    asked = {**CLEAN, "stream": True}
    return [
        Case("messages", "/v1/messages", asked, events=[(start["type"], start)], answer_type=SSE),
        Case(
            "gemini",
            GEMINI.replace("generate", "streamGenerate"),
            {"contents": "hi"},
            events=[{"candidates": [{"content": gemini(function)}]}],
            answer_type=SSE,
        ),
        Case("ollama", "/api/chat", asked, events=[{"model": "m", "message": called(value)}], answer_type=NDJSON),
        Case(
            "converse",
            "/model/m/converse-stream",
            {"messages": []},
            events=[("contentBlockStart", {"contentBlockIndex": 0, "start": converse(value)["content"][0]})],
            answer_type=AWS,
        ),
        Case("cohere", "/v1/chat", {"model": "m", "message": "hi"}, events=[calls], answer_type=NDJSON),
        Case("chat", "/v1/chat/completions", asked, events=[chunk], answer_type=SSE),
        Case("responses", "/v1/responses", asked, events=[(item["type"], item)], answer_type=SSE),
    ]


WIRES = [case.name for case in exchanges({})]
STREAMED = [case.name for case in streams({})]
arguments = pytest.mark.parametrize("value", ARGUMENTS, ids=json.dumps)


def go(case: Case, *, plan: Any = ANSWERS, clean: bool = True) -> Result:
    request = json.dumps(CLEAN).encode() if clean and case.events is None else case.asked
    return call(plan, request, case.said(), headers=(("content-type", case.answer_type),), path=case.path)


def named(cases: list[Case], name: str) -> Case:
    return next(case for case in cases if case.name == name)


@arguments
@pytest.mark.parametrize("name", WIRES)
def test_a_number_that_should_be_masked_is_refused(name: str, value: Any) -> None:
    case = named(exchanges(value), name)
    assert go(case, plan=PLAN, clean=False).sent is None
    result = go(case)
    assert result.refused
    assert b"4111" not in result.body


@arguments
@pytest.mark.parametrize("name", STREAMED)
def test_one_in_a_stream_is_refused(name: str, value: Any) -> None:
    result = go(named(streams(value), name))
    assert result.refused
    assert b"4111" not in result.body


@pytest.mark.parametrize("name", WIRES)
def test_other_numbers_stay_as_they_were_written(name: str) -> None:
    case = named(exchanges({"n": 1.50, "m": [1e2, 7], "card": "a TICKET"}), name)
    raw = case.said().replace(b"1.5", b"1.50").replace(b"100.0", b"1E2")
    assert b"1.50" in raw
    assert b"1E2" in raw
    headers = (("content-type", case.answer_type),)
    untouched = call(plan(Word("nowhere")), json.dumps(CLEAN).encode(), raw, headers=headers, path=case.path)
    assert untouched.body == raw
    masked = call(ANSWERS, json.dumps(CLEAN).encode(), raw, headers=headers, path=case.path)
    assert masked.rows[0].outcome is Outcome.CHANGED
    assert f'{{"n":1.50,"m":[1E2,7],"card":"a {MASK}"}}'.encode() in masked.body


def test_a_number_in_parts_of_a_gemini_call() -> None:
    part = {"functionCall": {"partialArgs": [{"jsonPath": "$.card", "numberValue": 4111}], "willContinue": True}}
    case = replace(named(streams({}), "gemini"), events=[{"candidates": [{"content": gemini(part)}]}])
    assert go(case).refused


def test_it_is_read_with_its_key_as_in_json() -> None:
    pin = replace(plan(Word('"pin":12', MASKED)), input=plans.NOTHING.input)
    assert go(named(exchanges({"pin": 12}), "messages"), plan=pin).refused
    assert not go(named(exchanges({"pin": 1, "n": 12}), "messages"), plan=pin).refused


@pytest.mark.parametrize("name", STREAMED)
def test_numbers_of_two_events_are_not_one(name: str) -> None:
    case = named(streams({"n": 41}), name)
    assert case.events is not None
    events = [*case.events, *(named(streams({"n": 11}), name).events or ())]
    raw = framed(events, case.answer_type)
    result = call(ANSWERS, case.asked, raw, headers=(("content-type", case.answer_type),), path=case.path)
    assert not result.refused
    assert result.body == raw


def test_no_other_numbers_are_read() -> None:
    chat = named(exchanges({}), "chat")
    tree = {**chat.answer, "created": 4111, "usage": {"total_tokens": 4111}, "scores": [4111, 4111.5]}
    result = go(replace(chat, answer=tree))
    assert result.body == json.dumps(tree).encode()
    request = {**CLEAN, "seed": 4111, "tools": [{"function": {"parameters": {"maximum": 4111}}}]}
    assert call(PLAN, json.dumps(request).encode(), b"{}").sent is not None
