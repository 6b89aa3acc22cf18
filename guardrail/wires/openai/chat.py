"""The chat completions wire format: OpenAI's, Azure's, and that of everyone who speaks it.

Tables of whose text stands where (API reference, "Chat completions"), the fields in which a policy
puts its own words, and how a refusal looks to a caller. Streams are in ``chat_stream``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ...http import Head, Release, media_type
from ...text import Segment
from ...verdict import Kind
from .. import inline, silent
from ..operation import Operation, reply, streamed, tree_of
from ..protocol import Body, Codec, Notice
from ..table import Anchor, Entry, Text, table
from .chat_stream import ChatStream
from .errors import SAFETY_WORDS, error

_ROLES = {
    "user": Kind.USER,
    "system": Kind.SYSTEM,
    "developer": Kind.SYSTEM,
    "assistant": Kind.ASSISTANT,
    "tool": Kind.TOOL_RESULT,
    "function": Kind.TOOL_RESULT,
}
_SIGNED = (("signature", ""), ("format", "anthropic"))
"""How a thought says that it is signed (OpenRouter, "Reasoning tokens"). In a stream its signature comes last."""
_DEFINITION = Text(Kind.DEFINITION)
_CALL = Text(Kind.TOOL_CALL, nested=True)


def _spoken(at: str) -> dict[str, Entry]:
    """A message's own text, its reasoning and its tool calls, in either direction."""
    reasoning = Text(Kind.REASONING, "reasoning")
    return {
        f"{at}.content": Text(join="content"),
        f"{at}.content[*]": Text(join="content"),
        f"{at}.content[*].text": Text(join="content"),
        f"{at}.content[*].refusal": Text(join="content"),
        f"{at}.content[*].thinking": Text(Kind.REASONING, "reasoning", signed=_SIGNED),
        f"{at}.content[*].thinking[*].text": reasoning,
        f"{at}.refusal": Text(join="refusal"),
        f"{at}.reasoning_content": reasoning,
        f"{at}.reasoning": Text(Kind.REASONING, "reasoning too"),
        f"{at}.reasoning_details[*].text": Text(Kind.REASONING, "details", signed=_SIGNED),
        f"{at}.reasoning_details[*].summary": Text(Kind.REASONING, "summary"),
        f"{at}.tool_calls[*]": Anchor(),
        f"{at}.tool_calls[*].function.arguments": _CALL,
        f"{at}.tool_calls[*].custom.input": Text(Kind.TOOL_CALL),
        f"{at}.function_call.arguments": _CALL,
        f"{at}.audio.transcript": Text(join="transcript"),
    }


REQUEST = table(
    {
        **_spoken("messages[*]"),
        "messages[*]": Anchor(_ROLES, Kind.USER),
        "tools": _DEFINITION,
        "functions": _DEFINITION,
        "response_format": _DEFINITION,
        "tool_choice": _DEFINITION,
        "prediction": Text(Kind.ASSISTANT),
        **silent.CHAT_REQUEST,
    }
)
_TOKENS = {
    "choices[*].logprobs.content[*].token": Text(Kind.ASSISTANT, "logprobs"),
    "choices[*].logprobs.refusal[*].token": Text(Kind.ASSISTANT, "logprobs refusal"),
}
RESPONSE = table({"choices[*]": Anchor(), **_spoken("choices[*].message"), **_TOKENS, **silent.CHAT_RESPONSE})
CHUNK = table({"choices[*]": Anchor(), **_spoken("choices[*].delta"), **_TOKENS, **silent.CHAT_RESPONSE})
_MOST_CHOICES = 16


class Chat(Operation):
    """The wire format of ``POST .../chat/completions``."""

    caps: tuple[tuple[str, ...], ...] = (("max_completion_tokens",), ("max_tokens",), ("max_output_tokens",))
    user: tuple[str, ...] = ("safety_identifier",)
    words = SAFETY_WORDS
    moderates = True

    def __init__(self) -> None:
        super().__init__(
            "openai.chat",
            ["POST chat/completions"],
            asks=REQUEST,
            says=RESPONSE,
            errors=error,
            refers={"messages[].audio.id": "audio", "messages[].content[].file.file_id": "file"},
        )

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != "text/event-stream":
            return super().stream(asked, head)
        return ChatStream(CHUNK, **_basis(asked))

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Token log-probabilities repeat the text: an edited choice loses them."""
        tree = body.tree
        choices = tree.get("choices") if isinstance(tree, dict) else None
        for n, choice in enumerate(choices if isinstance(choices, list) else ()):
            touched = any(s.edits and s.path[:2] == ("choices", n) for s in segments)
            if touched and isinstance(choice, dict) and choice.get("logprobs") is not None:
                choice["logprobs"] = None
                body.touched = True

    def incident(self, status: int, answer: Body) -> str | None:
        choices = tree_of(answer).get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("finish_reason") == "content_filter":
                return "content_filter"
        return super().incident(status, answer)

    def ask_moderation(self, asked: Body, model: str) -> bool:
        """See ``Moderated``."""
        return inline.ask(asked, model)

    def moderation(self, answer: Body) -> bytes | None:
        """See ``Moderated``."""
        return inline.told(answer.tree)

    def unwritten(self, answer: Body) -> bool:
        """See ``Moderated``."""
        return inline.failed(answer.tree)

    def answer(self, asked: Body | None, notice: Notice) -> Release:
        basis = _basis(asked)
        if tree_of(asked).get("stream") is True:
            stream = ChatStream(CHUNK, **basis)
            return streamed(stream.refuse(notice), stream.framing.media, notice)
        said = {"content": None, "refusal": notice.text} if basis["json"] else {"content": notice.text, "refusal": None}
        message: dict[str, Any] = {"role": "assistant", **said, "annotations": []}
        tree = {
            "id": f"chatcmpl-{notice.decision}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": basis["model"],
            "choices": [
                {"index": n, "message": message, "logprobs": None, "finish_reason": "content_filter"}
                for n in range(basis["choices"])
            ],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        }
        return reply(tree, notice)


def _basis(asked: Body | None) -> dict[str, Any]:
    """What a reply repeats of its request."""
    tree = asked.tree if asked is not None and isinstance(asked.tree, dict) else {}
    model, n, options, form = (tree.get(name) for name in ("model", "n", "stream_options", "response_format"))
    return {
        "model": model if isinstance(model, str) else "",
        "choices": n if isinstance(n, int) and 1 <= n <= _MOST_CHOICES else 1,
        "usage": isinstance(options, dict) and options.get("include_usage") is True,
        "json": isinstance(form, dict) and form.get("type") in ("json_object", "json_schema"),
    }
