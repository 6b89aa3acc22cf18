"""Bedrock's invoke: bodies in the language of the model that the path names, whole or in chunks.

Knows how a family is chosen and used; what its language is stands in ``families``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...errors import BadRequest
from ...http import Head, Release, Request, media_type
from ...verdict import Kind
from .. import generic
from ..anthropic.media import refined
from ..anthropic.messages import REFERS
from ..anthropic.messages_stream import MessageStream
from ..aws import AwsEvents
from ..document import Document
from ..operation import Operation, reply, streamed, tree_of
from ..protocol import Body, Codec, Notice
from ..stream import JsonStream
from . import errors
from .converse import Bedrock, streams
from .converse_stream import NovaStream
from .families import ANTHROPIC, NOVA, Family, answered, family
from .framing import Chunks

_LAST = "amazon-bedrock-invocationMetrics"
"""What Bedrock adds to the last chunk of a model."""


class InvokedMessages(MessageStream):
    """Anthropic's events in chunks; a stream breaks off with an exception of Bedrock's."""

    def __init__(self) -> None:
        super().__init__(framing=Chunks())

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield errors.exception(notice)


class InvokeStream(JsonStream):
    """The chunks of any other family: its one text grows from chunk to chunk."""

    done = b""

    def __init__(self, spoken: Family) -> None:
        super().__init__(Chunks(), spoken.chunks)
        self._spoken = spoken

    def terminal(self, name: str, tree: Any) -> bool:
        return isinstance(tree, dict) and _LAST in tree

    def refused(self, name: str, tree: Any) -> str | None:
        return errors.stopped(tree)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        if self._spoken.chunk is None:
            yield errors.exception(notice)
        else:
            yield "", dict(self._spoken.chunk(notice))

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield errors.exception(notice)


class Invoke(Bedrock):
    """``POST /model/{id}/invoke`` and its stream."""

    def __init__(self) -> None:
        super().__init__(
            "bedrock.invoke",
            ["POST model/{id*}/invoke", "POST model/{id*}/invoke-with-response-stream"],
            asks_kind=Kind.USER,
            errors=errors.error,
            refers=REFERS,
        )

    def request(self, body: bytes, asked: Request) -> Body:
        if not body:
            return super().request(body, asked)
        read = Document(body, lambda tree: family(asked.path, tree).asks, self._asks_kind)
        read.media = refined(read.media, read.tree)
        return read

    def response(self, body: bytes, media: str) -> Body:
        """The request is not at hand, but an answer shows whose it is."""
        try:
            read: Body = Document(body, lambda tree: answered(tree).says, Kind.ASSISTANT)
        except BadRequest as wrong:
            if wrong.code != "invalid_json" or generic.is_json(media):
                raise
            read = super().response(body, media)
        read.media = refined(read.media, read.tree)
        return read

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != AwsEvents.media:
            return super().stream(asked, head)
        return _codec(_spoken(asked))

    def incident(self, status: int, answer: Body) -> str | None:
        tree = tree_of(answer)
        inside = [tree.get(key) for key in ("choices", "results", "outputs", "generations")]
        parts = [part for parts in inside if isinstance(parts, list) for part in parts]
        return next((word for part in (tree, *parts) if (word := errors.stopped(part)) is not None), None)

    def limit_output(self, asked: Body, tokens: int) -> None:
        _Fields(_spoken(asked)).limit_output(asked, tokens)

    def forward(self, asked: Body, name: str, user: str | None) -> None:
        _Fields(_spoken(asked)).forward(asked, name, user)

    def answer(self, asked: Body | None, notice: Notice) -> Release | None:
        spoken = _spoken(asked)
        if spoken.whole is None:
            return None
        if streams(asked):
            return streamed(_codec(spoken).refuse(notice), AwsEvents.media, notice)
        return reply(dict(spoken.whole(notice)), notice)


class _Fields(Operation):
    """Where a family's requests carry what a policy puts into them."""

    def __init__(self, spoken: Family) -> None:
        super().__init__(spoken.name, ())
        self.caps, self.user = spoken.caps, spoken.user


def _spoken(asked: Body | None) -> Family:
    at = asked.asked if asked is not None else None
    return family(at.path if at is not None else "", asked.tree if asked is not None else None)


def _codec(spoken: Family) -> JsonStream:
    if spoken is ANTHROPIC:
        return InvokedMessages()
    return NovaStream() if spoken is NOVA else InvokeStream(spoken)
