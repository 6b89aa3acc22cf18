"""Bedrock's wire formats: endings as botocore reads them, chunks, families, caps, errors."""

from __future__ import annotations

import base64
import json
from typing import Any

import botocore.session
import pytest
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError
from botocore.parsers import create_parser

from guardrail.http import Head, Request, header
from guardrail.verdict import Kind
from guardrail.wires.aws import AwsEvents
from guardrail.wires.bedrock.converse_stream import ConverseStream
from guardrail.wires.bedrock.families import family
from guardrail.wires.bedrock.operations import operations
from guardrail.wires.bedrock.signing import signed
from guardrail.wires.protocol import Body, Notice, Wire
from guardrail.wires.router import Router
from tests.support.drive import call
from tests.support.plans import MASK, MASKED, NOTHING, Word, plan
from tests.wires.bedrock import cases_converse as converse
from tests.wires.bedrock import cases_invoke as invoke
from tests.wires.case import AWS, Case, framed

NOTICE = Notice("Not here, sorry.", "content_refused", "d1", answer=True)
BROKEN = Notice("Try again later.", "upstream_error", "d2", status=502)
ROUTER = Router(operations())
HEAD = Head(200, (("content-type", AWS),))
_MODEL = botocore.session.get_session().get_service_model("bedrock-runtime")
STREAMS = [case for case in invoke.CASES if case.events is not None and "someone" not in case.path]


class _Raw:
    """What botocore reads a stream from."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Any:
        yield self._body

    def close(self) -> None:
        """Nothing is held."""


def read(body: bytes, operation: str) -> list[Any]:
    """The events of a stream, as botocore parses them by the API's own model."""
    output = _MODEL.operation_model(operation).output_shape
    assert output is not None
    shape = next(member for member in output.members.values() if member.serialization.get("eventstream"))
    parser = create_parser("rest-json")._event_stream_parser
    return list(EventStream(_Raw(body), shape, parser, operation))


def wire_of(case: Case) -> tuple[Wire, Body]:
    request = Request(case.method, case.path, ())
    match = ROUTER.find(request)
    assert match is not None
    body = match.wire.request(case.asked, request)
    body.asked = request
    return match.wire, body


@pytest.mark.parametrize("count", range(len(converse.EVENTS)))
def test_botocore_reads_a_refusal_after_any_event(count: int) -> None:
    codec = ConverseStream()
    frames = list(codec.feed(framed(converse.EVENTS, AWS)))[:count]
    before = b"".join(codec.encode(frame) for frame in frames)
    events = read(before + codec.refuse(NOTICE), "ConverseStream")
    names = [next(iter(event)) for event in events]
    assert names[0] == "messageStart"
    assert names.count("messageStart") == 1
    assert names[-2:] == ["messageStop", "metadata"]
    assert events[-2]["messageStop"]["stopReason"] == "guardrail_intervened"
    opened, closed = set(), []
    for event in events:
        for name, said in event.items():
            if name in ("contentBlockStart", "contentBlockDelta"):
                assert said["contentBlockIndex"] not in closed
                opened.add(said["contentBlockIndex"])
            elif name == "contentBlockStop":
                closed.append(said["contentBlockIndex"])
    assert sorted(closed) == sorted(opened)
    assert events[-4]["contentBlockDelta"]["delta"]["text"] == NOTICE.text


@pytest.mark.parametrize("count", [0, 1, 9, len(converse.EVENTS) - 1])
def test_botocore_raises_where_a_stream_breaks_off(count: int) -> None:
    codec = ConverseStream()
    frames = list(codec.feed(framed(converse.EVENTS, AWS)))[:count]
    before = b"".join(codec.encode(frame) for frame in frames)
    with pytest.raises(EventStreamError, match="modelStreamErrorException"):
        read(before + codec.fail(BROKEN), "ConverseStream")


@pytest.mark.parametrize("case", STREAMS, ids=lambda case: case.name)
def test_botocore_reads_a_refusal_in_chunks(case: Case) -> None:
    wire, body = wire_of(case)
    for count in range(len(case.events or ())):
        codec = wire.stream(body, HEAD)
        assert codec is not None
        frames = list(codec.feed(case.said()))[:count]
        before = b"".join(codec.encode(frame) for frame in frames)
        events = read(before + codec.refuse(NOTICE), "InvokeModelWithResponseStream")
        said = [json.loads(event["chunk"]["bytes"]) for event in events]
        assert NOTICE.text in json.dumps(said[count:])


@pytest.mark.parametrize("case", invoke.CASES, ids=lambda case: case.name)
def test_a_refusal_is_in_the_models_language(case: Case) -> None:
    wire, body = wire_of(case)
    release = wire.render(body, NOTICE)
    assert release.head is not None
    if "embed" in case.path or "someone" in case.path:
        assert release.head.status == 400
        return
    assert release.head.status == 200
    if case.events is None:
        whole = wire.response(release.body, "application/json")
        assert [s.text for s in whole.segments if s.kind is Kind.ASSISTANT and NOTICE.text in s.text] == [NOTICE.text]
    else:
        assert read(release.body, "InvokeModelWithResponseStream")


@pytest.mark.parametrize("case", STREAMS, ids=lambda case: case.name)
def test_masks_are_put_into_chunks(case: Case) -> None:
    body = case.said()
    word = "a lot" if "claude" not in case.path and "nova" not in case.path else "look"
    masked = call(
        plan(Word(word, category=MASKED)), case.asked, body, headers=HEAD.headers, path=case.path, cuts=range(0, 999, 50)
    )  # fmt: skip
    said = [json.loads(event["chunk"]["bytes"]) for event in read(masked.body, "InvokeModelWithResponseStream")]
    assert word not in json.dumps(said)
    assert MASK in json.dumps(said)


def test_what_only_a_forgiving_reader_takes_for_base64_is_not_evaluated() -> None:
    inner = base64.b64encode(b'{"generation": "bad words"}').decode()
    body = AwsEvents().write(json.dumps({"bytes": f"{inner[:4]} {inner[4:]}"}).encode(), "chunk")
    case = next(case for case in STREAMS if "llama" in case.path)
    result = call(NOTHING, case.asked, body, headers=HEAD.headers, path=case.path)
    assert [row.ended for row in result.rows] == ["unreadable"]


@pytest.mark.parametrize(
    ("path", "tree", "name"),
    [
        ("/model/us.anthropic.claude-opus-4-8/invoke", {}, "anthropic"),
        ("/model/my-own-model/invoke", {"anthropic_version": "bedrock-2023-05-31"}, "anthropic"),
        ("/model/arn:aws:bedrock:us-east-1:1:inference-profile/eu.meta.llama3-2-1b-instruct-v1:0/invoke", {}, "llama"),
        ("/model/amazon.nova-lite-v1:0/invoke", {"messages": []}, "nova"),
        ("/model/amazon.nova-canvas-v1:0/invoke", {"taskType": "TEXT_IMAGE"}, "unknown"),
        ("/model/amazon.titan-embed-text-v2:0/invoke", {}, "titan.embed"),
        ("/model/mistral.mistral-large-2407-v1:0/invoke", {"messages": []}, "chat"),
        ("/model/mistral.mistral-7b-instruct-v0:2/invoke", {"prompt": ""}, "mistral"),
        ("/model/arn:aws:bedrock:us-east-1:1:provisioned-model/abc/invoke", {"prompt": ""}, "unknown"),
    ],
)
def test_families(path: str, tree: Any, name: str) -> None:
    assert family(path, tree).name == name


@pytest.mark.parametrize(
    ("path", "given", "sent"),
    [
        ("amazon.nova-lite-v1:0/converse", {}, {"inferenceConfig": {"maxTokens": 100}}),
        ("meta.llama3-1b-v1:0/invoke", {"max_gen_len": 900}, {"max_gen_len": 100}),
        ("amazon.titan-text-lite-v1/invoke", {}, {"textGenerationConfig": {"maxTokenCount": 100}}),
        ("anthropic.claude-opus-4-8/invoke", {"max_tokens": 9}, {"max_tokens": 9}),
        ("amazon.titan-embed-text-v2:0/invoke", {}, {}),
        ("someone.else-v1/invoke", {}, {}),
    ],
)
def test_the_answer_is_capped_where_the_model_takes_it(path: str, given: Any, sent: Any) -> None:
    wire, body = wire_of(Case("x", f"/model/{path}", given))
    wire.limit_output(body, 100)
    assert json.loads(body.body()) == sent


@pytest.mark.parametrize(
    ("status", "name"), [(400, "ValidationException"), (429, "ThrottlingException"), (502, "InternalServerException")]
)
def test_botocore_knows_the_errors(status: int, name: str) -> None:
    wire, _ = wire_of(converse.CASES[0])
    release = wire.render(None, Notice("Too many.", "rate_limited", "d3", status=status))
    assert release.head is not None
    headers = dict(release.head.headers)
    shape = _MODEL.operation_model("Converse").output_shape
    told = create_parser("rest-json").parse(
        {"body": release.body, "headers": headers, "status_code": release.head.status},
        shape,
    )
    assert told["Error"]["Code"] == name
    assert told["Error"]["Message"] == "Too many."


def test_botocore_reads_a_whole_refusal() -> None:
    wire, body = wire_of(converse.CASES[0])
    release = wire.render(body, NOTICE)
    shape = _MODEL.operation_model("Converse").output_shape
    told = create_parser("rest-json").parse({"body": release.body, "headers": {}, "status_code": 200}, shape)
    assert told["stopReason"] == "guardrail_intervened"
    assert told["output"]["message"]["content"] == [{"text": NOTICE.text}]


def test_whose_text_is_whose() -> None:
    _, body = wire_of(converse.CASES[0])
    kinds = {segment.text: segment.kind for segment in body.segments}
    assert kinds["The user wants the weather."] is Kind.REASONING
    assert kinds["New York City"] in (Kind.TOOL_CALL, Kind.USER)
    assert kinds["some words"] is Kind.TOOL_CALL
    assert kinds["full of clouds"] is Kind.TOOL_RESULT
    assert kinds["Tells the weather."] is Kind.DEFINITION
    assert {m.modality for m in body.media} == {"image", "file", "video", "audio", "encrypted"}


@pytest.mark.parametrize("reason", ["guardrail_intervened", "content_filtered"])
def test_the_providers_own_refusals_are_seen(reason: str) -> None:
    wire, _ = wire_of(converse.CASES[0])
    answer = wire.response(json.dumps({**converse.ANSWER, "stopReason": reason}).encode(), "application/json")
    assert wire.incident(200, answer) == reason
    codec = ConverseStream()
    list(codec.feed(framed([("messageStop", {"stopReason": reason})], AWS)))
    assert codec.incident == reason


def test_kept_objects_are_named() -> None:
    at = Request("POST", "/model/arn:aws:bedrock:us-east-1:1:prompt/P1:2/converse", ())
    match = ROUTER.find(at)
    assert match is not None
    assert [(found.kind, found.id) for found in match.wire.refers(at, None)] == [("prompt", "P1:2")]
    wire, _ = wire_of(next(case for case in converse.CASES if case.path == "/async-invoke"))
    made = wire.issued(wire.response(b'{"invocationArn": "arn:a/b"}', "application/json"))
    assert [(found.kind, found.id) for found in made] == [("async-invoke", "arn:a/b")]


@pytest.mark.parametrize(
    ("headers", "query", "is_signed"),
    [
        ((("authorization", "AWS4-HMAC-SHA256 Credential=a, Signature=b"),), "", True),
        ((("authorization", "AWS4-ECDSA-P256-SHA256 Credential=a"),), "", True),
        ((("authorization", "Bearer abc"),), "", False),
        ((), "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=abc", True),
        ((), "", False),
    ],
)
def test_signed_requests_are_known(headers: tuple[tuple[str, str], ...], query: str, is_signed: bool) -> None:
    assert signed(Request("POST", "/model/m/converse", headers, query=query)) is is_signed


def test_error_answers_carry_the_decision() -> None:
    wire, _ = wire_of(converse.CASES[0])
    release = wire.render(None, BROKEN)
    assert release.head is not None
    assert header(release.head.headers, "x-guardrail-decision") == "d2"
