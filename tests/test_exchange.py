"""The laws of an exchange: what a caller sees does not depend on cuts, and what is refused never leaves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.http import header
from guardrail.policy.plan import Plan
from guardrail.verdict import Outcome
from guardrail.wires.openai import chat_stream
from tests.support.drive import EVENTS, JSON, Result, call
from tests.support.events import ask, calls, chunk, content, finishes, heard, read, said, sse, trees
from tests.support.plans import MASK, MASKED, MASKED_TOO, SAY, Judge, Word, plan
from tests.wires.fixtures import answer


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Endings that no chunk went before name the time."""
    monkeypatch.setattr(chat_stream, "time", SimpleNamespace(time=lambda: 1760000000.5))


BAD, TICKET = "forbidden", "TICKET"
PLAN = plan(Word(BAD), Word(TICKET, MASKED))


def streamed(*chunks: Any, cuts: Iterable[int] = (), with_plan: Plan = PLAN, **more: Any) -> Result:
    return call(with_plan, ask(**more), sse(*chunks), cuts=cuts, headers=EVENTS)


def four(*texts: str) -> list[Any]:
    """Four interleaved choices; the texts go to the third."""
    out: list[Any] = [chunk({"role": "assistant", "content": ""}, index=n) for n in range(4)]
    for text in texts:
        out += [chunk({"content": text if n == 2 else "fine "}, index=n) for n in range(4)]
    return [*out, *(chunk({}, index=n, finish="stop") for n in range(4))]


REFUSED = {
    "one frame": said("It is ", "forbidden", " to"),
    "three frames": said("It is ", "forb", "idd", "en", " to"),
    "a letter a frame": said(*"so it is forbidden to do"),
    "the last characters": said("All of this is forb", "idden"),
    "after a mask": said("My TIC", "KET is forb", "idden"),
    "the third of four": four("It is forb", "idden", " really"),
    "reasoning": [chunk({"reasoning_content": "It is for"}), chunk({"reasoning_content": "bidden"}), *said("Yes.")],
    "other reasoning": [chunk({"reasoning": "It is for"}), chunk({"reasoning": "bidden"}), *said("Yes.")],
    "thinking parts": [
        *(
            chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": t}]}]})
            for t in ("forb", "idden")
        ),
        *said("Yes."),
    ],
    "a refusal": [chunk({"refusal": "forb"}), chunk({"refusal": "idden"}), chunk({}, finish="stop")],
    "a transcript": [chunk({"audio": {"transcript": "forb"}}), chunk({"audio": {"transcript": "idden"}})],
    "arguments": [
        calls(0, '{"q": "a'),
        calls(1, '{"q": "for'),
        calls(0, ' b"}'),
        calls(1, 'bidden"}'),
        chunk({}, finish="tool_calls"),
    ],
    "escaped arguments": [
        calls(0, "{}"),
        calls(1, '{"q": "\\u00'),
        calls(1, "66orb"),
        calls(1, "\\"),
        calls(1, 'u0069dden"}'),
        chunk({}, finish="tool_calls"),
    ],
    "the third call": [*(calls(n, "{}") for n in range(2)), calls(2, '["a", '), calls(2, '"forbidden"]')],
    "function call": [
        chunk({"function_call": {"name": "f", "arguments": '{"a": "forb'}}),
        chunk({"function_call": {"arguments": 'idden"}'}}),
    ],
    "a name": [chunk({"tool_calls": [{"index": 0, "function": {"name": "forbidden", "arguments": ""}}]})],
    "an error": [chunk({"content": "He"}), {"error": {"message": "it said: forbidden"}}],
    "a citation": [*said("See."), chunk({}, citations=["https://example.org/forbidden"])],
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_the_same_however_the_stream_is_cut(name: str) -> None:
    raw = sse(*REFUSED[name])
    whole = call(PLAN, ask(), raw, headers=EVENTS)
    ways: list[Iterable[int]] = [range(len(raw)), *([n] for n in range(0, len(raw), 3 if len(raw) < 4000 else 29))]
    for cuts in ways:
        result = call(PLAN, ask(), raw, cuts=cuts, headers=EVENTS)
        assert result.body == whole.body
        assert result.rows[0].outcome is Outcome.REFUSED
        assert [f.category for f in result.rows[0].findings] == [f.category for f in whole.rows[0].findings]
        sent = b""
        for increment in result.increments:
            sent += increment
            assert b"forbidden" not in sent
    texts = heard(whole.body)
    assert not any(BAD in text for text in texts.values())
    assert not any(text.endswith(("forb", "for", "forbi")) for text in texts.values()), "not a part of it either"
    assert TICKET not in "".join(texts.values())
    assert b"arguments" not in whole.body, "no part of a call to a tool"


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("usage", [False, True])
def test_a_refused_stream_ends_as_the_api_ends_one(name: str, usage: bool) -> None:
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if usage else {}
    n = 4 if name == "the third of four" else 1
    result = streamed(*REFUSED[name], cuts=range(0, 9999, 7), n=n, **options)
    events = read(result.body)
    assert events[-1] == ("", "[DONE]")
    assert [data for _, data in events].count("[DONE]") == 1
    chunks = [t for t in trees(result.body) if "choices" in t]
    ended: set[int] = set()
    for tree in chunks:
        assert tree["object"] == "chat.completion.chunk"
        assert isinstance(tree["id"], str)
        for choice in tree["choices"]:
            assert choice["index"] not in ended, "nothing follows a finish reason"
            if choice["finish_reason"] is not None:
                ended.add(choice["index"])
    assert ended == set(range(n))
    assert set(finishes(result.body).values()) <= {"content_filter", "stop"}
    if name != "a citation":  # refused after its choice had ended, so there is none left to say it in
        assert "content_filter" in finishes(result.body).values()
        assert any(SAY in content(result.body, choice) for choice in range(n))
    totals = [tree for tree in chunks if tree["choices"] == [] and tree.get("usage")]
    assert len(totals) == usage


def test_choices_that_ended_before_are_left_alone() -> None:
    frames = [
        chunk({"role": "assistant", "content": "All done."}, index=0),
        chunk({}, index=0, finish="stop"),
        chunk({"role": "assistant", "content": "It is "}, index=1),
        chunk({"content": "forbidden"}, index=1),
    ]
    result = streamed(*frames, cuts=range(0, 9999, 5), n=3)
    assert finishes(result.body) == {0: "stop", 1: "content_filter", 2: "content_filter"}
    assert content(result.body, 0) == "All done."
    assert content(result.body, 1) == f"It is \n\n{SAY}"
    assert content(result.body, 2) == SAY
    roles = [t["choices"][0]["index"] for t in trees(result.body) if t["choices"][0]["delta"].get("role")]
    assert roles == [0, 1, 2], "each choice is opened once"


def test_the_ending_repeats_what_the_chunks_before_it_said() -> None:
    result = streamed(*said("It is ", "forbidden"), cuts=range(0, 9999, 50))
    first, last = trees(result.body)[0], trees(result.body)[-1]
    for name in ("id", "model", "created", "system_fingerprint", "object"):
        assert last[name] == first[name]


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.text(st.sampled_from("TICKETforbidn "), min_size=1, max_size=9)), max_size=14
    ),
    st.lists(st.sampled_from([TICKET, BAD, "TICK", "ET", "forb", "idden"]), max_size=4),
    st.lists(st.integers(0, 4000), max_size=12),
    st.booleans(),
)
def test_the_cut_law(spoken: list[tuple[int, str]], planted: list[str], cuts: list[int], judged: bool) -> None:
    """Any cuts, any interleaving of three choices, with and without a moderator."""
    spoken = spoken[:7] + [(n % 2, text) for n, text in enumerate(planted)] + spoken[7:]
    frames = [chunk({"content": text}, index=n) for n, text in spoken]
    checks: list[Word | Judge] = [
        Word(BAD),
        Word("TICKETfor", MASKED_TOO),
        Word(TICKET, MASKED),
        Word("KETf", MASKED_TOO),
    ]
    checks += [Judge("bidden")] if judged else []
    with_plan = plan(*checks)
    raw = sse(*frames)
    one = call(with_plan, ask(n=3), raw, headers=EVENTS)
    for way in (cuts, range(0, len(raw), 64)):
        other = call(with_plan, ask(n=3), raw, cuts=way, headers=EVENTS)
        assert other.body == one.body
        assert other.rows[0].outcome is one.rows[0].outcome
    said_by = {n: "".join(text for i, text in spoken if i == n) for n in range(3)}
    assert (one.rows[0].outcome is Outcome.REFUSED) == any(
        BAD in text or (judged and _judged(text)) for text in said_by.values()
    )
    for n in range(3):
        assert TICKET not in content(one.body, n)
        assert BAD not in content(one.body, n)


def _judged(text: str, stride: int = 16, window: int = 64) -> bool:
    stops = [*range(stride, len(text), stride), len(text)]
    return any("bidden" in text[max(0, stop - window) : stop] for stop in stops)


def test_innocent_halves_of_two_choices_do_not_join() -> None:
    frames = [chunk({"content": "It is forb"}, index=0), chunk({"content": "idden fruit"}, index=1)]
    result = streamed(*frames, n=2)
    assert result.body == sse(*frames)
    body = json.dumps(answer({"content": "It is forb"}, {"content": "idden fruit"})).encode()
    assert call(PLAN, ask(), body).body == body
    request = json.dumps(
        {"messages": [{"role": "user", "content": "forb"}, {"role": "user", "content": "idden"}]}
    ).encode()
    assert call(PLAN, request, b"{}").sent is not None


def test_parts_of_one_message_are_read_joined_and_apart() -> None:
    def parts(*texts: str) -> bytes:
        content = [{"type": "text", "text": text} for text in texts]
        return json.dumps({"messages": [{"role": "user", "content": content}]}).encode()

    assert call(PLAN, parts("it is forb", "idden"), b"{}").sent is None
    assert call(PLAN, parts("a", "forbidden", "b"), b"{}").sent is None
    sent = call(PLAN, parts("a TIC", "KET", " b"), b"{}").sent
    assert sent is not None
    assert [p["text"] for p in json.loads(sent.body)["messages"][0]["content"]] == [f"a {MASK}", "", " b"]
    word_for_word = plan(Word("a\nb"))
    assert call(word_for_word, parts("a", "b"), b"{}").sent is None, "a line break between them is a reading too"


# -- refusals of requests --------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("as_answer", [False, True])
def test_a_refused_request_is_answered_in_the_apis_own_form(stream: bool, as_answer: bool) -> None:
    body = json.dumps(
        {"model": "m-1", "n": 2, "stream": stream, "messages": [{"role": "user", "content": BAD}]}
    ).encode()
    result = call(plan(Word(BAD), answer=as_answer), body)
    assert result.sent is None
    assert result.head is not None
    assert header(result.head.headers, "x-guardrail-decision") == "d0"
    assert header(result.head.headers, "x-should-retry") == "false"
    assert BAD not in result.body.decode()
    if not as_answer:
        assert result.head.status == 400
        error = json.loads(result.body)["error"]
        assert (error["message"], error["code"], error["type"]) == (SAY, "content_refused", "invalid_request_error")
    elif stream:
        assert result.head.status == 200
        assert header(result.head.headers, "content-type") == "text/event-stream; charset=utf-8"
        assert finishes(result.body) == {0: "content_filter", 1: "content_filter"}
        assert [content(result.body, n) for n in range(2)] == [SAY, SAY]
    else:
        tree = json.loads(result.body)
        assert tree["model"] == "m-1"
        assert [c["message"]["content"] for c in tree["choices"]] == [SAY, SAY]
        assert {c["finish_reason"] for c in tree["choices"]} == {"content_filter"}


# -- answers that cannot be read, and callers who leave -----------------------------------------

UNREADABLE: dict[str, list[tuple[bytes, Any]]] = {
    "answer": [
        (b'{"choices":', JSON),
        (b'{"a":1,"a":2}', JSON),
        (b"\xff", JSON),
        (b"{ }", (*JSON, ("content-encoding", "br"))),
        (b"\xff\xfbxyz\x00", (("content-type", "audio/mpeg"),)),
    ],
    "stream": [
        (b"data: {\n\n", EVENTS),
        (b"<html>\n\n", EVENTS),
        (b'data: {"a":1,"a":2}\n\n', EVENTS),
        (b"data: \xff\n\n", EVENTS),
    ],
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_answer_that_cannot_be_read_is_not_given(kind: str) -> None:
    for body, headers in UNREADABLE[kind]:
        result = call(PLAN, ask(), body, headers=headers)
        assert body not in result.body
        assert len(result.rows) == 1
        assert result.rows[0].outcome is Outcome.NOT_EVALUATED
        assert result.rows[0].ended == "unreadable"


def test_a_caller_who_leaves_is_remembered_once() -> None:
    result = call(PLAN, ask(), sse(*said("Hello", " there"))[:-30], headers=EVENTS, ends=False)
    assert [row.ended for row in result.rows] == ["disconnected"]


@pytest.mark.parametrize("index", [None, "0", [1], {}, 1.5, True])
def test_an_odd_index_of_a_choice_does_no_harm(index: Any) -> None:
    frames = [{"choices": [{"index": index, "delta": {"content": text}}]} for text in ("It is ", "forbidden")]
    result = streamed(*frames, cuts=range(0, 999, 9))
    assert result.refused
    assert BAD not in "".join(heard(result.body).values())
    assert read(result.body)[-1] == ("", "[DONE]")


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_what_came_before_an_event_that_cannot_be_read_leaves_however_it_was_cut(step: int) -> None:
    raw = sse(chunk({"role": "assistant", "content": "good text"}), done=False) + b"data: {broken\n\n"
    result = call(plan(Word("zzz")), ask(stream=True), raw, headers=EVENTS, cuts=range(step, len(raw), step))
    assert b"good text" in result.body
    assert b"broken" not in result.body
    assert result.rows[-1].ended == "unreadable"
