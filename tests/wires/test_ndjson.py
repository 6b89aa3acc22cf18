"""JSON lines: same events for every cut, every byte kept, and what is written can be read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.errors import NotEvaluated
from guardrail.wires import ndjson
from guardrail.wires.framing import Event, Framing
from guardrail.wires.ndjson import JsonLines
from tests.support.drive import pieces

VALUE = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('ab"\\\n\r\u2028\x85é😀'), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)
LINE = VALUE.map(lambda value: json.dumps(value, ensure_ascii=False)) | st.sampled_from(["", " ", "\t", "a\rb", "a\r"])
STREAM = st.builds(
    lambda lines, last: "".join(line + end for line, end in lines) + last,
    st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n"])), max_size=8),
    LINE,
)


def split(raw: bytes, cuts: list[int] | range) -> list[Event]:
    lines = JsonLines()
    events = [event for piece in pieces(raw, cuts) for event in lines.feed(piece)]
    return events + list(lines.finish())


@given(STREAM, st.lists(st.integers(0, 100), max_size=5))
def test_any_cut_gives_the_lines(text: str, cuts: list[int]) -> None:
    raw = text.encode()
    events = split(raw, cuts)
    assert b"".join(event.raw for event in events) == raw
    lines = [line.removesuffix("\r") for line in text.split("\n") if line.strip(" \t\r")]
    assert [event.data.decode() for event in events if event.data] == lines
    assert all(event.data for event in events[:-1])
    assert events == split(raw, range(len(raw)))


@given(STREAM, st.lists(VALUE, min_size=1, max_size=3))
def test_rewritten_and_written_lines_are_read_back(text: str, values: list[object]) -> None:
    framing: Framing = JsonLines()
    events = split(text.encode(), [])
    assert [framing.rewrite(event, event.data) for event in events] == [event.raw for event in events]
    out = b""
    for event in events:
        framing.left(event)
        out += framing.rewrite(event, b'{"new":1}')
    out += b"".join(framing.write(json.dumps(value).encode()) for value in values) + framing.end()
    read = [event.data for event in split(out, []) if event.data]
    new = [b'{"new":1}' for event in events if event.data]
    assert read == new + [json.dumps(value).encode() for value in values]


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        (b'{"a":1}\n{"a":2}\r\n', [(b'{"a":1}\n', b'{"a":1}'), (b'{"a":2}\r\n', b'{"a":2}')]),
        (b"1\n\n \r\n2\n", [(b"1\n", b"1"), (b"\n \r\n2\n", b"2")]),
        (b"1\n2", [(b"1\n", b"1"), (b"2", b"2")]),
        (b"1\n\n", [(b"1\n", b"1"), (b"\n", b"")]),
        (b"1\r2\n", [(b"1\r2\n", b"1\r2")]),
        ('"\u2028"\n'.encode(), [('"\u2028"\n'.encode(), '"\u2028"'.encode())]),
        (b"", []),
    ],
)
def test_cases(raw: bytes, events: list[tuple[bytes, bytes]]) -> None:
    assert [(event.raw, event.data) for event in split(raw, [])] == events


def test_what_stood_around_a_line_stays() -> None:
    (event,) = split(b"\r\n\n1\r\n", [])
    assert JsonLines().rewrite(event, b"22") == b"\r\n\n22\r\n"


@pytest.mark.parametrize("step", [1 << 8, 1 << 14, 1 << 20])
@pytest.mark.parametrize("byte", [b"1", b"\n", b" "])
def test_a_line_that_outgrows_the_cap_is_not_evaluated(step: int, byte: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_LINE", 1 << 12)
    raw = byte * (1 << 12) + b"1\n"
    with pytest.raises(NotEvaluated, match="event_too_large"):
        split(raw, range(0, len(raw), step))
    assert len(split(raw[2:], range(0, len(raw), step))) == 1


def test_a_megabyte_in_single_bytes() -> None:
    raw = b'"' + b"a" * (1 << 20) + b'"\n'
    assert [event.raw for event in split(raw, range(len(raw)))] == [raw]
