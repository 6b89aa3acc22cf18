"""The answer on its way to the caller: passed, read as a whole, or read as it streams.

Feeding never asks and never judges. What can leave is decided by ``advance``; these classes know
frames and segments, and nothing of policies' words, of rows or of doors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .beside import Beside
from .errors import BadRequest
from .flow import Call, Flow
from .http import Head, without
from .policy import whole
from .policy.lane import Lane, Streaming
from .policy.rolling import Rolling
from .policy.shadow import Shadow
from .policy.vault import Vault
from .text import Medium, Segment
from .verdict import Action, Gap, Kind, Verdict
from .window import Window
from .wires.coding import Decoder
from .wires.protocol import Body, Codec, Frame, Notice, Reference, Wire

_MEASURES = ("content-length", "etag", "content-md5", "digest")
"""Headers that are about the very bytes."""
WORKER = 65_536
"""Bytes of a body that are parsed on the event loop; more is a worker's."""


def plain_head(head: Head, decoded: bool) -> Head:
    """The head of an answer whose length may change, and whose coding was undone."""
    dropped = (*_MEASURES, "content-encoding") if decoded else ("content-length",)
    return Head(head.status, without(head.headers, *dropped))


class WholeReply:
    """An answer that is judged when it is complete."""

    def __init__(
        self,
        wire: Wire,
        lane: Lane,
        head: Head,
        media: str,
        decoder: Decoder | None,
        limit: int,
        vault: Vault | None = None,
        *,
        prompt: str = "",
        beside: Beside | None = None,
    ) -> None:
        self._prompt, self._beside = prompt, beside
        self._wire, self._lane, self.head, self._media, self._vault = wire, lane, head, media, vault
        self._decoder, self._limit = decoder, limit
        self._chunks: list[bytes] = []
        self._raw: list[bytes] | None = None if decoder is None else []
        self._size = 0
        self.body: Body | None = None
        self.segments: list[Segment] = []
        self.gaps: list[Gap] = []
        self.incident: str | None = None

    def feed(self, chunk: bytes) -> None:
        """Raises BadRequest over the cap or for a coding that does not hold."""
        if self._decoder is not None and self._raw is not None:
            self._raw.append(chunk)
            chunk = self._decoder.feed(chunk)
        self._size += len(chunk)
        if self._size > self._limit:
            raise BadRequest("the answer is larger than the guard may hold", code="reply_too_large", status=413)
        self._chunks.append(chunk)

    def judge(self) -> Flow[Verdict]:
        """Parse and judge the whole. Raises BadRequest where it cannot be read."""
        if self._decoder is not None and self._chunks:
            self._decoder.finish()
        raw = b"".join(self._chunks)
        if len(raw) > WORKER:
            self.body = yield Call(self._wire.response, (raw, self._media))
        else:
            self.body = self._wire.response(raw, self._media)
        self.segments, self.gaps = self.body.segments, self.body.gaps
        self.incident = self._wire.incident(self.head.status, self.body)
        verdict = yield from whole.judge(self._lane, self.segments, restore=self._vault, prompt=self._prompt)
        if self._beside is not None:
            verdict |= self._beside.whole(self._wire, self.head.status, self.body)
        return verdict

    def media(self) -> list[Medium]:
        return self.body.media if self.body is not None else []

    def issued(self) -> list[Reference]:
        return self._wire.issued(self.body) if self.body is not None else []

    def kinds(self) -> set[Kind]:
        return {segment.kind for segment in self.segments}

    def spill(self) -> bytes:
        """All that came, as it came: its head still names its coding."""
        return b"".join(self._chunks if self._raw is None else self._raw)

    def written(self) -> tuple[Head, bytes, bool]:
        """Head and bytes with the masks in place, and whether anything was changed."""
        assert self.body is not None
        changed = bool(self.body.edited())
        if changed:
            self._wire.edited(self.body, self.segments)
        trimmed = self._beside is not None and self._beside.trim(self.body)
        data = self.body.body()
        if not (changed or trimmed) and self._decoder is None:
            return self.head, data, False
        head = plain_head(self.head, True) if self._decoder is not None else self.head
        return (
            Head(head.status, (*without(head.headers, *_MEASURES), ("content-length", str(len(data))))),
            data,
            changed,
        )


class StreamReply:
    """An answer that is judged as it grows, and leaves as far as it is clear."""

    def __init__(
        self,
        codec: Codec,
        streaming: Streaming,
        decoder: Decoder | None,
        limit: int,
        barred: Callable[[Medium], bool],
        vault: Vault | None = None,
        *,
        prompt: str = "",
        beside: Beside | None = None,
    ) -> None:
        self.held, self._limit, self._barred = 0, limit, barred
        self._codec, self.decoder = codec, decoder
        self._rest = bytearray()  # bytes that are no frame yet
        self._used = 0  # bytes that are frames
        self._plain = True  # what has come and was not judged is text alone
        self._window: Window[Frame] = Window()
        self._rolling = Rolling(streaming.window, vault, prompt=prompt)
        later = streaming.whole or streaming.after or streaming.told
        self._shadow = Shadow(streaming, prompt=prompt) if later else None
        self._beside = beside
        self._hold = streaming.hold or (beside is not None and beside.hold)  # until all of it was judged
        self.changed = False
        self.text: list[str] = []

    @property
    def gaps(self) -> list[Gap]:
        return []

    @property
    def incident(self) -> str | None:
        return self._codec.incident

    def media(self) -> list[Medium]:
        return self._codec.media()

    def issued(self) -> list[Reference]:
        return self._codec.issued()

    def kinds(self) -> set[Kind]:
        return self._codec.kinds()

    def feed(self, chunk: bytes) -> None:
        """Raises BadRequest or NotEvaluated where the stream cannot be read on."""
        if self.decoder is not None:
            chunk = self.decoder.feed(chunk)
        used = self._used
        try:
            self._take(self._codec.feed(chunk))
        finally:
            if self._rest or self._used - used != len(chunk):
                self._rest += chunk
                del self._rest[: self._used - used]
        if self.held + len(self._rest) > self._limit:
            raise BadRequest(
                "more of the stream is held back than the guard may hold", code="reply_too_large", status=413
            )

    def finish(self) -> None:
        if self.decoder is not None:
            self.decoder.finish()
        self._take(self._codec.finish())

    def _take(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            size = len(frame.raw)
            self._used += size
            if (frame.pieces or frame.media) and self._window.has_terminal:
                continue  # text after the end: its row is stored, so it is dropped
            self._window.push(frame)
            self._rolling.push(frame)
            if frame.media:
                self._plain = False
            if self._shadow is not None:
                self._shadow.push(frame)
            self.held += size

    def quick(self) -> bool:
        """Judge what has come at once, where nothing is to be asked and nothing found; else it is left as it is."""
        return self._plain and not self._window.has_terminal and self._rolling.quick()

    def judge(self, *, final: bool, idle: bool = False) -> Flow[Verdict]:
        """The verdict on what has come; what comes while this asks is the next one's. See ``Rolling.advance``."""
        self._plain = True
        verdict = yield from self._rolling.advance(self._codec.segments(), final=final, idle=idle)
        if final and verdict.action < Action.REVIEW:
            if self._shadow is not None:
                verdict |= yield from self._shadow.judge()
            if self._beside is not None:
                verdict |= self._beside.streamed(self._codec)
            self._hold = self._hold and verdict.action >= Action.REVIEW
        return verdict

    def unjudged(self) -> list[Gap]:
        """What was to be judged at the end, where no end has come."""
        return self._shadow.unjudged() if self._shadow is not None else []

    @property
    def complete(self) -> bool:
        """Has the frame arrived that tells the caller the answer is complete?"""
        return self._window.has_terminal

    def release(self, *, terminal: bool, keep: bool = False, held: bool = False) -> bytes:
        """The frames that are clear. ``terminal``: the end may leave too (its row is stored). ``held``: those too that
        wait for the end."""
        out: list[bytes] = []
        while (held or not self._hold) and (frame := self._window.next()) is not None:
            if (frame.terminal and not terminal) or (frame.media and any(map(self._barred, frame.media))):
                break
            self._window.pop()
            self.held -= len(frame.raw)
            for piece in frame.pieces:
                if piece.segment.edits:
                    self.changed = True
            if keep:
                self.text += [p.kept() for p in frame.pieces if not (p.segment.fixed or p.segment.apart)]
            out.append(self._codec.encode(frame))
        return out[0] if len(out) == 1 else b"".join(out)

    def comment(self) -> bytes:
        """Bytes that say nothing, and tell that the stream is alive; empty where the API has none."""
        return self._codec.comment()

    def spill(self) -> bytes:
        """All that is held, the bytes of an event that is not whole included."""
        rest, self._rest = bytes(self._rest), bytearray()
        return b"".join(frame.raw for frame in self._window.drain()) + rest

    def settle(self) -> None:
        """Nothing more is judged: note whether what is still held will be changed, before it is told."""
        self.changed = self.changed or any(piece.segment.edits for frame in self._window for piece in frame.pieces)

    def refuse(self, notice: Notice) -> bytes:
        """Everything still held is dropped; what the caller saw opened is closed."""
        self._window.drain()
        return self._codec.refuse(notice)

    def fail(self, notice: Notice) -> bytes:
        """The upstream broke off: what is held is dropped, and the caller is told so."""
        self._window.drain()
        return self._codec.fail(notice)


def refuses(verdict: Verdict) -> bool:
    return verdict.action >= Action.REVIEW
