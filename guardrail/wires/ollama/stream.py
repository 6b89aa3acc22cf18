"""Ollama's streams of chat and generate: JSON lines, the last with ``done``.

Knows what a caller has read; of requests only the model and which of the two it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ...text import Path
from ..ndjson import JsonLines
from ..protocol import Notice
from ..stream import JsonStream, Place
from .tables import SAYS

_GROWING = ("message", "response", "thinking", "logprobs")


class OllamaStream(JsonStream):
    """Codec of one streamed answer. ``chat``: its text is a message, else a bare ``response``."""

    done = b""

    def __init__(self, *, model: str = "", chat: bool = True) -> None:
        super().__init__(JsonLines(), SAYS)
        self._chat, self._model = chat, model
        self._wrote = False

    def place(self, name: str, tree: Any) -> Place:
        """Text and thinking go on from line to line; tool calls come whole."""
        closes: list[Path] = [(key,) for key in tree if key not in _GROWING] if isinstance(tree, dict) else []
        return Place(SAYS, closes=(*closes, ("message", "tool_calls"), ("message", "images")))

    def terminal(self, name: str, tree: Any) -> bool:
        return isinstance(tree, dict) and (tree.get("done") is True or isinstance(tree.get("error"), str))

    def note(self, name: str, tree: Any) -> None:
        if not isinstance(tree, dict):
            return
        model, message = tree.get("model"), tree.get("message")
        self._model = model if isinstance(model, str) else self._model
        said = message.get("content") if isinstance(message, dict) else tree.get("response")
        self._wrote = self._wrote or bool(said)

    def changed(self, name: str, tree: Any) -> None:
        if isinstance(tree, dict):
            tree.pop("logprobs", None)
            tree.pop("context", None)  # the text once more, as tokens

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        text = f"\n\n{notice.text}" if self._wrote else notice.text
        yield "", {**said(text, self._model, self._chat), "done": False}
        yield "", {**said("", self._model, self._chat), **ENDED}

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "", {"error": notice.text}


ENDED: dict[str, Any] = {
    "done": True,
    "done_reason": "stop",
    "total_duration": 0,
    "load_duration": 0,
    "prompt_eval_count": 0,
    "prompt_eval_duration": 0,
    "eval_count": 0,
    "eval_duration": 0,
}
"""What an answer ends with. Ollama has no finish reason for safety: ``stop`` and ``length`` are what clients know."""


def said(text: str, model: str, chat: bool) -> dict[str, Any]:
    """An answer with this text, which does not say yet whether it is done."""
    head = {"model": model, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
    return {**head, "message": {"role": "assistant", "content": text}} if chat else {**head, "response": text}
