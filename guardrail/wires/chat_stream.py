"""The stream of chat completion chunks: events in, frames out, and an ending the caller can parse."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ..text import Segment, edited
from ..verdict import Gap, Kind
from . import jsontext, sse
from .likeness import Likeness
from .protocol import Frame, Notice
from .table import Node
from .walk import Walker

_REPEATED = ("id", "object", "created", "model", "system_fingerprint")


class ChatStream:
    """Codec of one streamed answer. ``choices`` and ``usage`` are what the request asked for."""

    def __init__(self, root: Node, *, model: str = "", choices: int = 1, usage: bool = False) -> None:
        self._split = sse.Splitter()
        self._walker = Walker(root, Kind.ASSISTANT, frames=True)
        self._choices, self._wants_usage = choices, usage
        self._like: dict[str, Any] = {"object": "chat.completion.chunk", "created": int(time.time()), "model": model}
        self._seen: dict[int, bool] = {}  # choices the caller has seen opened -> finished
        self._wrote: set[int] = set()  # choices the caller has read text of
        self._usage: Any = None
        self._like_last = Likeness()

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        return map(self._read, self._split.feed(chunk))

    def finish(self) -> Iterator[Frame]:
        return map(self._read, self._split.finish())

    def segments(self) -> list[Segment]:
        return list(self._walker.segments.values())

    def gaps(self) -> list[Gap]:
        return list(self._walker.gaps)

    def _read(self, event: sse.Event) -> Frame:
        data = event.data.strip()
        if not data:
            return Frame(event.raw, None, self._walker.aside(event.aside))
        if data == b"[DONE]":
            return Frame(event.raw, None, self._walker.aside(event.aside), terminal=True)
        text = self._like_last.text(data) if not event.aside else None
        if text is not None and self._like_last.segment is not None:
            return Frame(event.raw, data, [self._like_last.segment.add(text)] if text else [])
        tree = jsontext.decode(data)
        pieces = self._walker.walk(tree)
        jsontext.unique(data, self._walker.pairs)
        self._like_last.learn(data, pieces)
        if event.aside:
            pieces = pieces + self._walker.aside(event.aside)
        return Frame(event.raw, tree, pieces)

    def encode(self, frame: Frame) -> bytes:
        if frame.tree is None:
            return frame.raw
        if isinstance(frame.tree, bytes):
            if not edited(frame.pieces):
                return frame.raw  # like the frame before it, which was noted
            self._read_again(frame)
        else:
            self._note(frame.tree)
        if not edited(frame.pieces):
            return frame.raw
        for piece in frame.pieces:
            if piece.home is not None:
                piece.home[piece.key] = piece.written()
        for choice in _choices(frame.tree):
            if choice.get("logprobs") is not None:
                choice["logprobs"] = None
        return sse.encode(jsontext.encode(frame.tree))

    def _read_again(self, frame: Frame) -> None:
        """A frame that was known by its likeness is edited after all: find where its text stands."""
        frame.tree = jsontext.decode(frame.tree)
        found = Walker(self._walker.root, Kind.ASSISTANT, frames=True).walk(frame.tree)
        (place,) = [piece for piece in found if piece.home is not None]
        frame.pieces[0].home, frame.pieces[0].key = place.home, place.key

    def _note(self, tree: Any) -> None:
        """Remember what the caller has now seen, for an ending that fits."""
        if not isinstance(tree, dict):
            return
        if not self._seen:
            self._like |= {name: tree[name] for name in _REPEATED if name in tree}
        if tree.get("usage") is not None:
            self._usage = tree["usage"]
        for n, choice in enumerate(_choices(tree)):
            index = choice.get("index", n)
            if type(index) is not int:
                index = n
            self._seen[index] = self._seen.get(index, False) or choice.get("finish_reason") is not None
            delta = choice.get("delta")
            if isinstance(delta, dict) and delta.get("content"):
                self._wrote.add(index)

    def refuse(self, notice: Notice) -> bytes:
        """Close every choice that is still open, open those the caller never saw, then end."""
        like = {"id": f"chatcmpl-{notice.decision}", **self._like}
        indexes = sorted({*range(self._choices), *self._seen})
        out = []
        for index in indexes:
            if self._seen.get(index):
                continue
            text = f"\n\n{notice.text}" if index in self._wrote else notice.text
            delta = (
                {"content": text} if index in self._seen else {"role": "assistant", "content": text, "refusal": None}
            )
            for part, reason in ((delta, None), ({}, "content_filter")):
                choice = {"index": index, "delta": part, "logprobs": None, "finish_reason": reason}
                out.append(sse.encode(jsontext.encode({**like, "choices": [choice]})))
        if self._wants_usage and self._usage is None:
            nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
            out.append(sse.encode(jsontext.encode({**like, "choices": [], "usage": nothing})))
        return b"".join([*out, sse.encode(b"[DONE]")])

    def fail(self, notice: Notice) -> bytes:
        error = {
            "message": notice.text,
            "type": "server_error",
            "param": None,
            "code": notice.code,
            "decision_id": notice.decision,
        }
        return sse.encode(jsontext.encode({"error": error}))


def _choices(tree: Any) -> list[dict[str, Any]]:
    choices = tree.get("choices") if isinstance(tree, dict) else None
    return [c for c in choices if isinstance(c, dict)] if isinstance(choices, list) else []
