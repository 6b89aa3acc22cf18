"""The Responses wire format: OpenAI's, and that of Azure, Bedrock, xAI, DeepSeek and OpenRouter.

Creating a response, fetching, cancelling and deleting a stored one, its input, compaction and token
counts (API reference, "Responses"). Tables are in ``responses_tables``, streams in ``responses_stream``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

from ...http import Head, Release, Request, media_type
from ...text import Segment
from .. import inline
from ..operation import Operation, reply, streamed, text_at, tree_of
from ..protocol import Body, Codec, Notice, Reference
from ..table import EMPTY, Node
from . import responses_refusal as refusal
from .errors import SAFETY_WORDS, error
from .responses_stream import ResponsesStream, issued, put, safety_word
from .responses_tables import ITEMS, REQUEST, RESPONSE

REFERS = {
    "previous_response_id": "response",
    "prompt_cache_options.comparison_response_id": "response",
    "conversation": "conversation",
    "conversation.id": "conversation",
    "prompt.id": "prompt",
    "tools[].vector_store_ids[]": "vector_store",
    "tools[].container": "container",
    "tools[].container.file_ids[]": "file",
    "tools[].input_image_mask.file_id": "file",
}
_FILES = "file_id"
_LONGEST = 64
"""Digits and characters of a number in a query that are looked at."""


class Kept(Operation):
    """An operation whose path may name a kept object. ``steps``: the word before an id, and its kind."""

    words = SAFETY_WORDS
    steps: tuple[tuple[str, str], ...] = (("responses", "response"),)
    verbs: frozenset[str] = frozenset({"compact", "input_tokens"})

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        return [*in_path(request.path, self.steps, self.verbs), *super().refers(request, asked)]


class Responses(Kept):
    """``POST .../responses``, and every operation that answers with a response object."""

    turns = "input"
    caps: tuple[tuple[str, ...], ...] = (("max_output_tokens",),)
    user: tuple[str, ...] = ("safety_identifier",)
    moderates = True

    def __init__(
        self, name: str = "openai.responses", routes: Sequence[str] = ("POST v/responses",), asks: Node = REQUEST
    ) -> None:
        super().__init__(name, routes, asks=asks, says=RESPONSE, errors=error, refers=REFERS)

    def messages(self, asked: Body) -> int:
        return 1 if isinstance(tree_of(asked).get("input"), str) else super().messages(asked)

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        return [*super().refers(request, asked), *inside(tree_of(asked))]

    def issued(self, answer: Body) -> list[Reference]:
        return list(issued(answer.tree))

    def incident(self, status: int, answer: Body) -> str | None:
        return safety_word(answer.tree) or super().incident(status, answer)

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != "text/event-stream":
            return super().stream(asked, head)
        return ResponsesStream(asked, _after(asked))

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Log-probabilities and places of citations beside an edited text go with it."""
        put(piece for segment in segments if segment.edits for piece in segment.pieces)

    def ask_moderation(self, asked: Body, model: str) -> bool:
        """See ``Moderated``. Of what is only fetched nothing is asked, and nobody knows any more who had."""
        return self.asks is EMPTY or inline.ask(asked, model)

    def moderation(self, answer: Body) -> bytes | None:
        """See ``Moderated``."""
        return inline.told(answer.tree)

    def unwritten(self, answer: Body) -> bool:
        """See ``Moderated``."""
        tree = tree_of(answer)
        waits = tree.get("status") in ("queued", "in_progress", "cancelled", "incomplete") and not tree.get("output")
        return waits or inline.failed(tree)

    def answer(self, asked: Body | None, notice: Notice) -> Release | None:
        if tree_of(asked).get("stream") is True or _queried(asked, "stream") in ("true", "1"):
            stream = ResponsesStream(asked, _after(asked))
            return streamed(stream.refuse(notice), stream.framing.media, notice)
        begun = refusal.opening(asked, notice) | {"usage": refusal.nothing_used()}
        part = refusal.part(notice.text, json=refusal.wants_json(asked))
        return reply(refusal.ended(begun, [refusal.message(notice, [part])]), notice)


class Stored(Responses):
    """A response that was made before: no model is asked, so there is nothing to limit and nobody to name."""

    caps = ()
    user = ()

    def __init__(self, word: str, *routes: str) -> None:
        super().__init__(f"openai.responses.{word}", routes, EMPTY)


class Around(Kept):
    """What stands around responses and gives no answer of a model: deletions, lists, counts, compaction."""

    turns = "input"

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        return [*super().refers(request, asked), *inside(tree_of(asked))]

    def issued(self, answer: Body) -> list[Reference]:
        tree = answer.tree if isinstance(answer.tree, dict) else {}
        return list(issued(tree)) if tree.get("object") == "response.compaction" else []


def operations() -> tuple[Operation, ...]:
    """One of each operation of this API."""
    one = "v/responses/{id}"

    def around(word: str, route: str, **tables: Any) -> Around:
        return Around(f"openai.responses.{word}", [route], errors=error, **tables)

    return (
        Responses(),
        Stored("stored", f"GET {one}"),
        Stored("cancel", f"POST {one}/cancel"),
        around("delete", f"DELETE {one}", says=RESPONSE),
        around("input", f"GET {one}/input_items", says=ITEMS),
        around("compact", "POST v/responses/compact", asks=REQUEST, says=RESPONSE, refers=REFERS),
        around("count", "POST v/responses/input_tokens", asks=REQUEST, says=RESPONSE, refers=REFERS),
    )


def in_path(path: str, steps: Sequence[tuple[str, str]], verbs: frozenset[str] = frozenset()) -> list[Reference]:
    """The ids that a path names, each after the word for its kind."""
    parts = [part for part in path.split("/") if part]
    kinds = dict(steps)
    return [
        Reference(kinds[word.lower()], name, "path")
        for word, name in pairwise(parts)
        if word.lower() in kinds and name.lower() not in verbs and name.lower() not in kinds
    ]


def inside(tree: dict[str, Any]) -> list[Reference]:
    """Files wherever an input names one, and items that stand for a kept one: an id and nothing else."""
    found = []
    items = tree.get("input", tree.get("items"))
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and (item.get("type") == "item_reference" or item.keys() <= {"id", "type"}):
            name = text_at(item, "id")
            found += [Reference("item", name, "input[].id")] if name else []
    variables = tree.get("prompt")
    for place, value in (("input", items), ("prompt", variables)):
        found += [Reference("file", name, place) for name in _files(value)]
    return found


def _files(value: Any) -> list[str]:
    pending, found = [value], list[str]()
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if name := text_at(value, _FILES):
                found.append(name)
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return found


def _queried(asked: Body | None, name: str) -> str | None:
    if asked is None or asked.asked is None:
        return None
    values = parse_qs(asked.asked.query).get(name)
    return values[-1].lower()[:_LONGEST] if values else None


def _after(asked: Body | None) -> int | None:
    """The event after which a stream is taken up again."""
    value = _queried(asked, "starting_after")
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 16 else None
