"""The stream of a response: which events repeat, what masks take with them, and how it is ended.

Endings follow the API's own order ("Streaming events"): parts, items, then the response. Whose text
stands where is in ``responses_events``, what has left in ``responses_seen``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...text import Piece, edited
from ..framing import Event
from ..inline import Left, taken, told
from ..operation import text_at
from ..protocol import Body, Frame, Notice, Reference
from ..sse import ServerSent
from ..stream import JsonStream, Place
from ..table import EMPTY
from . import responses_refusal as refusal
from .errors import SAFETY_WORDS
from .responses_events import ENDS, LIFECYCLE, place_of, type_of
from .responses_repeats import Repeat, Repeats
from .responses_seen import Seen

_BROKEN = ENDS - {"response.completed"}


class ResponsesStream(JsonStream):
    """Codec of one streamed response. ``after``: the number of the last event the caller has from before."""

    moderates = True

    def __init__(self, asked: Body | None = None, after: int | None = None) -> None:
        super().__init__(ServerSent(), EMPTY)
        self._asked, self._resumed = asked, after is not None
        self._seen = Seen()
        self._seen.sequence = -1 if after is None else after
        self._repeats = Repeats()

    def _read(self, event: Event) -> Frame:
        frame = super()._read(event)
        self._repeats.read(event.name, frame)
        return frame

    def place(self, name: str, tree: Any) -> Place:
        return place_of(name, tree)

    def terminal(self, name: str, tree: Any) -> bool:
        return type_of(name, tree) in ENDS

    def encode(self, frame: Frame) -> bytes:
        for piece in frame.pieces:
            if isinstance(piece, Repeat):
                piece.mask()
        # Masks are put in before the event is noted: an ending repeats what the caller has seen.
        if frame.tree is not None and edited(frame.pieces):
            put(frame.pieces)
        return super().encode(frame)

    def note(self, name: str, tree: Any) -> None:
        self._seen.note(name, tree)

    def made(self, name: str, tree: Any) -> Iterable[Reference]:
        kind = type_of(name, tree)
        if kind in LIFECYCLE and isinstance(tree, dict):
            yield from issued(tree.get("response"))
        elif kind == "response.output_item.done" and isinstance(tree, dict):
            yield from _item(tree.get("item"))

    def refused(self, name: str, tree: Any) -> str | None:
        if not isinstance(tree, dict):
            return None
        kind = type_of(name, tree)
        if kind == "error":
            error = tree.get("error")
            return _word(error if isinstance(error, dict) else tree)
        if kind == "response.output_item.done":
            return safety_word({"output": [tree.get("item")]})
        return safety_word(tree.get("response")) if kind in ENDS else None

    def moderated(self, name: str, tree: Any) -> bytes | None:
        """What the last event says; what an earlier one may say is not about all of the answer."""
        return told(tree.get("response")) if isinstance(tree, dict) and type_of(name, tree) in ENDS else None

    def failing(self, name: str, tree: Any) -> bool:
        if not isinstance(tree, dict):
            return False
        response = tree.get("response")
        empty = isinstance(response, dict) and not response.get("output")
        return type_of(name, tree) == "error" or (type_of(name, tree) in _BROKEN and empty)

    def unmoderated(self, name: str, tree: Any) -> Left:
        return taken(tree.get("response")) if isinstance(tree, dict) else "same"

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """Close what is open, say the notice in a message of its own, and end as the API does.

        A tool call that the app would run, and whose end has not left, stays open and is not repeated.
        """
        return self._numbered(self._closing(notice))

    def _closing(self, notice: Notice) -> Iterator[dict[str, Any]]:
        seen = self._seen
        begun = seen.begun or refusal.opening(self._asked, notice)
        if not (seen.any or self._resumed):
            yield {"type": "response.created", "response": begun}
        json = refusal.wants_json(self._asked, begun)
        text = f"\n\n{notice.text}" if seen.wrote() and not json else notice.text
        output = seen.output()
        yield from seen.closing(json=json)
        index = max(seen.items, default=-1) + 1
        part = refusal.part(text, json=json)
        item = refusal.message(notice, [part])
        at = {"item_id": item["id"], "output_index": index, "content_index": 0}
        empty = refusal.message(notice, [], "in_progress")
        field, word = ("refusal", "refusal") if json else ("text", "output_text")
        more: dict[str, Any] = {} if json else {"logprobs": []}
        yield {"type": "response.output_item.added", "output_index": index, "item": empty}
        yield {"type": "response.content_part.added", **at, "part": refusal.part("", json=json)}
        yield {"type": f"response.{word}.delta", **at, "delta": text, **more}
        yield {"type": f"response.{word}.done", **at, field: text, **more}
        yield {"type": "response.content_part.done", **at, "part": part}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
        begun = {**begun, "usage": begun.get("usage") or refusal.nothing_used()}
        yield {"type": "response.incomplete", "response": refusal.ended(begun, [*output, item])}

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """The API's error event (flat as documented, and nested as it is sent), then a failed response."""
        return self._numbered(self._breaking(notice))

    def _breaking(self, notice: Notice) -> Iterator[dict[str, Any]]:
        told = {"code": notice.code, "message": notice.text, "param": None}
        error = {"type": "server_error", **told, "decision_id": notice.decision}
        yield {"type": "error", **told, "error": error}
        begun = self._seen.begun
        if begun is not None:
            failure = {"code": "server_error", "message": notice.text}
            failed = {**begun, "status": "failed", "error": failure, "output": self._seen.output()}
            yield {"type": "response.failed", "response": failed}

    def _numbered(self, events: Iterable[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
        for number, tree in enumerate(events, self._seen.sequence + 1):
            yield tree["type"], {**tree, "sequence_number": number}


def put(pieces: Iterable[Piece]) -> None:
    """Put masks in, and drop what then contradicts them beside it: log-probabilities and places of citations."""
    for piece in pieces:
        if piece.home is None or not piece.segment.edits or piece.written() == piece.text:
            continue
        piece.home[piece.key] = piece.written()
        if isinstance(piece.home, dict):
            for name in ("logprobs", "annotations", "bytes", "top_logprobs"):
                if piece.home.get(name):
                    piece.home[name] = []


def issued(response: Any) -> Iterator[Reference]:
    """The objects that a response object says were made: itself, its conversation, its items."""
    if not isinstance(response, dict):
        return
    if response.get("object", "response") in ("response", "response.compaction") and text_at(response, "id"):
        yield Reference("response", response["id"], "id")
    conversation = response.get("conversation")
    if isinstance(conversation, dict) and text_at(conversation, "id"):
        yield Reference("conversation", conversation["id"], "conversation.id")
    output = response.get("output")
    for item in output if isinstance(output, list) else ():
        yield from _item(item)


def _item(item: Any) -> Iterator[Reference]:
    if isinstance(item, dict) and text_at(item, "id"):
        yield Reference("item", item["id"], "output[].id")


def safety_word(response: Any) -> str | None:
    """The provider's own word, where a response object says that it refused for safety."""
    if not isinstance(response, dict):
        return None
    details, error, output = response.get("incomplete_details"), response.get("error"), response.get("output")
    if isinstance(details, dict) and details.get("reason") == "content_filter":
        return "content_filter"
    items = output if isinstance(output, list) else []
    errors = [error, *(item.get("error") for item in items if isinstance(item, dict))]
    return next((word for found in errors if (word := _word(found)) is not None), None)


def _word(error: Any) -> str | None:
    if not isinstance(error, dict):
        return None
    said = (error.get("code"), error.get("type"))
    return next((word for word in said if isinstance(word, str) and word in SAFETY_WORDS), None)
