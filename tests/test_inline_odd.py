"""Moderations that come oddly: twice, too early, too late, in part, with errors, or to those who did not ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardrail.admit.objects import Objects
from guardrail.errors import UpstreamError
from guardrail.exchange import Exchange
from guardrail.flow import run
from guardrail.http import Head, Request
from guardrail.policy.plan import Plan
from tests.inline_cases import POLICY, RESPONSES, chat_whole, plan_of, response, responses_stream, told
from tests.support.drive import CHAT, EVENTS, JSON, Result, call, perform_into
from tests.support.events import chunk, content, said, sse, trees
from tests.test_inline import APIS, HARM, SAFE

CHATS, WHOLE, RESPONSE = APIS["chat streamed"], APIS["chat"], APIS["responses"]
CLEAN, HARMFUL = CHATS.both("hi", SAFE), CHATS.both("hi", HARM)
TEXT = said("a ", "canary ", "answer")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(POLICY, tmp_path)


def streamed(plan: Plan, *chunks: Any, raw: bytes | None = None, **more: Any) -> Result:
    return call(plan, CHATS.ask(), sse(*chunks) if raw is None else raw, headers=EVENTS, **more)


def reasons(result: Result) -> set[str]:
    return {gap.reason for gap in result.rows[0].not_evaluated}


@pytest.mark.parametrize("order", [(CLEAN, HARMFUL), (HARMFUL, CLEAN)])
def test_of_several_each_counts(plan: Plan, order: Any) -> None:
    result = streamed(plan, *TEXT, *map(told, order))
    assert result.refused
    assert b"canary" not in result.body


def test_an_early_half_does_not_hide_the_whole_at_the_end(plan: Plan) -> None:
    result = streamed(plan, *TEXT, told({"input": CLEAN["input"]}), told(CLEAN))
    assert reasons(result) == {"absent"}, "what is missing of either is said"


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_text_that_comes_after_it_was_not_judged(plan: Plan, at: int) -> None:
    result = streamed(plan, *TEXT[:at], told(CLEAN), *TEXT[at:])
    assert reasons(result) == {"absent"}
    assert b"canary" not in result.body
    like = [chunk({"content": f"w{n} "}) for n in range(9)]
    assert reasons(streamed(plan, *like, told(CLEAN), *like)) == {"absent"}


def test_names_of_fields_are_no_text_that_came_after_it(plan: Plan) -> None:
    usage = {**chunk(None), "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens_details": {"odd_name": 1}}}
    for chunks in ((*TEXT, told(CLEAN), usage), (*TEXT, usage, told(CLEAN))):
        result = streamed(plan, *chunks)
        assert (result.rows[0].outcome, reasons(result)) == ("allowed", set())
        assert b"canary" in result.body


def test_nor_are_its_own_names_anybodys_words(tmp_path: Path) -> None:
    more = "\n  words: {use: words, words: [minors, graphic], category: custom/word}"
    policy = POLICY.replace("{use: openai-inline}", "{use: openai-inline}" + more)
    policy = policy.replace("output: [beside]", "output: [words, beside]") + "  - {when: custom/word, do: refuse}\n"
    plan = plan_of(policy, tmp_path)
    for api in APIS.values():
        assert b"canary" in api.call(plan, api.both("hi", SAFE)).body
    odd = {**CLEAN, "output": {**CLEAN["output"], "results": [{**CLEAN["output"]["results"][0], "why": "minors"}]}}
    assert streamed(plan, *TEXT, told(odd)).refused, "an unknown word is read"


def test_of_a_response_only_the_last_event_tells(plan: Plan) -> None:
    both = RESPONSE.both("hi", SAFE)
    raw = responses_stream(SAFE, None)
    early = json.dumps({"type": "response.queued", "response": response("", both), "sequence_number": 0})
    result = call(plan, RESPONSE.ask(stream=True), f"data: {early}\n\n".encode() + raw, path=RESPONSES, headers=EVENTS)
    assert reasons(result) == {"absent"}
    assert b"canary" not in result.body


def test_what_comes_after_the_end_is_not_taken_however_it_is_cut(tmp_path: Path) -> None:
    plan = plan_of(POLICY.replace("{use: openai-inline}", "{use: openai-inline, on_error: flag}"), tmp_path)
    raw = sse(*TEXT) + sse(told(HARMFUL), done=False)
    rows = [streamed(plan, raw=raw, cuts=cuts).rows[0] for cuts in ((), range(0, len(raw), 9), range(len(raw)))]
    assert {(row.outcome, row.action.word, row.findings) for row in rows} == {("not_evaluated", "flag", ())}
    raw = sse(*TEXT, told(CLEAN)) + sse(chunk({"content": "more"}), done=False)
    rows = [streamed(plan, raw=raw, cuts=[n]).rows[0] for n in range(0, len(raw), 5)]
    assert {row.outcome for row in rows} == {"allowed"}, "and its text is dropped"


def test_a_mask_in_the_callers_own_object_is_put_in(tmp_path: Path) -> None:
    more = "\n  secret: {use: words, words: [canaryword], category: custom/word}"
    policy = POLICY.replace("{use: openai-inline}", "{use: openai-inline}" + more)
    policy = policy.replace("input: [beside]", "input: [secret, beside]") + "  - {when: custom/word, do: redact}\n"
    plan = plan_of(policy, tmp_path)
    for path, api in ((CHAT, WHOLE), (RESPONSES, RESPONSE)):
        result = call(plan, api.ask(moderation={"note": "say canaryword"}), api.answer(SAFE, CLEAN), path=path)
        assert result.sent is not None
        assert b"canaryword" not in result.sent.body
        assert json.loads(result.sent.body)["moderation"]["model"] == "omni-moderation-latest"


ITEMS = {
    "a tool's output": {"type": "function_call_output", "call_id": "c", "output": "canary"},
    "a user's message": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "canary"}]},
    "a program's log": {
        "type": "code_interpreter_call",
        "id": "ci",
        "code": "x",
        "outputs": [{"type": "logs", "logs": "canary"}],
    },
}


@pytest.mark.parametrize("item", ITEMS)
def test_whatever_kind_of_text_came_without_it_was_not_judged(plan: Plan, item: str) -> None:
    tree = {**response(""), "output": [ITEMS[item]]}
    result = call(plan, RESPONSE.ask(), json.dumps(tree).encode(), path=RESPONSES)
    assert reasons(result) == {"absent"}
    assert b"canary" not in result.body


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_models_text_under_an_errors_status_was_not_judged(plan: Plan, status: int) -> None:
    result = call(plan, WHOLE.ask(), chat_whole(SAFE, None), status=status)
    assert reasons(result) == {"absent"}
    error = json.dumps({"error": {"message": "slow down", "type": "rate_limit", "code": "rate_limit"}}).encode()
    for body, media in ((error, "application/json"), (b"Bad Gateway", "text/plain")):
        result = call(plan, WHOLE.ask(), body, status=status, headers=(("content-type", media),))
        assert (result.body, reasons(result)) == (body, set())


ERROR = {"error": {"message": "it broke", "type": "server_error", "code": "server_error"}}


def test_an_error_in_a_stream_is_the_callers_to_see(plan: Plan) -> None:
    assert b"it broke" in streamed(plan, ERROR).body
    assert b"it broke" in streamed(plan, chunk({"role": "assistant", "content": ""}), ERROR).body
    result = streamed(plan, *TEXT[:2], ERROR)
    assert reasons(result) == {"absent"}, "some text had come"
    event = {"type": "error", "code": "server_error", "message": "it broke", "param": None, "sequence_number": 0}
    raw = f"event: error\ndata: {json.dumps(event)}\n\n".encode()
    begun = {"type": "response.created", "response": {**response("", status="in_progress"), "instructions": "be kind"}}
    opened = f"data: {json.dumps(begun)}\n\n".encode()
    failed = {"code": "server_error", "message": "it broke"}
    endings = [raw]
    for status in ("failed", "incomplete"):
        end = {"type": f"response.{status}", "response": {**response("", status=status), "error": failed}}
        endings.append(f"data: {json.dumps(end)}\n\n".encode())
    for said_ in (raw, *(opened + ending for ending in endings)):
        assert b"it broke" in call(plan, RESPONSE.ask(stream=True), said_, path=RESPONSES, headers=EVENTS).body


def test_what_broke_off_was_not_evaluated(plan: Plan) -> None:
    result = call(plan, WHOLE.ask(), chat_whole(SAFE, CLEAN)[:100], ends=False)
    assert reasons(result) == {"unfinished"}
    rows: list[Any] = []
    perform = perform_into(rows)
    head = Request("POST", CHAT, JSON)
    one = Exchange(plan, plan.router.find(head), head, door="t", id="d", now=lambda: 0.0, store=rows.append)
    assert run(one.admit(), perform) is None
    run(one.admit_body(WHOLE.ask()), perform)
    run(one.fail(UpstreamError("gone")), perform)
    assert {gap.reason for gap in rows[0].not_evaluated} == {"unfinished"}
    one.close("complete")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_nothing_to_judge(plan: Plan, status: int) -> None:
    result = call(plan, WHOLE.ask(), status=status)
    assert (result.rows[0].outcome, reasons(result)) == ("allowed", set())


def test_what_was_found_stays_found_beside_a_check_that_failed(tmp_path: Path) -> None:
    plan = plan_of(POLICY.replace("do: refuse", "do: review"), tmp_path)
    result = call(plan, WHOLE.ask(), chat_whole(SAFE, {**CLEAN, "input": WHOLE.side(HARM), "output": {}}))
    assert [f.category for f in result.rows[0].findings] == ["violence"]
    assert reasons(result) == {"malformed"}
    assert result.refused


def test_a_response_in_the_making_may_be_fetched_again(plan: Plan) -> None:
    objects, rows = Objects(), list[Any]()

    def asked(method: str, path: str, body: bytes, answer: dict[str, Any]) -> bytes:
        head = Request(method, path, JSON)
        match = plan.router.find(head)
        one = Exchange(plan, match, head, door="t", id="d", now=lambda: 0.0, store=rows.append, objects=objects)
        perform = perform_into(rows)
        assert run(one.admit(), perform) is None
        step = run(one.admit_body(body), perform)
        if not isinstance(step, Request):
            return step.body
        one.response(Head(200, JSON))
        one.feed(json.dumps(answer).encode())
        one.finish()
        return run(one.pump(), perform).body

    both = RESPONSE.both("hi", SAFE)
    assert b"queued" in asked("POST", RESPONSES, RESPONSE.ask(background=True), response("", status="queued"))
    assert b"canary" not in asked("GET", f"{RESPONSES}/resp_1", b"", response(SAFE, status="in_progress"))
    assert b"canary" in asked("GET", f"{RESPONSES}/resp_1", b"", response(SAFE, both))
    assert b"canary" not in asked("GET", f"{RESPONSES}/resp_1", b"", response(SAFE, RESPONSE.both("hi", HARM)))
    assert b"canary" not in asked("GET", f"{RESPONSES}/resp_1", b"", response(SAFE, both)), "it was found harmful"


def test_a_signed_request_does_not_choose_its_judge(tmp_path: Path) -> None:
    plan = plan_of(POLICY.replace("input: [beside]", "input: []"), tmp_path)
    signed = (*JSON, ("authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=b"))
    own = {"model": "a-weaker-one"}
    result = call(plan, WHOLE.ask(moderation=own), chat_whole(SAFE, CLEAN), request_headers=signed)
    assert reasons(result) == {"no_answer"}
    assert b"canary" not in result.body


def test_none_of_it_reaches_who_did_not_ask(plan: Plan) -> None:
    like = [{**chunk({"content": f"w{n} "}), "moderation": CLEAN} for n in range(4)]
    result = streamed(plan, *like)
    assert content(result.body) == "w0 w1 w2 w3 "
    assert b"moderation" not in result.body
    fetched = call(plan, b"", json.dumps(response(SAFE, RESPONSE.both("hi", SAFE))).encode(), path=f"{RESPONSES}/r")
    assert b"moderation" not in fetched.body


def test_what_stands_beside_it_goes_on(plan: Plan) -> None:
    result = streamed(plan, *TEXT, told(CLEAN, citations=["https://example.org"]))
    assert trees(result.body)[-1]["citations"] == ["https://example.org"]
    raw = sse(*TEXT, done=False) + b"id: 7\n" + sse(told(CLEAN))
    assert b"id: 7" in streamed(plan, raw=raw).body


def test_an_error_about_the_callers_own_question_is_theirs(plan: Plan, caplog: pytest.LogCaptureFixture) -> None:
    error = {"message": "no such mode", "type": "invalid_request_error", "param": "moderation.policy.input.mode"}
    body = json.dumps({"error": error}).encode()
    own = {"model": "m", "policy": {"input": {"mode": "shout"}}}
    assert call(plan, WHOLE.ask(moderation=own), body, status=400).body == body
    assert not caplog.text


def test_a_name_of_any_length_is_kept_short(plan: Plan) -> None:
    side = {**CLEAN["output"], "results": [{**CLEAN["output"]["results"][0], "model": "canary " * 9_999}]}
    row = call(plan, WHOLE.ask(), chat_whole(SAFE, {**CLEAN, "output": side})).rows[0]
    assert max(map(len, row.models)) < 200


def test_headers_about_the_bytes_go_with_them(plan: Plan) -> None:
    headers = (*JSON, ("content-md5", "x"), ("digest", "y"), ("etag", "z"))
    result = call(plan, WHOLE.ask(), chat_whole(SAFE, CLEAN), headers=headers)
    assert result.head is not None
    assert {name for name, _ in result.head.headers} == {"content-type", "content-length"}


def test_observed_text_is_kept_once(tmp_path: Path) -> None:
    policy = POLICY.replace("name: inline", "name: inline\nmode: observe\nrecord: {text: full}")
    row = streamed(plan_of(policy, tmp_path), *TEXT, told(HARMFUL)).rows[0]
    assert (row.text or "").count("canary") == 1


@pytest.mark.parametrize("path", ["/v1/fim/completions", "/v1/agents/completions"])
def test_an_api_without_it_is_not_asked(tmp_path: Path, path: str) -> None:
    plan = plan_of(POLICY.replace("input: [beside]", "input: []"), tmp_path)
    asked = json.dumps({"model": "m", "prompt": "hi", "messages": [{"role": "user", "content": "hi"}]}).encode()
    result = call(plan, asked, chat_whole(SAFE, None), path=path)
    assert result.sent is not None
    assert b"moderation" not in result.sent.body
    assert reasons(result) == {"no_answer"}
