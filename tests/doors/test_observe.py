"""Behind an observe policy an app asks and answers message by message as without it."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import replace

import pytest

from guardrail import GuardrailMiddleware
from guardrail.policy.plan import Caps

from .driver import (
    BAD,
    CHAT,
    EVENTS,
    JSON,
    MASKED,
    TEXT,
    Answer,
    Inner,
    call,
    canaries,
    guarding,
    post,
    request,
    scope_of,
)

FORM = ("content-type", "application/x-www-form-urlencoded")
FILES = ("content-type", "multipart/form-data; boundary=x")


def refused(answer: Answer) -> bool:
    return answer.status == 400 and answer.json()["error"]["code"] == "content_refused" and answer.complete


OBSERVE = replace(canaries(), observe=True, caps=Caps(body=2000))
ASKED: dict[str, tuple[bytes, tuple[tuple[str, str], ...]]] = {
    "fine": (b'{"a":"hello"}', (JSON, ("accept-encoding", "gzip, br"))),
    "refused": (json.dumps({"a": BAD}).encode(), (JSON,)),
    "masked": (json.dumps({"a": MASKED}).encode(), (JSON, ("content-length", "17"))),
    "no json": (b'{"a": ', (JSON,)),
    "doubled key": (b'{"a": 1, "a": 2}', (JSON,)),
    "surrogate": (b'{"a": "\\ud800"}', (JSON,)),
    "not utf-8": (b'{"a": "\xff"}', (JSON,)),
    "charset": (b"\xff\xfe{}", (("content-type", "application/json; charset=utf-16"),)),
    "coding": (b"not gzip", (JSON, ("content-encoding", "gzip"))),
    "gzip": (gzip.compress(json.dumps({"a": MASKED}).encode()), (JSON, ("content-encoding", "gzip"))),
    "over the cap": (b'{"a": "' + b"x" * 5000 + b'"}', (JSON,)),
    "over the cap, declared": (b'{"a": "' + b"x" * 5000 + b'"}', (JSON, ("content-length", "5009"))),
    "form": (b"a=" + BAD.encode(), (FORM,)),
    "text": (BAD.encode(), (TEXT,)),
    "empty": (b"", ()),
}
SAID: dict[str, Inner] = {
    "json": Inner((b'{"reply":', b' "fine"}')),
    "refused": Inner((json.dumps({"r": BAD}).encode(),)),
    "masked": Inner((json.dumps({"r": MASKED}).encode(),), (JSON, ("Content-Length", "17"), ("ETag", "1"))),
    "broken": Inner((b'{"r": ',)),
    "stream": Inner((b"data: one\n", b"\ndata: so ", BAD.encode(), b"\n\ndata: [DONE]\n\n"), (EVENTS,)),
    "no stream": Inner((b"<html>what\n\n",), (EVENTS,)),
    "gzip": Inner((gzip.compress(b'{"r": "x"}'),), (JSON, ("content-encoding", "gzip"))),
    "no gzip": Inner((b"what",), (JSON, ("content-encoding", "gzip"))),
    "file": Inner((b"\x00\xff",), (("content-type", "image/png"),)),
    "nothing": Inner((b"",), (), status=204),
    "error": Inner((b"no",), (TEXT,), status=500),
}


@pytest.mark.parametrize("path", ["/ask", CHAT])
@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("asked", ASKED)
def test_observing_changes_no_message_in_either_direction(asked: str, said: str, path: str) -> None:
    body, headers = ASKED[asked]
    bare, under = (replace(SAID[said], bodies=[], messages=[], scopes=[]) for _ in range(2))
    cuts = (3, 700)
    plain = post(bare, body, path, headers=headers, cuts=cuts)
    guard, rows = guarding(OBSERVE)
    watched = post(GuardrailMiddleware(under, guard), body, path, headers=headers, cuts=cuts)
    assert watched.messages == plain.messages
    assert under.messages == bare.messages
    assert under.scopes == bare.scopes
    (row,) = rows
    assert row.action.word == "allow"
    assert row.would is not None
    assert (row.outcome, row.ended) in (("allowed", "complete"), ("not_evaluated", "complete"))
    if (asked == "refused" and path == "/ask") or said == "refused":
        assert row.would.word == "refuse"
    if asked in ("over the cap", "no gzip"):
        assert row.outcome == "not_evaluated"


@pytest.mark.parametrize("at", range(4))
def test_observing_a_caller_who_leaves_in_its_body_changes_nothing(at: int) -> None:
    messages = [*request(b'{"a": "hello"}', (3, 6, 9))[:at], {"type": "http.disconnect"}]
    bare, under = Inner(), Inner()
    plain = asyncio.run(call(bare, scope_of(), messages))
    guard, rows = guarding(OBSERVE)
    watched = asyncio.run(call(GuardrailMiddleware(under, guard), scope_of(), messages))
    assert (under.messages, watched.messages) == (bare.messages, plain.messages)
    assert len(rows) == 1
