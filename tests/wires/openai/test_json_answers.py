"""Refusals of answers that were to be JSON: what SDKs parse never holds a notice (chat completions, Responses)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from guardrail.http import Head, Request
from guardrail.wires.openai.chat import Chat
from guardrail.wires.openai.responses_operations import operations
from guardrail.wires.openai.responses_stream import ResponsesStream
from guardrail.wires.operation import Operation
from guardrail.wires.protocol import Body, Notice
from tests.support.drive import EVENTS
from tests.support.events import chunk, heard, sse, trees
from tests.wires.case import SSE, framed
from tests.wires.openai import responses_scripts as scripts

NOTICE = Notice("Not here.", "content_refused", "d1", answer=True)
CHAT = Chat()
RESPONSES, STORED = (
    next(op for op in operations() if op.name == name) for name in ("openai.responses", "openai.responses.stored")
)
JSON = pytest.mark.parametrize("form", ["json_object", "json_schema"])
OTHER: list[Any] = [{}, {"type": "text"}, {"type": ["json_object"]}, "json_object", None]
USAGE = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}


def asked(wire: Operation, tree: Any, method: str = "POST", path: str = "/v1/responses") -> Body:
    request = Request(method, path, ())
    body = wire.request(b"" if tree is None else json.dumps(tree).encode(), request)
    body.asked = request
    return body


def chat(**more: Any) -> Body:
    return asked(CHAT, {"model": "m", "messages": [], **more})


def responses(form: Any, **more: Any) -> Body:
    return asked(RESPONSES, {"model": "m", "input": "hi", "text": {"format": form}, **more})


def left(body: Body, *events: Any) -> bytes:
    """A chat stream of which these events have left, and its refusal."""
    codec = CHAT.stream(body, Head(200, EVENTS))
    assert codec is not None
    return b"".join(codec.encode(frame) for frame in codec.feed(sse(*events, done=False))) + codec.refuse(NOTICE)


@JSON
def test_a_chat_answer_is_a_refusal(form: str) -> None:
    whole = json.loads(CHAT.render(chat(response_format={"type": form}), NOTICE).body)
    (choice,) = whole["choices"]
    assert (choice["message"]["content"], choice["message"]["refusal"]) == (None, NOTICE.text)
    assert choice["finish_reason"] == "content_filter"


@JSON
def test_a_chat_stream_ends_in_a_refusal(form: str) -> None:
    body = chat(response_format={"type": form}, n=2)
    said = heard(left(body, chunk({"role": "assistant", "content": '{"a": "b'})))
    assert said[".choices[0].delta.content"] == '{"a": "b'
    assert said[".choices[0].delta.refusal"] == NOTICE.text
    assert ".choices[1].delta.content" not in said
    assert said[".choices[1].delta.refusal"] == NOTICE.text
    said = heard(left(body, chunk({"refusal": "I will"})))
    assert said[".choices[0].delta.refusal"] == f"I will\n\n{NOTICE.text}"


@pytest.mark.parametrize("form", OTHER, ids=json.dumps)
def test_any_other_chat_answer_says_it_as_its_text(form: Any) -> None:
    body = chat(response_format=form)
    message = json.loads(CHAT.render(body, NOTICE).body)["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (NOTICE.text, None)
    said = heard(left(body, chunk({"role": "assistant", "content": "Well"})))
    assert said[".choices[0].delta.content"] == f"Well\n\n{NOTICE.text}"
    assert ".choices[0].delta.refusal" not in said


def usages(raw: bytes) -> list[Any]:
    """The usage of the chunks that have nothing else."""
    return [tree["usage"] for tree in trees(raw) if not tree["choices"] and tree["usage"] is not None]


def test_a_stream_that_counts_in_each_chunk_ends_with_the_last_count() -> None:
    body = chat(stream_options={"include_usage": True})
    counted = chunk({"content": "Well"}, usage=USAGE)
    assert usages(left(body, counted)) == [USAGE]
    assert usages(left(body, {**chunk({}), "choices": []})) == [dict.fromkeys(USAGE, 0)]
    assert usages(left(body, counted, {**chunk({}, usage=USAGE), "choices": []})) == [USAGE], "it has left already"
    assert usages(left(chat(), counted)) == []


def parts(response: Any) -> list[Any]:
    return [part for item in response["output"] if item["type"] == "message" for part in item["content"]]


@JSON
def test_a_response_holds_a_refusal(form: str) -> None:
    response = json.loads(RESPONSES.render(responses({"type": form}), NOTICE).body)
    assert parts(response) == [{"type": "refusal", "refusal": NOTICE.text}]
    assert response["status"] == "incomplete"


@JSON
def test_a_streamed_response_ends_in_a_refusal(form: str) -> None:
    events = trees(RESPONSES.render(responses({"type": form}, stream=True), NOTICE).body)
    assert [event["type"] for event in events] == [
        "response.created",
        "response.output_item.added",
        "response.content_part.added",
        "response.refusal.delta",
        "response.refusal.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ]
    assert parts(events[-1]["response"]) == [{"type": "refusal", "refusal": NOTICE.text}]
    assert events[-1]["response"]["usage"]["total_tokens"] == 0


@pytest.mark.parametrize("form", OTHER, ids=json.dumps)
def test_any_other_response_says_it_as_its_text(form: Any) -> None:
    (part,) = parts(json.loads(RESPONSES.render(responses(form), NOTICE).body))
    assert (part["type"], part["text"]) == ("output_text", NOTICE.text)


def cut(script: Callable[[], list[tuple[str, Any]]], body: Body | None) -> list[Any]:
    """A response that is refused after its first words, which it says are to be JSON."""
    said = script()
    upto = next(n for n, (kind, _) in enumerate(said) if kind == "response.output_text.delta") + 1
    codec = ResponsesStream(body, after=None)
    sent = b"".join(codec.encode(frame) for frame in codec.feed(framed(said[:upto], SSE)))
    return trees(sent + codec.refuse(NOTICE))


def test_text_that_is_cut_is_not_said_to_be_done_where_it_is_to_be_json() -> None:
    for body, done in ((responses({"type": "json_schema"}), False), (responses({"type": "text"}), True)):
        events = cut(scripts.answer, body)
        words = [event["type"] for event in events]
        assert ("response.output_text.done" in words) is done
        assert words.count("response.content_part.done") == words.count("response.content_part.added")
        assert parts(events[-1]["response"])[0]["text"]


def test_what_a_stored_response_was_asked_for_it_says_itself() -> None:
    stored = asked(STORED, None, "GET", "/v1/responses/resp_1")
    assert parts(cut(scripts.answer, stored)[-1]["response"])[-1]["type"] == "refusal"
    assert parts(cut(scripts.answer, responses({"type": "text"}))[-1]["response"])[-1]["type"] == "output_text"
