"""What is particular to Gemini: whose text a part is, streams of both framings, and endings its SDK parses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from google.genai import Client, errors, types

from guardrail.http import Head, Request
from guardrail.policy.plan import Plan
from guardrail.verdict import Kind
from guardrail.wires.google.generate import Generate
from guardrail.wires.google.operations import operations
from guardrail.wires.protocol import Notice
from guardrail.wires.router import Router
from tests.support import plans
from tests.support.drive import call
from tests.wires.case import SSE, framed
from tests.wires.google.cases_google import ASK, CHUNKS, MODEL, SAID, SNAKE, STEPS, chunk

STREAM = f"{MODEL}:streamGenerateContent"
NOTICE = Notice("Not here.", "refused", "d0", answer=True)


def plan(*checks: plans.Word, **more: Any) -> Plan:
    return replace(plans.plan(*checks, **more), router=Router(operations()))


def kinds(tree: Any) -> dict[str, Kind]:
    body = Generate().request(json.dumps(tree).encode(), Request("POST", f"{MODEL}:generateContent", ()))
    return {segment.text: segment.kind for segment in body.segments}


def test_each_part_is_of_its_own_kind() -> None:
    found = kinds(ASK)
    assert found["Answer in short sentences."] is Kind.SYSTEM
    assert found["How is the weather in Oslo today?And in the film?"] is Kind.USER
    assert found["I should look it up."] is Kind.REASONING
    assert found["the city of Oslo"] is Kind.TOOL_CALL
    assert found["rain and wind"] is Kind.TOOL_RESULT
    assert found["it says 42"] is Kind.TOOL_RESULT
    assert found["Tells the weather of a city."] is Kind.DEFINITION


def test_snake_case_and_single_objects_are_read_alike() -> None:
    found = kinds(SNAKE)
    assert found["Answer in short sentences."] is Kind.SYSTEM
    assert found["What do you see here?"] is Kind.USER
    assert found["over there"] is Kind.TOOL_CALL
    assert found["a red door"] is Kind.TOOL_RESULT
    assert found["Looks at something."] is Kind.DEFINITION


def test_media_go_by_their_type() -> None:
    body = Generate().request(json.dumps(ASK).encode(), Request("POST", f"{MODEL}:generateContent", ()))
    assert [medium.modality for medium in body.media] == ["image", "file", "image"]


def test_thoughts_and_words_of_a_stream_are_apart_and_calls_do_not_run_together() -> None:
    codec = Generate().stream(None, Head(200, (("content-type", SSE),)))
    assert codec is not None
    texts: dict[int, tuple[str, Kind]] = {}
    for frame in codec.feed(framed(CHUNKS, SSE)):
        for piece in frame.pieces:
            said, _ = texts.get(id(piece.segment), ("", piece.segment.kind))
            texts[id(piece.segment)] = (said + piece.text, piece.segment.kind)
            keep.append(piece.segment)
    assert ("Let me think about it.", Kind.REASONING) in texts.values()
    assert ("It rains in Oslo.", Kind.ASSISTANT) in texts.values()
    assert ("the town of Moss", Kind.TOOL_CALL) in texts.values()
    assert ("the town of Hamar", Kind.TOOL_CALL) in texts.values()
    assert ("the city of Bergen", Kind.TOOL_CALL) in texts.values()


keep: list[Any] = []  # segments live as long as their ids are compared


def chunks_read(raw: bytes, media: str) -> list[types.GenerateContentResponse]:
    """As the SDK reads a stream that a server sends; the array, which it never asks for, by its types."""
    if media != SSE:
        return [types.GenerateContentResponse.model_validate(tree) for tree in json.loads(raw)]
    served = httpx.MockTransport(lambda _: httpx.Response(200, content=raw, headers={"content-type": SSE}))
    client = Client(
        api_key="test",
        http_options=types.HttpOptions(client_args={"transport": served}, base_url="https://example.com"),
    )
    return list(client.models.generate_content_stream(model="m", contents="hi"))


@pytest.mark.parametrize("media", [SSE, "application/json"])
@pytest.mark.parametrize("at", range(len(CHUNKS)))
def test_a_refusal_at_each_chunk_is_an_answer_to_the_sdk(media: str, at: int) -> None:
    events = [*CHUNKS[:at], chunk({"text": "here is the badword now"}), *CHUNKS[at:]]
    result = call(
        plan(plans.Word("badword")),
        json.dumps(ASK).encode(),
        framed(events, media),
        headers=(("content-type", media),),
        path=STREAM,
        query="alt=sse" if media == SSE else "",
    )
    assert result.refused
    assert b"badword" not in result.body
    read = chunks_read(result.body, media)
    (last,) = list(read[-1].candidates or [])
    assert last.finish_reason is types.FinishReason.SAFETY
    assert (read[-1].text or "").strip() == plans.SAY


def test_every_candidate_is_ended() -> None:
    ask = {**ASK, "generationConfig": {"candidateCount": 3}}
    events = [
        chunk({"text": "one"}, index=0, finish="STOP"),
        chunk({"text": "two"}, index=1),
        chunk({"text": "badword"}),
    ]
    events[2]["candidates"][0]["index"] = 2
    result = call(
        plan(plans.Word("badword")),
        json.dumps(ask).encode(),
        framed(events, SSE),
        headers=(("content-type", SSE),),
        path=STREAM,
        query="alt=sse",
    )
    last = chunks_read(result.body, SSE)[-1]
    assert [c.index for c in last.candidates or ()] == [1, 2]


@pytest.mark.parametrize(("path", "query"), [(STREAM, "alt=sse"), (STREAM, ""), (f"{MODEL}:generateContent", "")])
def test_a_refused_request_is_answered_as_it_was_asked(path: str, query: str) -> None:
    ask = json.dumps({"contents": [{"parts": [{"text": "a badword"}]}]}).encode()
    result = call(plan(plans.Word("badword")), ask, path=path, query=query)
    assert result.sent is None
    assert result.head is not None
    assert result.head.status == 200
    if path != STREAM:
        assert types.GenerateContentResponse.model_validate_json(result.body).text == plans.SAY
    else:
        assert chunks_read(result.body, SSE if query else "application/json")[-1].text == plans.SAY


def test_a_mask_takes_what_repeats_the_text_with_it() -> None:
    masked = plans.Word("Oslo", plans.MASKED)
    result = call(
        plan(masked), json.dumps({"contents": []}).encode(), json.dumps(SAID).encode(), path=f"{MODEL}:generateContent"
    )
    tree = json.loads(result.body)["candidates"][0]
    assert b"Oslo" not in result.body
    assert "logprobsResult" not in tree
    assert "groundingSupports" not in tree["groundingMetadata"]


def test_a_stream_that_breaks_off_is_an_error_to_the_sdk() -> None:
    codec = Generate().stream(None, Head(200, (("content-type", SSE),)))
    assert codec is not None
    with pytest.raises(errors.APIError) as caught:
        chunks_read(codec.fail(replace(NOTICE, status=503)), SSE)
    assert caught.value.code == 503
    assert caught.value.status == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("tree", "word"),
    [
        ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, "PROHIBITED_CONTENT"),
        ({"candidates": [{"finishReason": "SAFETY"}]}, "SAFETY"),
        ({"candidates": [{"finishReason": "RECITATION"}]}, None),
    ],
)
def test_the_providers_own_refusals_are_known(tree: Any, word: str | None) -> None:
    wire = Generate()
    assert wire.incident(200, wire.response(json.dumps(tree).encode(), "application/json")) == word


def test_the_cap_is_put_where_it_was_given() -> None:
    wire = Generate()
    for given, name in (
        ({}, "maxOutputTokens"),
        ({"generationConfig": {"max_output_tokens": 900}}, "max_output_tokens"),
    ):
        body = wire.request(json.dumps(given).encode(), Request("POST", f"{MODEL}:generateContent", ()))
        wire.limit_output(body, 50)
        assert json.loads(body.body()) == {"generationConfig": {name: 50}}


def test_kept_objects_are_named() -> None:
    wire = Generate()
    uri = "https://generativelanguage.googleapis.com/v1beta/files/xyz"
    tree = {"cachedContent": "cachedContents/abc", "contents": [{"parts": [{"fileData": {"fileUri": uri}}]}]}
    asked = Request("POST", f"{MODEL}:generateContent", ())
    named = {(r.kind, r.id) for r in wire.refers(asked, wire.request(json.dumps(tree).encode(), asked))}
    assert named == {("cachedContent", "cachedContents/abc"), ("file", "files/xyz")}


@pytest.mark.parametrize("at", range(len(STEPS)))
def test_an_interaction_is_ended_at_each_event(at: int) -> None:
    bad = {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "the badword"}}
    result = call(
        plan(plans.Word("badword")),
        b'{"model":"m","input":"hi","stream":true}',
        framed([*STEPS[:at], ("step.delta", bad), *STEPS[at:]], SSE, "[DONE]"),
        headers=(("content-type", SSE),),
        path="/v1beta/interactions",
    )
    assert b"badword" not in result.body
    assert plans.SAY.encode() in result.body
    words = [line[7:] for line in result.body.decode().splitlines() if line.startswith("event: ")]
    assert words.count("step.start") == words.count("step.stop")
    assert words[0] == "interaction.created"
    assert words[-2:] == ["interaction.completed", "done"]
