"""An array in pieces: cut where a JSON parser would cut it, for every cut of the bytes."""

from __future__ import annotations

import json
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.errors import BadRequest, NotEvaluated
from guardrail.wires import arrays
from guardrail.wires.arrays import JsonArray, Place
from guardrail.wires.framing import Event, Framing
from tests.support.drive import pieces

TEXT = st.text(st.sampled_from('a"\\[]{},:\n é😀'), max_size=8)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SPACE = st.text(" \t\r\n", max_size=3)
ELEMENT = st.builds(json.dumps, VALUE, indent=st.sampled_from([None, 1]), ensure_ascii=st.booleans())
ARRAY = st.builds(
    lambda items, ends: ends[0] + "[" + ",".join(a + item + b for a, item, b in items) + ends[1] + "]" + ends[2],
    st.lists(st.tuples(SPACE, ELEMENT, SPACE), max_size=5),
    st.tuples(SPACE, SPACE, SPACE),
)
CUTS = st.lists(st.integers(0, 200), max_size=6)
GEMINI = b'[{\n  "text": "a]\\""\n}\n,\r\n{\n  "text": "b"\n}\n]\n'


def split(raw: bytes, cuts: list[int] | range = range(0)) -> list[Event]:
    array = JsonArray()
    events = [event for piece in pieces(raw, cuts) for event in array.feed(piece)]
    return events + list(array.finish())


@given(ARRAY, CUTS)
def test_any_cut_gives_the_elements(text: str, cuts: list[int]) -> None:
    raw = text.encode()
    events = split(raw, cuts)
    assert b"".join(event.raw for event in events) == raw
    assert [json.loads(event.data) for event in events[:-1]] == json.loads(text)
    assert (events[-1].data, events[-1].form) == (b"", Place.CLOSED)
    assert b"]" in events[-1].raw
    assert all(event.raw.endswith(event.data) for event in events)
    assert events == split(raw) == split(raw, range(len(raw)))


@given(ARRAY, st.lists(VALUE, max_size=3), st.integers(0, 8), st.booleans())
def test_ours_can_follow_whatever_has_left(text: str, ours: list[object], count: int, edit: bool) -> None:
    framing: Framing = JsonArray()
    events = [event for event in split(text.encode()) if event.data][:count]
    assert [framing.rewrite(event, event.data) for event in events] == [event.raw for event in events]
    out = b""
    for event in events:
        framing.left(event)
        out += framing.rewrite(event, b'{"new":1}') if edit else event.raw
    out += b"".join(framing.write(json.dumps(value).encode()) for value in ours) + framing.end()
    theirs = [{"new": 1} if edit else json.loads(event.data) for event in events]
    assert json.loads(out or b"[]") == theirs + ours
    assert [json.loads(event.data) for event in split(out) if event.data] == theirs + ours
    assert framing.end() == b"", "an array is closed once"


@given(st.binary(max_size=30) | st.text('[]{},"\\ 1a', max_size=20).map(str.encode), CUTS)
def test_whatever_comes_no_byte_is_lost_and_no_cut_matters(raw: bytes, cuts: list[int]) -> None:
    def outcome(places: list[int] | range) -> tuple[list[Event], str]:
        array, events = JsonArray(), list[Event]()
        try:
            for event in chain.from_iterable(array.feed(piece) for piece in pieces(raw, places)):
                events.append(event)
            events += array.finish()
        except BadRequest as error:
            return events, error.code
        assert b"".join(event.raw for event in events) == raw
        return events, ""

    assert outcome(cuts) == outcome([]) == outcome(range(len(raw)))


def test_as_gemini_sends_it() -> None:
    first, second, closing = split(GEMINI)
    assert first.raw == b'[{\n  "text": "a]\\""\n}'
    assert second.raw == b'\n,\r\n{\n  "text": "b"\n}'
    assert closing.raw == b"\n]\n"


@pytest.mark.parametrize("raw", [b'{"error":{"code":1}}', b' {"a":[1,"]"]} \n', b'"a,b"', b"12 ", b"null"])
def test_one_value_stands_alone(raw: bytes) -> None:
    for cut in range(len(raw)):
        framing = JsonArray()
        events = split(raw, [cut])
        assert json.loads(events[0].data) == json.loads(raw)
        assert all(event.form is Place.ALONE for event in events)
        assert b"".join(event.raw for event in events) == raw
        framing.left(events[0])
        assert framing.write(b"{}") + framing.end() == b""
        assert json.loads(framing.rewrite(events[0], b"[7]")) == [7]


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"[1,,2]",
            b"[,1]",
            b"[1,]",
            b"[1 2]",
            b"[1]2",
            b"[1]]",
            b"[{}{}]",
            b'["a""b"]',
            b"[1:2]",
            b"[1{}]",
            b"[[1]}",
        ),
        *(
            b"\xef\xbb\xbf[1]",
            b"[\x0c1]",
            b"\xa0[1]",
            b"[/**/1]",
            b"[1;2]",
            b"]",
            b"<html>",
            b"{}{}",
            b"{} [",
            b"[NaN]",
        ),
    ],
)
def test_what_is_no_array_is_refused(raw: bytes) -> None:
    for cut in range(len(raw)):
        with pytest.raises(BadRequest) as caught:
            split(raw, [cut])
        assert caught.value.code == "invalid_json"


@pytest.mark.parametrize(
    ("raw", "last", "form", "next_one"),
    [
        (b"[", b"", Place.OPENED, b"7\n]"),
        (b"[1 ,\n", b"", Place.SEPARATED, b"7\n]"),
        (b"[{}\n", b"", Place.ELEMENT, b"\n,\r\n7\n]"),
        (b'[{},{"a":"b\\', b'{"a":"b\\', Place.ELEMENT, b"\n,\r\n7\n]"),
        (b"[12", b"12", Place.ELEMENT, b"\n,\r\n7\n]"),
        (b'{"a"', b'{"a"', Place.ALONE, b""),
        (b" ", b"", Place.NOTHING, b"[7\n]"),
    ],
)
def test_a_stream_that_breaks_off(raw: bytes, last: bytes, form: Place, next_one: bytes) -> None:
    events, framing = split(raw), JsonArray()
    assert b"".join(event.raw for event in events) == raw
    assert (events[-1].data, events[-1].form) == (last, form)
    for event in events:
        framing.left(event)
    assert framing.write(b"7") + framing.end() == next_one


def test_the_events_before_a_fault_are_given_first() -> None:
    events = JsonArray().feed(b"[1,2,;")
    assert [next(events).data, next(events).data] == [b"1", b"2"]
    with pytest.raises(BadRequest):
        next(events)


def test_nesting_is_capped() -> None:
    assert len(split(b"[" + b"[" * 100 + b"]" * 100 + b"]")) == 2
    with pytest.raises(BadRequest) as caught:
        split(b"[" + b"[" * 101)
    assert caught.value.code == "too_deep"


@pytest.mark.parametrize("step", [1 << 8, 1 << 14, 1 << 20])
@pytest.mark.parametrize("raw", [b'["%s"]' % (b"a" * 4096), b"[%s1]" % (b" " * 4096), b"[%s]" % (b"1" * 4096)])
def test_an_element_that_outgrows_the_cap_is_not_evaluated(
    raw: bytes, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "MAX_ELEMENT", 4096)
    with pytest.raises(NotEvaluated, match="event_too_large"):
        split(raw, range(0, len(raw), step))
    assert len(split(raw[:9] + raw[18:], range(0, len(raw), step))) == 2


@pytest.mark.parametrize("inside", [b'{"a":"%s"}', b'"%s\\""', b'[{"b":%s}]'], ids=["string", "escaped", "number"])
def test_no_byte_is_read_again_for_every_piece(inside: bytes) -> None:
    """A megabyte in single bytes: the scanner stands near the end of what came, always."""
    raw = b"[" + inside % (b"1" * (1 << 20)) + b"]"
    array, events, behind = JsonArray(), list[Event](), 0
    for byte in raw:
        events += array.feed(bytes([byte]))
        behind = max(behind, len(array._buffer) - array._at)
    assert behind <= 1
    assert [event.data for event in events] == [raw[1:-1]]
