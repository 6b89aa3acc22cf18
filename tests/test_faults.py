"""The guard's own faults: the policy decides, no text is logged, and going on changes no byte."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from guardrail import GuardrailMiddleware
from guardrail.policy.plan import Plan
from guardrail.verdict import Action, Finding
from tests.doors.driver import (
    BAD,
    CHAT,
    EVENTS,
    JSON,
    Inner,
    canaries,
    chat,
    guarding,
    post,
)
from tests.support import drive, events, plans

TOKENS = ("It ", "is ", "so.")


def streams(*texts: str, **more: Any) -> Inner:
    """A model that streams these texts."""
    return Inner((*(events.sse(tree, done=False) for tree in events.said(*texts)), events.DONE), (EVENTS,), **more)


def says(text: str, **more: Any) -> Inner:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    tree = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return Inner((json.dumps(tree).encode(),), **more)


SECRET = "what-the-user-wrote"


@dataclass
class Faulty(plans.Word):
    """A scanner with a bug: from its n-th call on it raises, with the text it was given."""

    works: int = 0
    calls: int = 0

    def scan(self, text: str, start: int = 0) -> list[Finding]:
        self.calls += 1
        if self.calls > self.works:
            raise ValueError(f"no idea what to do with {text}")
        return super().scan(text, start)


def faulty(works: int, on_bug: Action, **changes: Any) -> Plan:
    return replace(plans.plan(Faulty(BAD, works=works), on_bug=on_bug), **changes)


@pytest.mark.parametrize(
    ("works", "stream"), [(0, False), (1, False), (2, False), (9, False), (0, True), (1, True), (2, True)]
)
def test_a_fault_refuses_unless_the_policy_says_otherwise(
    works: int, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    guard, rows = guarding(faulty(works, Action.REFUSE))
    model = streams(SECRET, SECRET) if stream else says(SECRET)
    answer = post(GuardrailMiddleware(model, guard), chat(SECRET, stream=stream), CHAT)
    assert answer.complete
    (row,) = rows
    if works == 9:
        assert row.outcome == "allowed"
        return
    assert (row.ended, row.outcome) == ("bug", "not_evaluated")
    assert [gap.reason for gap in row.not_evaluated] == ["bug"]
    assert b'"stop"' not in answer.body
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET.encode() not in answer.body or (stream and works)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("works", range(4))
@pytest.mark.parametrize("observe", [False, True])
def test_a_fault_where_the_policy_goes_on_changes_no_byte(
    works: int, stream: bool, observe: bool, caplog: pytest.LogCaptureFixture
) -> None:
    model = streams(SECRET, *TOKENS) if stream else says(SECRET)
    guard, rows = guarding(faulty(works, Action.ALLOW, observe=observe))
    answer = post(GuardrailMiddleware(model, guard), chat(SECRET, stream=stream), CHAT)
    assert answer.complete
    assert answer.body == b"".join(model.chunks)
    assert SECRET not in caplog.text
    (row,) = rows
    assert row.ended == "complete"
    if works == 0 or (stream and works < 2):
        assert {gap.reason for gap in row.not_evaluated} == {"bug"}


def test_what_is_spilled_is_whole_wherever_the_stream_was_cut() -> None:
    """Also the bytes of an event that had only half come when the guard failed."""
    raw = events.sse(*events.said(*TOKENS))
    for works in (1, 2):
        for cut in range(1, len(raw), 7):
            plan = faulty(works, Action.ALLOW)
            asked = chat("hello", stream=True)
            result = drive.call(plan, asked, raw, cuts=(cut, cut + 30), headers=drive.EVENTS)
            assert result.body == raw
            assert result.rows[0].not_evaluated[0].reason == "bug"


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_spilled_of_a_compressed_answer_fits_its_head(stream: bool) -> None:
    plain = events.sse(*events.said(*TOKENS)) if stream else says("fine").chunks[0]
    coded = gzip.compress(plain)
    kind = EVENTS if stream else JSON
    for works in (1, 2):
        result = drive.call(
            faulty(works, Action.ALLOW),
            chat("hello", stream=stream),
            coded,
            cuts=range(10, len(coded), 10),
            headers=(kind, ("content-encoding", "gzip")),
        )
        assert result.head is not None
        is_coded = ("content-encoding", "gzip") in result.head.headers
        assert (gzip.decompress(result.body) if is_coded else result.body) == plain


def test_a_fault_in_reading_a_stream_is_the_guards_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from guardrail.wires.openai.chat_stream import ChatStream

    def fails(*_: Any) -> Any:
        raise KeyError(SECRET)

    monkeypatch.setattr(ChatStream, "_read", fails)
    for on_bug, whole in ((Action.ALLOW, True), (Action.REFUSE, False)):
        guard, rows = guarding(canaries(on_bug=on_bug))
        model = streams(*TOKENS)
        answer = post(GuardrailMiddleware(model, guard), chat("hello", stream=True), CHAT)
        assert answer.complete
        assert (answer.body == b"".join(model.chunks)) == whole
        assert [gap.reason for gap in rows[0].not_evaluated] == ["bug"]
