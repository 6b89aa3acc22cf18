"""Signed thinking is never edited in place: a mask there is a refusal, in answers and in what a caller sends back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from guardrail.verdict import Outcome
from tests.support import plans
from tests.support.drive import EVENTS, call
from tests.support.events import chunk, sse
from tests.support.plans import MASK, MASKED, Word, plan
from tests.wires.case import AWS, framed

PLAN = plan(Word("TICKET", MASKED))
ANSWERS = replace(PLAN, input=plans.NOTHING.input)
SAID = "hm, a TICKET"
USER = {"role": "user", "content": "hi"}
CLEAN = json.dumps({"model": "m", "messages": [USER]}).encode()
CHAT, MESSAGES, CONVERSE = "/v1/chat/completions", "/v1/messages", "/model/m/converse"


def turn(*content: Any) -> Any:
    return {"role": "assistant", "content": list(content)}


def detail(**more: Any) -> Any:
    return {"role": "assistant", "reasoning_details": [{"type": "reasoning.text", "text": SAID, **more}]}


SIGNED: dict[str, tuple[str, Any]] = {
    "thinking": (MESSAGES, turn({"type": "thinking", "thinking": SAID, "signature": "c2ln"})),
    "thinking whose signature is left out": (MESSAGES, turn({"type": "thinking", "thinking": SAID})),
    "reasoningContent": (
        CONVERSE,
        turn({"reasoningContent": {"reasoningText": {"text": SAID, "signature": "c2ln"}}}),
    ),
    "a detail": (CHAT, detail(signature="c2ln")),
    "a detail by its format": (CHAT, detail(format="anthropic-claude-v1")),
    "a block in chat": (CHAT, turn({"type": "thinking", "thinking": SAID, "signature": "c2ln"})),
}
UNSIGNED: dict[str, tuple[str, Any]] = {
    "reasoning_content": (CHAT, {"role": "assistant", "content": "ok", "reasoning_content": SAID}),
    "reasoning": (CHAT, {"role": "assistant", "content": "ok", "reasoning": SAID}),
    "a detail": (CHAT, detail(signature=None)),
    "an empty signature": (CHAT, detail(signature="", format="unknown")),
    "a block in chat": (CHAT, turn({"type": "thinking", "thinking": SAID})),
    "parts in chat": (CHAT, turn({"type": "thinking", "thinking": [{"type": "text", "text": SAID}]})),
}


def answer(path: str, message: Any) -> bytes:
    if path == CHAT:
        return json.dumps({"choices": [{"index": 0, "message": message}]}).encode()
    tree = {"output": {"message": message}} if path == CONVERSE else {"type": "message", **message}
    return json.dumps(tree).encode()


@pytest.mark.parametrize("name", SIGNED)
def test_a_mask_in_signed_thinking_is_a_refusal(name: str) -> None:
    path, message = SIGNED[name]
    assert call(PLAN, json.dumps({"model": "m", "messages": [USER, message]}).encode(), path=path).sent is None
    result = call(ANSWERS, CLEAN, answer(path, message), path=path)
    assert result.refused
    assert b"TICKET" not in result.body


@pytest.mark.parametrize("name", UNSIGNED)
def test_other_thinking_is_masked(name: str) -> None:
    path, message = UNSIGNED[name]
    sent = call(PLAN, json.dumps({"model": "m", "messages": [USER, message]}).encode(), path=path).sent
    assert sent is not None
    assert f"hm, a {MASK}".encode() in sent.body
    result = call(ANSWERS, CLEAN, answer(path, message), path=path)
    assert result.rows[0].outcome is Outcome.CHANGED
    assert f"hm, a {MASK}".encode() in result.body


def test_one_signature_is_that_of_the_whole_thought() -> None:
    message = detail()
    message["reasoning_details"].append({"type": "reasoning.text", "text": "so", "signature": "c2ln"})
    assert call(ANSWERS, CLEAN, answer(CHAT, message)).refused


@pytest.mark.parametrize(("form", "refused"), [("anthropic-claude-v1", True), ("unknown", False)])
def test_in_a_stream_the_format_says_it(form: str, refused: bool) -> None:
    texts = [{"type": "reasoning.text", "text": text, "format": form, "index": 0} for text in ("a TIC", "KET", " ok")]
    last = {"type": "reasoning.text", "signature": "c2ln" if refused else None, "format": form, "index": 0}
    raw = sse(*(chunk({"reasoning_details": [detail]}) for detail in (*texts, last)), chunk({}, finish="stop"))
    result = call(ANSWERS, CLEAN, raw, headers=EVENTS)
    assert result.refused is refused
    assert b"KET" not in result.body
    assert (MASK.encode() in result.body) is not refused


def test_in_a_converse_stream() -> None:
    deltas = [{"reasoningContent": {"text": "a TIC"}}, {"reasoningContent": {"text": "KET"}}]
    events: list[Any] = [("messageStart", {"role": "assistant"})]
    events += [("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}) for delta in deltas]
    headers = (("content-type", AWS),)
    result = call(ANSWERS, CLEAN, framed(events, AWS), headers=headers, path=f"{CONVERSE}-stream")
    assert result.refused
    assert b"KET" not in result.body
