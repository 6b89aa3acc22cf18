"""Legacy completions (``POST .../completions``), and Mistral's two that answer as chat does.

Whose text stands where (API reference, "Completions"), the stream of their chunks, and how a
refusal reads. Whatever is particular to chat stands in ``chat``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from ...http import Head, Release, media_type
from ...text import Segment
from ...verdict import Kind
from .. import silent
from ..operation import Operation, reply, streamed, text_at, tree_of
from ..protocol import Body, Codec, Notice
from ..sse import ServerSent
from ..stream import JsonStream
from ..table import Anchor, Media, Node, Text, table
from .chat import REQUEST as CHAT_REQUEST
from .chat import Chat
from .errors import SAFETY_WORDS, error, error_tree

_PROMPT = Text(Kind.USER, tokens=True)
_EMBEDDED = Media("tokens")
"""vLLM's prompts as tensors in base64, which say a text that no check can read."""
_DEFINITION = Text(Kind.DEFINITION)
REQUEST = table(
    {
        "model": silent.MODEL,
        "prompt": _PROMPT,
        "prompt[*]": _PROMPT,
        "prompt[*][*]": _PROMPT,
        "prompt_embeds": _EMBEDDED,
        "prompt_embeds[*]": _EMBEDDED,
        "suffix": Text(Kind.USER),
        "response_format": _DEFINITION,
        "structured_outputs": _DEFINITION,
        "guided_json": _DEFINITION,
        "guided_regex": _DEFINITION,
        "guided_choice": _DEFINITION,
        "guided_grammar": _DEFINITION,
    }
)
RESPONSE = table(
    {
        "id": silent.ID,
        "object": silent.ENUM,
        "model": silent.MODEL,
        "provider": silent.CHAT_RESPONSE["provider"],
        "system_fingerprint": silent.ID,
        "service_tier": silent.ENUM,
        "choices[*]": Anchor(),
        "choices[*].text": Text(join="text"),
        "choices[*].reasoning": Text(Kind.REASONING, "reasoning"),
        "choices[*].reasoning_content": Text(Kind.REASONING, "reasoning"),
        "choices[*].finish_reason": silent.ENUM,
        "choices[*].logprobs.tokens[*]": Text(join="logprobs"),
        "error.type": silent.ENUM,
        "error.code": silent.ENUM,
    }
)
_INFILL = Node(names={**CHAT_REQUEST.names, "prompt": Node(entry=_PROMPT), "suffix": Node(entry=Text(Kind.USER))})
_REPEATED = ("id", "object", "created", "model", "system_fingerprint")
_MOST_CHOICES = 16


class Completions(Operation):
    """The wire format of ``POST v1/completions``, Azure's path of it included."""

    caps = (("max_tokens",),)
    user = ("user",)
    words = SAFETY_WORDS

    def __init__(self) -> None:
        super().__init__(
            "openai.completions",
            ["POST v/completions", "POST deployments/{deployment}/completions"],
            asks=REQUEST,
            says=RESPONSE,
            errors=error,
        )

    def messages(self, asked: Body) -> int:
        prompt = tree_of(asked).get("prompt")
        return len(prompt) if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int) else 1

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != "text/event-stream":
            return super().stream(asked, head)
        return CompletionStream(**_basis(asked))

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Token log-probabilities repeat the text: an edited choice loses them."""
        touched = {s.path[1] for s in segments if s.edits and len(s.path) > 1 and s.path[0] == "choices"}
        for n, choice in enumerate(_choices(body.tree)):
            if n in touched and choice.get("logprobs") is not None:
                choice["logprobs"] = None
                body.touched = True

    def incident(self, status: int, answer: Body) -> str | None:
        filtered = any(choice.get("finish_reason") == "content_filter" for choice in _choices(answer.tree))
        return "content_filter" if filtered else super().incident(status, answer)

    def answer(self, asked: Body | None, notice: Notice) -> Release:
        basis = _basis(asked)
        if tree_of(asked).get("stream") is True:
            stream = CompletionStream(**basis)
            return streamed(stream.refuse(notice), stream.framing.media, notice)
        tree = {
            "id": f"cmpl-{notice.decision}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": basis["model"],
            "choices": [_choice(n, notice.text) for n in range(basis["choices"])],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        }
        return reply(tree, notice)


class CompletionStream(JsonStream):
    """Codec of one streamed answer. ``choices`` and ``usage`` are what the request asked for."""

    def __init__(self, *, model: str = "", choices: int = 1, usage: bool = False) -> None:
        super().__init__(ServerSent(), RESPONSE)
        self._choices, self._usage = choices, usage
        self._like: dict[str, Any] = {"object": "text_completion", "created": int(time.time()), "model": model}
        self._seen: dict[int, bool] = {}  # choices the caller has seen opened -> finished
        self._wrote: set[int] = set()  # choices the caller has read text of

    def changed(self, name: str, tree: Any) -> None:
        for choice in _choices(tree):
            if choice.get("logprobs") is not None:
                choice["logprobs"] = None

    def refused(self, name: str, tree: Any) -> str | None:
        said = tree.get("error") if isinstance(tree, dict) else None
        if isinstance(said, dict):
            words = (said.get("code"), said.get("type"))
            return next((word for word in words if isinstance(word, str) and word in SAFETY_WORDS), None)
        return next(("content_filter" for c in _choices(tree) if c.get("finish_reason") == "content_filter"), None)

    def note(self, name: str, tree: Any) -> None:
        if not isinstance(tree, dict):
            return
        if not self._seen:
            self._like |= {name: tree[name] for name in _REPEATED if name in tree}
        if tree.get("usage") is not None:
            self._usage = False
        for n, choice in enumerate(_choices(tree)):
            index = choice.get("index", n)
            if type(index) is not int:
                index = n
            self._seen[index] = self._seen.get(index, False) or choice.get("finish_reason") is not None
            if choice.get("text"):
                self._wrote.add(index)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        like = {"id": f"cmpl-{notice.decision}", **self._like}
        for index in sorted({*range(self._choices), *self._seen}):
            if not self._seen.get(index):
                text = f"\n\n{notice.text}" if index in self._wrote else notice.text
                yield "", {**like, "choices": [_choice(index, text)]}
        if self._usage:
            nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
            yield "", {**like, "choices": [], "usage": nothing}
        yield "", b"[DONE]"

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "", error_tree(notice)


class Infill(Chat):
    """Mistral's ``fim/completions``: a prompt and a suffix in, a chat's answer out."""

    def __init__(self) -> None:
        super().__init__()
        self.name, self.routes, self.asks = "mistral.fim", ("POST fim/completions",), _INFILL
        self.caps, self.user = (("max_tokens",),), ()
        self.moderates = False


class AgentChat(Chat):
    """Mistral's ``agents/completions``: a chat with an agent that is kept under an id."""

    def __init__(self) -> None:
        super().__init__()
        self.name, self.routes = "mistral.agents", ("POST agents/completions",)
        self.caps, self.user = (("max_tokens",),), ()
        self.moderates = False


def _choice(index: int, text: str) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": "content_filter"}


def _choices(tree: Any) -> list[dict[str, Any]]:
    choices = tree.get("choices") if isinstance(tree, dict) else None
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def _basis(asked: Body | None) -> dict[str, Any]:
    """What a reply repeats of its request. Each of several prompts has ``n`` choices of its own."""
    tree = tree_of(asked)
    prompt, n, options = tree.get("prompt"), tree.get("n"), tree.get("stream_options")
    prompts = len(prompt) if isinstance(prompt, list) and any(isinstance(p, (str, list)) for p in prompt) else 1
    each = n if type(n) is int and n >= 1 else 1
    return {
        "model": text_at(tree, "model"),
        "choices": min(prompts * each, _MOST_CHOICES),
        "usage": isinstance(options, dict) and options.get("include_usage") is True,
    }
