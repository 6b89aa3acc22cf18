from __future__ import annotations

from math import inf

import pytest
import re2
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from guardrail.checks import prefixes
from guardrail.checks.prefixes import Part, Prefixes, read


def part(pattern: str) -> Part:
    known = read(pattern)
    assert known is not None
    return known


def held(pattern: str, text: str, far: int = 1000) -> int:
    return Prefixes([part(pattern)], far).held(text)


@pytest.mark.parametrize(
    ("pattern", "width"),
    [
        ("abc", 3),
        (r"\bfoo(?:bar|quux)?\b", 7),
        (r"\d{3}-\d{4}", 8),
        ("(?i)abc", 3),
        ("a+", inf),
        ("a{2,}", inf),
        ("[]^$]x", 2),
        ("a{,5}", 5),
        ("a{02}", 5),
        ("a{9999999999}", 13),
        (r"\pL{2}\p{Greek}", 3),
        (r"[[:alpha:]]{2}[^\]]", 3),
        (r"\x{1F600}\x41\101\n", 4),
        (r"\Q(a|b)*\E{2}", 7),
        (r"(?P<year>\d{4})(?<day>\d\d?)", 6),
        (r"(?:\b)*a", 1),
        ("(?:a{0}b)?", 1),
    ],
)
def test_a_pattern_is_read_as_re2_reads_it(pattern: str, width: float) -> None:
    assert part(pattern).width == width


@pytest.mark.parametrize("pattern", ["^a", "a$", r"\Aa", r"a\z", "(?m)^a", "(a|^b)"])
def test_a_pattern_that_asks_for_an_edge_is_known(pattern: str) -> None:
    assert part(pattern).anchored


@pytest.mark.parametrize("pattern", [r"[^a]\^\$[$]", r"\Q^a$\E", r"\\A"])
def test_what_only_looks_like_an_edge_is_not_one(pattern: str) -> None:
    assert not part(pattern).anchored


@pytest.mark.parametrize("pattern", [r"\C", r"a[+-[:alpha:]]"])
def test_what_could_be_read_in_two_ways_is_not_read(pattern: str) -> None:
    assert read(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"https?://[^\s]{1,9}", "http"),
        (r"\bTICKET-\d", "TICKET-"),
        (r"\Qa.\E\.b+c", "a..b"),
        ("(ab)c|abd", ""),
        ("(ab)c", "abc"),
        ("[ab]c", ""),
        (".c", ""),
        ("a(?i)bc", "a"),
        (r"a\nb", "a"),
    ],
)
def test_the_text_every_match_begins_with(pattern: str, text: str) -> None:
    assert part(pattern).opening == text


@pytest.mark.parametrize(
    ("pattern", "text", "open_end"),
    [
        ("abc", "xab", "ab"),
        ("abc", "xabc", ""),
        ("abc", "xabx", ""),
        (r"abc\b", "xabc", "abc"),
        (r"\babc", "xabc ab", "ab"),
        (r"\babc", "xab", ""),
        (r"\Babc", "xab", "ab"),
        (r"\Babc", "ab", ""),
        (r"\d{6}", "12345678", "45678"),
        (r"\d{2,4}", "in 2024", "024"),
        ("ab?c", "a", "a"),
        ("ab?c", "ac", ""),
        ("(?:ab|cd)+e", "xabcdab", "abcdab"),
        ("(?:ab|cd)+e", "xabcdc", "abcdc"),
        ("(?:ab|cd)+e", "xabce", ""),
        ("a{2}b", "aaa", "aa"),
        ("a+?b", "caa", "aa"),
        ("a{0}bc", "ab", "b"),
        ("foo.*bar", "a foo and", "foo and"),
        ("foo.*bar", "a foo and\n", ""),
        ("(?s)foo.*bar", "a foo and\n", "foo and\n"),
        (r"secret: \S+", "my secret: abc", "secret: abc"),
        (r"secret: \S+", "my secret: abc ", ""),
        ("(?i)straße", "STRAß", "STRAß"),
        ("é[à-ü]{2}日", "zéàü", "éàü"),
        ("é[à-ü]{2}日", "zé\ud800", ""),
        ("é[^?]日", "zé\ud800", "é\ud800"),
        ("a+bc", "xb", ""),
        (r"\bé日", "aé", "é"),
        (r"\bé日", "éé", ""),
        ("(?i)k(?-i)k", "\u212a", "\u212a"),
        ("(?i)k(?-i)k", "KK", "K"),
        ("(?i)k(?-i)1", "kk1", ""),
        (r"[a-z]{40}!", "1" + "a" * 50, "a" * 50),
    ],
)
def test_what_is_open_at_the_end(pattern: str, text: str, open_end: str) -> None:
    assert text[len(text) - held(pattern, text) :] == open_end


def test_only_the_last_characters_are_looked_at_with_one_before_them() -> None:
    assert held("a+b", "a" * 50, 10) == 10
    assert held(r"\ba", "é" * 50, 10) == 0
    assert held(r"\bab", "ca", 1) == 0
    assert held(r"\bab", "éa", 1) == 1
    assert held("日+b", "日" * 50, 10) == 10


def test_patterns_are_asked_about_together() -> None:
    several = Prefixes([part("abc"), part("xaby"), part("é+1")], 1000)
    assert [several.held(text) for text in ("zab", "zxab", "éé", "1", "")] == [2, 3, 2, 0, 0]


def test_where_looking_costs_too_much_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="too long"):
        Prefixes([part(r"\pL{8}" * 400)], 3200)
    monkeypatch.setattr(prefixes, "_LARGEST", 10)
    with pytest.raises(ValueError, match="too much"):
        Prefixes([part("abcdefghi")], 9)
    monkeypatch.undo()
    monkeypatch.setattr(prefixes, "_SLOWEST", 1)
    with pytest.raises(ValueError, match="too much"):
        Prefixes([part("abc")], 3)


def test_a_long_count_does_not_make_a_long_program() -> None:
    assert len(str(part(r"https?://(?:[a-z]{1,1000}\.){1,900}com").open)) < 1000


WRITTEN = st.lists(
    st.sampled_from(
        [
            *"ab1{},|()?*+.-^[]",
            *["(?:", "(?i)", "(?-i:", "(?P<n>", r"\b", r"\B", r"\d", r"\Q", r"\E", r"\x41", r"\101", r"\pL"],
            *["[[:alpha:]]", "[^a]", "[]a]", "{2}", "{1,2}", "{,2}", "{02}", "é", r"\.", "\\\\"],
        ]
    ),
    max_size=8,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(WRITTEN, st.text("abAK1{},-.]é\u212a\\ |", max_size=6))
@example(r"\Q.", "a")
@example("a{02}", "aa")
@example(r"[[:^alpha:]a]\Q\.", r"a\.")
def test_what_was_read_matches_the_same_texts(pattern: str, text: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        assume(False)
    known = part(pattern)
    again = re2.compile(known.whole, options)
    assert bool(again.search(text)) == bool(compiled.search(text))
    assert bool(again.fullmatch(text)) == bool(compiled.fullmatch(text))
    if (match := compiled.search(text)) and not known.anchored:
        assert len(match.group()) <= known.width
        assert match.group().startswith(known.opening)
