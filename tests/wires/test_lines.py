"""JSON Lines: each line read as strictly as a body, edits kept to their line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.errors import BadRequest
from guardrail.verdict import Kind
from guardrail.wires.lines import MAX_LINE, MAX_LINES, Lines
from guardrail.wires.table import Anchor, Media, Node, Silent, Text, table

CHAT = table({"messages[*]": Anchor({"system": Kind.SYSTEM}), "image": Media("image")})
ROW = Node(names={"body": CHAT, "custom_id": table({"": Silent("an id")})})
EMBED = table({"body.input": Text(Kind.OTHER)})


def root_of(tree: Any) -> Node:
    return EMBED if isinstance(tree, dict) and tree.get("url") == "/v1/embeddings" else ROW


def read(raw: bytes) -> Lines:
    return Lines(raw, root_of, Kind.USER)


def texts(lines: Lines) -> dict[str, tuple[Kind, str]]:
    return {s.where: (s.kind, s.text) for s in lines.segments if s.path != ("keys",)}


BATCH = (
    b'{"custom_id": "a", "body": {"messages": [{"role": "system", "content": "Be brief."}], "n": 1.50}}\n'
    b"\r\n"
    b'{"custom_id":"b","url":"/v1/embeddings","body":{"input":"the second one"}}\r\n'
    b'{"custom_id":"c","body":{"messages":[{"role":"user","content":"the third one"}]}}'
)


def test_each_line_is_read_by_its_own_table_and_named_by_its_number() -> None:
    lines = read(BATCH)
    assert texts(lines) == {
        "[1].body.messages[0].role": (Kind.SYSTEM, "system"),
        "[1].body.messages[0].content": (Kind.SYSTEM, "Be brief."),
        "[3].custom_id": (Kind.USER, "b"),
        "[3].url": (Kind.USER, "/v1/embeddings"),
        "[3].body.input": (Kind.OTHER, "the second one"),
        "[4].body.messages[0].role": (Kind.USER, "user"),
        "[4].body.messages[0].content": (Kind.USER, "the third one"),
    }
    assert [tree["custom_id"] for tree in lines.tree] == ["a", "b", "c"]
    assert lines.body() is BATCH


def test_keys_are_read_once_for_all_lines() -> None:
    lines = read(b'{"a":"x","b":"y"}\n{"b":"z","canary_key":1}\n')
    names = [s for s in lines.segments if s.path == ("keys",)]
    assert [s.text.split() for s in names] == [["a", "b", "canary_key"]]
    assert names[0].fixed


def test_media_are_named_by_their_line() -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB" * 4
    lines = read(b"\n" + json.dumps({"body": {"image": picture}}).encode())
    assert [(m.modality, m.where, m.source) for m in lines.media] == [("image", "[2].body.image", picture)]
    assert lines.media[0].beside[0] == 2


def test_an_edit_rewrites_its_line_only() -> None:
    lines = read(BATCH)
    segment = next(s for s in lines.segments if s.text == "the second one")
    segment.edit(4, 10, "[X]")
    assert lines.edited() == [segment]
    assert lines.body() == BATCH.replace(b"the second one", b"the [X] one")
    segment = next(s for s in lines.segments if s.text == "Be brief.")
    segment.edit(0, 2, "*")
    first, rest = lines.body().split(b"\n", 1)
    assert first == b'{"custom_id":"a","body":{"messages":[{"role":"system","content":"* brief."}],"n":1.50}}'
    assert rest == BATCH.split(b"\n", 1)[1].replace(b"the second one", b"the [X] one")


def test_a_field_put_into_a_row_is_written() -> None:
    lines = read(BATCH)
    lines.rows[2].set("custom_id", "z")
    assert lines.body() == BATCH.replace(b'"c"', b'"z"')


JSON = st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(), max_size=3)
ENDS = st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\r\n", "\n \t\n"])


@given(rows=st.lists(st.tuples(JSON, ENDS), max_size=6), last=st.booleans(), escape=st.booleans())
def test_unedited_files_leave_byte_for_byte(rows: list[tuple[dict[str, Any], str]], last: bool, escape: bool) -> None:
    rows = [({k: v for k, v in tree.items() if k != "custom_id"}, end) for tree, end in rows]
    text = "".join(json.dumps(tree, ensure_ascii=escape) + end for tree, end in rows)
    raw = (text if last else text.rstrip("\r\n \t")).encode()
    lines = read(raw)
    assert lines.body() is raw
    seen = [s.text for s in lines.segments]
    assert all(v in seen for tree, _ in rows for v in tree.values() if isinstance(v, str) and v)


@given(data=st.data(), count=st.integers(1, 6))
def test_an_edit_of_one_line_leaves_the_others_bytes(data: st.DataObject, count: int) -> None:
    raw = [b'{ "a" : "text %d" , "n" : 1.0 }' % n for n in range(count)]
    ends = [data.draw(st.sampled_from([b"\n", b"\r\n"])) for _ in raw]
    at = data.draw(st.integers(0, count - 1))
    lines = read(b"".join(row + end for row, end in zip(raw, ends, strict=True)))
    next(s for s in lines.segments if s.path == (at + 1, "a")).edit(0, 4, "*")
    raw[at] = b'{"a":"* %d","n":1.0}' % at
    assert lines.body() == b"".join(row + end for row, end in zip(raw, ends, strict=True))


def test_line_separators_inside_a_text_end_no_line() -> None:
    raw = '{"a":"one\u2028two\u2029three\u0085four"}\n'.encode()
    assert [s.text for s in read(raw).segments][:1] == ["one\u2028two\u2029three\u0085four"]


GOOD = b'{"a":"b"}'


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"a":1,"a":2}', "duplicate_key"),
        (b'{"a":1,"\\u0061":2}', "duplicate_key"),
        (b'{"a":"\xff"}', "invalid_json"),
        (b'{"a":"\\ud800"}', "invalid_json"),
        (b'{"a":NaN}', "invalid_json"),
        (b"{}{}", "invalid_json"),
        (b'{"a":\r1}', "invalid_json"),
        (b'{"a":1}\r\r', "invalid_json"),
        (b"\xef\xbb\xbf" + GOOD, "invalid_json"),
        (b"[" * 200 + b"]" * 200, "too_deep"),
        (b"data: {}", "invalid_json"),
    ],
)
def test_a_line_with_more_than_one_reading_is_refused_by_number(line: bytes, code: str) -> None:
    for raw in (b"\n".join([GOOD, b"", line, GOOD]), b"\r\n".join([GOOD, GOOD, line])):
        with pytest.raises(BadRequest, match=r"^line 3: ") as caught:
            read(raw)
        assert caught.value.code == code


def test_a_byte_order_mark_is_refused() -> None:
    for raw in (b"\xef\xbb\xbf" + GOOD, b"\xef\xbb\xbf\n" + GOOD):
        with pytest.raises(BadRequest, match=r"line 1: .*byte order mark"):
            read(raw)


@pytest.mark.parametrize("twin", [b'{"custom_id":"x1"}', b'{"custom\\u005fid":"x1"}', b'{"custom_id":"\\u00781"}'])
def test_a_custom_id_may_not_repeat(twin: bytes) -> None:
    rows = [b'{"custom_id":"x1"}', b'{"custom_id":"x2"}', twin]
    with pytest.raises(BadRequest, match="line 3: the custom_id is that of line 1") as caught:
        read(b"\n".join(rows))
    assert "x1" not in str(caught.value)


def test_caps_hold_over_a_line_and_over_the_file() -> None:
    long = b'{"a":"' + b"x" * (2 << 20) + b'"}\n'
    assert read(long).segments[0].total == 2 << 20
    with pytest.raises(BadRequest, match="line 2: it is longer") as caught:
        read(GOOD + b"\n" + b'"' + b"x" * MAX_LINE + b'"')
    assert caught.value.status == 413
    row = b"[" + b",".join([b"1"] * 50_000) + b"]\n"
    assert read(row * 7).segments == []
    with pytest.raises(BadRequest, match="more than 400000 values") as caught:
        read(row * 9)
    assert caught.value.status == 413
    with pytest.raises(BadRequest, match="lines"):
        read(b"1\n" * (MAX_LINES + 1))


def test_an_empty_file_holds_nothing() -> None:
    for raw in (b"", b"\n", b" \r\n\t\n"):
        lines = read(raw)
        assert (lines.tree, lines.segments) == ([], [])
        assert lines.body() is raw
