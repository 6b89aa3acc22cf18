"""A frame known by its likeness to the one before reads exactly as it would in full."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.errors import BadRequest
from guardrail.wires import jsontext
from guardrail.wires.openai import chat
from guardrail.wires.openai.chat_stream import ChatStream
from guardrail.wires.stream import Like

HEAD = b'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"'
TAIL = b'"},"finish_reason":null}]}\n\n'
SNIPPETS = st.sampled_from(
    [
        "a",
        " ",
        "é",
        '\\"',
        "\\\\",
        "\\n",
        "\\u0041",
        '"',
        '","role":"user',
        '"},"x":{"content":"',
        "}",
        "]",
        "\\",
        "\\ud83d\\ude00",
        "\\ud800",
    ]
)


def read(codec: ChatStream, raw: bytes) -> list[tuple[str, str]] | str:
    """(where, text) of each piece of one event, or the reason it was refused."""
    try:
        return [
            (piece.segment.where, piece.text)
            for frame in codec.feed(raw)
            for piece in frame.pieces
            if piece.home or piece.segment.where != "keys"
        ]
    except BadRequest as error:
        return error.code


@settings(max_examples=400)
@given(st.lists(st.lists(SNIPPETS, max_size=4).map("".join), min_size=1, max_size=6))
def test_reading_by_likeness_is_reading_in_full(bodies: list[str]) -> None:
    quick = ChatStream(chat.CHUNK)
    read(quick, HEAD + b"learn" + TAIL)
    for body in bodies:
        raw = HEAD + body.encode() + TAIL
        found = read(quick, raw)
        assert found == read(ChatStream(chat.CHUNK), raw)
        if isinstance(found, str):
            break  # a stream that cannot be read is not read on


@pytest.mark.parametrize(
    "frame",
    [
        {"choices": [{"index": 1, "delta": {"content": "other choice"}}]},
        {"choices": [{"index": 0, "delta": {"content": "x", "reasoning": "more"}}]},
        {"choices": [{"index": 0, "delta": {"content": "x"}, "logprobs": {"content": [{"token": "x"}]}}]},
        {"choices": [{"index": 0, "delta": {"refusal": "no"}}]},
    ],
)
def test_other_shapes_are_read_in_full_after_a_likeness(frame: dict[str, object]) -> None:
    quick, full = ChatStream(chat.CHUNK), ChatStream(chat.CHUNK)
    raw = b"data: " + json.dumps(frame).encode() + b"\n\n"
    read(quick, HEAD + b"learn" + TAIL)
    read(quick, HEAD + b"and again" + TAIL)
    assert read(quick, raw) == read(full, raw)


def test_it_is_used() -> None:
    """Teeth: without the short way the frame would have been parsed into a tree."""
    codec = ChatStream(chat.CHUNK)
    first, second = [frame for body in (b"one", b"two") for frame in codec.feed(HEAD + body + TAIL)]
    assert isinstance(first.tree, dict)
    assert isinstance(second.tree, Like)


def test_an_edit_is_written_into_a_frame_known_by_likeness() -> None:
    codec = ChatStream(chat.CHUNK)
    frames = [frame for body in (b"one", b"a secret") for frame in codec.feed(HEAD + body + TAIL)]
    frames[1].pieces[0].segment.edit(5, 11, "[mask]")
    out = b"".join(codec.encode(frame) for frame in frames)
    assert jsontext.decode(out.split(b"data: ")[2])["choices"][0]["delta"] == {"content": "a [mask]"}
