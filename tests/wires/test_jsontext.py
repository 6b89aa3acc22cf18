"""JSON with exactly one reading: what is accepted, what is refused, and that keys are never doubled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from guardrail.errors import BadRequest
from guardrail.verdict import Kind
from guardrail.wires import jsontext
from guardrail.wires.document import Document
from guardrail.wires.table import EMPTY

ACCEPTED = [
    "{}",
    "[]",
    " [ ] ",
    '""',
    "0",
    "-0",
    "1.0",
    "1e5",
    "1E+2",
    "-1.5e-3",
    "true",
    "null",
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":2}]',
    "18446744073709551616",
    "-9223372036854775809",
    "123456789012345678901234567890",
    '"\\u0000"',
    '"\\ud83d\\ude00"',
    '"😀"',
    '"\\\\"',
    '"\\\\\\""',
    '{"a\\\\":1,"a":2}',
    '{"\\"":1,"a":2}',
    '{":":":"}',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '{"":1}',
    '{"a":1,"A":2}',
    '"\x7f"',
    '"\u2028"',
    '{"\u00e9":1,"e\u0301":2}',
    "\t\r\n[1]\n",
    "[" * 100 + "]" * 100,
    '{"a":"\\/"}',
    "9" * 400,
]
REFUSED = [
    b"",
    b" ",
    b"{",
    b"}",
    b"[1,]",
    b"[,1]",
    b'{"a":1,}',
    b"{a:1}",
    b"{'a':1}",
    b'{"a" 1}',
    b"01",
    b"+1",
    b".5",
    b"1.",
    b"1e",
    b"-",
    b"NaN",
    b"-Infinity",
    b"Infinity",
    b"1e999",
    b"-1e999",
    b"0x10",
    b"True",
    b"nul",
    b"// c\n1",
    b"/* c */ 1",
    b"1 2",
    b"{} {}",
    b"[1] x",
    b'"\x01"',
    b'"\t"',
    b'"\n"',
    b'"\\x41"',
    b'"\\u12"',
    b'"\\ud800"',
    b'"\\udc00"',
    b'"\\ud800x"',
    b'"\\ud800\\ud800"',
    b'"a',
    b'"\\"',
    b"\xef\xbb\xbf{}",
    '{"a":1}'.encode("utf-16"),
    '{"a":1}'.encode("utf-16-le"),
    '{"a":1}'.encode("utf-32"),
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xc0\xaf"',
    b'"\xf4\x90\x80\x80"',
    b"\x00{}",
    b"{}\x00",
    b"\x0c{}",
    b"\xc2\xa0{}",
    b"[" * 101 + b"]" * 101,
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"9" * 5000,
]
DOUBLED = [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"x":{"a":1,"a":2}}',
    '[[{"a":1,"b":2,"a":3}]]',
    '{"":1,"":2}',
    '{"a":{"a":1},"a":2}',
    '{"\\"":1,"\\u0022":2}',
    '{"a\\\\":1,"a\\\\":2}',
    '{"\\ud83d\\ude00":1,"😀":2}',
    '{"/":1,"\\/":2}',
    '{"a":":","a":"\\":"}',
]


def read(raw: bytes) -> Document:
    return Document(raw, EMPTY, Kind.USER)


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    assert read(text.encode()).body() == text.encode()


@pytest.mark.parametrize("raw", REFUSED)
def test_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        read(raw)
    assert caught.value.status == 400
    assert caught.value.code in ("invalid_json", "too_deep")


@pytest.mark.parametrize("text", DOUBLED)
def test_a_key_named_twice_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="twice") as caught:
        read(text.encode())
    assert caught.value.code == "duplicate_key"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"a":"\xff"}', r"not UTF-8 \(byte 6\)"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"[1e999]", "out of range"),
        (b'"\\ud800"', "surrogate"),
        (b"{", "not valid JSON"),
        (b"[" * 500 + b"]" * 500, "deeper than"),
    ],
)
def test_the_message_says_what_is_wrong(raw: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        read(raw)


NASTY = st.text(st.sampled_from('":,\\{}[]ab\u00e9\u2028\x00/u0061 '), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NASTY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NASTY, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_no_false_alarm(tree: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(tree, ensure_ascii=ascii_only, indent=indent)
    document = read(text.encode())
    assert document.body() == text.encode()


def escaped(text: str, all_of_it: bool) -> str:
    """A JSON string, each character by its escape where ``all_of_it``."""
    return '"' + "".join(f"\\u{ord(c):04x}" for c in text) + '"' if all_of_it else json.dumps(text, ensure_ascii=False)


@given(
    st.data(),
    NASTY,
    VALUES,
    VALUES,
    st.booleans(),
    st.booleans(),
    st.integers(0, 4),
    st.sampled_from(["", " ", "\n\t"]),
)
def test_a_planted_duplicate_never_passes(
    data: st.DataObject, key: str, one: Any, two: Any, spell: bool, spell_too: bool, depth: int, space: str
) -> None:
    others = data.draw(st.dictionaries(NASTY.filter(lambda k: k != key), VALUES, max_size=3))
    pairs = [f"{escaped(k, False)}{space}:{json.dumps(v)}" for k, v in others.items()]
    for doubled, value in ((spell, one), (spell_too, two)):
        at = data.draw(st.integers(0, len(pairs)))
        pairs.insert(at, f"{escaped(key, doubled)}:{space}{json.dumps(value)}")
    text = "{" + f"{space},".join(pairs) + "}"
    for _ in range(depth):
        text = data.draw(st.sampled_from(['{"k":%s}', "[1,%s]", '{"a":"\\"","b":%s}'])) % text
    with pytest.raises(BadRequest) as caught:
        read(text.encode())
    assert caught.value.code == "duplicate_key"


@given(st.binary(max_size=40))
def test_any_bytes_give_a_document_or_bad_request(raw: bytes) -> None:
    try:
        document = read(raw)
    except BadRequest:
        return
    assert document.body() == raw
    assert json.loads(raw) == json.loads(jsontext.encode(document.tree)), "no lenient reader may see more"


NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?\Z")


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_numbers_are_written_as_they_came(numbers: list[str]) -> None:
    assume("-0" not in numbers)  # an integer without a fraction; equal to 0 in every reader
    raw = '{"t":"secret","n":[' + ",".join(numbers) + "]}"
    document = read(raw.encode())
    document.segments[0].edit(0, 6, "x")
    assert document.body().decode() == raw.replace("secret", "x")


def test_key_order_and_other_values_survive_an_edit() -> None:
    raw = b'{"z":1.50,"a":[true,null,"caf\xc3\xa9"],"t":"secret","m":{"b":1,"a":2}}'
    document = read(raw)
    next(s for s in document.segments if s.text == "secret").edit(0, 6, "x")
    assert document.body() == raw.replace(b"secret", b"x")


def test_a_body_that_is_one_string_is_edited_too() -> None:
    document = read(b'"a secret"')
    document.segments[0].edit(2, 8, "x")
    assert document.body() == b'"a x"'


@pytest.mark.parametrize(
    "raw",
    [b"[" + b"0," * 500_000 + b"0]", b"[" + b"[]," * 200_001 + b"0]", b"[" + b'{"":0},' * 150_000 + b"[" * 150_000],
)
def test_node_bombs_are_refused_before_they_are_built(raw: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        read(raw)
    assert (caught.value.status, caught.value.code) == (413, "too_many_values")


def test_commas_and_brackets_in_a_text_are_no_values() -> None:
    assert read(b'{"t":"' + b",[{" * 300_000 + b'"}').segments[0].total == 900_000


def test_depth_counts_to_the_limit_and_no_further() -> None:
    deep = jsontext.MAX_DEPTH
    assert read(b"[" * deep + b"]" * deep)
    with pytest.raises(BadRequest, match="deeper"):
        read(b"[" * (deep + 1) + b"]" * (deep + 1))
