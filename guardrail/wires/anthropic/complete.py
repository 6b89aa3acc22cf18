"""The legacy text completions wire format of Anthropic's API, whole and streamed.

Source: Anthropic API reference, "Create a text completion (legacy)".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...http import Head, Release, media_type
from ...verdict import Kind
from ..operation import Operation, reply, streamed, text_at, tree_of
from ..protocol import Body, Codec, Notice
from ..silent import ENUM, ID, MODEL
from ..sse import ServerSent
from ..stream import JsonStream
from ..table import Text, table
from .errors import REFUSAL, error, error_tree, refusal_of

_REQUEST = table({"model": MODEL, "prompt": Text(Kind.USER)})
_ANSWER = table(
    {
        "type": ENUM,
        "id": ID,
        "model": MODEL,
        "completion": Text(Kind.ASSISTANT, "completion"),
        "stop_reason": ENUM,
        "log_id": ID,
        "error.type": ENUM,
    }
)


class CompletionStream(JsonStream):
    """Events that each carry a piece of the completion; the last one says why it stops."""

    done = b""

    def __init__(self, model: str) -> None:
        super().__init__(ServerSent(), _ANSWER)
        self._model, self._wrote = model, False

    def terminal(self, name: str, tree: Any) -> bool:
        return isinstance(tree, dict) and tree.get("stop_reason") is not None

    def note(self, name: str, tree: Any) -> None:
        self._wrote = self._wrote or (isinstance(tree, dict) and bool(tree.get("completion")))

    def refused(self, name: str, tree: Any) -> str | None:
        return refusal_of(tree)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        text = f"\n\n{notice.text}" if self._wrote else notice.text
        yield "completion", _completion(self._model, text, None, notice)
        yield "completion", _completion(self._model, "", REFUSAL, notice)

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "error", error_tree(notice)


class Complete(Operation):
    """``POST .../complete``."""

    turns = "prompt"
    caps = (("max_tokens_to_sample",),)
    user = ("metadata", "user_id")

    def __init__(self) -> None:
        super().__init__("anthropic.complete", ["POST v/complete"], asks=_REQUEST, says=_ANSWER, errors=error)

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != "text/event-stream":
            return super().stream(asked, head)
        return CompletionStream(text_at(tree_of(asked), "model"))

    def incident(self, status: int, answer: Body) -> str | None:
        return refusal_of(answer.tree)

    def answer(self, asked: Body | None, notice: Notice) -> Release:
        tree = tree_of(asked)
        model = text_at(tree, "model")
        if tree.get("stream") is True:
            stream = CompletionStream(model)
            return streamed(stream.refuse(notice), stream.framing.media, notice)
        return reply(_completion(model, notice.text, REFUSAL, notice), notice)


def _completion(model: str, text: str, reason: str | None, notice: Notice) -> dict[str, Any]:
    said = {"completion": text, "stop_reason": reason, "model": model, "stop": None}
    return {"type": "completion", "id": f"compl_{notice.decision}", **said}
