from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.checks.words import Words, fold
from tests.checks.streaming import obeys, words_found

LIST = ["foo", "foo bar", "Grün", "c++", "_x", "禁词", "ทดสอบ", "ΟΔΟΣ", "İstan", "कम", "-dash-", "o"]
WORDS = Words("list", LIST, "custom/words")


def matched(text: str, words: list[str] | None = None) -> list[str]:
    scanner = WORDS if words is None else Words("list", words, "custom/words")
    return [piece for _, piece in words_found(scanner, text)]


def test_matches_whole_words_in_any_case() -> None:
    assert matched("Foo, FOO! (foo)") == ["Foo", "FOO", "foo"]
    assert matched("food sfoo foo_ foo1 _foo 1foo") == []


def test_longest_match_wins_but_a_shorter_one_stands_where_it_fails() -> None:
    assert matched("foo bar") == ["foo bar"]
    assert matched("foo barn") == ["foo"]
    assert matched("foo  bar") == ["foo"]


def test_an_edge_that_is_no_word_character_needs_no_boundary() -> None:
    assert matched("xc++y") == []
    assert matched("C++y and c++") == ["C++", "c++"]
    assert matched("a-dash-b") == ["-dash-"]


def test_scripts_without_spaces_need_no_boundary() -> None:
    assert matched("这是禁词吗") == ["禁词"]
    assert matched("การทดสอบนี้") == ["ทดสอบ"]
    assert matched("用foo写") == ["foo"]


def test_combining_marks_continue_a_word() -> None:
    assert matched("कम") == ["कम"]
    assert matched("कमी") == []


def test_positions_are_those_of_the_original_text() -> None:
    assert matched("İİİ foo") == ["foo"]
    assert matched("İSTAN istan") == ["İSTAN", "istan"]
    assert matched("οδος ΟΔΟΣ οδοσ") == ["οδος", "ΟΔΟΣ", "οδοσ"]
    assert matched("\ud800 foo") == ["foo"]


def test_folding_keeps_every_position() -> None:
    for code in range(sys.maxunicode + 1):
        assert len(fold(chr(code))) == 1


@pytest.mark.parametrize("words", [[], [""], ["a", "  "]])
def test_refuses_an_empty_list_and_blank_words(words: list[str]) -> None:
    with pytest.raises(ValueError, match="word"):
        Words("list", words, "custom/words")


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("say fo", 2),
        ("say foo", 3),
        ("say foo ", 4),
        ("say foo b", 5),
        ("say foo x", 0),
        ("say foo bar", 7),
        ("xfo", 0),
        ("这禁", 1),
        ("这禁词", 0),
        ("Hello, how are", 0),
        ("", 0),
    ],
)
def test_holds_what_could_still_become_a_match_and_no_more(text: str, held: int) -> None:
    assert WORDS.tail(text) == held


PIECES = st.sampled_from([*LIST, *(word[:2] for word in LIST), " ", "  ", "x", "_", "ς", "İ", "ी", "是", ".", "bar"])


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=10).map("".join), st.lists(st.integers(0, 200), max_size=5))
def test_laws(text: str, places: list[int]) -> None:
    obeys(WORDS, text, places)
    assert WORDS.maybe(text) or not WORDS.scan(text)
