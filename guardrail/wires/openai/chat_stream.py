"""The stream of chat completion chunks: what an ending has to close, and how it is closed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ..inline import Left, taken, told
from ..protocol import Notice
from ..sse import ServerSent
from ..stream import JsonStream
from ..table import Node
from .errors import SAFETY_WORDS

_REPEATED = ("id", "object", "created", "model", "system_fingerprint")
_PLAIN = frozenset({*_REPEATED, "service_tier", "obfuscation"})
"""Keys that say nothing by themselves."""


class ChatStream(JsonStream):
    """Codec of one streamed answer. ``choices``, ``usage`` and ``json`` are what the request asked for: SDKs
    parse the content of an answer in JSON as it grows, so that there a notice is a refusal."""

    alike = True
    moderates = True

    def __init__(
        self, root: Node, *, model: str = "", choices: int = 1, usage: bool = False, json: bool = False
    ) -> None:
        super().__init__(ServerSent(), root)
        self._choices, self._wants_usage = choices, usage
        self._like: dict[str, Any] = {"object": "chat.completion.chunk", "created": int(time.time()), "model": model}
        self._seen: dict[int, bool] = {}  # choices the caller has seen opened -> finished
        self._field = "refusal" if json else "content"  # the notice's
        self._wrote: set[int] = set()  # choices the caller has read text of in that field
        self._usage: Any = None
        self._counted = False  # the chunk that has only the usage has left

    def changed(self, name: str, tree: Any) -> None:
        for choice in _choices(tree):
            if choice.get("logprobs") is not None:
                choice["logprobs"] = None

    def refused(self, name: str, tree: Any) -> str | None:
        error = tree.get("error") if isinstance(tree, dict) else None
        if isinstance(error, dict):
            said = (error.get("code"), error.get("type"))
            return next((word for word in said if isinstance(word, str) and word in SAFETY_WORDS), None)
        return next(("content_filter" for c in _choices(tree) if c.get("finish_reason") == "content_filter"), None)

    def moderated(self, name: str, tree: Any) -> bytes | None:
        return told(tree)

    def unmoderated(self, name: str, tree: Any) -> Left:
        """A chunk of its own carries it (API reference, "The chat completion chunk object")."""
        left = taken(tree)
        return "nothing" if left == "less" and not any(tree.get(name) for name in tree.keys() - _PLAIN) else left

    def failing(self, name: str, tree: Any) -> bool:
        return isinstance(tree, dict) and isinstance(tree.get("error"), dict) and not tree.get("choices")

    def note(self, name: str, tree: Any) -> None:
        if not isinstance(tree, dict):
            return
        if not self._seen:
            self._like |= {name: tree[name] for name in _REPEATED if name in tree}
        if tree.get("usage") is not None:
            self._usage = tree["usage"]  # some servers count in every chunk
            self._counted = self._counted or not tree.get("choices")
        for n, choice in enumerate(_choices(tree)):
            index = choice.get("index", n)
            if type(index) is not int:
                index = n
            self._seen[index] = self._seen.get(index, False) or choice.get("finish_reason") is not None
            delta = choice.get("delta")
            if isinstance(delta, dict) and delta.get(self._field):
                self._wrote.add(index)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """Close every choice that is still open, open those the caller never saw, then end."""
        like = {"id": f"chatcmpl-{notice.decision}", **self._like}
        for index in sorted({*range(self._choices), *self._seen}):
            if self._seen.get(index):
                continue
            text = f"\n\n{notice.text}" if index in self._wrote else notice.text
            opened = {} if index in self._seen else {"role": "assistant", "content": None, "refusal": None}
            silent = {"content": None} if self._field == "refusal" else {}
            delta = {**opened, **silent, self._field: text}
            for part, reason in ((delta, None), ({}, "content_filter")):
                choice = {"index": index, "delta": part, "logprobs": None, "finish_reason": reason}
                yield "", {**like, "choices": [choice]}
        if self._wants_usage and not self._counted:
            nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
            yield "", {**like, "choices": [], "usage": self._usage or nothing}
        yield "", b"[DONE]"

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        error = {
            "message": notice.text,
            "type": "server_error",
            "param": None,
            "code": notice.code,
            "decision_id": notice.decision,
        }
        yield "", {"error": error}


def _choices(tree: Any) -> list[dict[str, Any]]:
    choices = tree.get("choices") if isinstance(tree, dict) else None
    return [c for c in choices if isinstance(c, dict)] if isinstance(choices, list) else []
