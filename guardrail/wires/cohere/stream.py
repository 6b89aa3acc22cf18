"""Cohere's chat streams: typed events of version 2, and the older ones of version 1.

Knows what a caller has seen opened (content blocks, tool calls, citations) and how each is closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..framing import Framing
from ..protocol import Notice
from ..sse import ServerSent
from ..stream import JsonStream, Place, unknown
from .tables import EVENT, LEGACY_EVENT

USAGE = {
    "billed_units": {"input_tokens": 0, "output_tokens": 0},
    "tokens": {"input_tokens": 0, "output_tokens": 0},
}
_BLOCKS = ("content", "tool-call", "citation")
_TEXT = ("content", "text")
"""Where neighbouring text blocks go on: they read as one text."""

_LEGACY = frozenset(
    {
        "stream-start",
        "search-queries-generation",
        "search-results",
        "citation-generation",
        "tool-calls-generation",
        "stream-end",
    }
)
"""Events of version 1 that say something whole."""


class ChatStream(JsonStream):
    """Codec of version 2: blocks with an index, each with its start, deltas and end."""

    def __init__(self) -> None:
        super().__init__(ServerSent(), EVENT)
        self._started = self._called = False
        self._open: dict[tuple[str, int], None] = {}
        self._next = 0  # index of a content block the caller has not seen

    def place(self, name: str, tree: Any) -> Place:
        word, step, index = _event(tree)
        if word in ("tool-plan", "message"):
            closes = (_TEXT,) if step == "end" else ()
            return Place(EVENT, at=(word,), whole=word != "tool-plan", closes=closes)
        if not step:
            return unknown(EVENT, word)
        at = (word, index)
        if word == "content" and step in ("start", "delta") and not _thinks(tree):
            return Place(EVENT, at=_TEXT)
        if word == "citation" or step not in ("start", "delta", "end"):
            return Place(EVENT, at=at, whole=True)
        if step == "start":
            return Place(EVENT, at=at, closes=(_TEXT,))
        return Place(EVENT, at=at, closes=(at,) if step == "end" else ())

    def terminal(self, name: str, tree: Any) -> bool:
        return isinstance(tree, dict) and tree.get("type") == "message-end"

    def note(self, name: str, tree: Any) -> None:
        word, step, index = _event(tree)
        if word == "message":
            self._started = True
        elif word in _BLOCKS and step == "start":
            self._open[word, index] = None
            self._called = self._called or word == "tool-call"
            self._next = max(self._next, index + 1) if word == "content" else self._next
        elif word in _BLOCKS and step == "end":
            self._open.pop((word, index), None)

    def changed(self, name: str, tree: Any) -> None:
        if isinstance(tree, dict):
            tree.pop("logprobs", None)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """The notice is a block of its own. With tool calls begun the answer ends as an error, lest they are run."""
        if not self._started:
            message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
            yield _named("message-start", {"id": notice.decision, "delta": {"message": message}})
        for word, index in reversed(self._open):
            yield _named(f"{word}-end", {"index": index})
        at = {"index": self._next}
        opened = {"message": {"content": {"type": "text", "text": ""}}}
        yield _named("content-start", {**at, "delta": opened})
        yield _named("content-delta", {**at, "delta": {"message": {"content": {"text": notice.text}}}})
        yield _named("content-end", at)
        reason = "ERROR" if self._called else "COMPLETE"
        yield _named("message-end", {"id": notice.decision, "delta": {"finish_reason": reason, "usage": USAGE}})
        yield "", self.done

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """An answer whose finish reason is an error: the streams have no other event for it."""
        delta = {"finish_reason": "ERROR", "error": notice.text, "usage": USAGE}
        if not self._started:
            message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
            yield _named("message-start", {"id": notice.decision, "delta": {"message": message}})
        yield _named("message-end", {"id": notice.decision, "delta": delta})


class LegacyStream(JsonStream):
    """Codec of version 1, as JSON lines or as events. Its last event holds the whole answer once more."""

    def __init__(self, framing: Framing) -> None:
        super().__init__(framing, LEGACY_EVENT)
        self._started = False
        self._text = ""

    def place(self, name: str, tree: Any) -> Place:
        kind = tree.get("event_type") if isinstance(tree, dict) else None
        if kind == "text-generation":
            return Place(LEGACY_EVENT, at=("text-generation",))
        if kind == "tool-calls-chunk":
            delta = tree.get("tool_call_delta")
            index = delta.get("index") if isinstance(delta, dict) else None
            return Place(LEGACY_EVENT, at=(kind, index if type(index) is int else 0))
        if kind in _LEGACY:
            return Place(LEGACY_EVENT, at=(str(kind),), whole=True)
        return unknown(LEGACY_EVENT)

    def terminal(self, name: str, tree: Any) -> bool:
        return isinstance(tree, dict) and tree.get("event_type") == "stream-end"

    def refused(self, name: str, tree: Any) -> str | None:
        return "ERROR_TOXIC" if isinstance(tree, dict) and tree.get("finish_reason") == "ERROR_TOXIC" else None

    def note(self, name: str, tree: Any) -> None:
        self._started = True
        if isinstance(tree, dict) and tree.get("event_type") == "text-generation":
            self._text += tree["text"] if isinstance(tree.get("text"), str) else ""

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        if not self._started:
            yield "", _legacy("stream-start", generation_id=notice.decision)
        text = f"\n\n{notice.text}" if self._text else notice.text
        yield "", _legacy("text-generation", text=text)
        whole = legacy_answer(self._text + text, notice)
        yield "", _legacy("stream-end", True, finish_reason=whole["finish_reason"], response=whole)

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        whole = {**legacy_answer(self._text, notice), "finish_reason": "ERROR"}
        yield "", _legacy("stream-end", True, finish_reason="ERROR", error=notice.text, response=whole)


def answer(notice: Notice) -> dict[str, Any]:
    """The notice as a whole answer of version 2."""
    message = {"role": "assistant", "content": [{"type": "text", "text": notice.text}]}
    return {"id": notice.decision, "finish_reason": "COMPLETE", "message": message, "usage": USAGE}


def legacy_answer(text: str, notice: Notice) -> dict[str, Any]:
    """A whole answer of version 1, which ended for safety after this text."""
    ids = {"response_id": notice.decision, "generation_id": notice.decision}
    meta = {"api_version": {"version": "1"}, **USAGE}
    return {"text": text, **ids, "chat_history": [], "finish_reason": "ERROR_TOXIC", "meta": meta}


def _legacy(kind: str, finished: bool = False, **more: Any) -> dict[str, Any]:
    return {"is_finished": finished, "event_type": kind, **more}


def _named(kind: str, more: dict[str, Any]) -> tuple[str, Any]:
    return kind, {"type": kind, **more}


def _event(tree: Any) -> tuple[str, str, int]:
    """What an event is about, which step of it (empty where it has none), and its index."""
    kind = tree.get("type") if isinstance(tree, dict) else None
    index = tree.get("index") if isinstance(tree, dict) else None
    word, _, step = (kind if isinstance(kind, str) else "other").rpartition("-")
    return word or step, step if word else "", index if type(index) is int else 0


def _thinks(tree: Any) -> bool:
    """Is this content a thought?"""
    delta = tree.get("delta")
    message = delta.get("message") if isinstance(delta, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, dict) and (content.get("type") == "thinking" or "thinking" in content)
