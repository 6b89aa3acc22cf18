"""Law: what nobody objects to goes through byte for byte, whole and streamed, however it is cut."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from guardrail.verdict import Kind
from guardrail.wires.custom import Custom
from tests.support import plans
from tests.support.drive import CHAT, EVENTS, JSON, Result, call
from tests.support.events import sse
from tests.wires.fixtures import ANSWERS, CUSTOM, REQUESTS, STREAMS

ASK = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'
ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}


def passed(result: Result, request: bytes, answer: bytes) -> None:
    assert result.sent is not None
    assert result.sent.body is request, "the very object goes on"
    assert result.body == answer
    assert result.rows[-1].outcome in ("allowed", "not_evaluated")


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("indent", [None, 3])
def test_a_request_that_is_fine_goes_on_as_it_came(name: str, indent: int | None) -> None:
    body = json.dumps(REQUESTS[name], indent=indent, ensure_ascii=False).encode()
    passed(call(plans.NOTHING, body, b'{"choices":[]}'), body, b'{"choices":[]}')


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("observe", [False, True])
def test_an_answer_that_is_fine_comes_as_it_is(name: str, observe: bool) -> None:
    body = json.dumps(ANSWERS[name], indent=2).encode()
    plan = plans.OBSERVE if observe else plans.NOTHING
    head = (*JSON, ("x-request-id", "r"), ("content-length", str(len(body))))
    for cuts in ((), range(0, len(body), 7)):
        result = call(plan, ASK, body, cuts=cuts, headers=head)
        passed(result, ASK, body)
        assert result.head is not None
        assert result.head.headers == head


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_is_fine_comes_as_it_is_however_it_is_cut(name: str, end: str) -> None:
    raw = sse(*STREAMS[name], end=ENDS[end])
    places = range(len(raw)) if len(raw) < 2000 and end != "CR" else range(0, len(raw), 17)
    for plan in (plans.NOTHING, plans.OBSERVE):
        passed(call(plan, ASK, raw, cuts=range(len(raw)), headers=EVENTS), ASK, raw)
        for place in places:
            passed(call(plan, ASK, raw, cuts=[place], headers=EVENTS), ASK, raw)


UNUSUAL = {
    "byte order mark": b"\xef\xbb\xbf" + sse(*STREAMS["plain"]),
    "comments": b": PROCESSING\n\n: PROCESSING\n\n" + sse(*STREAMS["plain"]),
    "names": b"event: message\nid: 7\nretry: 10\n" + sse(*STREAMS["plain"]),
    "no space after the colon": sse(*STREAMS["plain"]).replace(b"data: ", b"data:"),
    "several data lines": b'data: {"choices":\ndata: []}\n\ndata: [DONE]\n\n',
    "no last blank line": sse(*STREAMS["plain"]).rstrip(b"\n"),
    "no done": sse(*STREAMS["plain"], done=False),
    "done twice": sse(*STREAMS["plain"]) + b"data: [DONE]\n\n",
    "extra blank lines": sse(*STREAMS["plain"]).replace(b"\n\n", b"\n\n\n\n\n"),
    "line separators": 'data: {"choices":[{"index":0,"delta":{"content":"a\u2028b\u2029c\u0085d\x7f"}}]}\n\n'.encode(),
    "nothing": b"",
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_framing_is_kept(name: str) -> None:
    raw = UNUSUAL[name]
    for plan in (plans.NOTHING, plans.OBSERVE):
        for place in range(len(raw)):
            passed(call(plan, ASK, raw, cuts=[place], headers=EVENTS), ASK, raw)


MALFORMED = {
    "request": [b"", b"{", b"\xff\xfe", b'{"a":1,"a":2}', b"[" * 5000, b'{"n":1e999}', b"\xef\xbb\xbf{}", b"null"],
    "answer": [b"", b"<html>", b"\xff", b'{"a":1,"a":2}', b"[" * 5000, b'{"n":NaN}'],
    "stream": [b"data: {\n\n", b"data: \xff\n\n", b"hello\n\n", b'data: {"a":1,"a":2}\n\n', b"<html>", b"\x00\x01"],
}


@pytest.mark.parametrize("body", MALFORMED["request"])
def test_behind_observe_any_request_passes(body: bytes) -> None:
    passed(call(plans.OBSERVE, body, b"{}"), body, b"{}")


@pytest.mark.parametrize("kind", ["answer", "stream"])
def test_behind_observe_any_answer_passes(kind: str) -> None:
    for body in MALFORMED[kind]:
        for place in range(len(body[:40]) + 1):
            headers = EVENTS if kind == "stream" else JSON
            passed(call(plans.OBSERVE, ASK, body, cuts=[place], headers=headers), ASK, body)


def test_behind_observe_a_coding_is_left_alone() -> None:
    raw = gzip.compress(sse(*STREAMS["plain"]))
    headers = (*EVENTS, ("content-encoding", "gzip"), ("content-length", str(len(raw))))
    result = call(plans.OBSERVE, ASK, raw, cuts=range(len(raw)), headers=headers)
    passed(result, ASK, raw)
    assert result.head is not None
    assert result.head.headers == headers


def test_a_coded_answer_comes_decoded_and_says_so() -> None:
    plain = json.dumps(ANSWERS["plain"]).encode()
    coded = gzip.compress(plain)
    headers = (*JSON, ("content-encoding", "gzip"), ("content-length", str(len(coded))), ("etag", "e"))
    result = call(plans.NOTHING, ASK, coded, headers=headers)
    assert result.body == plain
    assert result.head is not None
    assert result.head.headers == (*JSON, ("content-length", str(len(plain))))


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (401, (), b""),
        (204, (), b""),
        (502, (("content-type", "text/html"),), b"<h1>Bad gateway</h1>"),
        (503, (("content-type", "text/plain"),), b"upstream connect error"),
        (429, JSON, json.dumps(ANSWERS["error"]).encode()),
    ],
)
def test_errors_of_servers_on_the_way_are_not_replaced(status: int, headers: Any, body: bytes) -> None:
    result = call(plans.NOTHING, ASK, body, status=status, headers=headers)
    assert (result.head and result.head.status, result.body) == (status, body)


def test_an_app_of_ones_own_is_left_alone() -> None:
    wire = Custom("/chat", {Kind.USER: ["$.turns[*].text"]}, {Kind.ASSISTANT: ["$.reply.text"]})
    body, answer = (json.dumps(CUSTOM[n], indent=1).encode() for n in ("request", "answer"))
    for plan in (plans.plan(plans.Word("\x00"), wires=(wire,)), plans.OBSERVE):
        passed(call(plan, body, answer, path="/chat"), body, answer)


@pytest.mark.parametrize(
    "raw",
    [
        b"data: hello\n\ndata:  world\n\n",
        b'data: "a token"\n\ndata: " and more"\n\n',
        b'data: {"token":"a"}\n\nevent: end\ndata: {}\n\n',
        b'data: ["a", 1]\n\n',
        b"data: {not json: at all}\n\n",
        b"data: [INST] hello\n\n",
        b"data: a\ndata: b\n\n",
        b"data: 17\n\n",
    ],
)
def test_event_streams_of_no_known_api_are_left_alone(raw: bytes) -> None:
    for plan in (plans.NOTHING, plans.OBSERVE):
        for place in range(len(raw)):
            result = call(plan, b'{"a":"b"}', raw, cuts=[place], headers=EVENTS, path="/my/app")
            passed(result, b'{"a":"b"}', raw)


def test_the_request_goes_on_asking_for_an_answer_that_can_be_read() -> None:
    headers = (*JSON, ("accept-encoding", "gzip, br"), ("authorization", "Bearer x"))
    result = call(plans.NOTHING, ASK, b"{}", request_headers=headers, path=CHAT)
    assert result.sent is not None
    assert result.sent.headers == (*JSON, ("authorization", "Bearer x"), ("accept-encoding", "identity"))
    assert call(plans.OBSERVE, ASK, b"{}", request_headers=headers).sent.headers == headers  # type: ignore[union-attr]
