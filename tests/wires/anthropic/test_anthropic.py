"""Anthropic's wire formats: kinds, fields, and endings as the official SDK reads them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import httpx2
import pytest

from guardrail.http import Head, Request
from guardrail.verdict import Kind
from guardrail.wires.anthropic.messages import Messages
from guardrail.wires.anthropic.messages_stream import MessageStream
from guardrail.wires.anthropic.operations import operations
from guardrail.wires.protocol import Body, Notice
from guardrail.wires.router import Router
from tests.wires.anthropic.cases_messages import (
    ANSWER,
    PATH,
    REFUSED,
    REQUEST,
    SAID,
    STREAM,
    VERSION,
    streamed,
)
from tests.wires.case import SSE, framed

NOTICE = Notice("Not here, sorry.", "content_refused", "d1", answer=True)
BROKEN = Notice("Try again later.", "upstream_error", "d2", status=502)
EVENTS = streamed(SAID)
MESSAGES = Messages()
ROUTER = Router(operations())


def asked(tree: Any, path: str = PATH) -> Body:
    request = Request("POST", path, ())
    body = MESSAGES.request(json.dumps(tree).encode(), request)
    body.asked = request
    return body


def client(answer: bytes, media: str = "text/event-stream; charset=utf-8", status: int = 200) -> anthropic.Anthropic:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=answer, headers={"content-type": media}))
    return anthropic.Anthropic(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))


def left(count: int) -> tuple[MessageStream, bytes]:
    """A stream of which so many events have left."""
    codec = MessageStream("claude-opus-4-8")
    frames = list(codec.feed(framed(EVENTS, SSE)))[:count]
    return codec, b"".join(codec.encode(frame) for frame in frames)


def ask(answer: bytes) -> Any:
    messages: Any = client(answer).messages
    with messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi."}]) as stream:
        events = [event.type for event in stream]
        return events, stream.get_final_message()


@pytest.mark.parametrize("count", range(len(EVENTS)))
def test_the_sdk_reads_a_refusal_after_any_event(count: int) -> None:
    codec, before = left(count)
    events, message = ask(before + codec.refuse(NOTICE))
    assert events[-1] == "message_stop"
    assert events.count("content_block_start") == events.count("content_block_stop")
    assert message.stop_reason == "refusal"
    assert message.stop_details.type == "refusal"
    assert message.content[-1].text == NOTICE.text
    assert message.role == "assistant"


@pytest.mark.parametrize("count", [0, 3, len(EVENTS) // 2, len(EVENTS) - 1])
def test_the_asynchronous_sdk_reads_a_refusal(count: int) -> None:
    codec, before = left(count)
    body = before + codec.refuse(NOTICE)

    async def go() -> Any:
        headers = {"content-type": "text/event-stream"}
        transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=body, headers=headers))
        async with httpx2.AsyncClient(transport=transport) as http:
            messages: Any = anthropic.AsyncAnthropic(api_key="k", max_retries=0, http_client=http).beta.messages
            async with messages.stream(model="m", max_tokens=9, messages=[]) as stream:
                return await stream.get_final_message()

    message = asyncio.run(go())
    assert message.stop_reason == "refusal"
    assert message.content[-1].text == NOTICE.text


@pytest.mark.parametrize("count", [0, 1, 5, len(EVENTS) - 1])
def test_the_sdk_raises_where_a_stream_breaks_off(count: int) -> None:
    codec, before = left(count)
    with pytest.raises(anthropic.APIStatusError) as raised:
        ask(before + codec.fail(BROKEN))
    body: Any = raised.value.body
    assert body["error"]["type"] == "api_error"
    assert body["error"]["code"] == "upstream_error"


def test_the_sdk_reads_a_whole_refusal() -> None:
    release = MESSAGES.render(asked({**STREAM, "stream": False}), NOTICE)
    message = client(release.body, "application/json").messages.create(model="m", max_tokens=9, messages=[])
    assert (message.stop_reason, message.model) == ("refusal", STREAM["model"])
    assert [block.text for block in message.content if block.type == "text"] == [NOTICE.text]


@pytest.mark.parametrize(
    ("tree", "path"),
    [(STREAM, PATH), ({"messages": []}, "/v1/projects/p/publishers/anthropic/models/m:streamRawPredict")],
)
def test_a_stream_is_refused_as_a_stream(tree: Any, path: str) -> None:
    release = MESSAGES.render(asked(tree, path), NOTICE)
    assert release.head is not None
    assert dict(release.head.headers)["content-type"].startswith(SSE)
    assert ask(release.body)[1].content[0].text == NOTICE.text


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (413, anthropic.RequestTooLargeError),
        (429, anthropic.RateLimitError),
        (502, anthropic.InternalServerError),
        (529, anthropic.OverloadedError),
    ],
)
def test_the_sdk_knows_the_errors(status: int, kind: type[anthropic.APIStatusError]) -> None:
    release = MESSAGES.render(None, Notice("Too many.", "rate_limited", "d3", status=status))
    with pytest.raises(kind) as raised:
        client(release.body, "application/json", status).messages.create(model="m", max_tokens=9, messages=[])
    assert raised.value.type == json.loads(release.body)["error"]["type"]


def test_whose_text_is_whose() -> None:
    kinds = {text: segment.kind for segment in asked(REQUEST).segments for text in [segment.text]}

    def kind(words: str) -> Kind:
        return next(kind for text, kind in kinds.items() if words in text)

    assert kind("You are a weather person.") is Kind.SYSTEM
    assert kind("What is in these?") is Kind.USER
    assert kind("A book on gardens") is Kind.USER
    assert kind("Now be short.") is Kind.SYSTEM
    assert kind("Let me look at that.") is Kind.ASSISTANT
    assert kind("The user wants the weather.") is Kind.REASONING
    assert kinds["degrees celsius"] is Kind.TOOL_CALL
    results = "It is raining there.", "It is snowing there.", "the sum is five", "Opening hours", "It may well rain."
    for words in (*results, "hello from there", "first line of it", "The grass is green."):
        assert Kind.TOOL_RESULT in {k for t, k in kinds.items() if words in t}, words
    assert kind("Tells the weather.") is Kind.DEFINITION
    assert kind("Some weather") is Kind.DEFINITION


def test_parts_of_one_message_read_as_one() -> None:
    parts = [{"type": "text", "text": "bad w"}, {"type": "text", "text": "ord"}]
    body = asked({"messages": [{"role": "user", "content": parts}]})
    assert "bad word" in [segment.text for segment in body.segments]


def test_blocks_of_text_that_follow_each_other_read_as_one() -> None:
    codec = MessageStream()
    blocks = [
        {"type": "text", "text": "bad w"},
        {"type": "text", "text": "ord"},
        SAID[3],
        {"type": "text", "text": "x"},
    ]
    frames = list(codec.feed(framed(streamed(blocks), SSE)))
    texts = {id(p.segment): p.segment.text for f in frames for p in f.pieces if p.segment.kind is Kind.ASSISTANT}
    assert "bad word" in texts.values()
    assert "bad wordx" in texts.values(), "and what goes on after a call is read after it"


def test_media_are_named_by_their_block() -> None:
    media = [(medium.modality, medium.path[-1]) for medium in asked(REQUEST).media]
    assert media.count(("image", "data")) == 3
    assert ("image", "url") in media
    assert ("file", "data") in media
    assert ("encrypted", "data") in media
    pictures = [m.source for m in asked(REQUEST).media if m.modality == "image" and m.path[-1] == "data"]
    assert all(source.startswith("data:image/png;base64,") for source in pictures)


def test_signed_thinking_is_never_rewritten() -> None:
    body = MESSAGES.response(json.dumps(ANSWER).encode(), "application/json")
    assert [s.fixed for s in body.segments if s.text.startswith("The user wants")] == [True]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"max_tokens": 100}),
        ({"max_tokens": 500}, {"max_tokens": 100}),
        ({"max_tokens": 50}, {"max_tokens": 50}),
        ({"max_tokens": 0}, {"max_tokens": 0}),
        ({"max_tokens": 9, "fallbacks": [{"max_tokens": 900}, {}]}, {"max_tokens": 9, "fallbacks": [{"max_tokens": 100}, {}]}),
    ],
)  # fmt: skip
def test_the_answer_is_capped(given: Any, sent: Any) -> None:
    body = asked(given)
    MESSAGES.limit_output(body, 100)
    assert json.loads(body.body()) == sent


def test_the_users_name_is_the_policys() -> None:
    body = asked({"metadata": {"user_id": "somebody"}})
    MESSAGES.forward(body, "user", "u-1")
    assert json.loads(body.body()) == {"metadata": {"user_id": "u-1"}}


def test_batches_hold_each_request_to_the_cap() -> None:
    batches = operations()[2]
    tree = {"requests": [{"custom_id": "1", "params": {"max_tokens": 900}}, {"custom_id": "2", "params": {}}]}
    body = batches.request(json.dumps(tree).encode(), Request("POST", "/v1/messages/batches", ()))
    batches.limit_output(body, 100)
    batches.forward(body, "user", "u-1")
    sent = [one["params"] for one in json.loads(body.body())["requests"]]
    assert sent == [{"max_tokens": 100, "metadata": {"user_id": "u-1"}}] * 2


def test_kept_objects_are_named() -> None:
    kept = {(found.kind, found.id) for found in MESSAGES.refers(Request("POST", PATH, ()), asked(REQUEST))}
    assert kept >= {("file", "file_05"), ("file", "file_06"), ("file", "file_04"), ("container", "container_1")}
    assert kept >= {("skill", "skill_1"), ("message", "msg_0")}
    codec, _ = left(0)
    list(codec.feed(framed(EVENTS, SSE)))
    made = {(found.kind, found.id) for found in codec.issued()}
    assert made == {("message", "msg_01"), ("container", "container_1"), ("file", "file_02"), ("file", "file_03")}
    one = Request("GET", "/v1/messages/batches/MsgBatch_1/results", ())
    match = ROUTER.find(one)
    assert match is not None
    assert [(f.kind, f.id) for f in match.wire.refers(one, None)] == [("batch", "MsgBatch_1")]


def test_the_providers_own_refusals_are_seen() -> None:
    body = MESSAGES.response(json.dumps(REFUSED).encode(), "application/json")
    assert MESSAGES.incident(200, body) == "refusal"
    filtered = {"type": "error", "error": {"type": "invalid_request_error",
                                           "message": "Output blocked by content filtering policy"}}  # fmt: skip
    assert MESSAGES.incident(400, MESSAGES.response(json.dumps(filtered).encode(), "application/json"))
    codec = MESSAGES.stream(None, Head(200, (("content-type", SSE),)))
    assert codec is not None
    list(codec.feed(framed(streamed([], {"stop_reason": "refusal"}), SSE)))
    assert codec.incident == "refusal"


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/messages", "messages"),
        ("POST", "/v1/messages/count_tokens", "count_tokens"),
        ("POST", "/v1/projects/p/publishers/anthropic/models/m@1:rawPredict", "messages"),
        ("POST", "/v1/projects/p/publishers/anthropic/models/count-tokens:rawPredict", "count_tokens"),
        ("GET", "/v1/messages/batches/b/results", "results"),
        ("DELETE", "/v1/messages/batches/b", "batches"),
        ("GET", "/v1/files/f/content", "files"),
        ("POST", "/v1/skills/s/versions", "skills"),
        ("POST", "/anthropic/v1/messages", "messages"),
    ],
)
def test_routes(method: str, path: str, name: str) -> None:
    match = ROUTER.find(Request(method, path, VERSION))
    assert match is not None
    assert match.wire.name == f"anthropic.{name}"
