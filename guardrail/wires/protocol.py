"""What every wire format and every stream codec promises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..http import Head, Release, Request
from ..text import Medium, Piece, Segment
from ..verdict import Gap, Kind
from .framing import Event


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


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that the API's server keeps (a stored response, a thread, a file), named by its id.

    ``kind`` is the API's word for it (response, thread, file); ``where`` the place that names it.
    """

    kind: str
    id: str
    where: str = ""


class Body(Protocol):
    """A whole body whose texts can be read, edited and written back.

    Unedited, ``body()`` gives the very bytes that came. ``tree``: its JSON, where it is that.
    """

    raw: bytes
    tree: Any
    segments: list[Segment]
    media: list[Medium]
    gaps: list[Gap]
    touched: bool
    asked: Request | None
    """The request whose body this is, where it is one's (some APIs say in the path what others say inside)."""

    def set(self, key: str, value: Any) -> None:
        """Put a top-level field, for what the policy adds (an id, a cap)."""
        ...

    def drop(self, key: str) -> None:
        """Take a top-level field away."""
        ...

    def edited(self) -> list[Segment]: ...
    def body(self) -> bytes: ...


@dataclass(slots=True)
class Frame:
    """One unit of a stream: the bytes that came, what they say, and the texts inside.

    ``terminal``: the frame that tells the caller the answer is complete. ``closes``: segments to
    which nothing will be added after this frame. ``media``: what in it no text check can read.
    """

    raw: bytes
    tree: Any = None
    pieces: list[Piece] = field(default_factory=list)
    terminal: bool = False
    closes: Sequence[Segment] = ()
    event: Event | None = None
    media: Sequence[Medium] = ()


class Codec(Protocol):
    """Reads one stream and writes what may leave. ``feed`` raises BadRequest or NotEvaluated where
    it cannot read on, after the frames before that place; ``encode`` is called once for each frame
    that leaves, in order."""

    incident: str | None
    """The provider's own word for a refusal of its making, once it has come."""

    def feed(self, chunk: bytes) -> Iterable[Frame]: ...
    def finish(self) -> Iterable[Frame]: ...
    def segments(self) -> list[Segment]:
        """Those that may still grow."""
        ...

    def kinds(self) -> set[Kind]:
        """Whose texts there were so far."""
        ...

    def media(self) -> list[Medium]: ...
    def issued(self) -> list[Reference]:
        """The objects that the API has made in this answer."""
        ...

    def encode(self, frame: Frame) -> bytes: ...
    def comment(self) -> bytes:
        """Bytes that every reader of this stream passes over; empty where there are none."""
        ...

    def refuse(self, notice: Notice) -> bytes:
        """Bytes that end the stream validly, closing exactly what the caller has seen opened."""
        ...

    def fail(self, notice: Notice) -> bytes:
        """Bytes that tell the caller the stream broke off, unlike a refusal."""
        ...


class Wire(Protocol):
    """One operation of an API: what its messages look like. ``request`` and ``response`` raise BadRequest."""

    name: str

    def request(self, body: bytes, asked: Request) -> Body: ...
    def response(self, body: bytes, media: str) -> Body: ...
    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        """The codec of this answer; None where it does not stream and is judged whole."""
        ...

    def gives(self, media: str) -> str | None:
        """The modality of an answer of this media type, where the operation gives answers no text check can read."""
        ...

    def render(self, asked: Body | None, notice: Notice) -> Release:
        """The notice as a whole reply, or as a stream where the request asked for one."""
        ...

    def messages(self, asked: Body) -> int: ...
    def limit_output(self, asked: Body, tokens: int) -> None: ...
    def forward(self, asked: Body, name: str, user: str | None) -> None: ...
    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Called after a whole body was edited and before it is written (to drop repeats of the text)."""
        ...

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        """The kept objects that a request names, in its path or body."""
        ...

    def issued(self, answer: Body) -> list[Reference]:
        """The objects that the API has made in this answer."""
        ...

    def incident(self, status: int, answer: Body) -> str | None:
        """The provider's own word where it refused for safety (an error code or a finish reason)."""
        ...
