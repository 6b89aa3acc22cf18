"""The hold-back: frames leave in order, and none before all of its texts are clear."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from guardrail.text import Piece, Segment
from guardrail.verdict import Kind
from guardrail.window import Window


@dataclass
class Held:
    pieces: list[Piece] = field(default_factory=list)
    terminal: bool = False


def leave(window: Window[Held]) -> list[Held]:
    out = []
    while (frame := window.next()) is not None:
        assert window.pop() is frame
        out.append(frame)
    return out


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), max_size=3), max_size=12),
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6)), max_size=20),
)
def test_what_leaves_is_the_longest_beginning_that_is_clear(
    frames: list[list[tuple[int, int]]], steps: list[tuple[int, int]]
) -> None:
    segments = [Segment(Kind.ASSISTANT, (n,)) for n in range(3)]
    window: Window[Held] = Window()
    held = [Held([segments[n].add("x" * size) for n, size in frame]) for frame in frames]
    for frame in held:
        window.push(frame)
    gone: list[Held] = []
    for n, more in [*steps, (0, 999), (1, 999), (2, 999)]:
        segments[n].clear = min(segments[n].clear + more, segments[n].total)
        gone += leave(window)
        upto = next((i for i, f in enumerate(held) if any(p.end > p.segment.clear for p in f.pieces)), len(held))
        assert gone == held[:upto]
        assert len(window) == len(held) - upto
    assert len(window) == 0


def test_a_frame_waits_behind_the_one_before_it() -> None:
    waits, free = Segment(Kind.ASSISTANT, ()), Segment(Kind.ASSISTANT, ())
    window: Window[Held] = Window()
    window.push(Held([waits.add("a")]))
    window.push(Held([free.add("b")]))
    window.push(Held(terminal=True))
    free.clear = 1
    assert leave(window) == []
    assert window.has_terminal
    waits.clear = 1
    assert len(leave(window)) == 3
    assert window.has_terminal, "that the end has come is remembered"
