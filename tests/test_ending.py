"""However an exchange ends, there is one row, and it says what was done."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from guardrail import Guard, GuardrailMiddleware
from guardrail.admit.identity import Identity
from guardrail.admit.limits import Limit, Limits
from guardrail.errors import UpstreamError
from guardrail.policy.plan import Caps, Plan, Recording
from tests.doors.driver import (
    BAD,
    CHAT,
    EVENTS,
    MASKED,
    Answer,
    Inner,
    call,
    canaries,
    chat,
    guarding,
    post,
    request,
    scope_of,
)
from tests.support import events, plans

TOKENS = ("It ", "is ", "so.")


def streams(*texts: str, **more: Any) -> Inner:
    """A model that streams these texts."""
    return Inner((*(events.sse(tree, done=False) for tree in events.said(*texts)), events.DONE), (EVENTS,), **more)


def says(text: str, **more: Any) -> Inner:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    tree = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return Inner((json.dumps(tree).encode(),), **more)


# -- one row, on every path ------------------------------------------------------------------------


@dataclass(frozen=True)
class Path_:
    """One way through: what is asked and said, what the caller gets, and what the row says."""

    user: str = "hello"
    model: Callable[[], Inner] = lambda: says("fine")
    stream: bool = False
    status: int = 200
    ended: str = "complete"
    outcome: str = "allowed"
    raw: bytes | None = None


PATHS = {
    "allowed": Path_(),
    "allowed stream": Path_(model=lambda: streams(*TOKENS), stream=True),
    "masked prompt": Path_(MASKED, outcome="changed"),
    "masked answer": Path_(model=lambda: says(MASKED), outcome="changed"),
    "masked stream": Path_(model=lambda: streams("so TIC", "KET-1 is"), stream=True, outcome="changed"),
    "refused prompt": Path_(BAD, ended="refused", outcome="refused"),
    "refused answer": Path_(model=lambda: says(BAD), ended="refused", outcome="refused"),
    "refused stream": Path_(model=lambda: streams("for", "bidden"), stream=True, ended="refused", outcome="refused"),
    "bad request": Path_(raw=b"{", status=400, ended="bad_request", outcome="refused"),
    "too large": Path_("x" * 4000, status=413, ended="bad_request", outcome="refused"),
    "upstream error": Path_(model=lambda: says("fine", status=500), status=500),
    "not there": Path_(
        model=lambda: says("x", raises=UpstreamError("not reached")), status=200, ended="upstream_error"
    ),
    "unreadable": Path_(
        model=lambda: Inner((b"\x00",), (("content-type", "image/png"),)),
        status=502,
        ended="unreadable",
        outcome="not_evaluated",
    ),
}


@pytest.mark.parametrize("name", PATHS)
def test_each_path_has_one_row_that_says_what_was_done(name: str) -> None:
    way = PATHS[name]
    guard, rows = guarding(canaries(caps=Caps(body=3000)))
    body = way.raw if way.raw is not None else chat(way.user, stream=way.stream)
    answer = post(GuardrailMiddleware(way.model(), guard), body, CHAT)
    assert answer.complete
    (row,) = rows
    assert (row.ended, row.outcome) == (way.ended, way.outcome)
    assert row.status == answer.status == (502 if name == "not there" else way.status)
    told = row.ended != "complete" and name != "refused stream"
    assert answer.headers.get("x-guardrail-decision") == (row.id if told else None)


def test_a_row_says_what_left_and_not_what_came() -> None:
    """The row is built from what drives the wire: masked text is masked in the row, refused text is not kept twice."""
    guard, rows = guarding(canaries(recording=Recording("masked")))
    post(GuardrailMiddleware(says(f"see {MASKED}"), guard), chat(f"my {MASKED}"), CHAT)
    (row,) = rows
    assert row.text is not None
    assert MASKED not in row.text
    assert row.text.count(plans.MASK) == 2


def test_a_limit_is_told_with_the_time_to_wait() -> None:
    guard, rows = guarding(canaries(limits=Limits([Limit("global", 2, 60)])))
    middleware = GuardrailMiddleware(says("fine"), guard)
    answers = [post(middleware, chat("hello"), CHAT) for _ in range(3)]
    assert [a.status for a in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60
    assert answers[2].received == 0
    assert [(row.ended, row.status) for row in rows] == [("complete", 200)] * 2 + [("limited", 429)]


@pytest.mark.parametrize("code", [400, 401, 404, 413])
def test_what_is_refused_is_not_sent_again(code: int) -> None:
    """A status that SDKs retry (408, 409, 429, 5xx) would have a refusal asked and billed again (T58)."""
    plan = {
        400: canaries(answer=False),
        401: canaries(identity=Identity(required=True)),
        404: canaries(),
        413: canaries(caps=Caps(body=10)),
    }[code]
    guard, _ = guarding(plan)
    middleware = GuardrailMiddleware(says("fine"), guard)
    middleware.unclaimed = "refuse"
    answer = post(middleware, chat(BAD), "/nowhere" if code == 404 else CHAT)
    assert (answer.status, answer.headers["x-should-retry"]) == (code, "false")


def test_a_caller_who_must_be_known_and_is_not_is_refused_unread() -> None:
    guard, rows = guarding(canaries(identity=Identity(("scope",), b"k" * 32, required=True)))
    middleware = GuardrailMiddleware(says("fine"), guard)
    assert (post(middleware, chat("hello"), CHAT).status, rows[0].ended, rows[0].user) == (401, "refused", None)
    known = GuardrailMiddleware(says("fine"), guard, user="alice")
    assert (post(known, chat("hello"), CHAT).status, rows[1].ended) == (200, "complete")
    assert rows[1].user is not None
    assert "alice" not in rows[1].user


@pytest.mark.parametrize("direction", ["input", "output"])
@pytest.mark.parametrize(("word", "passes"), [("refuse", False), ("flag", True), ("allow", True)])
def test_a_check_that_cannot_run_does_as_its_policy_says(
    word: str, passes: bool, direction: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "sk-test-0123456789")
    path = tmp_path / "policy.yaml"
    path.write_text(
        "guardrail: 1\nname: remote\nchecks:\n"
        "  far: {use: openai, api_key: '${KEY}', url: 'http://127.0.0.1:9/v1/moderations', timeout: 2s, "
        f"on_error: {word}}}\n{direction}: [far]\nrules:\n  - {{when: harm, do: refuse}}\n"
    )
    guard = Guard.from_policy(path, log="none")
    plan = guard.plan
    guard, rows = guarding(plan)
    for stream in (False, True):
        model = streams(*TOKENS) if stream else says("fine")
        answer = post(GuardrailMiddleware(model, guard), chat("hello", stream=stream), CHAT)
        assert answer.complete
        row = rows[-1]
        assert row.outcome == "not_evaluated"
        assert {gap.check for gap in row.not_evaluated} == {"far"}
        assert row.action.word == word
        assert (b"so." in answer.body or b"fine" in answer.body) == passes
        assert b"sk-test" not in answer.body
        if not passes and (direction == "input" or not stream):
            assert (answer.status, answer.json()["error"]["code"]) == (503, "not_evaluated")
    assert len(rows) == 2


# -- the log cannot be written ---------------------------------------------------------------------


@pytest.fixture
def unwritable(tmp_path: Path) -> str:
    (tmp_path / "folder").mkdir()
    return f"sqlite:///{tmp_path / 'folder'}"


def unlogged(plan: Plan, log: str) -> Guard:
    return Guard(plan, log=log)


@pytest.mark.parametrize("path", [CHAT, "/ask"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("required", [True, False])
def test_an_answer_without_a_row_is_given_only_where_the_policy_says_so(
    required: bool, stream: bool, path: str, unwritable: str, caplog: pytest.LogCaptureFixture
) -> None:
    guard = unlogged(canaries(recording=Recording(required=required)), unwritable)
    model = streams(*TOKENS) if stream else says("It is so.")
    answer = post(GuardrailMiddleware(model, guard), chat("hello", stream=stream), path)
    guard.close()
    assert answer.complete
    assert guard.stats()["log_errors"] == 1
    assert "could not be stored" in caplog.text
    if not required:
        assert answer.body == b"".join(model.chunks)
    elif stream:
        assert events.trees(answer.body)[-1]["error"]["code"] == "not_recorded"
        assert b"[DONE]" not in answer.body
    else:
        assert (answer.status, answer.json()["error"]["code"]) == (503, "not_recorded")
        assert b"It is so." not in answer.body


def test_a_short_stream_without_a_row_is_not_begun(unwritable: str) -> None:
    """All of it is cleared in one step, so none of it has left yet."""
    guard = unlogged(canaries(), unwritable)
    inner = Inner((events.sse(*events.said(*TOKENS)),), (EVENTS,))
    answer = post(GuardrailMiddleware(inner, guard), chat("hello", stream=True), CHAT)
    guard.close()
    assert (answer.status, answer.json()["error"]["code"]) == (503, "not_recorded")
    assert answer.complete


def test_a_file_without_a_row_is_not_given(unwritable: str) -> None:
    """What is not judged has its row before its head leaves, for after that nothing can be taken back."""
    guard = unlogged(canaries(), unwritable)
    inner = Inner((b"\x00\xff", b"\x00" * 100), (("content-type", "image/png"),))
    answer = post(GuardrailMiddleware(inner, guard), {})
    guard.close()
    assert (answer.status, answer.complete, b"\x00" in answer.body) == (503, True, False)


def test_observing_gives_the_answer_though_no_row_was_stored(unwritable: str) -> None:
    guard = unlogged(canaries(observe=True), unwritable)
    inner = says(BAD)
    assert post(GuardrailMiddleware(inner, guard), chat(BAD), CHAT).body == inner.chunks[0]
    guard.close()
    assert guard.stats()["log_errors"] == 1


def test_a_refusal_is_given_though_no_row_was_stored(unwritable: str) -> None:
    guard = unlogged(canaries(), unwritable)
    answer = post(GuardrailMiddleware(says("fine"), guard), chat(BAD), CHAT)
    guard.close()
    assert b"content_filter" in answer.body


# -- the upstream fails in the middle --------------------------------------------------------------


class Breaks(Inner):
    """Streams, then its upstream breaks off."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        held = self.chunks
        self.chunks = (*held, b"")
        self.raises = UpstreamError("broke off", status=504)
        await super().__call__(scope, receive, send)


def test_a_stream_that_breaks_off_ends_unlike_a_refusal() -> None:
    guard, rows = guarding()
    chunks = [events.sse(tree, done=False) for tree in events.said("fine ", "TICKE")[:3]]
    answer = post(GuardrailMiddleware(Breaks(tuple(chunks), (EVENTS,)), guard), chat("hi", stream=True), CHAT)
    assert answer.complete
    assert b"content_filter" not in answer.body
    assert b"[DONE]" not in answer.body
    assert b"TICKE" not in answer.body
    assert events.trees(answer.body)[-1]["error"]["code"] == "upstream_error"
    assert [(row.ended, row.status) for row in rows] == [("upstream_error", 200)]


def test_a_stream_that_breaks_off_after_its_end_is_complete() -> None:
    guard, rows = guarding()
    model = Breaks((events.sse(*events.said(*TOKENS)),), (EVENTS,))
    raw = model.chunks[0]
    answer = post(GuardrailMiddleware(model, guard), chat("hi", stream=True), CHAT)
    assert (answer.complete, answer.body) == (True, raw)
    assert [row.ended for row in rows] == ["complete"]


def test_a_whole_answer_that_breaks_off_becomes_an_error() -> None:
    guard, rows = guarding()
    answer = post(GuardrailMiddleware(Breaks((b'{"choices": [',)), guard), chat("hi"), CHAT)
    assert (answer.status, answer.complete, answer.json()["error"]["code"]) == (504, True, "upstream_error")
    assert [(row.ended, row.status) for row in rows] == [("upstream_error", 504)]


@pytest.mark.parametrize("observe", [False, True])
def test_what_has_left_unjudged_and_breaks_off_is_not_ended_as_if_whole(observe: bool) -> None:
    """The server then closes the connection, which is how HTTP says that a body is not whole."""
    guard, rows = guarding(canaries(observe=observe))
    model = Breaks((b"\x00\xff" * 40,), (("content-type", "image/png"),))
    answer = Answer()
    with pytest.raises(UpstreamError):
        asyncio.run(call(GuardrailMiddleware(model, guard), scope_of(), request(b"{}"), answer))
    assert answer.messages[1:] == [{"type": "http.response.body", "body": b"\x00\xff" * 40, "more_body": True}]
    assert len(rows) == 1


SECRET = "what-the-user-wrote"


def test_the_log_names_no_text_of_the_user(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in PATHS:
        way = PATHS[name]
        guard, _ = guarding()
        post(GuardrailMiddleware(way.model(), guard), chat(f"{SECRET} {way.user}"), CHAT)
    assert SECRET not in caplog.text
