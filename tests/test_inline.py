"""The moderation that an API gives with its answer: asked for, read on both sides, whole and streamed, never overlooked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from guardrail import Guard, PolicyError
from guardrail.policy.plan import Plan
from guardrail.verdict import Gap
from tests.backends.conftest import DOCUMENTED
from tests.inline_cases import (
    ERROR,
    POLICY,
    RESPONSES,
    chat_side,
    chat_stream,
    chat_whole,
    plan_of,
    response,
    responses_side,
    responses_stream,
    responses_whole,
)
from tests.support.drive import CHAT, EVENTS, JSON, Result, call

SAFE, HARM = "a plain canary answer", "a canary about [violence]"


@dataclass(frozen=True)
class Api:
    """One endpoint, whole or streamed."""

    path: str
    side: Callable[[str], dict[str, Any]]
    answer: Callable[[str, Any], bytes]
    streamed: bool = False

    def ask(self, text: str = "hi", **more: Any) -> bytes:
        turns = {"input": text} if self.path == RESPONSES else {"messages": [{"role": "user", "content": text}]}
        return json.dumps({"model": "m", "stream": self.streamed, **turns, **more}).encode()

    def call(self, plan: Plan, said: Any, text: str = SAFE, cuts: Any = (), **more: Any) -> Result:
        headers = EVENTS if self.streamed else JSON
        return call(plan, self.ask(**more), self.answer(text, said), cuts=cuts, path=self.path, headers=headers)

    def both(self, asked: str, answered: str) -> dict[str, Any]:
        return {"input": self.side(asked), "output": self.side(answered)}


APIS = {
    "chat": Api(CHAT, chat_side, chat_whole),
    "chat streamed": Api(CHAT, chat_side, chat_stream, True),
    "responses": Api(RESPONSES, responses_side, responses_whole),
    "responses streamed": Api(RESPONSES, responses_side, responses_stream, True),
}


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> Api:
    return APIS[request.param]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(POLICY, tmp_path)


def with_(tmp_path: Path, check: str, policy: str = POLICY) -> Plan:
    return plan_of(policy.replace("{use: openai-inline}", check), tmp_path)


def test_it_is_asked_for_and_the_caller_sees_nothing_of_it(plan: Plan, api: Api) -> None:
    result = api.call(plan, api.both("hi", SAFE))
    assert result.sent is not None
    assert json.loads(result.sent.body)["moderation"] == {"model": "omni-moderation-latest"}
    assert b"canary" in result.body
    assert b"moderation" not in result.body
    assert result.rows[0].outcome == "allowed"
    assert result.rows[0].models == ("beside:omni-moderation-2024-09-26",)
    plain = result.body.replace(b" ", b"") == api.answer(SAFE, None).replace(b" ", b"")
    assert plain, "and all else is as it came"


def test_a_caller_who_asked_gets_it_by_the_model_of_the_policy(plan: Plan, api: Api) -> None:
    own = {"model": "a-weaker-one", "policy": {"input": {"mode": "score"}}}
    result = api.call(plan, api.both("hi", SAFE), moderation=own)
    assert result.sent is not None
    assert json.loads(result.sent.body)["moderation"] == {**own, "model": "omni-moderation-latest"}
    assert result.body == api.answer(SAFE, api.both("hi", SAFE))


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("category", DOCUMENTED)
def test_each_category_on_each_side_refuses(plan: Plan, api: Api, side: str, category: str) -> None:
    said = {**api.both("hi", SAFE), side: api.side(f"[{category}]")}
    result = api.call(plan, said)
    assert b"canary" not in result.body
    assert result.refused
    (finding,) = result.rows[0].findings
    assert (finding.category, finding.check, finding.score) == (category, "beside", 0.91)
    assert finding.by == (("omni-moderation-2024-09-26", 0.91),)


@pytest.mark.parametrize("name", ["chat streamed", "responses streamed"])
def test_no_cut_of_a_stream_changes_what_leaves(plan: Plan, name: str) -> None:
    api = APIS[name]
    for said, there in ((api.both("hi", SAFE), True), (api.both("hi", HARM), False)):
        raw = api.answer(SAFE, said)
        whole = api.call(plan, said)
        for cuts in (range(len(raw)), range(0, len(raw), 7), *([n] for n in range(0, len(raw), 13))):
            cut = api.call(plan, said, cuts=cuts)
            assert (b"canary" in cut.body) is there
            assert cut.rows[0].outcome == whole.rows[0].outcome
            if there:
                assert cut.body == whole.body


WORDS = {"refuse": "not_evaluated", "flag": "not_evaluated", "allow": "not_evaluated"}
FAULTS: dict[str, Callable[[Api], Any]] = {
    "nothing came": lambda _: None,
    "an error": lambda api: {**api.both("hi", SAFE), "output": ERROR},
    "a side is missing": lambda api: {"input": api.side("hi")},
    "no object": lambda _: "all well",
    "no result": lambda api: {**api.both("hi", SAFE), "output": {"type": "moderation_results", "results": []}},
    "no known type": lambda api: {**api.both("hi", SAFE), "output": {"type": "praise"}},
    "a score that is none": lambda api: {
        **api.both("hi", SAFE),
        "output": {**responses_side(SAFE), "category_scores": {"hate": 7}},
    },
    "categories nobody looked at": lambda api: {
        **api.both("hi", SAFE),
        "output": {**responses_side(SAFE), "category_applied_input_types": {"violence": []}},
    },
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("word", WORDS)
def test_what_did_not_come_is_not_evaluated_and_never_clean(tmp_path: Path, api: Api, fault: str, word: str) -> None:
    plan = with_(tmp_path, f"{{use: openai-inline, on_error: {word}}}")
    result = api.call(plan, FAULTS[fault](api))
    assert result.rows[0].outcome == WORDS[word]
    assert any(gap.check == "beside" for gap in result.rows[0].not_evaluated)
    assert (b"canary" in result.body) is (word != "refuse")
    assert b"it could not be judged" not in json.dumps(result.rows[0].public()).encode()


def test_a_fail_mode_for_each_side(tmp_path: Path, api: Api) -> None:
    plan = with_(tmp_path, "{use: openai-inline, on_error: {input: allow, output: refuse}}")
    said = api.both("hi", SAFE)
    assert b"canary" in api.call(plan, {**said, "input": ERROR}).body
    assert b"canary" not in api.call(plan, {**said, "output": ERROR}).body


def test_one_side_alone_may_be_listed(tmp_path: Path, api: Api) -> None:
    plan = plan_of(POLICY.replace("output: [beside]", "output: []"), tmp_path)
    assert b"canary" in api.call(plan, api.both("hi", HARM)).body
    assert b"canary" not in api.call(plan, api.both(HARM, SAFE)).body


def test_only_the_categories_that_are_wanted_are_heard(tmp_path: Path, api: Api) -> None:
    plan = with_(tmp_path, "{use: openai-inline, categories: [hate]}")
    assert b"canary" in api.call(plan, api.both("hi", "[violence]")).body
    assert b"canary" not in api.call(plan, api.both("hi", "[hate/threatening]")).body


@pytest.mark.parametrize("name", ["chat streamed", "responses streamed"])
def test_after_lets_a_stream_go_and_remembers(tmp_path: Path, name: str) -> None:
    api = APIS[name]
    plan = with_(tmp_path, "{use: openai-inline, stream: after}")
    said = api.both("hi", HARM)
    raw = api.answer(SAFE, said)
    result = api.call(plan, said, cuts=range(0, len(raw), 50))
    assert b"canary" in result.body
    assert b"canary" in b"".join(result.increments[:-4]), "before its end has come"
    assert [f.category for f in result.rows[0].findings] == ["violence"]
    assert result.rows[0].action.word == "flag"


@pytest.mark.parametrize("name", ["chat streamed", "responses streamed"])
def test_a_stream_that_breaks_off_was_not_evaluated(plan: Plan, name: str) -> None:
    api = APIS[name]
    raw = api.answer(SAFE, api.both("hi", SAFE))
    half = raw[: raw.index(b"canary") + 60]
    result = call(plan, api.ask(), half, path=api.path, headers=EVENTS, ends=False)
    assert b"canary" not in result.body
    assert {gap.reason for gap in result.rows[0].not_evaluated} == {"unfinished"}


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_a_server_that_does_not_know_the_field_is_told_of(
    plan: Plan, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = {"message": "Unknown parameter", "type": "invalid_request_error", "param": "moderation", "code": None}
    api = APIS["chat" if path == CHAT else "responses"]
    result = call(plan, api.ask(), json.dumps({"error": error}).encode(), status=400, path=path)
    assert result.head is not None
    assert result.head.status == 502
    assert result.rows[0].not_evaluated == (Gap("*", "moderation_unknown", "response"),)
    assert "use another check than openai-inline" in caplog.text
    other = json.dumps({"error": {**error, "param": "temperature"}}).encode()
    result = call(plan, api.ask(), other, status=400, path=path)
    assert result.body == other, "any other error is the caller's"
    assert not result.rows[0].not_evaluated


def test_what_another_api_answers_is_not_evaluated_and_not_asked_for(plan: Plan, tmp_path: Path) -> None:
    asked = json.dumps({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}).encode()
    result = call(plan, asked, path="/v1/messages")
    assert result.sent is None
    assert result.rows[0].not_evaluated == (Gap("beside", "no_answer", "moderation.input"),)
    out = plan_of(POLICY.replace("input: [beside]", "input: []"), tmp_path)
    part = {"type": "text", "text": SAFE}
    said = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [part]}
    result = call(out, asked, json.dumps(said).encode(), path="/v1/messages")
    assert result.sent is not None
    assert result.sent.body == asked
    assert b"canary" not in result.body
    assert result.rows[0].not_evaluated == (Gap("beside", "no_answer", "moderation.output"),)


def test_a_response_that_is_not_written_yet_passes(plan: Plan) -> None:
    queued = json.dumps(response("", status="queued")).encode()
    result = call(plan, APIS["responses"].ask(background=True), queued, path=RESPONSES)
    assert result.body == queued
    assert result.rows[0].outcome == "allowed"
    done = responses_whole(SAFE, APIS["responses"].both("hi", HARM))
    fetched = call(plan, b"", done, path=f"{RESPONSES}/resp_1", method="GET")
    assert b"canary" not in fetched.body, "and is judged when it is fetched"


def test_a_request_that_is_signed_cannot_ask(plan: Plan) -> None:
    signed = (*JSON, ("authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=b"))
    result = call(plan, APIS["chat"].ask(), request_headers=signed)
    assert result.sent is None
    assert result.rows[0].not_evaluated == (Gap("beside", "no_answer", "moderation.input"),)


def test_observing_changes_nothing_and_reads_what_callers_asked_for(tmp_path: Path, api: Api) -> None:
    plan = plan_of(POLICY.replace("name: inline", "name: inline\nmode: observe"), tmp_path)
    assert "asks for nothing in mode observe" in " ".join(str(remark) for remark in plan.remarks)
    said = api.both("hi", HARM)
    result = api.call(plan, said)
    assert result.sent is not None
    assert result.sent.body == api.ask()
    assert result.body == api.answer(SAFE, said)
    assert [f.category for f in result.rows[0].findings] == ["violence"]
    assert [gap.reason for gap in api.call(plan, None).rows[0].not_evaluated] == ["no_answer"]


def test_a_text_alone_is_not_evaluated(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    guard = Guard.from_policy(path, log="none")
    try:
        for direction in ("input", "output"):
            decision = guard.check("a canary", direction=direction)
            assert decision.outcome == "not_evaluated"
            assert [gap.reason for gap in decision.not_evaluated] == ["no_answer"]
            assert guard.check("", direction=direction).outcome == "allowed"
    finally:
        guard.close()


@pytest.mark.parametrize(
    ("check", "told"),
    [
        ("{use: openai-inline, stream: window}", "comes at the end"),
        ("{use: openai-inline, on: [user]}", "OpenAI who reads"),
        ("{use: openai-inline}\n  twice: {use: openai-inline}", "a request can ask for one"),
        (
            "{use: any, of: [own, far]}\n  own: {use: openai-inline}\n  far: {use: local}",
            "list it under input or output",
        ),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(tmp_path: Path, check: str, told: str) -> None:
    policy = POLICY.replace("input: [beside]", "input: [beside, twice]") if "twice" in check else POLICY
    with pytest.raises(PolicyError) as problem:
        with_(tmp_path, check, policy)
    assert told in str(problem.value)
