"""Runs: whose text an event says, and streams refused at any event as the official client reads them."""

from __future__ import annotations

import importlib
import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from guardrail.http import Head, Request
from guardrail.verdict import Kind
from guardrail.wires.openai.operations import operations
from guardrail.wires.protocol import Reference
from guardrail.wires.router import Router
from tests.support import plans
from tests.support.drive import EVENTS as SSE_HEADERS
from tests.support.drive import JSON, Result, call
from tests.support.leaves import leaves, planted
from tests.wires.case import SSE, framed
from tests.wires.openai.sdk import client

cases = importlib.import_module("tests.wires.openai.cases_threads")
ROUTER = Router(operations())
PATH = "/v1/threads/thread_1/runs"
pytestmark = pytest.mark.filterwarnings("ignore:The Assistants API:DeprecationWarning")
DONE = b"event: done\ndata: [DONE]\n\n"


def plan(word: str, **more: Any) -> Any:
    return replace(plans.plan(plans.Word(word, **more)), router=ROUTER, input=plans.NOTHING.input)


def told(word: str, events: Any, **more: Any) -> Result:
    body = framed(events, SSE) + DONE
    asked = b'{"assistant_id":"asst_1","stream":true}'
    return call(plan(word, **more), asked, body, headers=SSE_HEADERS, path=PATH, cuts=range(0, len(body), 61))


def parsed(result: Result) -> list[Any]:
    return list(client(result).beta.threads.runs.create("t", assistant_id="a", stream=True))


def _wordy(tree: Any) -> Any:
    """The place of the longest text of an event."""
    return max(leaves(tree), key=lambda leaf: len(leaf[1]))[0]


@pytest.mark.parametrize("at", range(len(cases.EVENTS)))
def test_a_stream_refused_at_any_event_closes_what_was_opened(at: int) -> None:
    events = deepcopy(cases.EVENTS)
    name, tree = events[at]
    events[at] = (name, planted(tree, _wordy(tree), "a harmful word"))
    result = told("harmful", events)
    assert result.refused
    assert b"harmful" not in result.body
    seen = parsed(result)
    opened = [e.data.id for e in seen if e.event in ("thread.message.created", "thread.run.step.created")]
    closed = [e.data.id for e in seen if e.event.rpartition(".")[2] in ("completed", "incomplete", "failed")]
    assert set(opened) <= set(closed)
    assert len(closed) == len(set(closed))
    if at:
        assert plans.SAY in result.body.decode()
    assert result.body.endswith(DONE)


def test_the_message_that_ends_a_refused_stream_repeats_what_was_said() -> None:
    events = deepcopy(cases.EVENTS)
    events[16] = cases.delta(" a harmful tree.")
    seen = parsed(told("harmful", events))
    (end,) = [e.data for e in seen if e.event == "thread.message.incomplete"]
    assert end.incomplete_details.reason == "content_filter"
    deltas = [part for e in seen if e.event == "thread.message.delta" for part in e.data.delta.content]
    texts = ["".join(p.text.value for p in deltas if p.index == n) for n in (0, 1)]
    assert [part.text.value for part in end.content] == texts
    assert texts[1] == plans.SAY
    assert seen[-1].event == "thread.run.failed"
    assert seen[-1].data.last_error.message == plans.SAY


def test_a_mask_over_two_deltas_is_in_the_whole_message_too() -> None:
    result = told("is a", cases.EVENTS, category=plans.MASKED)
    seen = parsed(result)
    deltas = [part for e in seen if e.event == "thread.message.delta" for part in e.data.delta.content]
    assert "".join(part.text.value for part in deltas) == "It [gone] tree."
    (whole,) = [e.data for e in seen if e.event == "thread.message.completed"]
    assert whole.content[0].text.value == "It [gone] tree."
    assert whole.content[0].text.annotations == []


def test_tool_arguments_wait_for_their_end_and_no_longer() -> None:
    result = told("the north", cases.STOPS)
    assert result.refused
    assert b"north" not in result.body
    masked = told("the north", cases.STOPS, category=plans.MASKED)
    arguments = [
        e.data.required_action.submit_tool_outputs.tool_calls[0].function.arguments
        for e in parsed(masked)
        if e.event == "thread.run.requires_action"
    ]
    assert [json.loads(text) for text in arguments] == [{"place": "[gone]"}]


def test_texts_of_a_request_are_whose_they_are() -> None:
    match = ROUTER.find(Request("POST", PATH, JSON))
    assert match is not None
    by_name = {case.name: case for case in cases.CASES}
    body = match.wire.request(by_name["runs"].asked, Request("POST", PATH, JSON))
    said = {s.text: s.kind for s in body.segments}
    assert said["You are a kind tutor"] is Kind.SYSTEM
    assert said["What is in this picture?"] is Kind.USER
    assert said["I said this before"] is Kind.ASSISTANT
    assert said["Tells the weather"] is Kind.DEFINITION
    assert [medium.modality for medium in body.media] == ["image"]
    path = "/v1/threads/thread_1/messages"
    for role, kind in (("user", Kind.USER), ("assistant", Kind.ASSISTANT)):
        tree = json.dumps({"role": role, "content": "It is so"}).encode()
        message = ROUTER.find(Request("POST", path, JSON))
        assert message is not None
        assert ("It is so", kind) in [
            (s.text, s.kind) for s in message.wire.request(tree, Request("POST", path, JSON)).segments
        ]


def test_ids_in_paths_bodies_and_answers_are_references() -> None:
    asked = Request("POST", f"{PATH}/run_1/submit_tool_outputs", JSON)
    match = ROUTER.find(asked)
    assert match is not None
    assert {(r.kind, r.id) for r in match.wire.refers(asked, None)} == {("thread", "thread_1"), ("run", "run_1")}
    asked = Request("POST", "/v1/threads/runs", JSON)
    body = match.wire.request(
        b'{"assistant_id":"asst_1","thread":{"messages":[{"attachments":[{"file_id":"f"}]}]}}', asked
    )
    assert {(r.kind, r.id) for r in match.wire.refers(asked, body)} == {("assistant", "asst_1"), ("file", "f")}
    answer = match.wire.response(json.dumps(cases.run("queued")).encode(), "application/json")
    assert match.wire.issued(answer) == [Reference("run", "run_1", "id"), Reference("thread", "thread_1", "thread_id")]
    listed = json.dumps({"object": "list", "data": [cases.run("queued")]}).encode()
    assert match.wire.issued(match.wire.response(listed, "application/json")) == []


def test_the_apis_own_refusal_of_a_run_is_recorded() -> None:
    tree = cases.message("incomplete") | {"incomplete_details": {"reason": "content_filter"}}
    match = ROUTER.find(Request("GET", f"{PATH}/run_1", JSON))
    assert match is not None
    for at in (tree, cases.run("failed", last_error={"code": "invalid_prompt", "message": "no"})):
        answer = match.wire.response(json.dumps(at).encode(), "application/json")
        assert match.wire.incident(200, answer) in ("content_filter", "invalid_prompt")
        codec = match.wire.stream(None, Head(200, SSE_HEADERS))
        assert codec is not None
        list(codec.feed(framed([("thread.message.incomplete", at)], SSE)))
        assert codec.incident in ("content_filter", "invalid_prompt")


def left(events: Any, kind: Kind) -> bytes:
    """What has left after these events, of which a check needs to see each text of a kind to its end."""
    check = plans.Word("harmful", needs_all=True, reads=frozenset({kind}))
    guarded = replace(plans.plan(check), router=ROUTER, input=plans.NOTHING.input)
    asked, body = b'{"assistant_id":"asst_1","stream":true}', framed(events, SSE)
    return call(guarded, asked, body, headers=SSE_HEADERS, path=PATH, cuts=range(0, len(body), 61), ends=False).body


def test_what_is_complete_leaves_before_the_end() -> None:
    assert b"thread.run.requires_action" in left(cases.STOPS, Kind.TOOL_CALL)
    assert b"thread.message.delta" not in left(cases.EVENTS[:17], Kind.ASSISTANT)
    assert b"thread.message.completed" in left(cases.EVENTS[:18], Kind.ASSISTANT)
