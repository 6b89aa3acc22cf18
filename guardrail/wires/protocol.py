"""What every wire format and every stream codec promises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..http import Release
from ..text import Piece, Segment
from ..verdict import Gap
from .document import Body


@dataclass(frozen=True, slots=True)
class Notice:
    """What the caller is told instead of an answer.

    ``answer``: rendered as an ordinary reply of the API (status 200), else as its error object
    with ``status``. ``code`` is a stable word; ``text`` never holds a user's text or a rule's
    internals; ``decision`` is the id to quote.
    """

    text: str
    code: str
    decision: str
    answer: bool = False
    status: int = 400
    retry_after: int | None = None

    def headers(self) -> tuple[tuple[str, str], ...]:
        extra = (("x-should-retry", "false"), ("x-guardrail-decision", self.decision))
        if self.retry_after is not None:
            return (("x-guardrail-decision", self.decision), ("retry-after", str(self.retry_after)))
        return extra


@dataclass(slots=True)
class Frame:
    """One unit of a stream: the bytes that came, what they say, and the texts inside.

    ``terminal``: the frame that tells the caller the answer is complete.
    """

    raw: bytes
    tree: Any = None
    pieces: list[Piece] = field(default_factory=list)
    terminal: bool = False


class Codec(Protocol):
    """Reads one stream and writes what may leave. ``feed`` raises BadRequest or NotEvaluated where
    it cannot read on, after the frames before that place; ``encode`` is called once for each frame
    that leaves, in order."""

    def feed(self, chunk: bytes) -> Iterable[Frame]: ...
    def finish(self) -> Iterable[Frame]: ...
    def segments(self) -> list[Segment]: ...
    def gaps(self) -> list[Gap]: ...
    def encode(self, frame: Frame) -> bytes: ...
    def refuse(self, notice: Notice) -> bytes:
        """Bytes that end the stream validly, closing exactly what the caller has seen opened."""
        ...

    def fail(self, notice: Notice) -> bytes:
        """Bytes that tell the caller the stream broke off, unlike a refusal."""
        ...


class Wire(Protocol):
    """One wire format. ``request`` and ``response`` raise BadRequest."""

    name: str

    def claims(self, method: str, path: str) -> bool: ...
    def request(self, body: bytes, media: str) -> Body: ...
    def response(self, body: bytes, media: str) -> Body: ...
    def stream(self, asked: Body | None) -> Codec: ...
    def render(self, asked: Body | None, notice: Notice) -> Release:
        """The notice as a whole reply, or as a stream where the request asked for one."""
        ...

    def messages(self, asked: Body) -> int: ...
    def limit_output(self, asked: Body, tokens: int) -> None: ...
    def forward(self, asked: Body, name: str, user: str | None) -> None: ...
    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Called after a whole body was edited and before it is written (to drop repeats of the text)."""
        ...
