"""The events of a run: deltas of messages and steps, and the objects that repeat them.

What a caller has seen opened is a run, perhaps steps, perhaps a message; an ending closes these in
the API's order, with the notice as one more part of the message. Knows no tables of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ...text import edited
from .. import references
from ..operation import text_at
from ..protocol import Frame, Notice, Reference
from ..sse import ServerSent
from ..stream import JsonStream, Place, unknown
from ..table import EMPTY, Node
from .errors import SAFETY_WORDS, error_tree

_MESSAGE, _STEP, _RUN = "thread.message.", "thread.run.step.", "thread.run."
_ENDED = frozenset({"completed", "incomplete", "failed", "cancelled", "expired"})


class ThreadStream(JsonStream):
    """Codec of one run's events. ``delta`` and ``kept`` are the tables of deltas and of whole objects."""

    def __init__(self, delta: Node, kept: Node) -> None:
        super().__init__(ServerSent(), kept)
        self._delta = delta
        self._run: dict[str, Any] | None = None
        self._running = True
        self._messages: dict[str, dict[str, Any]] = {}  # open ones the caller has seen -> as they began
        self._parts: dict[str, dict[int, list[Any]]] = {}  # of each: its parts' deltas; masks go where they stand
        self._steps: dict[str, dict[str, Any]] = {}

    def place(self, name: str, tree: Any) -> Place:
        made = text_at(tree, "id") if isinstance(tree, dict) else ""
        word = name.rpartition(".")[2]
        if name == f"{_MESSAGE}delta":
            return Place(self._delta, at=("message", made))
        if name == f"{_STEP}delta":
            return Place(self._delta, at=("step", made))
        if word == "delta":
            return Place(EMPTY, at=(name, made))
        if name.startswith(_MESSAGE) and word in _ENDED:
            return Place(self._root, whole=True, closes=(("message", made),))
        if name.startswith(_STEP) and word in _ENDED:
            return Place(self._root, whole=True, closes=(("step", made),))
        if name == f"{_RUN}requires_action":  # its tool calls are complete, and the caller waits for them
            return Place(self._root, whole=True, closes=(("step",),))
        return Place(self._root, whole=True) if name.startswith("thread.") else unknown(self._root, name)

    def encode(self, frame: Frame) -> bytes:
        if edited(frame.pieces) and isinstance(frame.tree, dict):
            delta = frame.tree.get("delta")
            unmarked((delta if isinstance(delta, dict) else frame.tree).get("content"))
        return super().encode(frame)

    def made(self, name: str, tree: Any) -> Iterable[Reference]:
        return references.made(tree) if name.endswith(".created") else ()

    def refused(self, name: str, tree: Any) -> str | None:
        return refusal(tree) or (refusal({"error": tree}) if name == "error" else None)

    def note(self, name: str, tree: Any) -> None:
        if not isinstance(tree, dict):
            return
        made, word = text_at(tree, "id"), name.rpartition(".")[2]
        if name == f"{_MESSAGE}delta":
            for n, part in enumerate(_parts(tree)):
                at = part.get("index", n)
                self._parts.setdefault(made, {}).setdefault(at if type(at) is int else n, []).append(part)
        elif word == "delta":
            return
        elif name.startswith(_MESSAGE):
            _keep(self._messages, made, tree, word)
        elif name.startswith(_STEP):
            _keep(self._steps, made, tree, word)
        elif name.startswith(_RUN):
            self._run, self._running = tree, word not in _ENDED and word != "requires_action"

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        if self._run is None or self._running:
            yield from self._ending(notice)
        yield "done", b"[DONE]"

    def _ending(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        now = int(time.time())
        if not self._messages:
            message = self._message(notice, now)
            self._messages[message["id"]] = message
            yield f"{_MESSAGE}created", message
            yield f"{_MESSAGE}in_progress", message
        for made, message in self._messages.items():
            parts = self._parts.get(made, {})
            index = max(parts, default=-1) + 1
            text = {"value": notice.text, "annotations": []}
            content = [{"index": index, "type": "text", "text": text}]
            yield f"{_MESSAGE}delta", {"id": made, "object": "thread.message.delta", "delta": {"content": content}}
            whole = [_whole(parts[n]) for n in sorted(parts)] + [{"type": "text", "text": text}]
            end = {"status": "incomplete", "incomplete_at": now, "incomplete_details": {"reason": "content_filter"}}
            yield f"{_MESSAGE}incomplete", {**message, "content": whole, **end}
        error = {"code": "invalid_prompt", "message": notice.text}
        for step in self._steps.values():
            failed = {"code": "server_error", "message": notice.text}
            yield f"{_STEP}failed", {**step, "status": "failed", "failed_at": now, "last_error": failed}
        if self._run is not None:
            yield f"{_RUN}failed", {**self._run, "status": "failed", "failed_at": now, "last_error": error}

    def _message(self, notice: Notice, now: int) -> dict[str, Any]:
        """A message of our own, where the run has not begun one."""
        run = self._run or {}
        return {
            "id": f"msg_{notice.decision}",
            "object": "thread.message",
            "created_at": now,
            "assistant_id": run.get("assistant_id"),
            "thread_id": run.get("thread_id", ""),
            "run_id": run.get("id"),
            "status": "in_progress",
            "incomplete_details": None,
            "incomplete_at": None,
            "completed_at": None,
            "role": "assistant",
            "content": [],
            "attachments": [],
            "metadata": {},
        }

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "error", error_tree(notice)


def refusal(tree: Any) -> str | None:
    """The API's own word, where an object or an error says that it was refused for safety."""
    fields = [tree.get(key) for key in ("error", "last_error", "incomplete_details")] if isinstance(tree, dict) else []
    words = [field.get(key) for field in fields if isinstance(field, dict) for key in ("code", "reason", "type")]
    return next((word for word in words if isinstance(word, str) and word in SAFETY_WORDS), None)


def unmarked(content: Any) -> None:
    """Take the annotations off texts: they count characters of what is no longer the same."""
    for part in content if isinstance(content, list) else ():
        text = part.get("text") if isinstance(part, dict) else None
        if isinstance(text, dict) and text.get("annotations"):
            text["annotations"] = []


def _keep(open_: dict[str, dict[str, Any]], made: str, tree: dict[str, Any], word: str) -> None:
    if word in _ENDED:
        open_.pop(made, None)
    else:
        open_[made] = tree


def _parts(tree: dict[str, Any]) -> list[dict[str, Any]]:
    delta = tree.get("delta")
    content = delta.get("content") if isinstance(delta, dict) else None
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _whole(deltas: list[dict[str, Any]]) -> dict[str, Any]:
    """A part of a message as its deltas say it."""
    first = {key: value for key, value in deltas[0].items() if key != "index"}
    if first.get("type") != "text":
        return first
    said = [part["text"] for part in deltas if isinstance(part.get("text"), dict)]
    return {"type": "text", "text": {"value": "".join(text_at(text, "value") for text in said), "annotations": []}}
