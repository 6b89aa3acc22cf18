"""The event splitter against a naive reader: same events for every cut, and every byte kept."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.errors import NotEvaluated
from guardrail.wires import sse
from guardrail.wires.framing import Framing
from guardrail.wires.sse import Event, ServerSent, Splitter
from tests.support.drive import pieces
from tests.support.events import read

ENDS = st.sampled_from(["\n", "\r\n", "\r"])
FIELDS = ["data: ", "data:", "event: ", "id:", "retry: ", ": ", ":"]
LINE = st.one_of(
    st.just(""),
    st.just("data"),
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(FIELDS), st.text(st.sampled_from("ab :é\u2028\u2029\x85\x0b\x0c😀\ufeff{}"), max_size=8)
        ),
    ),
)
STREAM = st.builds(
    lambda bom, lines: ("\ufeff" if bom else "") + "".join(line + end for line, end in lines),
    st.booleans(),
    st.lists(st.tuples(LINE, ENDS), max_size=20),
)


def split(raw: bytes, cuts: list[int] | range) -> list[Event]:
    splitter = Splitter()
    events = [event for piece in pieces(raw, cuts) for event in splitter.feed(piece)]
    return events + list(splitter.finish())


@given(STREAM, st.lists(st.integers(0, 200), max_size=6), st.booleans())
def test_any_cut_gives_what_the_standard_says(text: str, cuts: list[int], ended: bool) -> None:
    raw = (text + ("\n\n" if ended else "")).encode()
    events = split(raw, cuts)
    assert b"".join(event.raw for event in events) == raw
    assert [(e.name, e.data.decode()) for e in events if e.data] == [(n, d) for n, d in read(raw) if d]
    assert events == split(raw, [])
    assert events == split(raw, range(len(raw)))


@given(STREAM)
def test_nothing_that_is_said_is_lost(text: str) -> None:
    """What an event says beside its data is kept as text."""
    for event in split(text.encode(), []):
        lines = [line for line in re.split("\r\n|\n|\r", event.raw.decode()) if line]
        beside = [line for line in lines if not line.removeprefix("\ufeff").startswith(("data", "event"))]
        assert event.aside == "\n".join(line.partition(":")[2].removeprefix(" ") for line in beside if line != "\ufeff")


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        (b"data: a\n\n", [("", b"a")]),
        (b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
        (b"data: a\r\n\r\n", [("", b"a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", None),
        (b"event: x\ndata: a\ndata:  b\n\n", [("x", b"a\n b")]),
        (b"data: a", [("", b"a")]),
        (b"data\n\n", [("", b"")]),
        (b": c\n\n", [("", b"")]),
        (b"data: \xff\xfe\n\n", [("", b"\xff\xfe")]),
        ("data: a\u2028b\n\n".encode(), [("", "a\u2028b".encode())]),
        (b"dat: a\n\n", None),
        (b"<html>\n\n", None),
        (b" data: a\n\n", None),
    ],
)
def test_cases(raw: bytes, events: list[tuple[str, bytes]] | None) -> None:
    for place in range(len(raw)):
        if events is None:
            with pytest.raises(NotEvaluated, match="framing"):
                split(raw, [place])
        else:
            assert [(e.name, e.data) for e in split(raw, [place])] == events


def test_the_events_before_one_that_is_none_are_given_first() -> None:
    events = Splitter().feed(b"data: a\n\ndata: b\n\n<html>\n\ndata: c\n\n")
    assert [next(events).data, next(events).data] == [b"a", b"b"]
    with pytest.raises(NotEvaluated):
        next(events)


@pytest.mark.parametrize("step", [1 << 12, 1 << 20, 1 << 30])
def test_an_event_that_outgrows_the_cap_is_not_evaluated(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT", 1 << 16)
    raw = b"data: " + b"a" * (1 << 16) + b"\n\n"
    with pytest.raises(NotEvaluated, match="event_too_large"):
        split(raw, range(0, len(raw), step))
    assert split(raw[-(1 << 15) :].replace(b"a", b":", 1), range(0, 1 << 15, step))


def test_what_encode_writes_can_be_read_again() -> None:
    assert read(sse.encode(b"a", "n") + sse.encode(b"b")) == [("n", "a"), ("", "b")]


DATA = st.lists(st.text(st.sampled_from("ab :é\u2028\x85😀{}"), max_size=6), min_size=1, max_size=3).map("\n".join)


def others(event: Event) -> list[bytes]:
    """Every line of an event that is not data, with its end."""
    lines = re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", event.raw.removeprefix(b"\xef\xbb\xbf"))
    return [line for line in lines if line.strip(b"\r\n").partition(b":")[0] != b"data"]


@given(STREAM, DATA)
def test_a_rewritten_event_says_the_rest_as_before(text: str, data: str) -> None:
    framing: Framing = ServerSent()
    events = split(text.encode(), [])
    for new in (None, data.encode()):
        out = b"".join(framing.rewrite(event, event.data if new is None else new) for event in events)
        again = split(out, [])
        assert [(e.name, e.aside) for e in again] == [(e.name, e.aside) for e in events]
        assert [e.data for e in again] == [e.data if new is None else new for e in events]
        assert [others(e) for e in again[:-1]] == [others(e) for e in events[:-1]]


@pytest.mark.parametrize(
    ("raw", "data", "out"),
    [
        (b"data: a\n\n", b"b", b"data: b\n\n"),
        (b"\xef\xbb\xbfdata: a\n\n", b"b", b"\xef\xbb\xbfdata: b\n\n"),
        (b"event: x\r\ndata: a\r\nid: 1\r\n\r\n", b"b\nc", b"event: x\r\ndata: b\r\ndata: c\r\nid: 1\r\n\r\n"),
        (b"data: a\rdata: b\r: c\rretry: 1\r\r", b"d", b"data: d\r: c\rretry: 1\r\r"),
        (b": c\rdata: a\rdata:b\n\n", b"d", b": c\rdata: d\n\n"),
        (b": c\r\n\r\n", b"", b": c\r\n\r\n"),
        (b": c\r\n\r\n", b"d", b": c\r\ndata: d\r\n\r\n"),
        (b": c\r\n", b"d", b": c\r\ndata: d\r\n"),
        (b"data: a", b"d", b"data: d\n"),
        (b"data: a\n\n", b"", b"data: \n\n"),
    ],
)
def test_rewriting(raw: bytes, data: bytes, out: bytes) -> None:
    (event,) = split(raw, [])
    assert ServerSent().rewrite(event, data) == out


@given(STREAM, st.lists(st.tuples(st.sampled_from(["", "error"]), DATA), min_size=1, max_size=3))
def test_what_we_write_follows_what_left(text: str, ours: list[tuple[str, str]]) -> None:
    framing: Framing = ServerSent()
    events = split(text.encode(), [])
    for event in events:
        framing.left(event)
    out = text.encode() + b"".join(framing.write(data.encode(), name) for name, data in ours) + framing.end()
    assert read(out) == read(text.encode()) + ours
    assert [(e.name, e.data.decode()) for e in split(out, [])[-len(ours) :]] == ours


def test_a_megabyte_in_single_bytes() -> None:
    raw = b"data: " + b"a" * (1 << 20) + b"\n\n"
    assert [event.raw for event in split(raw, range(len(raw)))] == [raw]
