"""A span over the border of two parts: both halves are masked, also where a part's end says its half once more."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import pytest

from guardrail.checks.patterns import Patterns
from guardrail.http import Request
from guardrail.verdict import Action
from guardrail.wires.cohere.operations import operations
from guardrail.wires.openai.responses_repeats import Repeat
from guardrail.wires.openai.responses_stream import ResponsesStream
from tests.streams.apis import cohere
from tests.streams.laws import Trial
from tests.streams.parts import call, text, thought
from tests.streams.responses import responses
from tests.streams.talk import Talk, streamed
from tests.streams.test_spans import WORD, cuts, held, told
from tests.support.plans import FLAGGED, MASK, MASKED, REFUSED, Judge, Word
from tests.wires.openai.responses_samples import MESSAGE, REASONING
from tests.wires.openai.responses_scripts import Event, added, around, numbered, said
from tests.wires.openai.responses_scripts import thought as reasoned

TEXTS = ["All is well. A zorb", "enb", "lat, you see."]
ASKED = json.dumps({"model": "m", "stream": True, "input": "hi"}).encode()


def talk(events: list[Event], item: Event) -> Talk:
    return streamed("/v1/responses", numbered(around(iter(events), [item])), ASKED)


def message(*parts: Event) -> Talk:
    item = {**MESSAGE, "content": list(parts)}
    return talk(list(said(0, item)), item)


def output(words: str, **more: Any) -> Event:
    return {"type": "output_text", "text": words, "annotations": [], "logprobs": [], **more}


def refusal(words: str) -> Event:
    return {"type": "refusal", "refusal": words}


def tokens(words: str) -> list[Event]:
    return [{"token": token, "bytes": [*token.encode()], "logprob": -0.1, "top_logprobs": []} for token in words]


def reasoning(name: str, kind: str, word: str = "content_part") -> Talk:
    item = {**REASONING, "summary": [], "content": [], name: [{"type": kind, "text": words} for words in TEXTS]}
    return talk(list(reasoned(0, item, word)), item)


def begun() -> Talk:
    """Parts that come with their first words: the first one in its item, the others by themselves."""
    item = {**MESSAGE, "content": [output(words) for words in TEXTS]}
    events: list[Event] = [added(0, {**item, "content": [output(TEXTS[0][:2])]})]
    for n, words in enumerate(TEXTS):
        at = {"item_id": item["id"], "output_index": 0, "content_index": n}
        if n:
            events.append({"type": "response.content_part.added", **at, "part": output(words[:2])})
        events.append({"type": "response.output_text.delta", **at, "delta": words[2:], "logprobs": []})
        events.append({"type": "response.output_text.done", **at, "text": words, "logprobs": []})
        events.append({"type": "response.content_part.done", **at, "part": output(words)})
    return talk(events, item)


def entwined() -> Talk:
    """Two parts that speak by turns, and are told once more when both have spoken."""
    halves = ["A zo", "rb", "enb", "lat."]
    content = [output("A zoenb"), output("rblat.")]
    item = {**MESSAGE, "content": content}
    at = [{"item_id": item["id"], "output_index": 0, "content_index": n} for n in (0, 1)]
    events: list[Event] = [added(0, {**item, "content": []})]
    for n, words in zip((0, 1, 0, 1), halves, strict=True):
        events.append({"type": "response.output_text.delta", **at[n], "delta": words, "logprobs": []})
    for n in (0, 1):
        events.append({"type": "response.output_text.done", **at[n], "text": content[n]["text"], "logprobs": []})
        events.append({"type": "response.content_part.done", **at[n], "part": content[n]})
    return talk(events, item)


TALKS = {
    "texts": lambda: message(*map(output, TEXTS)),
    "a text and a refusal": lambda: message(output(TEXTS[0]), output(TEXTS[1]), refusal(TEXTS[2])),
    "texts with their tokens": lambda: message(*(output(words, logprobs=tokens(words)) for words in TEXTS)),
    "summaries": lambda: reasoning("summary", "summary_text"),
    "thoughts": lambda: reasoning("content", "reasoning_text"),
    "thoughts in parts of their own": lambda: reasoning("content", "reasoning_text", "reasoning_part"),
    "parts that come with their first words": begun,
}


def repeats(trial: Trial) -> list[str]:
    """What the ends of the parts say, in the answer as it left."""
    lines = [line for line in trial.reference.body.decode().splitlines() if line.startswith("data: ")]
    trees = [json.loads(line.removeprefix("data: ")) for line in lines]
    ends = [tree for tree in trees if tree["type"].endswith(".done") and "item" not in tree]
    homes = [tree.get("part", tree) for tree in ends]
    return [home.get("text", home.get("refusal")) for home in homes]


@pytest.mark.parametrize("where", TALKS)
def test_the_repeats_of_parts_are_masked_as_their_deltas_were(where: str) -> None:
    trial = Trial(TALKS[where](), (Word(WORD, MASKED),))
    assert trial.action is Action.REDACT
    held(trial, WORD)
    first = f"All is well. A {MASK}"
    assert repeats(trial) == [first, first, "", "", ", you see.", ", you see."]


def test_the_repeats_of_parts_that_spoke_by_turns_are_masked_as_their_deltas_were() -> None:
    # The order in which things were said is one text, and it is the one that is judged as it grows.
    trial = Trial(entwined(), (Word(WORD, MASKED),))
    assert repeats(trial) == [f"A {MASK}"] * 2 + ["."] * 2
    for way in cuts(trial.raw, "entwined"):
        body = trial.talk.go(trial.plan, trial.raw, way).body
        assert not [half for half in ("zoenb", "rblat") if half in told(repeated(body), trial.talk.media)]


def repeated(body: bytes) -> bytes:
    """The events of an answer that end its parts."""
    return b"".join(block + b"\n\n" for block in body.split(b"\n\n") if b"text.done" in block or b"part.done" in block)


@pytest.mark.parametrize("where", TALKS)
def test_refused_over_parts_it_does_not_leave(where: str) -> None:
    trial = Trial(TALKS[where](), (Word(WORD, REFUSED),))
    assert trial.action is Action.REFUSE
    held(trial, WORD)


def test_a_model_sees_parts_the_same_however_they_were_cut() -> None:
    long = [text("It is quiet here. " * 3, "A zorb"), text("enblat, ", "so it goes on. " * 5)]
    held(Trial(responses(*long, text("A florbwhistle.")), (Word(WORD, MASKED), Judge("florbwhistle"))), WORD)
    trial = Trial(responses(*long), (Word(WORD, MASKED), Judge("goes on", category=FLAGGED)))
    assert FLAGGED in {finding.category for finding in trial.reference.rows[-1].findings}
    for way in cuts(trial.raw, "judged"):
        assert not [law for law in trial.broken(way) if "cuts" in law], way


def test_a_repeat_is_read_by_itself_as_well() -> None:
    trial = Trial(message(output("a fox"), output("glorp is")), (Patterns("p", [r"\bglorp\b"], MASKED),))
    assert trial.action is Action.REDACT
    assert repeats(trial) == ["a fox", "a fox", *[f"{MASK} is"] * 2]


@pytest.mark.parametrize("late", ["A zorb!", "A zorc", "A zor"])
def test_an_end_that_says_something_else_is_no_repeat(late: str) -> None:
    at = {"item_id": "i0", "output_index": 0, "content_index": 0}
    found = []
    for again in ("A zorb", late):
        events: list[Event] = [{"type": "response.output_text.delta", **at, "delta": piece} for piece in ("A z", "orb")]
        events.append({"type": "response.output_text.done", **at, "text": again})
        raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
        codec = ResponsesStream()
        found.append([p for frame in codec.feed(raw) for p in frame.pieces if isinstance(p, Repeat)])
    assert [len(pieces) for pieces in found] == [1, 0]


def test_a_part_of_an_item_that_is_complete_is_forgotten() -> None:
    at = {"item_id": "i0", "output_index": 0, "content_index": 0}
    events = [
        {"type": "response.output_text.delta", **at, "delta": "A zorb"},
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": "message", "id": "i0"}},
        {"type": "response.output_text.done", **at, "text": "A zorb"},
    ]
    raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    assert not [p for frame in ResponsesStream().feed(raw) for p in frame.pieces if isinstance(p, Repeat)]


COHERE = {
    "two texts": (text("A zorb"), text("enblat.")),
    "three texts": (text("A zor"), text("benb"), text("lat.")),
    "texts before a call": (text("A zorb"), text("enblat."), call("{}")),
    "texts after a thought": (thought("Well."), text("A zorb"), text("enblat.")),
}


@pytest.mark.parametrize("category", [REFUSED, MASKED])
@pytest.mark.parametrize("where", COHERE)
def test_text_blocks_of_cohere_read_as_one(where: str, category: str) -> None:
    trial = Trial(cohere(*COHERE[where]), (Word(WORD, category),))
    assert trial.action is (Action.REFUSE if category == REFUSED else Action.REDACT)
    held(trial, WORD)


def test_a_thought_of_cohere_stands_apart() -> None:
    for parts in ((thought("A zorb"), text("enblat.")), (thought("A zorb"), thought("enblat."))):
        trial = Trial(cohere(*parts), (Word(WORD, REFUSED),))
        assert trial.action is Action.ALLOW


def test_a_text_of_cohere_is_complete_where_a_call_begins() -> None:
    answer = cohere(text("A zorb"), call("{}"))
    codec = answer.codec()
    assert codec is not None
    upto = answer.answer.index(b"event: tool-call-delta")
    closed = chain.from_iterable(frame.closes for frame in codec.feed(answer.answer[:upto]))
    assert "A zorb" in [segment.text for segment in closed]


def test_a_whole_answer_of_cohere_reads_its_text_blocks_as_one() -> None:
    content = [
        {"type": "text", "text": "A zorb"},
        {"type": "thinking", "thinking": "Well."},
        {"type": "text", "text": "enblat."},
    ]
    raw = json.dumps({"id": "m1", "message": {"role": "assistant", "content": content}}).encode()
    wire = operations()[0]
    wire.request(b'{"model": "m", "messages": []}', Request("POST", "/v2/chat", ()))
    texts = [segment.text for segment in wire.response(raw, "application/json").segments]
    assert "A zorbenblat." in texts
    assert "Well." in texts
