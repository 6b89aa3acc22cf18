"""The Responses wire format where nothing streams: whose text is where, refusals, caps and names."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx2
import openai
import pytest

from guardrail.http import Request
from guardrail.verdict import Kind
from guardrail.wires.openai.responses_operations import operations
from guardrail.wires.operation import Operation
from guardrail.wires.protocol import Body, Notice
from guardrail.wires.router import Router
from tests.support import plans
from tests.support.drive import call
from tests.wires.openai.cases_responses import ASK, FORM, SDP
from tests.wires.openai.responses_samples import MESSAGE, OUTPUT, REASONING
from tests.wires.openai.responses_wholes import INPUT, response

SAY = "This was not allowed here."
NOTICE = Notice(SAY, "content_refused", "d0", answer=True)
PATH = "/v1/responses"
POST = Request("POST", PATH, (("content-type", "application/json"),))


def operation(name: str) -> Operation:
    return next(op for op in operations() if op.name == name)


CREATE = operation("openai.responses")


def asked(**more: Any) -> Body:
    body = CREATE.request(json.dumps({"model": "m", "input": "hi", **more}).encode(), POST)
    body.asked = POST
    return body


def kinds(body: Body) -> dict[str, Kind]:
    """Whose each text is."""
    return {segment.spaced(): segment.kind for segment in body.segments}


def test_whose_text_a_request_holds() -> None:
    found = kinds(CREATE.request(json.dumps(ASK).encode(), POST))
    expected = {
        "Be a good pilot": Kind.SYSTEM,
        "Speak as a pilot does": Kind.SYSTEM,
        "When does the tide turn?": Kind.USER,
        "Look at this harbour": Kind.USER,
        "log of may.pdf": Kind.USER,
        "the young pilot": Kind.USER,
        "a word of advice": Kind.USER,
        "Looking for the harbour": Kind.REASONING,
        "First the moon is looked at": Kind.REASONING,
        "thinking of deep water": Kind.REASONING,
        "The tide turns at noon\nI cannot help with this wish": Kind.ASSISTANT,
        '{"place": "the old harbour", "days": 2}': Kind.TOOL_CALL,
        "say it loud and clear": Kind.TOOL_CALL,
        "tide tables for today": Kind.TOOL_CALL,
        "https://example.org/tides today": Kind.TOOL_RESULT,
        "depth of the bay": Kind.TOOL_CALL,
        "The bay is nine fathoms deep": Kind.TOOL_RESULT,
        "hello to the harbour": Kind.TOOL_CALL,
        "print('nine fathoms deep')": Kind.TOOL_CALL,
        "nine fathoms deep": Kind.TOOL_RESULT,
        "a harbour at night": Kind.TOOL_CALL,
        "the bay": Kind.TOOL_CALL,
        "high water at noon": Kind.TOOL_RESULT,
        "-ebb at one\n+ebb at two": Kind.TOOL_CALL,
        "Lists the free berths": Kind.DEFINITION,
        "two berths are free": Kind.TOOL_RESULT,
        "one berth was lost": Kind.TOOL_RESULT,
        "the tide is high": Kind.TOOL_RESULT,
        "it turns at noon": Kind.TOOL_RESULT,
        "it turns at one": Kind.TOOL_RESULT,
        "it was said twice": Kind.TOOL_RESULT,
        "not on this day": Kind.USER,
        "Comes in late": Kind.DEFINITION,
        "time of the turn": Kind.DEFINITION,
        "Finds the next tide": Kind.DEFINITION,
        "round the bay": Kind.OTHER,
    }
    assert {text: found.get(text) for text in expected} == expected


def test_whose_text_an_answer_holds() -> None:
    found = kinds(CREATE.response(json.dumps(response(output=OUTPUT)).encode(), "application/json"))
    assert found["Be a good pilot"] is Kind.SYSTEM
    assert found["Finds the next tide"] is Kind.DEFINITION
    assert found["The tide turns at noon\nI cannot help with this wish"] is Kind.ASSISTANT
    assert found["Looking for the harbour"] is Kind.REASONING


def test_a_role_does_not_make_a_tools_words_the_operators() -> None:
    item = {"type": "function_call_output", "role": "developer", "call_id": "call_1", "output": "a page says so"}
    assert kinds(asked(input=[item]))["a page says so"] is Kind.TOOL_RESULT


def test_what_no_text_check_can_read_is_told() -> None:
    media = [(m.modality, m.where) for m in asked(input=INPUT).media]
    assert {modality for modality, _ in media} == {"image", "audio", "file", "encrypted"}
    assert ("encrypted", "input[3].encrypted_content") in media
    assert ("file", "input[2].content[4].file_url") in media


def test_a_word_split_over_two_parts_is_one() -> None:
    parts = [{"type": "input_text", "text": "for"}, {"type": "input_text", "text": "bidden"}]
    body = json.dumps({"model": "m", "input": [{"role": "user", "content": parts}]}).encode()
    assert call(plans.plan(plans.Word("forbidden")), body, path=PATH).sent is None


def test_a_refusal_is_a_response_the_sdk_reads() -> None:
    release = CREATE.render(asked(), NOTICE)
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "application/json"}, content=release.body)
    )
    with openai.OpenAI(
        base_url="http://test/v1", api_key="-", http_client=httpx2.Client(transport=transport)
    ) as client:
        said = client.responses.create(model="m", input="hi")
    assert (said.status, said.output_text, said.model) == ("incomplete", SAY, "m")
    assert said.incomplete_details is not None
    assert said.incomplete_details.reason == "content_filter"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/responses/compact"),
        ("POST", "/v1/responses/input_tokens"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("GET", "/v1/conversations/conv_1/items"),
        ("POST", "/v1/conversations"),
        ("POST", "/v1/realtime/client_secrets"),
    ],
)
def test_what_has_no_words_to_give_refuses_with_an_error(method: str, path: str) -> None:
    match = Router(operations()).find(Request(method, path, ()))
    assert match is not None
    release = match.wire.render(None, NOTICE)
    assert release.head is not None
    assert release.head.status == 400
    assert json.loads(release.body)["error"]["code"] == "content_refused"


def test_masks_take_probabilities_and_citations_with_them() -> None:
    plan = replace(plans.plan(plans.Word("noon", category=plans.MASKED)), input=plans.NOTHING.input)
    answer = json.dumps(response(output=[REASONING, MESSAGE])).encode()
    result = call(plan, b'{"model":"m","input":"hi"}', answer, path=PATH)
    part = json.loads(result.body)["output"][1]["content"][0]
    assert (part["text"], part["annotations"], part["logprobs"]) == (f"The tide turns at {plans.MASK}", [], [])
    untouched = replace(plans.plan(plans.Word("Looking", category=plans.MASKED)), input=plans.NOTHING.input)
    part = json.loads(call(untouched, b'{"model":"m","input":"hi"}', answer, path=PATH).body)["output"][1]["content"][0]
    assert part == MESSAGE["content"][0]


def test_caps_and_the_users_name_are_put_where_a_model_is_asked() -> None:
    body = asked(max_output_tokens=900, safety_identifier="a name of their own")
    CREATE.limit_output(body, 100)
    CREATE.forward(body, "safety_identifier", "u1")
    assert (body.tree["max_output_tokens"], body.tree["safety_identifier"]) == (100, "u1")
    assert CREATE.messages(body) == 1
    assert CREATE.messages(asked(input=INPUT)) == len(INPUT)
    cancel = operation("openai.responses.cancel")
    empty = cancel.request(b"", Request("POST", f"{PATH}/resp_1/cancel", ()))
    cancel.limit_output(empty, 100)
    assert empty.body() == b""


@pytest.mark.parametrize(
    ("tree", "word"),
    [
        (response(status="incomplete", incomplete_details={"reason": "content_filter"}), "content_filter"),
        (response(status="failed", error={"code": "invalid_prompt", "message": "no"}), "invalid_prompt"),
        (
            response(output=[{"type": "image_generation_call", "error": {"code": "moderation_blocked"}}]),
            "moderation_blocked",
        ),
        (response(), None),
        ({"error": {"code": "cyber_policy", "type": "invalid_request_error", "message": "no"}}, "cyber_policy"),
    ],
)
def test_the_providers_own_refusals_are_known(tree: Any, word: str | None) -> None:
    answer = CREATE.response(json.dumps(tree).encode(), "application/json")
    assert CREATE.incident(200, answer) == word


def test_what_was_made_is_named() -> None:
    made = CREATE.response(json.dumps(response(output=[REASONING, MESSAGE])).encode(), "application/json")
    assert {(r.kind, r.id) for r in CREATE.issued(made)} == {
        ("response", "resp_1"),
        ("conversation", "conv_1"),
        ("item", "rs_1"),
        ("item", "msg_1"),
    }


def test_a_call_is_read_alone_and_in_a_form() -> None:
    calls = operation("openai.realtime.calls")
    alone = calls.request(SDP, Request("POST", "/v1/realtime/calls", (("content-type", "application/sdp"),)))
    assert "the old harbour" in alone.segments[0].text
    form = (("content-type", "multipart/form-data; boundary=b1"),)
    found = kinds(calls.request(FORM, Request("POST", "/v1/realtime/calls", form)))
    assert found["Answer as a pilot does"] is Kind.SYSTEM
    assert any("the old harbour" in text for text in found)
