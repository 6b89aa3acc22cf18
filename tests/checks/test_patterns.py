from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.checks.patterns import Patterns, anchored, opening, reach
from tests.checks.streaming import obeys, words_found


def patterns(*written: str, longest: int | None = None) -> Patterns:
    return Patterns("mine", written, "custom/mine", longest=longest)


def test_spans_count_characters_not_bytes() -> None:
    text = "héllo wörld 1234 日本 567 \ud800 8"
    assert [piece for _, piece in words_found(patterns(r"\d+"), text)] == ["1234", "567", "8"]
    assert [found.start for found in patterns(r"\d+").scan(text, 14)] == [14, 20, 26]


def test_left_context_is_seen() -> None:
    assert not patterns(r"\bcd").scan("abcd", 2)
    assert len(patterns(r"\bcd").scan("ab cd", 3)) == 1
    assert not patterns("^cd").scan("abcd", 2)


def test_a_refused_pattern_is_named_by_its_place_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r"pattern 2 .*missing \)"):
        patterns("a", "(b")
    with pytest.raises(ValueError, match=r"pattern 1 .*\(\?="):
        patterns("a(?=b)")


@pytest.mark.parametrize("written", ["a*", "", r"\b", "(x|)", "$"])
def test_refuses_a_pattern_that_matches_the_empty_text(written: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        patterns(written)


def test_refuses_an_empty_list_and_a_wrong_longest() -> None:
    with pytest.raises(ValueError, match="at least one pattern"):
        patterns()
    with pytest.raises(ValueError, match="longest"):
        patterns("a", longest=0)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("abc", 4),
        (r"\bfoo(?:bar|quux)?\b", 8),
        (r"\d{3}-\d{4}", 9),
        ("(?i)abc", 4),
        ("a+", None),
        ("^abc", None),
        ("abc$", None),
        (r"\Aabc", None),
        (r"abc\z", None),
        ("(?m)^abc", None),
        (r"\$[^$]{2}", 4),
        ("[]^$]x", 3),
        ("a{,5}", None),
        (r"\pL{2}", None),
    ],
)
def test_reach_is_the_widest_match_and_one(written: str, expected: int | None) -> None:
    assert reach(written) == expected


def test_longest_is_used_only_where_the_pattern_states_no_bound() -> None:
    assert reach("a+", 50) == 51
    assert reach("abc", 50) == 4
    assert reach("^a+", 50) is None


def test_anchors_in_classes_and_escapes_are_none() -> None:
    assert not anchored(r"[^a]\^\$[$]")
    assert anchored(r"(a|^b)")
    assert patterns("^a").triggers is None
    assert patterns("a").triggers == ("a",)
    assert patterns("^a").tail("xyz") == 3


def test_inline_is_within_its_bounds() -> None:
    assert 256 <= patterns("zzz").inline <= 65_536


BOUNDED = patterns(r"\bab{1,3}c?\b", r"[a-c]{2}é", r"(?i)x.y|xy")
ANCHORED = patterns(r"(?m)^ab", r"c$")
PIECES = st.sampled_from(["ab", "abb", "abbbc", "c", "é", "bcé", "x", "Y", "xy", " ", "\n", "日", "_", "a"])


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=10).map("".join), st.lists(st.integers(0, 60), max_size=5))
def test_laws(text: str, places: list[int]) -> None:
    obeys(BOUNDED, text, places)
    obeys(ANCHORED, text, places)


OPENED = patterns(r"\babb{1,3}c", r"abx{0,2}y", r"cé|cx")


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join), st.lists(st.integers(0, 60), max_size=5))
def test_laws_where_every_match_begins_with_the_same_text(text: str, places: list[int]) -> None:
    obeys(OPENED, text, places)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"https?://[^\s]{1,9}", "http"), (r"\bTICKET-\d", "TICKET-"), ("a|ab", "a"), ("[ab]c", ""), ("(?i)abc", "")],
)
def test_the_text_every_match_begins_with(pattern: str, text: str) -> None:
    assert opening(pattern) == text


def test_prose_is_not_held() -> None:
    assert patterns(r"https?://\S{1,200}").tail("see the old town and its marke") == 0
    assert patterns(r"https?://\S{1,200}").tail("see the old town: htt") == 3
    assert patterns(r"https?://\S{1,200}").tail("see http://a.example") == len("http://a.example")
