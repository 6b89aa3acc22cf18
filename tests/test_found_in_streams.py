"""Ways around, and wrong rows, that a review of streams found; each was there once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guardrail.errors import UpstreamError
from guardrail.exchange import Exchange
from guardrail.flow import run
from guardrail.http import Head, Request
from guardrail.policy.compile import load_plan
from guardrail.policy.plan import Plan
from guardrail.policy.recall import Recall
from guardrail.policy.vault import Reversible, Vault
from guardrail.text import Restored, Segment
from guardrail.verdict import Decision, Kind
from guardrail.wires.sse import ServerSent
from tests.support import events, plans
from tests.support.drive import CHAT, EVENTS, JSON, Result, call, perform_into


def policy(tmp_path: Path, text: str) -> Plan:
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    return load_plan(path)


def asked(text: str, **more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more}).encode()


def said(message: dict[str, Any]) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice]}).encode()


RESTORING = """
guardrail: 1
checks: {personal: {use: personal-data, entities: [email, card]}}
input: [personal]
output: [personal]
rules:
  - {when: personal/email, do: redact, restore: true}
  - {when: personal/card, do: redact}
record: {text: masked}
"""


def tool(arguments: str) -> bytes:
    return said({"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]})


def test_what_is_put_back_into_arguments_is_in_no_log(tmp_path: Path) -> None:
    result = call(policy(tmp_path, RESTORING), asked("to zork@example.org"), tool('{"to":"[email-1]"}'))
    assert b"zork@example.org" in result.body
    text = result.rows[0].text
    assert text is not None
    assert '{"to":"[email-1]"}' in text
    assert "zork" not in text


def test_what_is_put_back_is_not_refused_for_what_stands_beside_it(tmp_path: Path) -> None:
    answer = tool('{"to":"[email-1]","card":"4111 1111 1111 1111"}')
    result = call(policy(tmp_path, RESTORING), asked("to zork@example.org"), answer)
    assert result.rows[0].outcome == "changed"
    called = json.loads(result.body)["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(called) == {"to": "zork@example.org", "card": "[card]"}


def test_a_number_in_a_text_that_is_known_again_is_passed_over_too(tmp_path: Path) -> None:
    plan = policy(tmp_path, RESTORING)
    plan = replace(plan, input=replace(plan.input, recall=Recall()))
    history = [{"role": "user", "content": "what is [email-1]? " + "so " * 2000}, {"role": "user", "content": "hm"}]
    call(plan, json.dumps({"model": "m", "messages": history}).encode(), said({"content": "x"}))
    history[1]["content"] = "I am zork@example.org"
    result = call(plan, json.dumps({"model": "m", "messages": history}).encode(), said({"content": "[email-1]"}))
    assert result.sent is not None
    assert b"I am [email-2]" in result.sent.body
    assert json.loads(result.body)["choices"][0]["message"]["content"] == "[email-1]"


def test_two_masks_never_share_a_name() -> None:
    vault, segment = Vault(), Segment(Kind.USER, ("a",))
    segment.add("one two")
    segment.edit(0, 3, Reversible("[x]"))
    segment.edit(4, 7, Reversible("x"))
    vault.keep([segment])
    written = segment.written(0, "one two")
    assert len(set(written.split())) == 2
    vault.put_back([back := Segment(Kind.ASSISTANT, ("b",))])
    back.add(written)
    vault.put_back([back])
    assert back.written(0, written) == "one two"


@pytest.mark.parametrize("turned", [False, True])
def test_a_mask_goes_before_what_is_put_back(turned: bool) -> None:
    segment = Segment(Kind.ASSISTANT, ("a",))
    segment.add("so [email-1] secret")
    edits = [(3, 12, Restored("zork@example.org")), (10, 19, "[gone]")]
    for start, end, told in reversed(edits) if turned else edits:
        segment.edit(start, end, told)
    assert segment.written(0, segment.text) == "so [gone]"
    assert segment.written(0, segment.text, restored=False) == "so [gone]"


def test_thousands_of_values_have_their_names_soon() -> None:
    vault, segment = Vault(), Segment(Kind.USER, ("a",))
    segment.add("".join(f"v{n:05d} " for n in range(20_000)))
    segment.edits = [(n * 7, n * 7 + 6, Reversible("[v]")) for n in range(20_000)]
    vault.keep([segment])
    assert [value for _, _, value in vault.scan("[v-1] [v-20000] [v-20001]")] == ["v00000", "v19999"]
    assert vault.tail("see [v-2000") == 7


def event(kind: str, space: str = "", **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields})
    return f"event: {kind}\ndata: {data[0]}{space}{data[1:]}\n\n".encode()


def delta(text: str, space: str = "") -> bytes:
    return event("content_block_delta", space, index=0, delta={"type": "text_delta", "text": text})


START = event(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
) + event("content_block_start", index=0, content_block={"type": "text", "text": ""})
TOOL = event("content_block_start", index=1, content_block={"type": "tool_use", "id": "t", "name": "f", "input": {}})
STOPS = event("content_block_stop", index=1) + event("content_block_stop", index=0)
END = event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 3})
FIN = event("message_stop")


def messages(parts: list[bytes], cuts: Iterable[int] = ()) -> Result:
    plan = plans.plan(plans.Word("forbidden"))
    return call(plan, asked("hi", stream=True), b"".join(parts), cuts=cuts, path="/v1/messages", headers=EVENTS)


@pytest.mark.parametrize("space", ["", " "])
@pytest.mark.parametrize("between", [TOOL, END])
def test_a_text_that_goes_on_after_its_end_is_one_text_however_its_frames_look(space: str, between: bytes) -> None:
    parts = [START, delta("so "), delta("it forb"), between, delta("idden there", space), STOPS, END, FIN]
    cuts, size = [], 0
    for part in parts:
        cuts.append(size := size + len(part))
    result = messages(parts, cuts)
    assert result.refused
    assert b"idden" not in result.body


def test_a_tail_held_after_its_end_leaves_with_the_rest() -> None:
    parts = [START, delta("so "), delta("it is"), TOOL, delta(" and forb"), STOPS, END, FIN]
    result = messages(parts)
    assert result.body == b"".join(parts)


def opened(plan: Plan, rows: list[Decision]) -> tuple[Exchange, Any]:
    perform, request = perform_into(rows), Request("POST", CHAT, JSON)
    found = plan.router.find(request)
    exchange = Exchange(plan, found, request, door="t", id="d", now=lambda: 0.0, store=rows.append)
    run(exchange.admit(), perform)
    run(exchange.admit_body(asked("hi", stream=True)), perform)
    exchange.response(Head(200, EVENTS))
    return exchange, perform


def frames(*texts: str) -> Iterable[bytes]:
    return [events.sse(tree, done=False) for tree in events.said(*texts)]


@pytest.mark.parametrize("how", ["breaks off", "is left"])
def test_a_check_that_was_to_judge_afterwards_and_did_not_is_said(how: str) -> None:
    lane = replace(plans.NOTHING.output, scanners=(plans.Word("foo", name="late"),), strategies={"late": "after"})
    rows: list[Decision] = []
    exchange, perform = opened(replace(plans.NOTHING, output=lane), rows)
    exchange.feed(b"".join(list(frames("foo and ", "more"))[:3]))
    run(exchange.pump(), perform)
    if how == "breaks off":
        run(exchange.fail(UpstreamError("broke", status=502)), perform)
    exchange.close("disconnected")
    assert [(gap.check, gap.reason) for gap in rows[0].not_evaluated] == [("late", "unfinished")]
    assert rows[0].outcome == "not_evaluated"


def test_a_mask_that_left_is_a_change_though_the_caller_leaves_then() -> None:
    rows: list[Decision] = []
    exchange, perform = opened(plans.plan(plans.Word("ticket", plans.MASKED), plans.Word("nastyword")), rows)
    out = b""
    for frame in list(frames("my ticket, nasty", " thing, "))[:3]:
        exchange.feed(frame)
        release = exchange.quick()
        out += (run(exchange.pump(), perform) if release is None else release).body
    exchange.close("disconnected")
    assert plans.MASK.encode() in out
    assert rows[0].outcome == "changed"


def test_a_very_long_open_match_reads_the_same_however_it_comes(tmp_path: Path) -> None:
    plan = policy(
        tmp_path,
        """
guardrail: 1
checks:
  open: {use: patterns, patterns: ['foo.*bar'], category: custom/open}
  bad:  {use: words, words: [zorbenblat], category: custom/bad}
output: [open, bad]
rules:
  - {when: custom/open, do: redact}
  - {when: custom/bad, do: refuse}
""",
    )
    parts = list(frames("foo ", *["some more of it " for _ in range(700)], "\n", "and so zorbenblat", " on"))
    raw = b"".join(parts) + events.DONE
    cuts, size = [], 0
    for part in parts:
        cuts.append(size := size + len(part))
    one, many = call(plan, asked("hi"), raw, headers=EVENTS), call(plan, asked("hi"), raw, headers=EVENTS, cuts=cuts)
    assert one.refused
    assert events.content(one.body) == events.content(many.body)


def test_no_comment_stands_before_a_byte_order_mark() -> None:
    framing = ServerSent()
    assert framing.comment() == b": keep-alive\n"
    fresh = ServerSent()
    (first,) = fresh.feed(b"\xef\xbb\xbfdata: x\n\n")
    assert fresh.comment() == b"", "the first event was read with its mark and has not left"
    fresh.left(first)
    assert fresh.comment() == b": keep-alive\n"
