"""The stream of a message: which block an event's text belongs to, and how an answer is closed.

Source: Anthropic API documentation, "Streaming messages".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...verdict import Kind
from ..framing import Framing
from ..operation import named, text_at
from ..protocol import Notice, Reference
from ..sse import ServerSent
from ..stream import JsonStream, Place, unknown
from .errors import REFUSAL, error_tree
from .tables import BLOCK_DELTA, BLOCK_START, MESSAGE_DELTA, MESSAGE_START

_TEXT = ("text",)
"""Text blocks that follow each other read as one: citations cut a sentence into blocks."""
_ALL = (_TEXT, ("content",))


class MessageStream(JsonStream):
    """Codec of one streamed answer. ``model`` is what the request asked for."""

    done = b""
    alike = True

    def __init__(self, model: str = "", framing: Framing | None = None) -> None:
        super().__init__(framing or ServerSent(), BLOCK_DELTA)
        self._model = model
        self._texts: set[int] = set()  # indexes of the text blocks there were
        self._usage: dict[str, Any] = {"input_tokens": 0, "output_tokens": 0}
        self._started = False
        self._open: dict[int, None] = {}  # blocks the caller has seen opened and not closed
        self._next = 0  # the first index the caller has seen nothing of

    def place(self, name: str, tree: Any) -> Place:
        kind = _type(tree)
        index = _index(tree)
        own = ("content", index)
        if kind == "message_start":
            return Place(MESSAGE_START, whole=True)
        if kind == "content_block_start":
            if _type(tree.get("content_block")) == "text":
                self._texts.add(index)
                return Place(BLOCK_START, _TEXT)
            return Place(BLOCK_START, own, closes=(_TEXT,))
        if kind == "content_block_stop":
            return Place(BLOCK_DELTA, own, whole=True, closes=(own,))
        if kind.endswith("delta") and kind != "message_delta":
            said = _type(tree.get("delta"))
            if said == "citations_delta":
                return Place(BLOCK_DELTA, own, whole=True, kind=Kind.TOOL_RESULT)
            of_text = said == "text_delta" or (index in self._texts and said != "input_json_delta")
            return Place(BLOCK_DELTA, _TEXT if of_text else own)
        if kind == "message_delta":
            return Place(MESSAGE_DELTA, whole=True, closes=_ALL)
        return unknown(BLOCK_DELTA, kind)

    def terminal(self, name: str, tree: Any) -> bool:
        return _type(tree) == "message_stop"

    def note(self, name: str, tree: Any) -> None:
        kind, index = _type(tree), _index(tree)
        if kind == "message_start":
            self._started = True
            self._count(tree.get("message"))
        elif kind == "content_block_start":
            self._open[index] = None
            self._next = max(self._next, index + 1)
        elif kind == "content_block_stop":
            self._open.pop(index, None)
        elif kind == "message_delta":
            self._count(tree)

    def _count(self, holder: Any) -> None:
        usage = holder.get("usage") if isinstance(holder, dict) else None
        for key, value in usage.items() if isinstance(usage, dict) else ():
            if key in self._usage and type(value) is int:
                self._usage[key] = value

    def made(self, name: str, tree: Any) -> Iterable[Reference]:
        if _type(tree) == "message_start":
            yield from named(tree, "message.id", "message")
            yield from named(tree, "message.container.id", "container")
        elif _type(tree) == "message_delta":
            yield from named(tree, "delta.container.id", "container")
        elif _type(tree) == "content_block_start":
            yield from named(tree, "content_block.content.content[].file_id", "file")

    def refused(self, name: str, tree: Any) -> str | None:
        delta = tree.get("delta") if _type(tree) == "message_delta" else None
        return REFUSAL if isinstance(delta, dict) and delta.get("stop_reason") == REFUSAL else None

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """Close what is open, say the notice in a text block of its own, and stop with the API's refusal."""
        if not self._started:
            yield _event("message_start", message=opening(self._model, notice))
        for index in self._open:
            yield _event("content_block_stop", index=index)
        index = self._next
        yield _event("content_block_start", index=index, content_block={"type": "text", "text": ""})
        yield _event("content_block_delta", index=index, delta={"type": "text_delta", "text": notice.text})
        yield _event("content_block_stop", index=index)
        yield _event("message_delta", delta=ending(), usage=self._usage)
        yield _event("message_stop")

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "error", error_tree(notice)


def opening(model: str, notice: Notice) -> dict[str, Any]:
    """A message of ours that nothing has been said in yet."""
    return {
        "id": f"msg_{notice.decision}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }


def ending() -> dict[str, Any]:
    """Why a message of ours stops."""
    details = {"type": REFUSAL, "category": None, "explanation": None}
    return {"stop_reason": REFUSAL, "stop_sequence": None, "stop_details": details}


def _event(kind: str, **fields: Any) -> tuple[str, Any]:
    return kind, {"type": kind, **fields}


def _type(tree: Any) -> str:
    return text_at(tree, "type") if isinstance(tree, dict) else ""


def _index(tree: Any) -> int:
    index = tree.get("index") if isinstance(tree, dict) else None
    return index if type(index) is int else 0
