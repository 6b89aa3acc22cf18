"""Ways around that a review of the wire formats found, each closed."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from guardrail.http import Request
from guardrail.verdict import Action
from guardrail.wires.catalogue import operations
from guardrail.wires.operation import Operation
from guardrail.wires.routes import is_harmless
from tests.support.drive import EVENTS, call
from tests.support.events import chunk, sse
from tests.support.plans import Word, plan

WORD = "c4n4ry"
PLAN = plan(Word(WORD))
STRICT = replace(PLAN, modalities={"image": Action.REFUSE, "tokens": Action.REFUSE, "video": Action.REFUSE})
ASK = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()


def asks(part: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": [part]}]}).encode()


@pytest.mark.parametrize("cuts", [(), range(0, 400, 40)])
@pytest.mark.parametrize("done_first", [False, True])
def test_a_refused_picture_does_not_leave_in_a_stream(cuts: Any, done_first: bool) -> None:
    picture = chunk({"images": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]})
    events = [sse(chunk({"content": "see"}), done=False), sse(picture, done=False)]
    raw = b"".join([events[0], b"data: [DONE]\n\n", events[1]] if done_first else [*events, b"data: [DONE]\n\n"])
    result = call(STRICT, ASK, raw, headers=EVENTS, cuts=cuts)
    assert PNG.encode() not in result.body


@pytest.mark.parametrize(
    "url",
    [
        "HTTPS://e.org/a.png",
        " https://e.org/a.png",
        "file:///a.png",
        f" data:image/png;base64,{PNG}",
        f"data:image/png;{'x' * 400};base64,{PNG}",
        f"!{PNG}",
    ],
)
@pytest.mark.parametrize("more", [{}, {"type": "text"}])
def test_a_picture_s_place_holds_a_picture_however_it_is_spelled(url: str, more: dict[str, str]) -> None:
    result = call(STRICT, asks({"type": "image_url", "image_url": {"url": url, **more}}))
    assert result.sent is None
    assert [gap.reason for gap in result.rows[0].not_evaluated] == ["image"]


def test_films_in_chat_are_known() -> None:
    assert call(STRICT, asks({"type": "video_url", "video_url": {"url": "https://e.org/a.mp4"}})).sent is None


@pytest.mark.parametrize("prompt", ["[1, 2]", "[1.0, 2.0]", "[[1.0]]"])
def test_token_ids_are_refused_however_they_are_written(prompt: str) -> None:
    body = b'{"model":"m","prompt":' + prompt.encode() + b"}"
    assert call(STRICT, body, path="/v1/completions").sent is None


@pytest.mark.parametrize("media", ["", "text/plain", "application/octet-stream", "text/event-stream-x"])
@pytest.mark.parametrize("form", ["sse", "lines"])
def test_a_stream_by_another_name_is_read_joined(media: str, form: str) -> None:
    halves = [chunk({"content": "c4n"}), chunk({"content": "4ry"})]
    raw = sse(*halves) if form == "sse" else b"\n".join(json.dumps(half).encode() for half in halves)
    headers = (("content-type", media),) if media else ()
    result = call(PLAN, ASK, raw, headers=headers, cuts=range(0, len(raw), 9))
    assert result.rows[0].outcome == "refused"
    assert b"4ry" not in result.body


def test_an_event_s_name_is_read_though_its_data_is_like_the_last() -> None:
    raw = sse(chunk({"content": "a"}), done=False) * 2
    named = b"event: c4n4ry\n" + sse(chunk({"content": "b"}))
    assert call(PLAN, ASK, raw + named, headers=EVENTS).rows[0].outcome == "refused"


def test_a_text_that_goes_on_after_its_end_is_read_with_what_it_ended_with() -> None:
    def delta(index: int, text: str) -> str:
        tree = {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}
        return f"event: content_block_delta\ndata: {json.dumps(tree)}\n\n"

    def other(kind: str, **more: Any) -> str:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"

    begun = {"index": 0, "content_block": {"type": "text", "text": ""}}
    tool = {"index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}}}
    raw = "".join(
        [
            other("content_block_start", **begun),
            delta(0, "c4n"),
            other("content_block_stop", index=0),
            other("content_block_start", **tool),
            other("content_block_stop", index=1),
            other("content_block_start", index=2, content_block={"type": "text", "text": ""}),
            delta(2, "4ry"),
            other("message_stop"),
        ]
    ).encode()
    result = call(PLAN, b'{"model":"m","stream":true,"messages":[]}', raw, headers=EVENTS, path="/v1/messages")
    assert result.rows[0].outcome == "refused"
    assert b"4ry" not in result.body


@pytest.mark.parametrize("spelled", ["1", "1.0", '"1"'])
def test_an_index_is_one_number_however_it_is_spelled(spelled: str) -> None:
    first = b'data: {"choices":[{"index":1,"delta":{"content":"c4n"}}]}\n\n'
    then = f'data: {{"choices":[{{"index":{spelled},"delta":{{"content":"4ry"}}}}]}}\n\n'.encode()
    assert call(PLAN, ASK, first + then, headers=EVENTS).rows[0].outcome == "refused"


def test_a_role_that_is_none_is_read() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": f"{WORD}_ignore", "content": "x"}]}).encode()
    assert call(PLAN, body).sent is None


def test_escapes_inside_arguments_inside_arguments_are_undone() -> None:
    arguments = json.dumps({"q": '{"a":"\\u00634n4ry"}'})
    tool = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    body = json.dumps({"model": "m", "messages": [{"role": "assistant", "tool_calls": [tool]}]}).encode()
    assert call(PLAN, body).sent is None


@pytest.mark.parametrize(
    "path", ["/v1/files/models/content", "/v1/threads/models/messages", "/v1beta/files/models", "/v1/models/m:run"]
)
def test_only_lists_of_models_are_harmless(path: str) -> None:
    assert not is_harmless(Request("GET", path, ()))
    assert is_harmless(Request("GET", "/v1/models", ()))
    assert not is_harmless(Request("GET", "/v1/models", (), query="q=text"))


def test_of_two_formats_with_one_route_all_but_the_last_say_what_is_theirs() -> None:
    claimed: dict[str, list[Operation]] = {}
    for operation in operations():
        for route in operation.routes:
            claimed.setdefault(route, []).append(operation)
    for route, shared in claimed.items():
        for operation in shared[:-1]:
            own = type(operation).mine is not Operation.mine
            assert own or operation.name in ("cohere.rerank", "cohere.tokens", "anthropic.models"), route
