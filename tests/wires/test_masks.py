"""Masks: what is masked is nowhere in what leaves, however it came, and what leaves is still valid."""

from __future__ import annotations

import json

import pytest

from guardrail.http import header
from guardrail.verdict import Outcome
from tests.support.drive import EVENTS, JSON, call
from tests.support.events import ask, calls, chunk, content, heard, read, said, sse, trees
from tests.support.plans import MASK, MASKED, Word, plan
from tests.wires.fixtures import answer, token

BAD, TICKET = "forbidden", "TICKET"
PLAN = plan(Word(BAD), Word(TICKET, MASKED))

MASKS = {
    "content": (
        [chunk({"content": "a TICK"}), chunk({"content": "ET and TICKETS"}), chunk({"content": "."})],
        f"a {MASK} and {MASK}S.",
    ),
    "at the end": (said("a TICKE", "T"), f"a {MASK}"),
    "not quite": (said("a TICKE", "D TIC", "K"), "a TICKED TICK"),
    "twice in a row": (said("TICKETTIC", "KETTICKE", "t"), f"{MASK}{MASK}TICKEt"),
}


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_is_the_same_however_the_stream_is_cut(name: str) -> None:
    frames, text = MASKS[name]
    raw = sse(*frames)
    for cuts in ([], range(len(raw)), *([n] for n in range(len(raw)))):
        result = call(PLAN, ask(), raw, cuts=cuts, headers=EVENTS)
        assert content(result.body) == text
        assert result.rows[0].outcome is (Outcome.ALLOWED if MASK not in text else Outcome.CHANGED)
        assert len(read(result.body)) == len(read(raw)), "event by event"


def test_a_masked_text_is_nowhere_in_the_answer() -> None:
    tree = answer({"content": "My TICKET.", "reasoning_content": "TICKET?"}, {"content": "fine"})
    tree["choices"][0]["logprobs"] = {"content": [token("My "), token("TIC"), token("KET"), token(".")]}
    tree["choices"][1]["logprobs"] = {"content": [token("fine")]}
    result = call(PLAN, ask(stream=False), json.dumps(tree).encode())
    out = json.loads(result.body)
    assert TICKET not in result.body.decode()
    assert out["choices"][0]["logprobs"] is None
    assert out["choices"][1]["logprobs"] == tree["choices"][1]["logprobs"]
    assert out["choices"][0]["message"]["content"] == f"My {MASK}."
    assert result.head is not None
    assert header(result.head.headers, "content-length") in (None, str(len(result.body)))
    assert result.rows[0].outcome is Outcome.CHANGED


def test_a_masked_text_is_nowhere_in_the_stream() -> None:
    frames = [chunk({}) for _ in range(5)]
    for frame, text in zip(frames, ["My ", "TIC", "KET", ".", " ok"], strict=True):
        frame["choices"][0] |= {"delta": {"content": text}, "logprobs": {"content": [token(text)], "refusal": None}}
    raw = sse(*frames)
    for cuts in (range(0), range(len(raw))):
        result = call(PLAN, ask(), raw, cuts=cuts, headers=EVENTS)
        out = trees(result.body)
        assert [t["choices"][0]["logprobs"] is None for t in out] == [False, True, True, False, False]
        assert content(result.body) == f"My {MASK}. ok"
        tokens = [t["token"] for o in out for t in (o["choices"][0]["logprobs"] or {"content": []})["content"]]
        assert "TIC" not in tokens
        assert "KET" not in tokens


@pytest.mark.parametrize(
    "text",
    ['{"q": "a TICKET", "n": 1.50}', '["TICKET TICKET"]', '{"a": {"b": "x TICKET \\u00e9 \\"q\\""}}', '"TICKET"'],
)
def test_masked_arguments_are_still_json(text: str) -> None:
    wanted = json.loads(text.replace(TICKET, MASK))
    message = {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}],
    }
    sent = call(PLAN, json.dumps({"messages": [message]}).encode(), b"{}").sent
    assert sent is not None
    assert json.loads(json.loads(sent.body)["messages"][0]["tool_calls"][0]["function"]["arguments"]) == wanted
    whole = json.loads(call(PLAN, ask(), json.dumps({"choices": [{"message": message}]}).encode()).body)
    assert json.loads(whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]) == wanted
    raw = sse(*(calls(0, text[n : n + 3]) for n in range(0, len(text), 3)))
    for cuts in (range(0), range(len(raw))):
        result = call(PLAN, ask(), raw, cuts=cuts, headers=EVENTS)
        arguments = heard(result.body)[".choices[0].delta.tool_calls[0].function.arguments"]
        assert json.loads(arguments) == wanted


@pytest.mark.parametrize("text", ['{"n": 4111}', '{"4111": true}', '{"a": [1, 4111.0]}'])
def test_what_should_be_masked_but_is_no_string_is_refused(text: str) -> None:
    number = plan(Word("4111", MASKED))
    message = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": text}}]}
    assert call(number, json.dumps({"messages": [message]}).encode()).sent is None
    assert call(number, ask(), json.dumps({"choices": [{"message": message}]}).encode()).refused
    result = call(number, ask(), sse(calls(0, text)), headers=EVENTS)
    assert result.refused
    assert "4111" not in result.body.decode()


def test_a_key_that_should_be_masked_is_refused() -> None:
    assert call(PLAN, json.dumps({"messages": [{"content": "a", "the TICKET": 1}]}).encode()).sent is None


def test_a_bare_string_is_masked_or_refused_and_never_passed() -> None:
    sent = call(PLAN, b'"a TICKET"', b"", path="/ask").sent
    assert sent is not None
    assert sent.body == f'"a {MASK}"'.encode()
    assert call(PLAN, b"{}", b'"a TICKET"', path="/ask").body == f'"a {MASK}"'.encode()
    frames = call(PLAN, b"{}", b'data: "a TIC"\n\ndata: "KET"\n\ndata: ["TICKET"]\n\n', headers=EVENTS, path="/ask")
    assert frames.body == f'data: "a {MASK}"\n\ndata: ""\n\ndata: ["{MASK}"]\n\n'.encode()
    assert TICKET not in call(PLAN, ask(), b'data: "a TICKET"\n\n', headers=EVENTS).body.decode()


def test_an_edited_request_names_its_true_length_and_keeps_the_rest() -> None:
    body = b'{"n":1.50, "messages":[{"role":"user","content":"a TICKET"}],"z":1e2}'
    headers = (*JSON, ("content-length", str(len(body))), ("x-a", "b"))
    sent = call(PLAN, body, b"{}", request_headers=headers).sent
    assert sent is not None
    assert sent.body == b'{"n":1.50,"messages":[{"role":"user","content":"a [gone]"}],"z":1e2}'
    assert header(sent.headers, "content-length") == str(len(sent.body))
    assert header(sent.headers, "x-a") == "b"
