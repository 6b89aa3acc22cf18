"""What of a request is told to models that judge a reply beside what the user had asked."""

from __future__ import annotations

import pytest

from guardrail.policy.prompt import LONGEST, asked, last
from guardrail.text import Segment
from guardrail.verdict import Kind

U, A, S, T, C = Kind.USER, Kind.ASSISTANT, Kind.SYSTEM, Kind.TOOL_RESULT, Kind.TOOL_CALL


def turns(*said: tuple[Kind, str]) -> list[Segment]:
    found = []
    for n, (kind, text) in enumerate(said):
        found.append(Segment(kind, ("messages", n, "content")))
        if text:
            found[-1].add(text)
    return found


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], ""),
        ([(S, "be kind")], ""),
        ([(U, "one")], "one"),
        ([(U, "one"), (A, "two"), (U, "three"), (U, "four")], "three\nfour"),
        ([(U, "one"), (U, "two"), (A, "three")], "two"),
        ([(U, "one"), (A, "two"), (T, "three")], "one"),
        ([(U, "one"), (A, "two"), (C, "{}"), (T, "three"), (U, "four"), (S, "five")], "four"),
        ([(A, "one"), (T, "two")], ""),
        ([(U, "one"), (A, "two"), (U, " \n"), (U, "")], "one"),
    ],
)
def test_it_is_the_users_texts_since_the_model_last_spoke_or_else_the_last(
    said: list[tuple[Kind, str]], expected: str
) -> None:
    assert asked(turns(*said)) == expected


def test_a_turn_is_a_whole_message_and_nothing_beside_the_conversation_is_one() -> None:
    def said(kind: Kind, text: str, *path: str | int) -> Segment:
        segment = Segment(kind, path)
        segment.add(text)
        return segment

    turns_ = [
        said(U, "the question", "messages", 0, "content"),
        said(U, "more of it", "messages", 0, "refusal"),
        said(U, "bob", "messages", 0, "name"),
        said(A, "Sure", "messages", 1, "content"),
        said(A, "a guess", "prediction", "content"),
        said(U, "a variable", "prompt", "variables", "x"),
    ]
    assert asked(turns_) == "the question\nmore of it"
    assert asked([*turns_[4:], *turns_[:4]]) == "the question\nmore of it", "in whatever order the keys stand"
    inside = [
        said(U, "one", "thread", "messages", 0, "content"),
        said(A, "two", "thread", "messages", 1, "content"),
        said(U, "three", "thread", "messages", 2, "content"),
    ]
    assert asked(inside) == "three"
    old = [said(U, "old", "chat_history", 0, "message"), said(A, "so", "chat_history", 1, "message")]
    assert asked([said(U, "now", "message"), *old]) == "now", "where the last turn stands beside the others"
    assert asked([said(U, "the real one", "prompt"), said(U, "another topic", "stop", 0)]) == "the real one"
    assert asked([said(U, "a variable", "prompt", "variables", "x"), said(U, "the input", "input")]) == "the input"


def test_masks_are_in_place_and_parts_stand_apart() -> None:
    segment = Segment(U, ("messages", 0, "content"))
    segment.part("my name is canary")
    segment.part("canary, I say")
    segment.edit(11, 17, "[gone]")
    segment.edit(17, 23, "[gone]")
    assert asked([segment]) == "my name is [gone]\n[gone], I say"


def test_the_end_of_a_long_one_is_told() -> None:
    long = "a" * LONGEST
    assert asked(turns((U, "x" + long))) == long
    assert asked(turns((U, "canary"), (U, long[:-2] + "z"))) == "\n" + long[:-2] + "z"
    assert asked(turns((U, long[:10]), (U, "b" * 5))) == "a" * 10 + "\n" + "b" * 5


def test_blanks_push_nothing_out_of_it() -> None:
    assert last("what is this" + " " * LONGEST) == "what is this"
    assert last(" \n") == ""
