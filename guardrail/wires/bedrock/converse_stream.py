"""The stream of Converse: which block an event's text belongs to, and how an answer is closed.

Source: Amazon Bedrock API reference, "ConverseStream". Nova's own stream says the same in chunks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...verdict import Kind
from ..framing import Framing
from ..protocol import Notice
from ..stream import JsonStream, Place, unknown
from ..table import Node
from .errors import INTERVENED, exception, stopped
from .framing import Chunks, Events
from .tables import DELTA, OTHER, START

_TEXT = ("text",)
"""Text blocks that follow each other read as one."""
_ALL = (_TEXT, ("content",))


class ConverseStream(JsonStream):
    """Codec of one streamed answer."""

    done = b""

    def __init__(self, framing: Framing | None = None) -> None:
        super().__init__(framing or Events(), DELTA)
        self._started = False
        self._open: dict[int, None] = {}  # blocks the caller has seen opened and not closed
        self._next = 0  # the first index the caller has seen nothing of

    def place(self, name: str, tree: Any) -> Place:
        own = ("content", _index(tree))
        if name == "contentBlockStart":
            return Place(START, own, closes=(_TEXT,))
        if name == "contentBlockDelta":
            delta = tree.get("delta") if isinstance(tree, dict) else None
            if isinstance(delta, dict) and "text" in delta:
                return Place(DELTA, _TEXT)
            if isinstance(delta, dict) and "citation" in delta:
                return Place(DELTA, own, whole=True, kind=Kind.TOOL_RESULT)
            return Place(DELTA, own, closes=(_TEXT,))
        if name == "contentBlockStop":
            return Place(OTHER, own, whole=True, closes=(own,))
        if name == "messageStop":
            return Place(OTHER, whole=True, closes=_ALL)
        return Place(OTHER, whole=True) if name == "metadata" else unknown(OTHER, name)

    def note(self, name: str, tree: Any) -> None:
        index = _index(tree)
        if name == "messageStart":
            self._started = True
        elif name in ("contentBlockStart", "contentBlockDelta"):
            self._open[index] = None
            self._next = max(self._next, index + 1)
        elif name == "contentBlockStop":
            self._open.pop(index, None)
            self._next = max(self._next, index + 1)

    def refused(self, name: str, tree: Any) -> str | None:
        return stopped(tree)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """Close what is open, say the notice in a block of its own, and stop as Bedrock's own guardrails do."""
        if not self._started:
            yield "messageStart", {"role": "assistant"}
        for index in self._open:
            yield "contentBlockStop", {"contentBlockIndex": index}
        index = self._next
        yield "contentBlockDelta", {"contentBlockIndex": index, "delta": {"text": notice.text}}
        yield "contentBlockStop", {"contentBlockIndex": index}
        yield "messageStop", {"stopReason": INTERVENED}
        yield "metadata", {"usage": dict(NO_USAGE), "metrics": {"latencyMs": 0}}

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield exception(notice)


class NovaStream(ConverseStream):
    """The same events as a model's own JSON: each an object with the event's name as its only key."""

    def __init__(self) -> None:
        super().__init__(Chunks())

    def place(self, name: str, tree: Any) -> Place:
        name, inner = _named(name, tree)
        place = super().place(name, inner)
        return Place(Node(names={name: place.root}), place.at, place.whole, place.kind, place.closes)

    def terminal(self, name: str, tree: Any) -> bool:
        return super().terminal(*_named(name, tree))

    def note(self, name: str, tree: Any) -> None:
        super().note(*_named(name, tree))

    def refused(self, name: str, tree: Any) -> str | None:
        return super().refused(*_named(name, tree))

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        for name, tree in super().closing(notice):
            yield "", {name: tree}


NO_USAGE = {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}


def _named(name: str, tree: Any) -> tuple[str, Any]:
    """An event's name and what it says, where the name is a key."""
    if isinstance(tree, dict) and tree:
        key = next(iter(tree))
        return key, tree[key]
    return name, tree


def _index(tree: Any) -> int:
    index = tree.get("contentBlockIndex") if isinstance(tree, dict) else None
    return index if type(index) is int else 0
