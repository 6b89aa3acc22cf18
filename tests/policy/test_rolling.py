"""Judging a stream gives what judging the whole gives, and nothing refused is ever cleared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.errors import NotEvaluated
from guardrail.flow import Call, Effect, Settled, Together, run
from guardrail.policy import whole
from guardrail.policy.lane import Lane
from guardrail.policy.rolling import Rolling
from guardrail.text import Segment
from guardrail.verdict import Action, Finding, Kind, Verdict
from guardrail.wires.protocol import Frame
from tests.support.plans import FLAGGED, MASKED, MASKED_TOO, REFUSED, RULES, Judge, Word, lane

LETTERS = "abcde"


class Alone(Word):
    """Finds its word only where no ``a`` stands beside it: it looks at what stands around."""

    def scan(self, text: str, start: int = 0) -> list[Finding]:
        return [
            Finding(self.category, 1.0, m.start(), m.end(), self.name)
            for m in re.compile(f"(?<!a){self.word}(?!a)").finditer(text, start)
        ]

    def tail(self, text: str) -> int:
        return next((n for n in range(len(self.word), 0, -1) if text.endswith(self.word[:n])), 0)


WORDS = [
    Word("abca", MASKED),
    Alone("bcb", MASKED, "alone"),
    Alone("ce", FLAGGED, "alone too"),
    Word("cab", MASKED_TOO),
    Word("ebbe", FLAGGED),
    Word("dde", MASKED, needs_all=True),
    Word("eeae", REFUSED),
    Word("dada", REFUSED, needs_all=True),
]


def perform(effect: Effect) -> Any:
    if isinstance(effect, Call):
        return effect.fn(*effect.args)
    if isinstance(effect, Together):
        return [settled(flow) for flow in effect.flows]
    raise AssertionError(type(effect).__name__)


def settled(flow: Any) -> Settled:
    try:
        return Settled(run(flow, perform))
    except NotEvaluated as error:
        return Settled(error=error)


class Streamed:
    """One stream of several segments, judged as it grows; remembers what was cleared when."""

    def __init__(self, with_lane: Lane, segments: int = 1, kind: Kind = Kind.ASSISTANT) -> None:
        self.segments = [Segment(kind, (n,)) for n in range(segments)]
        for segment in self.segments:
            segment.keep = False
        self.rolling = Rolling(with_lane)
        self.frames: list[Frame] = []
        self.gone = 0
        self.texts = ["" for _ in self.segments]
        self.full = ["" for _ in self.segments]
        self.verdict = Verdict()

    def push(self, *spoken: tuple[int, str]) -> None:
        frame = Frame(b"", None, [self.segments[n].add(text) for n, text in spoken if text])
        for n, text in spoken:
            self.full[n] += text
        self.frames.append(frame)
        self.rolling.push(frame)

    def judge(self, *, final: bool = False) -> None:
        if self.verdict.action >= Action.REVIEW:
            return
        self.verdict |= run(self.rolling.advance(self.segments, final=final), perform)
        while self.gone < len(self.frames):
            frame = self.frames[self.gone]
            if any(piece.end > piece.segment.clear for piece in frame.pieces):
                break
            for piece in frame.pieces:
                self.texts[self.segments.index(piece.segment)] += piece.written()
            self.gone += 1


def judged_whole(with_lane: Lane, text: str, kind: Kind = Kind.ASSISTANT) -> tuple[Verdict, str, Segment]:
    segment = Segment(kind, (0,))
    segment.add(text)
    verdict = run(whole.judge(with_lane, [segment]), perform)
    return verdict, segment.written(0, text), segment


def spans(findings: Sequence[Finding]) -> set[tuple[str, int, int]]:
    return {(f.category, f.start, f.end) for f in findings}


TEXTS = st.lists(st.text(st.sampled_from(LETTERS), min_size=1, max_size=6), min_size=1, max_size=16)
CHECKS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6, unique_by=lambda w: w.name)


@given(TEXTS, CHECKS, st.lists(st.booleans(), min_size=16, max_size=16))
def test_a_stream_is_judged_as_its_whole_is(texts: list[str], checks: list[Word], due: list[bool]) -> None:
    with_lane = lane(*checks)
    stream = Streamed(with_lane)
    for text, now in zip(texts, due, strict=False):
        stream.push((0, text))
        if now:
            stream.judge()
    stream.judge(final=True)
    all_of_it = "".join(texts)
    verdict, written, _ = judged_whole(with_lane, all_of_it)
    assert stream.verdict.action is verdict.action
    refused = [f for f in verdict.findings if f.category == REFUSED]
    if refused:
        assert not any(word.word in stream.texts[0] for word in checks if word.category != FLAGGED)
        first = min(f.start for f in refused)
        assert sum(len(p.text) for frame in stream.frames[: stream.gone] for p in frame.pieces) <= first
    else:
        assert spans(stream.verdict.findings) == spans(verdict.findings)
        assert stream.texts[0] == written


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.text(st.sampled_from(LETTERS), max_size=4)), max_size=3),
        min_size=1,
        max_size=12,
    ),
    CHECKS,
    st.integers(1, 9),
    st.booleans(),
)
def test_what_is_cleared_does_not_depend_on_how_many_frames_come_at_once(
    frames: list[list[tuple[int, str]]], checks: list[Word], at_once: int, judged: bool
) -> None:
    with_lane = lane(*checks, *([Judge("ea", stride=5, window=8)] if judged else []))
    one, many = Streamed(with_lane, 3), Streamed(with_lane, 3)
    for n, frame in enumerate(frames, 1):
        one.push(*frame)
        one.judge()
        many.push(*frame)
        if n % at_once == 0:
            many.judge()
    one.judge(final=True)
    many.judge(final=True)
    assert one.texts == many.texts
    assert one.verdict.action is many.verdict.action
    assert spans(one.verdict.findings) == spans(many.verdict.findings)


@given(TEXTS, st.integers(3, 9), st.integers(0, 9))
def test_a_moderator_sees_every_character_in_windows_that_end_at_its_stops(
    texts: list[str], stride: int, more: int
) -> None:
    judge = Judge("\x00", stride=stride, window=stride + more)
    stream = Streamed(lane(judge))
    for text in texts:
        stream.push((0, text))
        stream.judge()
        assert stream.segments[0].clear == stream.segments[0].total // stride * stride
    stream.judge(final=True)
    text = "".join(texts)
    stops = sorted({*range(stride, len(text) + 1, stride), len(text)})
    windows = [text[max(0, stop - stride - more) : stop] for stop in stops]
    assert judge.asked == list(dict.fromkeys(windows)), "the same text is asked about once"
    assert stream.texts == [text]


def test_nothing_after_a_window_that_is_refused_is_cleared() -> None:
    judge = Judge("bad", stride=8, window=16)
    stream = Streamed(lane(judge))
    for text in ("All is ", "well. ", "this is ", "bad", " and so", " is this"):
        stream.push((0, text))
        stream.judge()
    assert stream.verdict.action is Action.REFUSE
    assert stream.texts == ["All is well. "]
    (found,) = stream.verdict.findings
    assert (found.start, found.end) == (16, 24), "the part of its window that was not clear yet"


@pytest.mark.parametrize(
    ("word", "released"),
    [
        (Action.REFUSE, ""),
        (Action.FLAG, "some text that is long enough"),
        (Action.ALLOW, "some text that is long enough"),
    ],
)
def test_a_moderator_that_fails_does_what_its_policy_says(word: Action, released: str) -> None:
    class Broken(Judge):
        def ask(self, texts: Sequence[str], prompt: str = "") -> Any:
            yield from ()
            raise NotEvaluated("timeout")

    broken = Broken("x")
    stream = Streamed(Lane((), (broken,), RULES, {broken.name: word}))
    stream.push((0, "some text that is long enough"))
    stream.judge()
    stream.judge(final=True)
    assert stream.verdict.action is word
    assert stream.texts == [released]
    assert {(gap.check, gap.reason) for gap in stream.verdict.gaps} == {("judge", "timeout")}


def test_an_answer_is_asked_for_once_even_if_frames_are_judged_again() -> None:
    judge = Judge("\x00", stride=4, window=8)
    stream = Streamed(lane(Word("refuse"), judge))
    for text in ("aaaa", "bbbb", "cc", "refu", "se it", "dddd"):
        stream.push((0, text))
    stream.judge()
    assert stream.verdict.action is Action.REFUSE
    assert len(judge.asked) == len(set(judge.asked))
    assert stream.texts == ["aaaabbbbcc"]


def test_a_check_that_needs_all_holds_all_back() -> None:
    stream = Streamed(lane(Word("x", needs_all=True)))
    stream.push((0, "abc"))
    stream.judge()
    assert stream.texts == [""]
    stream.judge(final=True)
    assert stream.texts == ["abc"]


def test_kinds_a_check_does_not_read_are_not_held_for_it() -> None:
    only_users = Word("abc", needs_all=True, reads=frozenset({Kind.USER}))
    stream = Streamed(lane(only_users))
    stream.push((0, "abc"))
    stream.judge()
    assert stream.texts == ["abc"]
    assert stream.verdict.action is Action.ALLOW


def test_what_is_clear_is_forgotten() -> None:
    """A stream without end is held in little memory."""
    stream = Streamed(lane(Word("never seen"), Judge("\x00", stride=32, window=64)))
    for _ in range(500):
        stream.push((0, "some words "))
        stream.judge()
        assert (
            len(stream.segments[0].text) <= 64 + 32 + 11 + 10 + 256 + 256
        )  # some is kept, and it is copied only when that is worth it
    assert stream.segments[0].total == 5500


class Counting(Word):
    """Counts the characters it is shown."""

    looked = 0

    def scan(self, text: str, start: int = 0) -> list[Finding]:
        self.looked += len(text)
        return super().scan(text, start)


def test_the_work_of_a_long_stream_grows_with_its_length() -> None:
    counting = Counting("needle in a haystack")
    stream = Streamed(lane(counting))
    for _ in range(3000):
        stream.push((0, "needle in "))
        stream.judge()
    stream.judge(final=True)
    assert counting.looked < 30_000 * 6


def test_a_match_that_the_next_character_undoes_is_none() -> None:
    stream = Streamed(lane(Alone("bcb", MASKED, "alone")))
    for text in ("dbcb", "a dbcb", "d"):
        stream.push((0, text))
        stream.judge()
    stream.judge(final=True)
    assert stream.texts == ["dbcba d[gone]d"]
    assert [(f.start, f.end) for f in stream.verdict.findings] == [(7, 10)]


def test_a_short_text_beside_a_long_one_does_not_hold_it_up() -> None:
    """A comment or a tool's name never comes to a stop of its own; it is judged at its neighbour's."""
    stream = Streamed(lane(Judge("\x00", stride=32, window=64)), segments=2)
    stream.push((1, ": keep alive"), (0, "some words "))
    stream.judge()
    for _ in range(9):
        stream.push((0, "some words "))
        stream.judge()
    assert stream.segments[1].clear == stream.segments[1].total
    assert stream.segments[0].clear >= 64
