"""What was masked in a request comes back in its answer, at any cut, to nobody else and into no log."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.policy.lane import Lane
from guardrail.policy.plan import Plan, Recording
from guardrail.policy.rules import Rule, Rules
from guardrail.policy.vault import Reversible, Vault, placeholder
from guardrail.text import Segment
from guardrail.verdict import Action, Kind
from tests.support import events, plans
from tests.support.drive import EVENTS, JSON, Result, call

SECRET, OTHER, BAD = "zork@example.org", "grue@example.org", "forbidden"


def reversible(*words: str, mask: str = "[email]", text: str = "none", observe: bool = False) -> Plan:
    """Masks these words in requests, reversibly; refuses and masks others in answers."""
    checks = tuple(plans.Word(word, "personal/email") for word in words)
    rules = Rules([Rule(("personal/email",), Action.REDACT, mask=mask, restore=True)], {})
    base = plans.plan(plans.Word(BAD), plans.Word("TICKET", plans.MASKED), observe=observe)
    return replace(base, input=Lane(checks, (), rules), reversible=True, recording=Recording(text, None))


def asked(text: str, **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more}).encode()


def whole(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


def streamed(*texts: str) -> bytes:
    return b"".join(events.sse(tree, done=False) for tree in events.said(*texts)) + events.DONE


def heard(result: Result) -> str:
    """The text that a caller puts together from the stream."""
    parts = []
    for _, data in events.read(result.body):
        if data.strip() != "[DONE]":
            parts += [c["delta"].get("content") or "" for c in json.loads(data)["choices"]]
    return "".join(parts)


def go(plan: Plan, text: str, answer: bytes, **more: Any) -> Result:
    return call(plan, asked(text), answer, headers=EVENTS if answer.startswith(b"data:") else JSON, **more)


def test_a_name_comes_back_as_what_it_stands_for() -> None:
    result = go(reversible(SECRET), f"Write to {SECRET}.", whole("I wrote to [email-1]. Was [email-2] meant?"))
    assert result.sent is not None
    assert SECRET.encode() not in result.sent.body
    assert b"Write to [email-1]." in result.sent.body
    said = json.loads(result.body)["choices"][0]["message"]["content"]
    assert said == f"I wrote to {SECRET}. Was [email-2] meant?"
    assert result.rows[0].outcome == "changed"


def test_equal_values_have_equal_names_and_others_their_own() -> None:
    result = go(reversible(SECRET, OTHER), f"{OTHER}, {SECRET}, {OTHER}", whole("[email-2] and [email-1]"))
    assert result.sent is not None
    assert b"[email-1], [email-2], [email-1]" in result.sent.body
    assert json.loads(result.body)["choices"][0]["message"]["content"] == f"{SECRET} and {OTHER}"


def test_a_name_that_the_caller_wrote_is_not_used() -> None:
    result = go(reversible(SECRET), f"[email-1] is not {SECRET}", whole("[email-1], [email-2]"))
    assert result.sent is not None
    assert b"[email-1] is not [email-2]" in result.sent.body
    assert json.loads(result.body)["choices"][0]["message"]["content"] == f"[email-1], {SECRET}"


def test_nothing_of_one_call_is_known_to_the_next() -> None:
    plan = reversible(SECRET)
    go(plan, SECRET, whole("[email-1]"))
    result = go(plan, "hello", whole("[email-1]"))
    assert json.loads(result.body)["choices"][0]["message"]["content"] == "[email-1]"
    assert result.body == whole("[email-1]")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_stream_is_restored_at_every_cut(end: str) -> None:
    plan = reversible(SECRET)
    raw = streamed("I wrote to [", "ema", "il-1", "] and [emai", "l-12] [", "x.").replace(b"\n", end.encode())
    for at in range(0, len(raw) + 1, 1 if end == "\n" else 5):
        result = go(plan, SECRET, raw, cuts=[at])
        assert heard(result) == f"I wrote to {SECRET} and [email-12] [x."


def test_a_stream_without_a_name_goes_through_as_it_came() -> None:
    raw = streamed("I wrote ", "[down] ", "what you said", ".")
    result = go(reversible(SECRET), SECRET, raw, cuts=range(0, len(raw), 7))
    assert result.body == raw


TEXTS = st.lists(st.sampled_from(["[", "]", "email", "-1", "[email-1]", "[email-2]", " ", "TICKET", "a"]), max_size=12)


@given(TEXTS, st.lists(st.integers(1, 9), max_size=12))
def test_a_stream_is_restored_as_its_whole_is(parts: list[str], sizes: list[int]) -> None:
    text = "".join(parts)
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    pieces.append(text[at:])
    plan = reversible(SECRET, OTHER)
    one = json.loads(go(plan, f"{SECRET} {OTHER}", whole(text)).body)["choices"][0]["message"]["content"]
    other = go(plan, f"{SECRET} {OTHER}", streamed(*pieces))
    assert heard(other) == one
    assert "TICKET" not in one


def test_it_is_restored_inside_the_arguments_of_a_tool_call() -> None:
    """The value has characters that JSON escapes; the caller's arguments are JSON all the same."""
    value = 'z"o\\rk@example.org'
    arguments = ['{"to": "[em', 'ail-1]", "cc": ["[email-1]', '"], "n": 1}']
    function = {"name": "send", "arguments": ""}
    frames: list[Any] = [{"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]}]
    frames += [{"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in arguments]
    trees = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in frames]
    trees.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    raw = b"".join(events.sse(tree, done=False) for tree in trees) + events.DONE
    for step in (1, 13, 10_000):
        result = go(reversible(value), f"Write to {value}", raw, cuts=range(0, len(raw), step))
        said = ""
        for _, data in events.read(result.body):
            if data.strip() != "[DONE]":
                for call_ in json.loads(data)["choices"][0]["delta"].get("tool_calls", ()):
                    said += call_["function"].get("arguments", "")
        assert json.loads(said) == {"to": value, "cc": [value], "n": 1}


def test_what_is_refused_or_masked_in_an_answer_still_is() -> None:
    plan = reversible(SECRET)
    assert heard(go(plan, SECRET, streamed("TICKET for [email-1]"))) == f"{plans.MASK} for {SECRET}"
    refused = go(plan, SECRET, streamed("so [email-1] ", "is for", "bidden", " here"))
    assert refused.refused
    assert BAD not in refused.body.decode()


def test_what_is_restored_is_kept_nowhere() -> None:
    for answer in (whole("to [email-1]"), streamed("to [ema", "il-1]")):
        row = go(reversible(SECRET, text="masked"), f"Write to {SECRET}", answer).rows[0]
        assert row.text is not None
        assert SECRET not in row.text
        assert "to [email-1]" in row.text


def test_where_it_only_observes_nothing_is_masked_or_restored() -> None:
    plan = reversible(SECRET, observe=True)
    result = go(plan, f"Write to {SECRET}", whole("[email-1]"))
    assert result.sent is not None
    assert result.sent.body == asked(f"Write to {SECRET}")
    assert result.body == whole("[email-1]")


@pytest.mark.parametrize("mask", ["[email]", "<mail>", "(x)", "XXX", "]"])
def test_no_name_begins_another(mask: str) -> None:
    names = [placeholder(mask, n) for n in (*range(1, 30), 100, 1000)]
    assert not any(a != b and b.startswith(a) for a in names for b in names)


@given(st.text(st.sampled_from("[email-12] x"), max_size=30))
def test_the_tail_is_what_could_become_a_name(text: str) -> None:
    vault = Vault()
    segment = Segment(Kind.USER, ("a",))
    segment.add("first second")
    segment.edit(0, 5, Reversible("[email]"))
    segment.edit(6, 12, Reversible("[email]"))
    vault.keep([segment])
    point = len(text) - vault.tail(text)
    for more in ("1]", "]", "-2]", "[email-1]", "email-2]", "x"):
        found = [(start, end) for start, end, _ in vault.scan(text + more)]
        assert [span for span in found if span[0] < point] == [
            (start, end) for start, end, _ in vault.scan(text) if start < point
        ]


def test_the_vault_dies_with_its_exchange() -> None:
    vault = Vault()
    segment = Segment(Kind.USER, ("a",))
    segment.add("zork")
    segment.edit(0, 4, Reversible("[email]"))
    vault.keep([segment])
    assert vault
    vault.close()
    assert not vault
