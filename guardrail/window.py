"""The hold-back: frames wait until every text in them is clear, and leave in the order they came.

Knows frames and positions only; what is clear is decided elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from .text import Piece


class Waiting(Protocol):
    """A frame as far as the window cares."""

    @property
    def pieces(self) -> list[Piece]: ...
    @property
    def terminal(self) -> bool: ...


F = TypeVar("F", bound=Waiting)


class Window(Generic[F]):
    """One release point for one stream."""

    def __init__(self) -> None:
        self._frames: deque[F] = deque()
        self.has_terminal = False

    def push(self, frame: F) -> None:
        self._frames.append(frame)
        self.has_terminal = self.has_terminal or frame.terminal

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[F]:
        return iter(self._frames)

    def next(self) -> F | None:
        """The first frame, if it may leave: every piece ends within what is clear of its segment."""
        if not self._frames:
            return None
        frame = self._frames[0]
        for piece in frame.pieces:
            if piece.start + len(piece.text) > piece.segment.clear:
                return None
        return frame

    def pop(self) -> F:
        return self._frames.popleft()

    def drain(self) -> list[F]:
        """All that is still held, which the window then lets go of."""
        held = list(self._frames)
        self._frames.clear()
        return held
