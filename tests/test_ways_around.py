"""Ways around the guard that were found once, each with the way it was closed."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

import pytest

from guardrail.admit.identity import Identity
from guardrail.policy.plan import Caps, Plan
from guardrail.verdict import Action, Finding, Gap, Verdict
from tests.support.drive import EVENTS, JSON, Result, call
from tests.support.plans import Judge, Word, plan

BAD = "badword"
WALKED = "/ask"


def bad() -> Plan:
    return plan(Word(BAD))


def asked(body: bytes, media: str | None = "application/json", with_plan: Plan | None = None) -> Result:
    headers = () if media is None else (("content-type", media),)
    return call(with_plan or bad(), body, b"{}", path=WALKED, request_headers=headers)


def answered(body: bytes, media: str, path: str = WALKED) -> Result:
    return call(bad(), b'{"messages":[]}', body, path=path, headers=(("content-type", media),))


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-16"])
@pytest.mark.parametrize("media", [None, "text/plain", "application/json"])
def test_json_in_another_unicode_coding_goes_nowhere(coding: str, media: str | None) -> None:
    assert asked(json.dumps({"m": BAD}).encode(coding), media).sent is None


@pytest.mark.parametrize("path", [WALKED, "/v1/chat/completions"])
def test_an_answer_in_another_charset_is_not_given(path: str) -> None:
    result = answered(f"so {BAD}".encode("utf-16-le"), "text/plain; charset=utf-16le", path)
    assert BAD.encode("utf-16-le") not in result.body
    assert result.rows[-1].not_evaluated


@pytest.mark.parametrize(
    "media", ["application/x-ndjson", "application/jsonl", "text/json", "text/markdown", "text/csv"]
)
def test_answers_of_all_text_media_are_read(media: str) -> None:
    assert BAD.encode() not in answered(f'{{"m":"{BAD}"}}\n'.encode(), media).body


def test_an_answer_that_is_not_read_says_so() -> None:
    result = answered(b"\x89PNG\r\n\x1a\n", "image/png")
    assert [gap.reason for gap in result.rows[-1].not_evaluated] == ["image"]


@pytest.mark.parametrize(
    "media", ["text/json", "text/plain", "application/x-www-form-urlencoded", "application/problem+json"]
)
def test_json_under_another_name_is_read(media: str) -> None:
    assert asked(b'{"m":"b\\u0061dword"}', media).sent is None


def test_a_form_is_read() -> None:
    body = f"q={quote_plus('so ' + BAD[0])}%61{BAD[2:]}".encode()
    assert asked(body, "application/x-www-form-urlencoded").sent is None
    assert asked(b"q=fine", "application/x-www-form-urlencoded").sent is not None


def test_a_model_reads_parts_apart_as_well() -> None:
    """Glued together the words of a sentence say nothing to a model."""
    judge = Judge("two words", stride=32, window=64)
    parts = [{"type": "text", "text": word} for word in ("two", "words")]
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": parts}]}).encode()
    assert call(plan(judge), body).sent is not None
    judge = Judge("two\nwords", stride=32, window=64)
    assert call(plan(judge), body).sent is None


@pytest.mark.parametrize(
    "stream",
    [
        b"data: Hello\n\ndata: badword\n\n",
        b'data: {"m":"Hello"}\n\ndata: {"m":"badword"}\n\n',
        b'data: {"m":"bad"}\n\ndata: {"m":"word"}\n\n',
        b"event: badword\ndata: [DONE]\n\n",
        b": badword\ndata: [DONE]\n\n",
        b'data: {"score": NaN, "m": "b\\u0061dword"}\n\n',
    ],
)
def test_events_of_unknown_streams_are_read_joined_and_apart(stream: bytes) -> None:
    whole_words = plan(_WholeWord(BAD))
    for with_plan in (bad(), whole_words):
        glued = with_plan is whole_words and b'"bad"' in stream
        result = call(with_plan, b"{}", stream, path=WALKED, headers=EVENTS)
        if not glued:
            assert result.rows[-1].outcome == "refused"
            assert BAD.encode() not in result.body


class _WholeWord(Word):
    """Finds a word only where no letter stands beside it."""

    def scan(self, text: str, start: int = 0) -> list[Finding]:
        found = super().scan(text, start)
        return [f for f in found if not (text[f.start - 1 : f.start].isalpha() or text[f.end : f.end + 1].isalpha())]

    def tail(self, text: str) -> int:
        return max(super().tail(text), len(BAD) if text.endswith(BAD) else 0)


def test_field_names_are_read_by_exact_checks() -> None:
    assert asked(json.dumps({BAD: 1}).encode()).sent is None
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"properties": {BAD: {"type": "string"}}}}}]
    assert call(bad(), json.dumps({"messages": [], "tools": tools}).encode()).sent is None


def test_a_check_that_is_down_does_not_displace_a_refusal() -> None:
    down = Verdict(Action.REFUSE, (), (Gap("remote", "connect"),), "unavailable")
    crisis = Verdict(Action.REFUSE, (), (), "crisis")
    plain = Verdict(Action.REFUSE, (), (), "default")
    for one, two in ((down, crisis), (crisis, down), (plain, crisis), (crisis, plain)):
        assert (one | two).say == "crisis"
    assert (down | plain).say == (plain | down).say == "default"


def test_a_stream_that_holds_too_much_is_not_given() -> None:
    call_ = {"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "x" * 500}}]}}
    frame = b"data: " + json.dumps({"choices": [call_]}).encode() + b"\n\n"
    small = plan(Word(BAD), caps=Caps(reply=20_000))
    result = call(small, b'{"messages":[],"stream":true}', frame * 100, headers=EVENTS, cuts=range(500, 50_000, 500))
    assert result.rows[-1].not_evaluated[-1].reason == "reply_too_large"
    assert b"xxx" not in result.body


def test_what_a_stream_has_that_cannot_be_read_is_recorded() -> None:
    delta = {"index": 0, "delta": {"audio": {"data": "UklGRg=="}}}
    frame = b"data: " + json.dumps({"choices": [delta]}).encode() + b"\n\n"
    result = call(bad(), b'{"messages":[],"stream":true}', frame * 3 + b"data: [DONE]\n\n", headers=EVENTS)
    assert [gap.reason for gap in result.rows[-1].not_evaluated] == ["audio"]


def test_a_row_lists_only_so_many_gaps() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body = json.dumps({"messages": [{"role": "user", "content": [image] * 5000}]}).encode()
    gaps = call(bad(), body).rows[-1].not_evaluated
    assert len(gaps) == 101
    assert gaps[-1] == Gap("*", "more", "4900")


def test_a_client_names_nobody() -> None:
    """A forwarded id is the guard's to give; a nameless caller's own goes no further."""
    with_plan = replace(bad(), identity=Identity((), b"0" * 32, False, "safety_identifier"))
    body: Any = {"messages": [], "safety_identifier": "somebody else"}
    sent = call(with_plan, json.dumps(body).encode()).sent
    assert sent is not None
    assert json.loads(sent.body) == {"messages": []}


def test_a_large_body_is_parsed_by_a_worker() -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "fine " * 20_000}]}).encode()
    assert call(bad(), body).sent is not None
    packed = gzip.compress(body)
    assert call(bad(), packed, request_headers=(*JSON, ("content-encoding", "gzip"))).sent is not None
