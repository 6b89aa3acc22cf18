"""The messages wire format of Anthropic's API, Vertex and Azure; and the counting of its tokens.

Knows the fields in which a policy puts its own words, and how a refusal looks to a caller. Whose
text stands where is in ``tables``; streams are in ``messages_stream``.
"""

from __future__ import annotations

from typing import Any

from ...http import Head, Release, Request, media_type
from ...verdict import Kind
from ..operation import Operation, reply, streamed, text_at, tree_of
from ..protocol import Body, Codec, Notice, Reference
from .errors import error, refusal_of
from .media import refined
from .messages_stream import MessageStream, ending, opening
from .tables import REQUEST, RESPONSE

REFERS = {
    "messages[].content[].file_id": "file",
    "messages[].content[].source.file_id": "file",
    "messages[].content[].content[].source.file_id": "file",
    "messages[].content[].content.content[].file_id": "file",
    "container": "container",
    "container.id": "container",
    "container.skills[].skill_id": "skill",
    "diagnostics.previous_message_id": "message",
    "thread.previous_message_id": "message",
}
_OURS = frozenset({"pptx", "xlsx", "docx", "pdf"})
"""Skills that Anthropic itself offers to all."""


class Messages(Operation):
    """``POST .../messages`` and Vertex's ``rawPredict`` of the same bodies."""

    caps = (("max_tokens",),)
    user = ("metadata", "user_id")

    def __init__(self) -> None:
        super().__init__(
            "anthropic.messages",
            [
                "POST v/messages",
                "POST publishers/anthropic/models/{model}:rawPredict",
                "POST publishers/anthropic/models/{model}:streamRawPredict",
            ],
            asks=REQUEST,
            says=RESPONSE,
            errors=error,
            refers=REFERS,
            issues={"id": "message", "container.id": "container", "content[].content.content[].file_id": "file"},
        )

    def request(self, body: bytes, asked: Request) -> Body:
        read = super().request(body, asked)
        read.media = refined(read.media, read.tree)
        return read

    def response(self, body: bytes, media: str) -> Body:
        read = super().response(body, media)
        read.media = refined(read.media, read.tree)
        return read

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != "text/event-stream":
            return super().stream(asked, head)
        return MessageStream(text_at(tree_of(asked), "model"))

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        return [found for found in super().refers(request, asked) if not (found.kind == "skill" and found.id in _OURS)]

    def incident(self, status: int, answer: Body) -> str | None:
        return refusal_of(answer.tree)

    def limit_output(self, asked: Body, tokens: int) -> None:
        """The cap holds for the models that stand in for the first one too. 0 only fills the prompt's cache."""
        tree = tree_of(asked)
        if type(tree.get("max_tokens")) is not int or tree["max_tokens"] != 0:
            super().limit_output(asked, tokens)
        others = tree.get("fallbacks")
        for other in others if isinstance(others, list) else ():
            if isinstance(other, dict) and other.get("max_tokens") is not None:
                value = other["max_tokens"]
                if type(value) is not int or not 0 < value <= tokens:
                    other["max_tokens"], asked.touched = tokens, True

    def answer(self, asked: Body | None, notice: Notice) -> Release:
        tree = tree_of(asked)
        model = text_at(tree, "model")
        if tree.get("stream") is True or _streams_by_path(asked):
            stream = MessageStream(model)
            return streamed(stream.refuse(notice), stream.framing.media, notice)
        return reply(refusal(model, notice), notice)


class CountTokens(Operation):
    """``POST .../messages/count_tokens``: the same requests, and a number for an answer."""

    def __init__(self) -> None:
        super().__init__(
            "anthropic.count_tokens",
            ["POST v/messages/count_tokens", "POST publishers/anthropic/models/count-tokens:rawPredict"],
            asks=REQUEST,
            says=RESPONSE,
            errors=error,
            asks_kind=Kind.OTHER,
            refers=REFERS,
        )

    def request(self, body: bytes, asked: Request) -> Body:
        read = super().request(body, asked)
        read.media = refined(read.media, read.tree)
        return read


def refusal(model: str, notice: Notice) -> dict[str, Any]:
    """A whole message that carries a notice."""
    return opening(model, notice) | {"content": [{"type": "text", "text": notice.text}], **ending()}


def _streams_by_path(asked: Body | None) -> bool:
    at = asked.asked if asked is not None else None
    return at is not None and at.path.lower().endswith(":streamrawpredict")
