"""What the caller has seen of a Responses stream: items and parts, opened, grown and closed.

Kept so that an ending can close exactly that, and repeat nothing that did not leave. Knows the shape
of events (API reference, "Streaming events"); of checks, masks and notices it must never know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .responses_events import LIFECYCLE, type_of

_PARTS = {
    "response.output_text.delta": "output_text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning_text",
    "response.reasoning_summary_text.delta": "summary_text",
}
_DONE = {name.replace(".delta", ".done") for name in _PARTS}
_TEXT_DONE = {kind: name.replace(".delta", ".done") for name, kind in _PARTS.items()}
_FIELDS = {
    "response.mcp_call_arguments.delta": "arguments",
    "response.code_interpreter_call_code.delta": "code",
}
_OPENS = frozenset(
    {"response.content_part.added", "response.reasoning_part.added", "response.reasoning_summary_part.added"}
)
_CLOSES = frozenset(name.replace(".added", ".done") for name in _OPENS)
_HOSTED = frozenset(
    {
        "message",
        "reasoning",
        "web_search_call",
        "x_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
        "mcp_list_tools",
        "compaction",
        "program",
    }
)
"""Items that the API itself works on. A call the app has to run is no call before it is complete, so it
is neither closed nor repeated: apps run what ``output_item.done`` tells them."""


@dataclass(slots=True)
class Part:
    """A content or summary part. ``opened``: the event's word without its end; none where none opened it."""

    tree: dict[str, Any]
    opened: str = ""
    texts: list[str] = field(default_factory=list)
    said: bool = False  # its text's own end has left
    done: bool = False

    @property
    def name(self) -> str:
        return "refusal" if self.tree.get("type") == "refusal" else "text"

    def written(self) -> dict[str, Any]:
        return self.tree if self.done else {**self.tree, self.name: "".join(self.texts)}


@dataclass(slots=True)
class Item:
    """An output item as far as it has left."""

    tree: dict[str, Any]
    done: bool = False
    parts: dict[int, Part] = field(default_factory=dict)
    summary: dict[int, Part] = field(default_factory=dict)
    fields: dict[str, list[str]] = field(default_factory=dict)

    @property
    def hosted(self) -> bool:
        return self.tree.get("type") in _HOSTED

    def written(self) -> dict[str, Any]:
        """The item as it ends here."""
        if self.done:
            return self.tree
        tree = dict(self.tree)
        for name, texts in self.fields.items():
            tree[name] = "".join([tree.get(name) or "", *texts])
        if self.parts:
            tree["content"] = [part.written() for _, part in sorted(self.parts.items())]
        if self.summary:
            tree["summary"] = [part.written() for _, part in sorted(self.summary.items())]
        if "status" in tree:
            tree["status"] = "failed" if tree.get("type") == "image_generation_call" else "incomplete"
        return tree


class Seen:
    """All of one stream. ``sequence`` is the number of the last event; ``begun`` the response object that left."""

    def __init__(self) -> None:
        self.begun: dict[str, Any] | None = None
        self.any = False
        self.sequence = -1
        self.items: dict[int, Item] = {}

    def note(self, name: str, tree: Any) -> None:
        """An event has left, masks and all."""
        if not isinstance(tree, dict):
            return
        self.any = True
        kind, number = type_of(name, tree), tree.get("sequence_number")
        if type(number) is int:
            self.sequence = max(self.sequence, number)
        if kind in LIFECYCLE:
            self._lifecycle(tree.get("response"))
            return
        index = tree.get("output_index")
        if type(index) is not int:
            return
        said = tree.get("item")
        if kind == "response.output_item.added" and isinstance(said, dict):
            self.items[index] = Item(said)
        elif kind == "response.output_item.done" and isinstance(said, dict):
            self.items[index] = Item(said, done=True)
        elif (item := self.items.get(index)) is not None:
            _grow(item, kind, tree)

    def _lifecycle(self, response: Any) -> None:
        if not isinstance(response, dict):
            return
        self.begun = response
        output = response.get("output")
        for index, item in enumerate(output if isinstance(output, list) else ()):  # a stream that was taken up again
            if isinstance(item, dict):
                self.items.setdefault(index, Item(item, done=True))

    def wrote(self) -> bool:
        """Has the caller read text of an answer?"""
        return any(
            item.tree.get("type") == "message" and (item.tree.get("content") or item.parts)
            for item in self.items.values()
        )

    def output(self) -> list[dict[str, Any]]:
        """The items the caller has, as they end here."""
        return [item.written() for _, item in sorted(self.items.items()) if item.done or item.hosted]

    def closing(self, *, json: bool = False) -> Iterator[dict[str, Any]]:
        """The events, not numbered yet, that close what is open. ``json``: its text is to be JSON, which SDKs
        parse where they are told that it is complete."""
        for index, item in sorted(self.items.items()):
            if item.done or not item.hosted:
                continue
            at = {"item_id": item.tree.get("id") or "", "output_index": index}
            for n, part in sorted(item.summary.items()):
                yield from _close(part, {**at, "summary_index": n})
            for n, part in sorted(item.parts.items()):
                yield from _close(part, {**at, "content_index": n}, json=json)
            yield {"type": "response.output_item.done", "output_index": index, "item": item.written()}


def _grow(item: Item, kind: str, tree: dict[str, Any]) -> None:
    delta = tree.get("delta")
    if (name := _FIELDS.get(kind)) is not None:
        if isinstance(delta, str):
            item.fields.setdefault(name, []).append(delta)
        return
    summary = tree.get("summary_index")
    number = tree.get("content_index") if summary is None else summary
    if type(number) is not int:
        return
    parts = item.parts if summary is None else item.summary
    said = tree.get("part")
    if kind in _OPENS and isinstance(said, dict):
        part = parts[number] = Part(said, kind.removesuffix(".added"))
        first = said.get(part.name)
        part.texts = [first] if isinstance(first, str) else []
    elif kind in _CLOSES and isinstance(said, dict):
        parts[number] = Part(said, done=True)
    elif kind in _PARTS and isinstance(delta, str):
        if number not in parts:
            parts[number] = Part({"type": _PARTS[kind]} | ({"annotations": []} if "output" in kind else {}))
        parts[number].texts.append(delta)
    elif kind in _DONE and number in parts:
        parts[number].said = True


def _close(part: Part, at: dict[str, Any], *, json: bool = False) -> Iterator[dict[str, Any]]:
    if part.done or not part.opened:
        return
    whole = part.written()
    name = _TEXT_DONE.get(str(whole.get("type")))
    if name is not None and not part.said and not (json and name == "response.output_text.done"):
        extra: dict[str, Any] = {"logprobs": []} if name == "response.output_text.done" else {}
        yield {"type": name, **at, part.name: whole[part.name], **extra}
    part_done: dict[str, Any] = {"type": f"{part.opened}.done", **at, "part": whole}
    yield part_done
