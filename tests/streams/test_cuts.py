"""Our own streams, cut everywhere: the laws hold with nothing found, with a word refused, and with one masked.

Of the short ones every place is tried with every line end; of the long ones those where it hurts and 200 more.
"""

from __future__ import annotations

import random

import pytest

from guardrail.verdict import Action
from tests.streams import apis
from tests.streams.laws import Trial
from tests.streams.parts import call, text
from tests.streams.picking import places, words
from tests.streams.talk import Talk, own
from tests.support.plans import FLAGGED, MASKED, Judge, Word

SHORT = 2000
"""Bytes up to which a stream is cut at every place."""
AT_ONCE = 32
"""Cuts in one try of a long stream."""
MUTE = {"openai: speech streamed", "openai: images streamed", "openai: images edited in a form, streamed"}
"""Streams that say no word: sounds and pictures."""
SAYING = sorted(set(own()) - MUTE)


def trials(talk: Talk, end: str, seed: str) -> list[Trial]:
    """One word of the answer refused, and one masked."""
    refused, masked = random.Random(seed).choices(words(talk), k=2)
    pair = [Trial(talk, (Word(refused),), end), Trial(talk, (Word(masked, MASKED),), end)]
    assert pair[0].action is Action.REFUSE
    assert pair[1].action >= Action.REDACT
    return pair


@pytest.mark.parametrize("name", sorted(own()))
def test_every_stream_says_something_but_those_of_sounds_and_pictures(name: str) -> None:
    assert bool(words(own()[name])) == (name not in MUTE)


@pytest.mark.parametrize("name", [name for name in SAYING if len(own()[name].answer) < SHORT])
def test_a_short_stream_is_cut_at_every_place(name: str) -> None:
    """One cut a try where lines end in LF; with the other ends three, a third of the stream apart. The plans take
    turns, so that each place meets each of them."""
    talk = own()[name]
    for way, end in enumerate(talk.ends()):
        nothing, pair = Trial(talk, (), end), trials(talk, end, f"{name}/{end}")
        size, third = len(nothing.raw), len(nothing.raw) // 3 + 1
        for at in range(1, size if end == "LF" else third):
            trial = pair[(at + way) % 2] if (at + way) % 9 else nothing
            cuts = [at] if end == "LF" else [at, at + third, at + 2 * third]
            assert not trial.broken(cuts), (trial, end, cuts)


@pytest.mark.parametrize("name", [name for name in SAYING if len(own()[name].answer) >= SHORT])
def test_a_long_stream_is_cut_where_it_hurts(name: str) -> None:
    """All places about the ends of events, escapes and UTF-8 sequences, and 200 others, some at a time."""
    talk = own()[name]
    for end in talk.ends():
        generator = random.Random(f"{name}/{end}")
        nothing, pair = Trial(talk, (), end), trials(talk, end, f"{name}/{end}")
        cuts = sorted({*places(nothing.raw), *(generator.randrange(1, len(nothing.raw)) for _ in range(200))})
        tries = -(-len(cuts) // AT_ONCE)
        for n in range(tries):
            for trial in (*pair, nothing) if n % 8 == 0 else (pair[n % 2],):
                assert not trial.broken(cuts[n::tries]), (trial, end, n, tries)


@pytest.mark.parametrize("name", sorted(own()))
def test_a_byte_at_a_time_and_all_at_once(name: str) -> None:
    talk = own()[name]
    end = random.Random(name).choice(talk.ends())
    for trial in (Trial(talk, (), end), *(trials(talk, end, name) if words(talk) else ())):
        for cuts in (range(0), range(len(trial.raw))):
            assert not trial.broken(cuts), (trial, end, cuts)


GOES_ON = apis.anthropic(
    text(*["It is quiet here. " * 3] * 9, "A zorbenblat. ", "So it goes on. " * 5),
    call("{}"),
    text("One two three four five six seven. ", "A florbwhistle. ", "Eight."),
)
"""A text that was complete, for a call followed it, and goes on all the same."""


@pytest.mark.parametrize("check", [Word("zorbenblat", FLAGGED), Judge("florbwhistle")], ids=["flag", "judge"])
def test_a_text_that_goes_on_after_its_end_is_judged_the_same_however_it_was_cut(check: Word | Judge) -> None:
    trial = Trial(GOES_ON, (check,))
    for cuts in (range(0, len(trial.raw), 37), range(len(trial.raw)), [len(trial.raw) // 2]):
        assert not trial.broken(cuts), (trial, cuts)
