"""JSON at the edges of its grammar: what must be accepted, what must be refused, and our answer where parsers may choose.

The kinds of cases are those of the well-known parsing suites; the cases are made here by generators. Each goes
as a request body, as the arguments of a tool call, as a row of a JSONL file and as an answer of the upstream.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from guardrail.errors import BadRequest
from guardrail.verdict import Kind
from guardrail.wires.lines import Lines
from guardrail.wires.table import EMPTY
from tests.support.drive import CHAT, JSON, Result, call
from tests.support.plans import Word, plan

CANARY = "c4n4ry"
HIDDEN = r'"say c4n\u0034ry now"'
PLAN = plan(Word(CANARY))
WALKED = "/ask"
ASK = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
Case = tuple[str, bytes]


def _must_accept() -> Iterator[Case]:
    for n, space in enumerate(("", " ", "\t", "\n", "\r", "\r\n", " \n\t ")):
        for m, text in enumerate(("[%s]", "{%s}", "[%s1%s]", '{%s"a"%s:%s1%s}', '%s"a"%s')):
            yield f"space {n} {m}", text.replace("%s", space).encode()
    for n, text in enumerate(("0", "-0", "0.0", "-0.0", "1", "-1", "10", "1.5", "1e5", "1E5", "1e+5", "1E-5", "0e0", "0E+0", "1.25e-7",
                              "123456789012345678901234567890", "-9223372036854775808", "9223372036854775807", "0.1000000000000000055",
                              "1e308", "2.2250738585072014e-308", "5e-324")):  # fmt: skip
        yield f"number {n}", text.encode()
        yield f"number in a list {n}", f"[{text},{text}]".encode()
    for word in ("true", "false", "null"):
        yield word, word.encode()
    for letter in '"\\/bfnrt':
        yield f"escape {letter}", f'["\\{letter}"]'.encode()
    for unit in (
        0x0,
        0x1F,
        0x20,
        0x22,
        0x5C,
        0x7F,
        0x80,
        0xFF,
        0x7FF,
        0x800,
        0xD7FF,
        0xE000,
        0xFEFF,
        0xFFFD,
        0xFFFE,
        0xFFFF,
    ):
        yield f"escape u{unit:04x}", f'["\\u{unit:04x}", "\\u{unit:04X}"]'.encode()
    for pair in (r"\ud800\udc00", r"\uDBFF\uDFFF", r"\ud83d\ude00", r"\uD834\udd1e", r"a\ud83d\ude00b"):
        yield f"pair {pair}", f'{{"{pair}":"{pair}"}}'.encode()
    for point in (
        0x7F,
        0x80,
        0x7FF,
        0x800,
        0x2028,
        0x2029,
        0xD7FF,
        0xE000,
        0xFDD0,
        0xFEFF,
        0xFFFE,
        0xFFFF,
        0x10000,
        0x1FFFE,
        0x10FFFF,
    ):
        yield f"character {point:x}", f'{{"{chr(point)}":"x{chr(point)}"}}'.encode()
    for depth in (1, 2, 10, 50, 100):
        yield f"lists {depth}", b"[" * depth + b"]" * depth
        yield f"objects {depth}", b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)
    for n, text in enumerate(('{"":0}', '{"a":1,"A":2}', '{"a":1,"b":{"a":2}}', '[{"a":1},{"a":1}]', '{"é":1,"e\u0301":2}', r'{"\u0000":1}',
                              r'{"a":1,"a\u0000":2}', r'{"a\\":1,"a":2}', '{" a":1,"a ":2,"a":3}', r'{"\"":":","b":"\\"}', '{":":{":":1}}')):  # fmt: skip
        yield f"object {n}", text.encode()


def _must_refuse() -> Iterator[Case]:
    whole = b'{"a":[1,"x\\u0041",true,null,-1.5e3]}'
    for cut in range(1, len(whole)):
        yield f"cut at {cut}", whole[:cut]
    for place in (0, 1, 4, 5, 6, 7, 8, 17, 18, 22, 23, len(whole) - 1, len(whole)):
        for n, wrong in enumerate((b",", b":", b"x", b"'", b"\x00", b"\x0c", b"#", b"\xc2\xa0", b"]", b"\xef\xbb\xbf")):
            yield f"insert {n} at {place}", whole[:place] + wrong + whole[place:]
    for n, text in enumerate(("01", "-01", "+1", ".5", "-.5", "1.", "1.e1", "1e", "1e+", "1E-", "--1", "-", "0x1f", "1_000", "0b1", "1e5.5",
                              "Infinity", "-Infinity", "NaN", "-NaN", "nan", "Inf", "1e999", "-1e999", "1E400", "\uff11", "\u0663", "1 2", "0e", "1f",
                              "True", "TRUE", "nul", "nulll", "undefined", "None", "truefalse", "tru e")):  # fmt: skip
        yield f"value {n}", text.encode()
        yield f"value in a list {n}", f"[{text}]".encode()
    for byte in range(0x20):
        yield f"control {byte:02x}", b'["a' + bytes([byte]) + b'"]'
    for n, text in enumerate(
        (
            r"\a",
            r"\x41",
            r"\'",
            r"\0",
            r"\u",
            r"\u1",
            r"\u12",
            r"\u123",
            r"\u12g4",
            r"\U0041",
            r"\u-123",
            r"\u 041",
            "\\",
            "\\é",
        )
    ):
        yield f"bad escape {n}", f'["{text}"]'.encode()
    for n, text in enumerate(
        (
            r"\ud800",
            r"\udbff",
            r"\udc00",
            r"\udfff",
            r"\ud800x",
            r"\ud800\n",
            r"\ud800\ud800",
            r"\udc00\ud800",
            r"\ud800\u0041",
        )
    ):
        yield f"lone surrogate {n}", f'["{text}"]'.encode()
        yield f"lone surrogate in a key {n}", f'{{"{text}":1}}'.encode()
    for n, raw in enumerate((b"\xff", b"\xfe", b"\x80", b"\xbf", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xc3", b"\xe2\x82",
                             b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80")):  # fmt: skip
        yield f"no UTF-8 {n}", b'["' + raw + b'"]'
    for name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
        yield name, '{"a":["b"]}'.encode(name)
    for n, text in enumerate(('{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"\\u0061":1,"\\U0061":2}', '{"x":{"a":1,"b":2,"a":3}}', '[[{"":1,"":2}]]',
                              '{"é":1,"\\u00e9":2}', '{"😀":1,"\\ud83d\\ude00":2}', '{"a":{},"b":1,"a":[]}', '{"/":1,"\\/":2}', '{"\\"":1,"\\u0022":2}')):  # fmt: skip
        yield f"twice {n}", text.encode()
    for depth in (101, 500, 2_000, 100_000):
        yield f"too many lists {depth}", b"[" * depth + b"]" * depth
        yield f"too many objects {depth}", b'{"a":' * depth + b"1" + b"}" * depth
        yield f"open lists {depth}", b"[" * depth
    for n, text in enumerate((" ", "\n", "[1,]", "[,1]", "[1,,2]", "[1 2]", '{"a":1,}', '{,"a":1}', "{a:1}", "{'a':1}", '{"a" 1}', '{"a":}', "{1:1}", "{[]:1}",
                              '["a"', "['a']", '"a', "a", "[1]]", "[1}", '{"a":1]', "[1] x", "{} {}", "[1]\n[2]", "// c\n1", "/* c */1", "[1]/**/", "<a/>",
                              ")]}',\n[1]", "[1];", '"a" "b"', "[1]\x00", "\x00", "\ufeff", "[\u2028]", '{"a":1,"b"}', '"\\', "[1:2]", '{"a"::1}', "*", "[*]", "\x1b[0m")):  # fmt: skip
        yield f"structure {n}", text.encode()


OURS: dict[str, tuple[bytes, bool]] = {
    "the value 2^64": (b"[18446744073709551616]", True),
    "the value -2^63-1": (b"[-9223372036854775809]", True),
    "400 digits": (b"9" * 400, True),
    "4,301 digits": (b"9" * 4301, False),
    "a fraction of 400 digits": (b"0." + b"3" * 400, True),
    "too small for a float": (b"[1e-999]", True),
    "too large for a float": (b"[1e309]", False),
    "an exponent of 100 digits": (b"1e" + b"9" * 100, False),
    "minus zero": (b"[-0,-0.0]", True),
    "a scalar alone": (b'"a"', True),
    "NUL by escape": (b'["\\u0000"]', True),
    "a byte order mark inside": ('["\ufeff"]'.encode(), True),
    "characters that are none": ('["\ufffe\U0010ffff"]'.encode(), True),
    "a slash by escape": (b'["\\/"]', True),
    "the deepest": (b"[" * 100 + b"]" * 100, True),
    "one deeper": (b"[" * 101 + b"]" * 101, False),
    "a long string": (b'"' + b"x" * 1_000_000 + b'"', True),
    "names that differ in case": (b'{"role":1,"Role":2}', True),
    "names that normalise to one": ('{"ﬁ":1,"fi":2}'.encode(), True),
}
TABLE: dict[str, bytes] = {
    "duplicate key": b'{"a":1,"a":2}',
    "duplicate key by escape": b'{"a":1,"\\u0061":2}',
    "NaN": b"[NaN]",
    "-Infinity": b"[-Infinity]",
    "1e999": b"[1e999]",
    "integer of 4,301 digits": b"[" + b"1" * 4301 + b"]",
    "byte order mark": b"\xef\xbb\xbf[1]",
    "UTF-16": "[1]".encode("utf-16"),
    "UTF-32": "[1]".encode("utf-32"),
    "raw surrogate bytes": b'["\xed\xa0\x80"]',
    "escaped lone surrogate": b'["\\ud800"]',
    "depth 2,000": b"[" * 2000 + b"]" * 2000,
}
"""Texts that stdlib json, orjson and msgspec read differently, all of them refused. 2^64 is read exactly."""

ACCEPT: dict[str, bytes] = {**dict(_must_accept()), **{name: raw for name, (raw, yes) in OURS.items() if yes}}
REFUSE: dict[str, bytes] = {
    **dict(_must_refuse()),
    **{name: raw for name, (raw, yes) in OURS.items() if not yes},
    **TABLE,
}
TEXTS = {
    name: text for name, raw in {**ACCEPT, **REFUSE}.items() if (text := raw.decode("utf-8", "ignore")).encode() == raw
}


def asked(raw: bytes, path: str = WALKED) -> Result:
    return call(PLAN, raw, b"{}", path=path)


def answered(raw: bytes) -> Result:
    return call(PLAN, ASK, raw, path=CHAT, headers=JSON)


def with_arguments(text: str) -> bytes:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}]
    return json.dumps(
        {"model": "m", "messages": [{"role": "assistant", "content": None, "tool_calls": calls}]}
    ).encode()


def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), "a key twice"
    return dict(pairs)


def test_there_are_enough() -> None:
    assert len(ACCEPT) + len(REFUSE) >= 250
    assert min(len(ACCEPT), len(REFUSE)) >= 100
    assert not ACCEPT.keys() & REFUSE.keys()


@pytest.mark.parametrize("name", ACCEPT)
def test_what_is_accepted_has_one_reading(name: str) -> None:
    raw = ACCEPT[name]
    result = asked(raw)
    assert result.sent is not None
    assert result.sent.body == raw
    assert json.loads(raw, object_pairs_hook=no_twins) == msgspec.json.decode(raw)
    assert answered(raw).body == raw


@pytest.mark.parametrize("name", REFUSE)
def test_what_is_refused_goes_nowhere(name: str) -> None:
    raw = REFUSE[name]
    result = asked(raw)
    assert result.sent is None
    assert result.head is not None
    assert result.head.status in (400, 413)
    assert len(result.rows) == 1
    assert result.refused
    if raw:  # an answer may be empty
        given = answered(raw)
        assert given.head is not None
        assert given.head.status == 502
        assert len(raw) < 4 or raw not in given.body
        assert given.rows[-1].not_evaluated


@pytest.mark.parametrize("name", TEXTS)
def test_arguments_of_a_tool_are_read_whatever_they_are(name: str) -> None:
    """A model may be given any text as arguments; good or bad JSON, an escape hides nothing in it."""
    text = TEXTS[name]
    body = with_arguments(text)
    sent = asked(body, CHAT).sent
    assert sent is not None
    assert sent.body == body
    for spoiled in (f"[{text},{HIDDEN}]", f'{{"b":{HIDDEN},"a":{text}}}', f"{HIDDEN}{text}", f"{text}{HIDDEN}"):
        assert asked(with_arguments(spoiled), CHAT).sent is None


@pytest.mark.parametrize(
    "name", [name for name, raw in {**ACCEPT, **REFUSE}.items() if b"\n" not in raw and raw.strip()]
)
def test_a_row_is_read_as_strictly_as_a_body(name: str) -> None:
    raw = {**ACCEPT, **REFUSE}[name]
    file = b'{"n":1}\n' + raw + b'\n{"n":2}\n'
    inner = raw.removesuffix(b"\r").strip(b" \t")
    good = name in ACCEPT and b"\r" not in inner
    if good:
        lines = Lines(file, lambda _: EMPTY, Kind.USER)
        assert (len(lines.rows), lines.body()) == (3, file)
    elif inner:
        with pytest.raises(BadRequest, match="line 2"):
            Lines(file, lambda _: EMPTY, Kind.USER)


def test_two_to_the_64th_is_kept_exactly_when_a_body_is_edited() -> None:
    masked = plan(Word("secret", "custom/masked"))
    sent = call(masked, b'{"n":18446744073709551616,"f":1.10,"t":"a secret"}', b"{}", path=WALKED).sent
    assert sent is not None
    assert sent.body == b'{"n":18446744073709551616,"f":1.10,"t":"a [gone]"}'
