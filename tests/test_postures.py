"""What no check can read, what another made, what a provider refused: each has its word, and its row."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from guardrail.admit.objects import Objects
from guardrail.exchange import Exchange
from guardrail.flow import run
from guardrail.http import Release, Request
from guardrail.policy.plan import Plan
from guardrail.verdict import Action, Decision, Outcome
from guardrail.wires.protocol import Reference
from tests.support.drive import JSON, call, perform_into
from tests.support.events import finishes, said, sse
from tests.support.plans import MASKED, Word, plan

BAD = "badword"
PLAN = plan(Word(BAD), Word("4111", category=MASKED))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(PNG).decode()}}


def having(**postures: Action) -> Plan:
    return replace(PLAN, modalities=postures)


def asks(*content: Any, **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": list(content)}], **more}).encode()


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        (Action.ALLOW, Outcome.NOT_EVALUATED),
        (Action.REVIEW, Outcome.REFUSED),
        (Action.REFUSE, Outcome.REFUSED),
    ],
)
def test_a_picture_has_the_policy_s_word_and_is_recorded_in_any_case(word: Action, outcome: Outcome) -> None:
    result = call(having(image=word), asks({"type": "text", "text": "What is this?"}, IMAGE))
    (row,) = result.rows
    assert (result.sent is None) is (outcome is Outcome.REFUSED)
    assert row.outcome is outcome
    assert [(gap.reason, gap.where) for gap in row.not_evaluated] == [("image", "messages[0].content[1].image_url.url")]
    assert row.review == ("pending" if word is Action.REVIEW else None)


def test_a_link_is_read_and_is_a_picture_too() -> None:
    linked = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    assert [g.reason for g in call(PLAN, asks(linked)).rows[0].not_evaluated] == ["image"]
    linked["image_url"] = {"url": f"https://example.org/?q={BAD}"}
    assert call(PLAN, asks(linked)).sent is None


def test_where_only_observed_a_picture_passes_and_would_not_have() -> None:
    result = call(replace(having(image=Action.REFUSE), observe=True), asks(IMAGE))
    assert result.sent is not None
    assert result.rows[0].would is Action.REFUSE


@pytest.mark.parametrize("media", ["image/png", "application/octet-stream", "application/pdf", "font/woff", "x/y"])
def test_a_label_does_not_make_a_file(media: str) -> None:
    """Threat T13: JSON that calls itself a picture is JSON to the app behind."""
    headers = (("content-type", media),)
    for body in (json.dumps({"m": BAD}).encode(), f'{{"m":"{BAD[:3]}\\u0077ord"}}'.encode(), BAD.encode()):
        assert call(PLAN, body, request_headers=headers, path="/upload").sent is None
    passed = call(PLAN, PNG, request_headers=headers, path="/upload")
    assert passed.sent is not None
    assert passed.sent.body == PNG
    assert passed.rows[0].outcome is Outcome.NOT_EVALUATED
    assert call(having(image=Action.REFUSE), PNG, request_headers=headers, path="/upload").sent is None
    assert call(having(file=Action.REFUSE), PNG, request_headers=headers, path="/upload").sent is not None


@pytest.mark.parametrize("media", ["image/png", "application/octet-stream", "application/pdf"])
def test_an_answer_s_label_does_not_make_a_file(media: str) -> None:
    headers = (("content-type", media),)
    for cuts in ((), range(0, 40, 3)):
        told = call(PLAN, b'{"m":1}', f"so: {BAD}".encode(), headers=headers, path="/x", cuts=cuts)
        assert BAD.encode() not in told.body
    passed = call(PLAN, b'{"m":1}', PNG, headers=headers, path="/x", cuts=range(0, 40, 3))
    assert passed.body == PNG
    assert [g.reason for g in passed.rows[0].not_evaluated] == ["image"]
    refused = call(having(image=Action.REFUSE), b'{"m":1}', PNG, headers=headers, path="/x")
    assert PNG not in refused.body


def test_forms_are_read_part_by_part() -> None:
    headers = (("content-type", "multipart/form-data; boundary=x"),)

    def form(text: str, file: bytes) -> bytes:
        return (
            (
                f'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\n{text}\r\n'
                '--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
            ).encode()
            + file
            + b"\r\n--x--\r\n"
        )

    clean = call(PLAN, form("a note", PNG), request_headers=headers, path="/upload")
    assert clean.sent is not None
    assert clean.sent.body == form("a note", PNG)
    assert [g.reason for g in clean.rows[0].not_evaluated] == ["image"]
    assert call(PLAN, form(BAD, PNG), request_headers=headers, path="/upload").sent is None
    assert call(PLAN, form("a note", f"not a picture: {BAD}".encode()), request_headers=headers, path="/u").sent is None
    masked = call(PLAN, form("no 4111", PNG), request_headers=headers, path="/upload")
    assert masked.sent is not None
    assert masked.sent.body == form("no [gone]", PNG)


def test_a_query_is_read() -> None:
    assert call(PLAN, b"{}", path="/ask", query=f"q={BAD}").sent is None
    assert call(PLAN, b"{}", path="/ask", query="q=bad%77ord").sent is None
    assert call(PLAN, b"{}", path="/ask", query="q=fine&key=badword").sent is not None, "a credential is not read"


FILTERED = {"error": {"message": "filtered", "code": "content_filter", "type": None, "status": 400}}


def test_a_provider_s_own_safety_error_is_told_as_a_refusal() -> None:
    result = call(PLAN, asks(), json.dumps(FILTERED).encode(), status=400)
    assert result.head is not None
    assert result.head.status == 200
    assert dict(result.head.headers)["x-should-retry"] == "false"
    assert json.loads(result.body)["choices"][0]["finish_reason"] == "content_filter"
    (row,) = result.rows
    assert (row.outcome, row.ended) == (Outcome.REFUSED, "provider_refused")
    assert [finding.category for finding in row.findings] == ["provider/content_filter"]


def test_or_as_it_came_and_recorded() -> None:
    answer = json.dumps(FILTERED).encode()
    for word in (replace(PLAN, retell=False), replace(PLAN, observe=True)):
        result = call(word, asks(), answer, status=400)
        assert result.body == answer
        assert [finding.category for finding in result.rows[0].findings] == ["provider/content_filter"]


def test_a_finish_reason_of_the_provider_is_recorded_and_stays() -> None:
    stream = sse(*said("Hello")[:-1], {"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]})
    result = call(PLAN, asks(stream=True), stream, headers=(("content-type", "text/event-stream"),))
    assert result.body == stream
    assert finishes(result.body) == {0: "content_filter"}
    assert [finding.category for finding in result.rows[0].findings] == ["provider/content_filter"]


def test_an_ordinary_error_is_none_of_these() -> None:
    error = json.dumps({"error": {"message": "no such model", "code": "model_not_found"}}).encode()
    result = call(PLAN, asks(), error, status=404)
    assert result.body == error
    assert result.rows[0].findings == ()


@pytest.mark.parametrize(
    ("owner", "refused", "words", "reason"),
    [
        ("ann", False, {}, None),
        ("bob", False, {"foreign": Action.REFUSE}, "foreign_file"),
        ("bob", False, {"foreign": Action.ALLOW}, "foreign_file"),
        (None, False, {"unknown": Action.ALLOW}, "unknown_file"),
        (None, False, {"unknown": Action.REFUSE}, "unknown_file"),
        ("ann", True, {}, "refused_file"),
    ],
)
def test_objects_of_others_and_unknown_ones(
    owner: str | None, refused: bool, words: dict[str, Action], reason: str | None
) -> None:
    objects, rows = Objects(), list[Decision]()
    named = Reference("file", "file-1")
    if owner is not None:
        objects.issue([named], owner, refused=refused)
    with_words = replace(PLAN, references=words)
    request = Request("POST", "/v1/chat/completions", JSON)
    exchange = Exchange(
        with_words,
        with_words.router.find(request),
        request,
        door="test",
        id="d",
        now=lambda: 0.0,
        store=rows.append,
        objects=objects,
    )
    exchange.caller = replace(exchange.caller, user="ann")
    step = run(exchange.request(asks({"type": "file", "file": {"file_id": "file-1"}})), perform_into(rows))
    exchange.close("test")
    gaps = [gap.reason for gap in rows[0].not_evaluated]
    assert gaps == ([] if reason is None else [reason])
    allowed = reason is None or Action.ALLOW in words.values()
    assert isinstance(step, Request) is allowed
    if isinstance(step, Release):
        assert step.head is not None
        assert step.head.status == 404
        assert b"ann" not in step.body
        assert b"bob" not in step.body


def test_a_signed_request_is_not_rewritten() -> None:
    signed = (*JSON, ("authorization", "AWS4-HMAC-SHA256 Credential=x"))
    clean, card = asks({"type": "text", "text": "hello"}), asks({"type": "text", "text": "it is 4111"})
    assert call(PLAN, clean, request_headers=signed).sent is not None
    refused = call(PLAN, card, request_headers=signed)
    assert refused.sent is None
    assert [gap.reason for gap in refused.rows[0].not_evaluated] == ["signed"]
    assert call(PLAN, card, request_headers=JSON).sent is not None
