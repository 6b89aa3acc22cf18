"""The operations of Cohere's API: chat of both versions, embeddings, ranking, tokens, and the rest."""

from __future__ import annotations

from collections.abc import Sequence

from ...http import Head, Release, media_type
from ...text import Segment
from .. import jsontext
from ..framing import Framing
from ..ndjson import JsonLines
from ..operation import Operation, reply, streamed, tree_of
from ..protocol import Body, Codec, Notice
from ..sse import ServerSent
from ..table import EMPTY, Node
from .stream import ChatStream, LegacyStream, answer, legacy_answer
from .tables import (
    CHAT,
    CHAT_ANSWER,
    EMBED,
    GENERATE,
    GENERATED,
    PLAIN,
    RANK,
    RANKED,
    TOKENIZED,
    TOKENS,
)

EVENTS = "text/event-stream"
_LINES = frozenset({"application/stream+json", "application/x-ndjson", "application/jsonl"})


def error(notice: Notice) -> bytes:
    """Cohere's error object: a message, and an id to quote."""
    return jsontext.encode({"id": notice.decision, "message": notice.text})


class Chat(Operation):
    """The wire format of ``POST v2/chat``, and of ``v1/chat``, which has a ``message`` and no ``messages``."""

    caps = (("max_tokens",),)
    words = frozenset({"ERROR_TOXIC"})

    def __init__(self) -> None:
        super().__init__("cohere.chat", ["POST v/chat"], asks=CHAT, says=CHAT_ANSWER, errors=error)

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        media = media_type(head.headers)[0]
        if media in _LINES:
            return LegacyStream(JsonLines())
        if media != EVENTS:
            return super().stream(asked, head)
        return LegacyStream(ServerSent()) if _is_legacy(asked) else ChatStream()

    def messages(self, asked: Body) -> int:
        history = tree_of(asked).get("chat_history")
        if _is_legacy(asked):
            return 1 + (len(history) if isinstance(history, list) else 0)
        return super().messages(asked)

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Log-probabilities repeat the text."""
        if any(segment.edits for segment in segments):
            body.drop("logprobs")

    def incident(self, status: int, answer: Body) -> str | None:
        word = tree_of(answer).get("finish_reason")
        return word if isinstance(word, str) and word in self.words else super().incident(status, answer)

    def answer(self, asked: Body | None, notice: Notice) -> Release:
        legacy = _is_legacy(asked)
        if tree_of(asked).get("stream") is not True:
            return reply(legacy_answer(notice.text, notice) if legacy else answer(notice), notice)
        if not legacy:
            stream = ChatStream()
            return streamed(stream.refuse(notice), stream.framing.media, notice)
        framing: Framing = ServerSent() if _wants_events(asked) else JsonLines()
        media = framing.media if isinstance(framing, ServerSent) else "application/stream+json"
        return streamed(LegacyStream(framing).refuse(notice), media, notice)


def _is_legacy(asked: Body | None) -> bool:
    tree = tree_of(asked)
    return "messages" not in tree and "message" in tree


def _wants_events(asked: Body | None) -> bool:
    request = asked.asked if asked is not None else None
    return request is not None and any(k == "accept" and EVENTS in v for k, v in request.headers)


def _rest(name: str, routes: Sequence[str], asks: Node = EMPTY, says: Node = PLAIN) -> Operation:
    return Operation(f"cohere.{name}", routes, asks=asks, says=says, errors=error)


def operations() -> tuple[Operation, ...]:
    """All of them. Transcriptions have the path and the form of OpenAI's, and are read as those."""
    return (
        Chat(),
        _rest("embed", ["POST v/embed"], EMBED),
        _rest("rerank", ["POST v/rerank"], RANK, RANKED),
        _rest("tokens", ["POST v/tokenize", "POST v/detokenize"], TOKENS, TOKENIZED),
        _rest("generate", ["POST v/generate", "POST v/classify", "POST v/summarize"], GENERATE, GENERATED),
        _rest(
            "stored",
            [f"{method} v/{path}" for path in ("connectors", "datasets", "embed-jobs") for method in ("GET", "POST")]
            + [f"* v/{path}/{{id}}" for path in ("connectors", "datasets", "embed-jobs")]
            + ["POST v/embed-jobs/{id}/cancel", "GET v/datasets/usage", "POST v/check-api-key"],
        ),
    )
