"""Whose text stands where in Cohere's API, versions 1 and 2 (docs.cohere.com, API reference)."""

from __future__ import annotations

from ...verdict import Kind
from ..silent import ENUM, ID, MODEL, ROLE
from ..table import Anchor, Entry, Media, Text, table

_ROLES = {
    "user": Kind.USER,
    "User": Kind.USER,
    "USER": Kind.USER,
    "system": Kind.SYSTEM,
    "System": Kind.SYSTEM,
    "SYSTEM": Kind.SYSTEM,
    "assistant": Kind.ASSISTANT,
    "Chatbot": Kind.ASSISTANT,
    "CHATBOT": Kind.ASSISTANT,
    "tool": Kind.TOOL_RESULT,
    "Tool": Kind.TOOL_RESULT,
    "TOOL": Kind.TOOL_RESULT,
}
_DEFINITION = Text(Kind.DEFINITION)
_RESULT = Text(Kind.TOOL_RESULT)
_CALL = Text(Kind.TOOL_CALL)
_USER = Text(Kind.USER)
_ARGUMENTS = Text(Kind.TOOL_CALL, nested=True)


def _message(at: str) -> dict[str, Entry]:
    """A message of version 2."""
    return {
        f"{at}.role": ROLE,
        f"{at}.content": Text(join="content"),
        f"{at}.content[*].type": ENUM,
        f"{at}.content[*].text": Text(join="content"),
        f"{at}.content[*].thinking": Text(Kind.REASONING, "thinking"),
        f"{at}.content[*].document": _RESULT,
        f"{at}.content[*].image_url.url": Media("image"),
        f"{at}.content[*].image_url.detail": ENUM,
        f"{at}.tool_plan": Text(Kind.REASONING),
        f"{at}.tool_calls[*]": Anchor(),
        f"{at}.tool_calls[*].id": ID,
        f"{at}.tool_calls[*].type": ENUM,
        f"{at}.tool_calls[*].function": _CALL,
        f"{at}.tool_calls[*].function.arguments": _ARGUMENTS,
        f"{at}.tool_call_id": ID,
        f"{at}.citations[*].type": ENUM,
        f"{at}.citations[*].sources": _RESULT,
        f"{at}.citations[*].sources[*].type": ENUM,
    }


def _legacy(at: str) -> dict[str, Entry]:
    """What version 1 says of a turn; it stands at the top of an answer as well."""
    before = f"{at}." if at else ""
    return {
        f"{before}tool_calls[*]": _CALL,
        f"{before}tool_results": _RESULT,
        f"{before}tool_results[*].call": _CALL,
        f"{before}documents": _RESULT,
        f"{before}citations[*].type": ENUM,
        f"{before}search_queries": _CALL,
        f"{before}search_results": _RESULT,
    }


CHAT = table(
    {
        "model": MODEL,
        **_message("messages[*]"),
        "messages[*]": Anchor(_ROLES, Kind.USER),
        "message": _USER,
        "preamble": Text(Kind.SYSTEM),
        "chat_history[*]": Anchor(_ROLES, Kind.USER),
        "chat_history[*].role": ROLE,
        **_legacy("chat_history[*]"),
        **_legacy(""),
        "tools": _DEFINITION,
        "tool_choice": ENUM,
        "response_format": _DEFINITION,
        "response_format.type": ENUM,
        "documents[*]": _RESULT,
        "citation_options.mode": ENUM,
        "citation_quality": ENUM,
        "prompt_truncation": ENUM,
        "safety_mode": ENUM,
        "thinking.type": ENUM,
        "conversation_id": ID,
        "stop_sequences": _DEFINITION,
    }
)
_ANSWER: dict[str, Entry] = {
    "id": ID,
    "generation_id": ID,
    "response_id": ID,
    "conversation_id": ID,
    "response_type": ENUM,
    "finish_reason": ENUM,
    "error_type": ENUM,
    "meta.api_version.version": ENUM,
}
_TURNS: dict[str, Entry] = {
    "chat_history[*]": Anchor(_ROLES, Kind.USER),
    "chat_history[*].role": ROLE,
    **_legacy("chat_history[*]"),
}
_CHAT_ANSWER: dict[str, Entry] = {
    **_ANSWER,
    **_message("message"),
    **_legacy(""),
    **_TURNS,
    "prompt": Text(Kind.SYSTEM),
    "logprobs[*].text": Text(join="logprobs"),
    "logprobs[*].token_ids[*]": Text(tokens=True),
}
CHAT_ANSWER = table(_CHAT_ANSWER)
EVENT = table(
    {
        "id": ID,
        "type": ENUM,
        "delta.message.role": ROLE,
        "delta.message.content.type": ENUM,
        "delta.message.content.thinking": Text(Kind.REASONING),
        "delta.message.tool_plan": Text(Kind.REASONING),
        "delta.message.tool_calls": _CALL,
        "delta.message.tool_calls.id": ID,
        "delta.message.tool_calls.type": ENUM,
        "delta.message.tool_calls.function.arguments": _ARGUMENTS,
        "delta.message.citations.type": ENUM,
        "delta.message.citations.sources": _RESULT,
        "delta.message.citations.sources[*].type": ENUM,
        "delta.finish_reason": ENUM,
        "prompt": Text(Kind.SYSTEM),
        "logprobs.token_ids[*]": Text(tokens=True),
    }
)
"""An event of version 2's stream."""
LEGACY_EVENT = table(
    {
        "event_type": ENUM,
        "generation_id": ID,
        "finish_reason": ENUM,
        **_legacy(""),
        "tool_call_delta": _CALL,
        "prompt": Text(Kind.SYSTEM),
        **{f"response.{place}": entry for place, entry in _CHAT_ANSWER.items()},
    }
)
"""An event of version 1's stream."""
EMBED = table(
    {
        "model": MODEL,
        "texts[*]": _USER,
        "images[*]": Media("image"),
        "inputs[*]": Anchor(kind=Kind.USER),
        "inputs[*].content[*].text": Text(Kind.USER, "content"),
        "inputs[*].content[*].type": ENUM,
        "inputs[*].content[*].image_url.url": Media("image"),
        "input_type": ENUM,
        "embedding_types[*]": ENUM,
        "truncate": ENUM,
    }
)
RANK = table({"model": MODEL, "query": _USER, "documents": _RESULT, "rank_fields": _DEFINITION, "truncate": ENUM})
RANKED = table({**_ANSWER, "results[*].document": _RESULT})
TOKENS = table({"model": MODEL, "text": _USER, "tokens[*]": Text(tokens=True)})
TOKENIZED = table({**_ANSWER, "tokens[*]": Text(tokens=True), "token_strings[*]": Text(join="tokens")})
GENERATE = table({"model": MODEL, "prompt": _USER, "text": _USER, "inputs": _USER, "examples": _DEFINITION})
GENERATED = table({**_ANSWER, "generations[*]": Anchor(), "generations[*].id": ID})
PLAIN = table(_ANSWER)
