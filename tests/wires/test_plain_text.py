"""Text in pieces: whole UTF-8 sequences in each, and the same text for any cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.errors import BadRequest
from guardrail.wires.framing import Event, Framing
from guardrail.wires.plain_text import TextStream
from tests.support.drive import pieces

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def split(raw: bytes, cuts: list[int] | range) -> list[Event]:
    text = TextStream()
    events = [event for piece in pieces(raw, cuts) for event in text.feed(piece)]
    return events + list(text.finish())


@given(TEXT, st.lists(st.integers(0, 80), max_size=6))
def test_any_cut_gives_the_same_text_and_whole_characters(text: str, cuts: list[int]) -> None:
    for places in (cuts, range(len(text.encode()))):
        events = split(text.encode(), places)
        assert "".join(event.data.decode() for event in events) == text
        assert all(event.raw == event.data != b"" for event in events)


@given(st.binary(max_size=12), st.lists(st.integers(0, 12), max_size=4))
def test_what_is_no_utf_8_is_refused_wherever_it_is_cut(raw: bytes, cuts: list[int]) -> None:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" not in text:
        assert b"".join(event.raw for event in split(raw, cuts)) == raw
        return
    with pytest.raises(BadRequest) as caught:
        split(raw, cuts)
    assert caught.value.code == "invalid_text"


@pytest.mark.parametrize("raw", [b"\0", b"a\0b", b"\xff", b"a\xc3", b"\xed\xa0\x80"])
def test_what_is_no_text(raw: bytes) -> None:
    with pytest.raises(BadRequest, match=r"NUL|UTF-8"):
        split(raw, range(len(raw)))


def test_a_character_waits_for_its_last_byte_and_no_longer() -> None:
    text = TextStream()
    given = [[event.data for event in text.feed(bytes([byte]))] for byte in "a😀b".encode()]
    assert given == [[b"a"], [], [], [], ["😀".encode()], [b"b"]]


def test_ours_is_written_as_it_is() -> None:
    framing: Framing = TextStream()
    (event,) = framing.feed("é".encode())
    framing.left(event)
    assert framing.rewrite(event, b"xx") + framing.write(b"\n\nsorry", "name") + framing.end() == b"xx\n\nsorry"
