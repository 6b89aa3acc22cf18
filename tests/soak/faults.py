"""Faults planted in the guard on purpose: a soak that does not find them proves nothing.

Each is a context manager that breaks one thing as a careless change might, and mends it at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from guardrail.checks.patterns import Patterns
from guardrail.text import Segment
from guardrail.window import Window
from guardrail.wires.stream import JsonStream
from tests.support.plans import Word


@contextmanager
def _patched(owner: type, name: str, made: Any) -> Iterator[None]:
    before = owner.__dict__[name]
    setattr(owner, name, made)
    try:
        yield
    finally:
        setattr(owner, name, before)


def early_window() -> AbstractContextManager[None]:
    """Frames leave before their texts are clear."""
    return _patched(Window, "next", lambda self: self._frames[0] if self._frames else None)


def no_tail() -> AbstractContextManager[None]:
    """A word list that thinks no word can begin in one frame and end in another."""
    return _patched(Word, "tail", lambda self, text: 0)


def short_tail() -> AbstractContextManager[None]:
    """Patterns that wait for less than they can reach."""
    return _patched(Patterns, "tail", lambda self, text: min(len(text), 16))


def half_mask() -> AbstractContextManager[None]:
    """A mask is put into the frame in which its span begins, and the rest of the span stays."""

    def written(self: Segment, at: int, text: str) -> str:
        for start, end, mask in reversed(self.edits):
            if at <= start < at + len(text):
                text = text[: start - at] + mask + text[max(start, min(end, at + len(text))) - at :]
        return text

    return _patched(Segment, "written", written)


def no_ending() -> AbstractContextManager[None]:
    """What is refused just stops."""
    return _patched(JsonStream, "refuse", lambda self, notice: b"")


PLANTED: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "early-window": early_window,
    "no-tail": no_tail,
    "short-tail": short_tail,
    "half-mask": half_mask,
    "no-ending": no_ending,
}
