"""Bad input, by hand and at the ASGI door: an error in the wire's own shape, one row, no call upstream."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Sequence
from typing import Any

import pytest

from guardrail import GuardrailMiddleware
from guardrail.core import Guard
from guardrail.policy.plan import Caps
from guardrail.verdict import Action, Decision, Kind, Outcome
from guardrail.wires.custom import Custom
from tests.support import asgi
from tests.support.drive import JSON, call
from tests.support.plans import Word, plan

CASES: dict[str, tuple[bytes, tuple[tuple[str, str], ...], int, str]] = {
    "malformed": (b'{"a":', JSON, 400, "not valid JSON"),
    "empty": (b"", JSON, 400, "not valid JSON"),
    "a key twice": (b'{"messages":[],"messages":[]}', JSON, 400, "twice"),
    "a key twice, deep": (b'{"messages":[{"content":"a","\\u0063ontent":"b"}]}', JSON, 400, "twice"),
    "charset": (b"{}", (("content-type", "application/json; charset=utf-16"),), 415, "UTF-8"),
    "odd charset": (b"{}", (("content-type", 'application/json; charset="utf-7"'),), 415, "UTF-8"),
    "coding": (b"{}", (*JSON, ("content-encoding", "compress")), 415, "gzip"),
    "codings": (b"{}", (*JSON, ("content-encoding", "gzip, br, gzip")), 415, "more than"),
    "not gzip": (b"{}", (*JSON, ("content-encoding", "gzip")), 400, "not gzip"),
    "declared": (b"{}", (*JSON, ("content-length", "2001")), 413, "size cap"),
    "undeclared": (b'{"a":"' + b"x" * 2000 + b'"}', JSON, 413, "size cap"),
    "deep": (b"[" * 900 + b"]" * 900, JSON, 400, "nested"),
    "lone surrogate": (b'{"messages":[{"content":"\\ud800"}]}', JSON, 400, "surrogate"),
    "number": (b'{"temperature":1e999}', JSON, 400, "out of range"),
    "not a number": (b'{"temperature":NaN}', JSON, 400, "not valid JSON"),
    "byte order mark": (b"\xef\xbb\xbf{}", JSON, 400, "byte order mark"),
    "not UTF-8": (b'{"a":"\xff"}', JSON, 400, "not UTF-8"),
    "too many messages": (json.dumps({"messages": [{"content": "a"}] * 9}).encode(), JSON, 413, "messages"),
    "too much text": (json.dumps({"messages": [{"content": "a" * 900}]}).encode(), JSON, 413, "characters"),
}
CAPPED = Caps(body=2000, chars=800, messages=8)
CUSTOM = Custom("/chat", {Kind.USER: ["$.message"]}, {Kind.ASSISTANT: ["$.reply"]})


def through(
    body: bytes | Sequence[bytes], headers: Any = JSON, *, path: str = "/v1/chat/completions", observe: bool = False
) -> tuple[asgi.Heard, asgi.Upstream, list[Decision]]:
    guard = Guard(plan(Word("forbidden"), caps=CAPPED, observe=observe, wires=(CUSTOM,)), log="none")
    rows: list[Decision] = []
    submit = guard.submit
    guard.submit = lambda decision: rows.append(decision) or submit(decision)  # type: ignore[method-assign,func-returns-value]
    app = asgi.Upstream()
    heard = asyncio.run(asgi.ask(GuardrailMiddleware(app, guard), body, headers=headers, path=path))
    return heard, app, rows


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused_with_a_sentence_that_helps(case: str) -> None:
    body, headers, status, words = CASES[case]
    result = call(plan(Word("forbidden"), caps=CAPPED), body, request_headers=headers)
    assert result.sent is None
    assert result.head is not None
    assert result.head.status == status
    error = json.loads(result.body)["error"]
    assert words in error["message"]
    assert error["decision_id"] == "d0"
    assert len(result.rows) == 1
    assert result.rows[0].outcome is Outcome.REFUSED
    assert result.rows[0].status == status
    observed = call(plan(Word("forbidden"), caps=CAPPED, observe=True), body, b"{}", request_headers=headers)
    assert observed.sent is not None
    assert observed.sent.body == body
    assert observed.rows[0].would is Action.REFUSE


MORE: dict[str, tuple[bytes, tuple[tuple[str, str], ...], int, str]] = {
    "a bomb": (gzip.compress(bytes(1 << 17)), (*JSON, ("content-encoding", "gzip")), 413, "unpacked"),
    "after gzip": (gzip.compress(b"{}") + b"x", (*JSON, ("content-encoding", "gzip")), 400, "follow"),
    "raw surrogate": (b'{"messages":[{"content":"\xed\xa0\x80"}]}', JSON, 400, "not UTF-8"),
    "two values": (b'{"messages":[]}{"messages":[]}', JSON, 400, "not valid JSON"),
    "UTF-16": ('{"messages":[]}'.encode("utf-16"), JSON, 400, "not UTF-8"),
    "no JSON under another name": (
        b"a=b",
        (("content-type", "application/x-www-form-urlencoded"),),
        400,
        "not valid JSON",
    ),
}


@pytest.mark.parametrize("case", [*CASES, *MORE])
def test_bad_input_never_reaches_the_app(case: str) -> None:
    body, headers, status, words = {**CASES, **MORE}[case]
    pieces = [body[n : n + 300] for n in range(0, len(body), 300)] or [b""]
    heard, app, rows = through(pieces, headers)
    assert app.asked == []
    assert heard.status == status
    assert heard.ended
    error = json.loads(heard.body)["error"]
    assert words in error["message"]
    assert error["type"] == "invalid_request_error"
    assert error["decision_id"] == rows[0].id
    assert len(rows) == 1
    assert (rows[0].outcome, rows[0].status, rows[0].door) == (Outcome.REFUSED, status, "asgi")
    heard, app, rows = through(pieces, headers, observe=True)
    assert app.asked == [body]
    assert heard.body == b"{}"
    assert len(rows) == 1


@pytest.mark.parametrize("path", ["/chat", "/anything/else"])
@pytest.mark.parametrize("case", ["malformed", "a key twice", "charset", "coding", "undeclared", "deep", "not UTF-8"])
def test_on_other_routes_too(case: str, path: str) -> None:
    body, headers, status, words = CASES[case]
    heard, app, rows = through(body, headers, path=path)
    assert (app.asked, heard.status, len(rows)) == ([], status, 1)
    assert words in json.loads(heard.body)["error"]["message"]


def test_a_body_that_goes_on_and_on_is_refused_while_it_comes() -> None:
    """What is over the cap is not collected: the answer comes before the end of the body."""
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        assert read < 100
        return {"type": "http.request", "body": b"x" * 500, "more_body": True}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    app = asgi.Upstream()
    guard = Guard(plan(Word("x"), caps=CAPPED), log="none")
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": asgi.encoded(JSON)}
    asyncio.run(GuardrailMiddleware(app, guard)(scope, receive, send))
    assert sent[0]["status"] == 413
    assert read == 5
    assert app.asked == []


def test_forms_and_files_of_unclaimed_routes_go_by_and_it_is_written_down() -> None:
    heard, app, rows = through(b"\xff\xfe\x00", (("content-type", "application/octet-stream"),), path="/upload")
    assert app.asked == [b"\xff\xfe\x00"]
    assert heard.body == b"{}"
    assert [row.outcome for row in rows] == [Outcome.NOT_EVALUATED]


def test_good_input_passes() -> None:
    """The other tests of this file would pass with a door that refuses everything."""
    body = b'{"messages":[{"role":"user","content":"hi"}]}'
    heard, app, rows = through(body)
    assert (app.asked, heard.body, heard.status) == ([body], b"{}", 200)
    assert [row.outcome for row in rows] == [Outcome.ALLOWED]
    packed = gzip.compress(body)
    heard, app, rows = through(packed, (*JSON, ("content-encoding", "gzip"), ("content-length", str(len(packed)))))
    assert app.asked == [body]
