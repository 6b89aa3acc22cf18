from __future__ import annotations

from statistics import median

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from guardrail.checks import patterns as module
from guardrail.checks.patterns import ENDLESS, Patterns
from guardrail.checks.prefixes import Part, Prefixes
from tests.checks.streaming import cut, obeys, stream, words_found


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
        (["abc"], 4),
        (["abc", r"\bfoo(?:bar|quux)?\b"], 8),
        (["a+"], ENDLESS),
        (["abc", "a+"], ENDLESS),
        (["^abc"], None),
        (["abc", "abc$"], None),
        ([r"[+-[:alpha:]]"], None),
    ],
)
def test_reach_is_the_widest_match_and_one(written: list[str], expected: int | None) -> None:
    assert patterns(*written).reach == expected


def test_longest_is_used_only_where_the_pattern_states_no_bound() -> None:
    assert patterns("a+", longest=50).reach == 51
    assert patterns("abc", longest=50).reach == 4
    assert patterns("^a+", longest=50).reach is None


def test_places_of_the_patterns_a_stream_cannot_promise_everything_for_are_told() -> None:
    made = patterns("ab", "a+", "^a", "c{3,}", r"a\z+")
    assert (made.open_ended, made.waiting) == ((2, 4), (3, 5))
    assert patterns("a+", longest=9).open_ended == (1,)
    assert (patterns("ab").open_ended, patterns("ab").waiting) == ((), ())


def test_a_pattern_with_an_anchor_needs_the_whole_text_and_is_always_asked() -> None:
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


CHARACTERS = st.sampled_from(["a", "b", "1", "é", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", "(?i:a)", r"\b", r"\B"])
TIMES = st.sampled_from(["?", "*", "+", "{2}", "{1,2}", "{2,}", "{0,3}", "{8,9}", "??", "*?", "+?", "{1,2}?", "{40}"])
WRITTEN = st.recursive(
    CHARACTERS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join).map("(?:{})".format),
        st.builds("(?:{}){}".format, inner, TIMES),
        st.builds("{}({})".format, st.sampled_from(["(?i)", "(?s)", ""]), inner),
    ),
    max_leaves=8,
)
TEXTS = st.text("aAb1é \n", max_size=12)


def made(*written: str, longest: int | None = None) -> Patterns:
    try:
        return patterns(*written, longest=longest)
    except ValueError:
        assume(False)
        raise


@settings(max_examples=400, deadline=None)
@given(WRITTEN, TEXTS, st.lists(st.integers(0, 60), max_size=5))
@example(r"a\b", "ab a", [])
@example("(?:ab)+?b", "aababb", [])
@example("a{40}b", "a" * 45 + "b", [])
def test_laws_of_any_pattern(written: str, text: str, places: list[int]) -> None:
    obeys(made(written), text, places)
    obeys(made(written, longest=100), text, places)


@settings(max_examples=200, deadline=None)
@given(st.lists(WRITTEN, min_size=2, max_size=4), TEXTS, st.lists(st.integers(0, 60), max_size=5))
def test_several_patterns_find_the_same_however_the_text_is_cut(
    written: list[str], text: str, places: list[int]
) -> None:
    scanner = made(*written)
    everything = list(scanner.scan(text))
    for pieces in (list(text), cut(text, places)):
        for forget in (False, True):
            assert stream(scanner, pieces, forget=forget) == everything


PROSE = (
    "The old town's market opens at 7 in the morning, and by 9.30 most stalls are sold out; bring cash (12 or 15 "
    "euros will do). Its internal courtyard, see https://example.org/a?b=c, was rebuilt in 1987. A secret garden "
    "lies behind the Town Hall - ask for the key. Nobody knows who planted it, or why the gate has two locks."
)


@pytest.mark.parametrize(
    ("written", "middle", "most"),
    [
        (r"\bTICKET-\d{6}\b", 0, 1),
        (r"\d{6}", 0, 4),
        (r"https?://[a-z0-9.-]{1,100}/?", 0, 19),
        (r"[A-Z]{2}\d{8}", 0, 1),
        ("(?i)internal[- ]only", 0, 9),
        (r"secret: \S+", 0, 6),
        (r"\b[A-Z]\w+ [A-Z]\w+\b", 0, 9),
        (r"\b\w+@\w+\.com\b", 2, 9),
        (r"foo.*bar", 0, 2),
    ],
)
def test_little_is_held_of_prose(written: str, middle: int, most: int) -> None:
    scanner = patterns(written)
    held = [scanner.tail(PROSE[:size]) for size in range(1, len(PROSE) + 1)]
    assert median(held) == middle
    assert max(held) == most


def test_a_match_without_a_bound_is_held_while_it_is_open() -> None:
    scanner = patterns(r"token: \S+", "foo.*bar")
    assert scanner.tail("a token: abc" + "x" * 9000) == len("token: abc") + 9000
    assert scanner.tail("a token: abc ") == 0
    assert scanner.tail("token: abc\nfoo and ") == len("foo and ")
    assert scanner.tail("foo and \n") == 0


def test_with_longest_no_more_than_that_is_held() -> None:
    scanner = patterns(r"foo.*bar", longest=20)
    assert scanner.tail("foo and ") == 8
    assert scanner.tail("foo and " + "x" * 12) == 20
    assert scanner.tail("foo and " + "x" * 40) == 0


def test_what_is_too_slow_to_look_for_is_held_from_its_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(parts: list[Part], far: int) -> Prefixes:
        if any(part.opening != "ok" for part in parts):
            raise ValueError
        return Prefixes(parts, far)

    monkeypatch.setattr(module, "Prefixes", refused)
    scanner = patterns("ok", "see: .{9}", "ok.")
    assert [scanner.tail(text) for text in ("it is se", "see: an", "see: " + "x" * 30, "ano")] == [2, 7, 0, 1]
    assert patterns(r"[ab].{9}").tail("x" * 50) == 11
    endless = patterns("ok", "abc.*")
    assert (endless.reach, endless.waiting, endless.open_ended, endless.tail("xyz")) == (None, (2,), (), 3)
