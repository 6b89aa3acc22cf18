"""What is disguised is found, at any cut, and what is not is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.checks.disguised import PIECE, Disguised, plain_tails
from guardrail.checks.patterns import Patterns
from guardrail.checks.personal import PersonalData
from guardrail.checks.readings import plain, readings, said
from guardrail.checks.words import Words
from tests.checks.disguises import DISGUISES
from tests.checks.streaming import obeys, stream

WORDS = Disguised(Words("list", ["silver lantern", "harvest", "al", "dd"], "custom/words"))
PATTERNS = Disguised(Patterns("mine", [r"(?i)\bsilver\s+lantern\b", "vest"], "custom/mine"))
OPEN = Disguised(Patterns("open", [r"silver.*tern"], "custom/mine"))
WAITING = Disguised(Patterns("all", ["(?i)lantern$"], "custom/mine"))
PERSONAL = Disguised(PersonalData("personal"), spelled=False)
SCANNERS = {"words": WORDS, "patterns": PATTERNS, "open": OPEN, "waiting": WAITING, "personal": PERSONAL}

PHRASE = "silver lantern"
NEEDS_WHOLE = {"rot13", "reversed"}
LOCAL = sorted(set(DISGUISES) - NEEDS_WHOLE)


@pytest.mark.parametrize("scanner", [WORDS, PATTERNS], ids=["words", "patterns"])
@pytest.mark.parametrize("name", LOCAL)
def test_a_disguised_phrase_is_found_where_it_stands(name: str, scanner: Disguised) -> None:
    hidden = DISGUISES[name](PHRASE)
    text = f"Now, {hidden}, you see."
    assert [text[f.start : f.end] for f in scanner.scan(text)] == [hidden.strip("\u202c\U0001f600")]


@pytest.mark.parametrize("name", LOCAL)
def test_a_stream_finds_each_disguise_at_any_cut(name: str) -> None:
    text = f"I and {DISGUISES[name](PHRASE)}. Also"
    for scanner in (WORDS, PATTERNS):
        everything = list(scanner.scan(text))
        for size in (1, 7):
            pieces = [text[n : n + size] for n in range(0, len(text), size)]
            assert stream(scanner, pieces, forget=True) == everything


PIECES = st.sampled_from([
    *("silver", "lantern", "harvest", "al", "lan", "ver", " ", ".", "-", "s i l", "v e r", "l.a.n", "t.e.r.n", "a", "I"),
    *("s1lv3r", "1", "3", "lll", "ll", "eee", "\u200b", "\u0301", "\u0336", "\ufe0f", "\u00a0", "\uff53", "\u0455"),
    *("\u0430", "\u043e\u0440", "c2ls", "dmVy", "IGxh", "bnRl", "cm4=", "6c61", "6e 74", "%6c", "%", "&#10", "8;", "=="),
    *("&amp;", "\\u00", "6c", "\U0001f3f4", "\U000e0067\U000e0062", "\U000e007f", "\u202e", "\u202c", "\n", "2023"),
    *("$", "!", "@", "z", "\u041f\u0440\u0438\u0432\u0435\u0442"),
])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=8).map("".join), st.lists(st.integers(0, 60), max_size=5))
@pytest.mark.parametrize("name", sorted(SCANNERS))
def test_laws(name: str, text: str, places: list[int]) -> None:
    obeys(SCANNERS[name], text, places)


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES, max_size=6).map("".join))
@pytest.mark.parametrize("name", ["words", "patterns"])
def test_what_is_held_of_plain_text_is_enough(name: str, text: str) -> None:
    scanner = SCANNERS[name]
    if plain(text):
        assert max(tail(text) for tail in plain_tails([scanner])) >= scanner.tail(text)


def test_a_laws_own_example_a_context_that_looks_like_a_beginning() -> None:
    obeys(PATTERNS, "t.e.r.n$\u041f\u0440\u0438\u0432\u0435\u0442c2lsdmVyIGxhbnRlcm4=t;", [2, 11, 31, 33])


INNOCENT = {
    "the flag of Scotland": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "Persian": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Hindi": "\u0915\u094d\u200d\u092f\u093e",
    "Russian": "\u0441\u043e\u0441\u0435\u0434 \u0440\u043e\u0442 \u0441\u043e\u0440",
    "a key": "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
    "a hash": "d41d8cd98f00b204e9800998ecf8427e",
    "a picture": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "vowels with accents": "re\u0301sume\u0301 Vie\u0323\u0302t",
}


@pytest.mark.parametrize("name", INNOCENT)
def test_innocent_text_is_read_as_no_other_text(name: str) -> None:
    text = INNOCENT[name]
    letters = {c for reading in readings(text).undone for c in reading.text if c.isascii() and c.isalpha()}
    assert letters <= set(text)
    assert not any(each.scan(text) for each in (WORDS, PATTERNS, PERSONAL))


@pytest.mark.parametrize("before", [0, PIECE - 20, PIECE - 1, PIECE, 3 * PIECE + 7])
def test_long_texts_are_read_to_their_end(before: int) -> None:
    hidden = DISGUISES["base64"](PHRASE)
    text = ("so it goes, " * (before // 12 + 1))[:before] + f" {hidden} \u200b" + "and so on. " * 2_000
    assert [text[found.start : found.end] for found in WORDS.scan(text)] == [hidden]


def test_a_disguise_from_end_to_end_is_read_too_and_characters_do_not_grow_without_bound() -> None:
    text = DISGUISES["full width"]("x" * (2 * PIECE)) + "\u3000" + DISGUISES["full width"](PHRASE)
    assert [found.end for found in WORDS.scan(text)] == [len(text)]
    ligatures = "\ufdfa" * 1_000
    assert all(len(reading.text) <= len(ligatures) for reading in readings(ligatures).undone)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Hello there, all is well in 2023.", []),
        ("y\u200bou are n1ce", ["you are n1ce", "you are nice"]),
        ("b u y   n o w", ["buy now"]),
        ("Z28gaG9tZSBub3c=", ["go home now"]),
        ("gryy zr gur gehgu", ["tell me the truth"]),
    ],
)
def test_what_a_model_is_told(text: str, says: list[str]) -> None:
    assert said(text) == says
