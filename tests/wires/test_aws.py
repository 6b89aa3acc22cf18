"""The binary event stream against botocore, both ways, and against all that can be wrong in a message."""

from __future__ import annotations

import re
import struct
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from guardrail.errors import NotEvaluated
from guardrail.wires import aws
from guardrail.wires.aws import AwsEvents, Header, Kind, failed, message
from guardrail.wires.framing import Event
from tests.support.drive import pieces

SIZES = {Kind.BYTE: 8, Kind.SHORT: 16, Kind.INTEGER: 32, Kind.LONG: 64, Kind.TIMESTAMP: 64}
TEXT = st.text(max_size=8)
HEADER = st.one_of(
    st.builds(lambda name, yes: Header(name, Kind.TRUE if yes else Kind.FALSE, yes), TEXT, st.booleans()),
    *(
        st.builds(Header, TEXT, st.just(kind), st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
        for kind, bits in SIZES.items()
    ),
    st.builds(Header, TEXT, st.just(Kind.BYTES), st.binary(max_size=8)),
    st.builds(Header, TEXT, st.just(Kind.STRING), TEXT),
    st.builds(Header, TEXT, st.just(Kind.UUID), st.binary(min_size=16, max_size=16)),
)
MESSAGE = st.tuples(
    st.sampled_from(["event", "exception", "error"]),
    TEXT,
    st.lists(HEADER.filter(lambda h: not h.name.startswith(":")), max_size=4, unique_by=lambda h: h.name),
    st.binary(max_size=20),
)
NAMED_BY = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}


def string(name: str, value: str) -> Header:
    return Header(name, Kind.STRING, value)


def made(kind: str, name: str, more: list[Header], payload: bytes) -> bytes:
    return message([*more, string(NAMED_BY[kind], name), string(":message-type", kind)], payload)


def packed(headers: bytes, payload: bytes = b"") -> bytes:
    """A message with these bytes for headers and checksums that are right."""
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return head + struct.pack(">I", zlib.crc32(head))


def split(raw: bytes, cuts: list[int] | range = range(0)) -> list[Event]:
    framing = AwsEvents()
    events = [event for piece in pieces(raw, cuts) for event in framing.feed(piece)]
    return events + list(framing.finish())


def theirs(raw: bytes) -> list[tuple[dict[str, object], bytes]]:
    """The messages as botocore reads them."""
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    return [(each.headers, each.payload) for each in buffer]


@given(st.lists(MESSAGE, max_size=4), st.lists(st.integers(0, 400), max_size=6))
def test_any_cut_gives_what_botocore_reads(
    messages: list[tuple[str, str, list[Header], bytes]], cuts: list[int]
) -> None:
    raw = b"".join(made(*each) for each in messages)
    events = split(raw, cuts)
    assert b"".join(event.raw for event in events) == raw
    assert [({h.name: h.value for h in event.form}, event.data) for event in events] == theirs(raw)
    assert [(e.name, e.data, failed(e)) for e in events] == [(m[1], m[3], m[0] != "event") for m in messages]
    assert events == split(raw, range(len(raw)))


@given(MESSAGE, st.binary(max_size=20))
def test_a_rewritten_message_keeps_its_headers(each: tuple[str, str, list[Header], bytes], payload: bytes) -> None:
    framing = AwsEvents()
    (event,) = split(made(*each))
    framing.left(event)
    assert framing.rewrite(event, event.data) == event.raw
    (again,) = split(framing.rewrite(event, payload))
    assert (again.name, again.form, again.aside, again.data) == (event.name, event.form, event.aside, payload)
    assert theirs(again.raw) == [(theirs(event.raw)[0][0], payload)]


@given(st.sampled_from(["chunk", "contentBlockDelta"]), st.binary(max_size=20))
def test_what_we_write_is_read_by_botocore_and_by_us(name: str, payload: bytes) -> None:
    framing = AwsEvents()
    raw = framing.write(payload, name) + framing.exception(payload, name) + framing.end()
    event = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    exception = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    assert theirs(raw) == [(event, payload), (exception, payload)]
    assert [(e.name, e.data, failed(e), e.aside) for e in split(raw)] == [
        (name, payload, False, ""),
        (name, payload, True, ""),
    ]


def test_botocore_raises_our_exception_and_hands_out_our_event() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(AwsEvents().write(b"{}", "chunk") + AwsEvents().exception(b"{}", "validationException"))
    answers = [each.to_response_dict() for each in buffer]
    assert [answer["status_code"] for answer in answers] == [200, 400]


def test_every_header_that_says_something_is_kept_as_text() -> None:
    more = [
        string(":error-message", "canary one"),
        string("x-unknown", "canary two"),
        Header("bytes", Kind.BYTES, b"canary three\xff"),
        string(":event-type", "canary four"),
        string(":content-type", "text/canary"),
        Header("n", Kind.LONG, 7),
    ]
    (event,) = split(made("error", "throttled", more, b""))
    assert (event.name, failed(event)) == ("throttled", True)
    assert event.aside.split("\n") == ["canary one", "canary two", "canary three\ufffd", "canary four", "text/canary"]


GOOD = made("event", "chunk", [Header("t", Kind.TRUE, True)], b'{"a":1}')
TYPES = b"\x0d:message-type\x07\x00\x05event"


@pytest.mark.parametrize("place", range(len(GOOD)))
def test_a_flipped_bit_anywhere_is_not_evaluated(place: int) -> None:
    wrong = bytearray(GOOD)
    wrong[place] ^= 1
    with pytest.raises(NotEvaluated, match="framing"):
        split(bytes(wrong))


@pytest.mark.parametrize("size", range(1, len(GOOD)))
def test_a_stream_that_ends_inside_a_message_is_not_evaluated(size: int) -> None:
    with pytest.raises(NotEvaluated, match="framing"):
        split(GOOD + GOOD[:size])


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (b"", "no event"),
        (TYPES.replace(b"event", b"Event"), "no event"),
        (b"\x0d:message-type\x06\x00\x05event", "no event"),
        (TYPES + TYPES, "twice"),
        (TYPES + b"\x01a\x00\x01a\x01", "twice"),
        (TYPES + b"\x05a", "cannot be read"),
        (TYPES + b"\x01", "cannot be read"),
        (TYPES + b"\x01a", "cannot be read"),
        (TYPES + b"\x01a\x0a", "cannot be read"),
        (TYPES + b"\x01\xff\x00", "cannot be read"),
        (TYPES + b"\x01a\x07\x00", "cannot be read"),
        (TYPES + b"\x01a\x07\x00\x02x", "cannot be read"),
        (TYPES + b"\x01a\x07\x00\x01\xff", "cannot be read"),
        (TYPES + b"\x01a\x03\x00", "cannot be read"),
        (TYPES + b"\x01a\x09" + b"u" * 15, "cannot be read"),
    ],
)
def test_headers_that_are_none(headers: bytes, why: str) -> None:
    assert split(packed(TYPES))
    with pytest.raises(NotEvaluated, match=re.escape(why)) as caught:
        split(packed(headers, b"payload"))
    assert caught.value.reason == "framing"


def prelude(total: int, headers: int) -> bytes:
    lengths = struct.pack(">II", total, headers)
    return lengths + struct.pack(">I", zlib.crc32(lengths))


@pytest.mark.parametrize(
    ("total", "headers", "reason"),
    [
        ((16 << 20) + 1, 0, "event_too_large"),
        (1 << 31, 0, "event_too_large"),
        (16 << 20, (128 << 10) + 1, "event_too_large"),
        (15, 0, "framing"),
        (0, 0, "framing"),
        (20, 5, "framing"),
    ],
)
def test_lengths_are_judged_before_anything_is_waited_for(total: int, headers: int, reason: str) -> None:
    with pytest.raises(NotEvaluated) as caught:
        list(AwsEvents().feed(prelude(total, headers)))
    assert caught.value.reason == reason
    assert list(AwsEvents().feed(prelude(aws.MAX_MESSAGE, aws.MAX_HEADERS))) == []


def test_the_messages_before_a_wrong_one_are_given_first() -> None:
    events = AwsEvents().feed(GOOD + GOOD[:-1] + b"\0")
    assert next(events).data == b'{"a":1}'
    with pytest.raises(NotEvaluated):
        next(events)


def test_a_megabyte_in_single_bytes() -> None:
    raw = made("event", "chunk", [], b"a" * (1 << 20))
    assert [event.raw for event in split(raw, range(len(raw)))] == [raw]
