"""The bodies that Bedrock's invoke carries: each family of models has a language of its own.

Source: Amazon Bedrock user guide, "Inference request parameters and response fields for foundation
models". A family says whose text stands where, where its cap is, and how an answer of ours looks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...verdict import Kind
from ..anthropic import messages as anthropic
from ..anthropic.tables import REQUEST as MESSAGES
from ..anthropic.tables import RESPONSE as MESSAGE
from ..openai.chat import CHUNK, RESPONSE
from ..openai.chat import REQUEST as CHAT
from ..protocol import Notice
from ..silent import ENUM, ID, ROLE
from ..table import Anchor, Entry, Media, Node, Text, table
from . import converse
from .tables import REQUEST as CONVERSE
from .tables import RESPONSE as CONVERSED

Whole = Callable[[Notice], Mapping[str, Any]]
_STOP = "content_filter"


@dataclass(frozen=True, slots=True)
class Family:
    """``caps``: fields that limit the output, as paths. ``whole`` and ``chunk``: an answer of ours, all
    at once and as the one chunk of a stream; None where the family has no words to give."""

    name: str
    asks: Node = field(default_factory=Node)
    says: Node = field(default_factory=Node)
    chunks: Node = field(default_factory=Node)
    caps: tuple[tuple[str, ...], ...] = ()
    whole: Whole | None = None
    chunk: Whole | None = None
    user: tuple[str, ...] = ()


def _prompted(prompt: str, pictures: str) -> Node:
    return table({prompt: Text(Kind.USER), pictures: Media("image")})


def _said(text: str, stop: str, *, ids: tuple[str, ...] = ()) -> Node:
    return table({text: Text(Kind.ASSISTANT, "text"), stop: ENUM, **dict.fromkeys(ids, ID)})


def _chat(notice: Notice) -> Mapping[str, Any]:
    message = {"role": "assistant", "content": notice.text}
    return {"choices": [{"index": 0, "message": message, "finish_reason": _STOP, "stop_reason": _STOP}]}


def _chat_chunk(notice: Notice) -> Mapping[str, Any]:
    delta = {"role": "assistant", "content": notice.text}
    shape = {"id": f"chatcmpl-{notice.decision}", "object": "chat.completion.chunk", "created": 0, "model": ""}
    return {**shape, "choices": [{"index": 0, "delta": delta, "finish_reason": _STOP, "stop_reason": _STOP}]}


def _titan(notice: Notice) -> Mapping[str, Any]:
    result = {"outputText": notice.text, "tokenCount": 0, "completionReason": "CONTENT_FILTERED"}
    return {"inputTextTokenCount": 0, "results": [result]}


def _titan_chunk(notice: Notice) -> Mapping[str, Any]:
    counts = {"index": 0, "totalOutputTextTokenCount": 0, "inputTextTokenCount": 0}
    return {"outputText": notice.text, "completionReason": "CONTENT_FILTERED", **counts}


def _llama(notice: Notice) -> Mapping[str, Any]:
    return {"generation": notice.text, "prompt_token_count": 0, "generation_token_count": 0, "stop_reason": "stop"}


def _outputs(notice: Notice) -> Mapping[str, Any]:
    return {"outputs": [{"text": notice.text, "stop_reason": "stop"}]}


def _choices(notice: Notice) -> Mapping[str, Any]:
    return {"choices": [{"text": notice.text, "stop_reason": "stop"}]}


def _cohere(notice: Notice) -> Mapping[str, Any]:
    return {"text": notice.text, "generation_id": notice.decision, "finish_reason": "COMPLETE", "chat_history": []}


def _cohere_chunk(notice: Notice) -> Mapping[str, Any]:
    return {"event_type": "stream-end", "is_finished": True, "finish_reason": "COMPLETE", "response": _cohere(notice)}


_TEXTS = Text(Kind.ASSISTANT, "text")
_COHERE_ROLES = {"USER": Kind.USER, "CHATBOT": Kind.ASSISTANT, "SYSTEM": Kind.SYSTEM, "TOOL": Kind.TOOL_RESULT}
_COHERE = table(
    {
        "message": Text(Kind.USER),
        "prompt": Text(Kind.USER),
        "texts": Text(Kind.USER),
        "preamble": Text(Kind.SYSTEM),
        "chat_history[*]": Anchor(_COHERE_ROLES, Kind.USER),
        "chat_history[*].role": ROLE,
        "documents": Text(Kind.TOOL_RESULT),
        "tool_results": Text(Kind.TOOL_RESULT),
        "tool_results[*].call": Text(Kind.TOOL_CALL),
        "tools": Text(Kind.DEFINITION),
        "images[*]": Media("image"),
        "input_type": ENUM,
        "truncate": ENUM,
        "embedding_types[*]": ENUM,
    }
)
_COHERE_SAYS: dict[str, Entry] = {
    "finish_reason": ENUM,
    "generation_id": ID,
    "response_id": ID,
    "id": ID,
    "generations[*].id": ID,
    "generations[*].finish_reason": ENUM,
    "chat_history[*]": Anchor(_COHERE_ROLES, Kind.ASSISTANT),
    "chat_history[*].role": ROLE,
    "tool_calls": Text(Kind.TOOL_CALL),
    "response_type": ENUM,
    "event_type": ENUM,
}
_CHAT = Family("chat", CHAT, RESPONSE, CHUNK, (("max_tokens",), ("max_completion_tokens",)), _chat, _chat_chunk)
ANTHROPIC = Family(
    "anthropic",
    MESSAGES,
    MESSAGE,
    caps=(("max_tokens",),),
    whole=lambda notice: anthropic.refusal("", notice),
    user=("metadata", "user_id"),
)
NOVA = Family("nova", CONVERSE, CONVERSED, caps=(("inferenceConfig", "maxTokens"),), whole=converse.refusal)
TITAN = Family(
    "titan",
    _prompted("inputText", "inputImage"),
    _said("results[*].outputText", "results[*].completionReason"),
    _said("outputText", "completionReason"),
    (("textGenerationConfig", "maxTokenCount"),),
    _titan,
    _titan_chunk,
)
TITAN_EMBED = Family("titan.embed", TITAN.asks)
LLAMA = Family(
    "llama",
    _prompted("prompt", "images[*]"),
    _said("generation", "stop_reason"),
    _said("generation", "stop_reason"),
    (("max_gen_len",),),
    _llama,
    _llama,
)
MISTRAL = Family(
    "mistral",
    _prompted("prompt", "images[*]"),
    _said("outputs[*].text", "outputs[*].stop_reason"),
    _said("outputs[*].text", "outputs[*].stop_reason"),
    (("max_tokens",),),
    _outputs,
    _outputs,
)
DEEPSEEK = Family(
    "deepseek",
    _prompted("prompt", "images[*]"),
    _said("choices[*].text", "choices[*].stop_reason"),
    _said("choices[*].text", "choices[*].stop_reason"),
    (("max_tokens",),),
    _choices,
    _choices,
)
COHERE = Family(
    "cohere",
    _COHERE,
    table({**_COHERE_SAYS, "text": _TEXTS, "generations[*].text": _TEXTS}),
    table({**_COHERE_SAYS, "text": _TEXTS, "response.finish_reason": ENUM, "response.generation_id": ID}),
    (("max_tokens",),),
    _cohere,
    _cohere_chunk,
)
COHERE_EMBED = Family("cohere.embed", _COHERE, COHERE.says)
UNKNOWN = Family("unknown")
"""Every string is read. Nothing is capped, and refusals are errors."""

_MAKERS: Mapping[str, Family] = {
    "anthropic": ANTHROPIC,
    "meta": LLAMA,
    "mistral": MISTRAL,
    "cohere": COHERE,
    "deepseek": DEEPSEEK,
    "ai21": _CHAT,
    "openai": _CHAT,
    "qwen": _CHAT,
}
_MODEL = re.compile(r"(?:^|[/.])(amazon|" + "|".join(_MAKERS) + r")\.([a-z0-9-]+)")


def family(path: str, tree: Any) -> Family:
    """Whose body this is: by the model's name in the path (with or without a region, or in an ARN), and by
    the body where a maker's models speak several languages or the path names a model of one's own."""
    keys = tree if isinstance(tree, dict) else {}
    found = _MODEL.search(path.lower().partition("model/")[2])
    maker, model = (found[1], found[2]) if found else ("", "")
    if "anthropic_version" in keys:
        return ANTHROPIC
    if maker == "amazon":
        if model.startswith("titan"):
            return TITAN_EMBED if "embed" in model else TITAN
        return NOVA if "messages" in keys else UNKNOWN
    if maker == "cohere" and model.startswith("embed"):
        return COHERE_EMBED
    if maker and "messages" in keys and maker not in ("anthropic", "cohere"):
        return _CHAT
    return _MAKERS.get(maker, UNKNOWN)


def answered(tree: Any) -> Family:
    """Whose answer this is, by its shape: no two families share one."""
    keys = tree if isinstance(tree, dict) else {}
    if keys.get("type") == "message":
        return ANTHROPIC
    if "choices" in keys:
        choices = keys["choices"]
        spoken = isinstance(choices, list) and any(isinstance(c, dict) and "message" in c for c in choices)
        return _CHAT if spoken else DEEPSEEK
    return next((found for key, found in _SHAPES.items() if key in keys), UNKNOWN)


_SHAPES: Mapping[str, Family] = {
    "output": NOVA,
    "results": TITAN,
    "generation": LLAMA,
    "outputs": MISTRAL,
    "generations": COHERE,
    "text": COHERE,
}
