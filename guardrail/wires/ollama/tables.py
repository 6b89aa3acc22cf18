"""Whose text stands where in Ollama's API (its ``docs/api``)."""

from __future__ import annotations

from ...verdict import Kind
from ..silent import ENUM, ID, MODEL, ROLE
from ..table import Anchor, Entry, Media, Silent, Text, table

_ROLES = {"user": Kind.USER, "system": Kind.SYSTEM, "assistant": Kind.ASSISTANT, "tool": Kind.TOOL_RESULT}
_DEFINITION = Text(Kind.DEFINITION)
_TIME = Silent("a time")
_DIGEST = Silent("a digest")


def _message(at: str) -> dict[str, Entry]:
    return {
        f"{at}.content": Text(join="content"),
        f"{at}.thinking": Text(Kind.REASONING, "thinking"),
        f"{at}.images[*]": Media("image"),
        f"{at}.tool_calls[*]": Text(Kind.TOOL_CALL),
        f"{at}.tool_calls[*].id": ID,
        f"{at}.tool_call_id": ID,
    }


_BOTH: dict[str, Entry] = {
    "model": MODEL,
    "tools": _DEFINITION,
    "format": _DEFINITION,
    "options": _DEFINITION,
    "keep_alive": ENUM,
    "think": ENUM,
}
CHAT = table({**_BOTH, **_message("messages[*]"), "messages[*]": Anchor(_ROLES, Kind.USER), "messages[*].role": ROLE})
GENERATE = table(
    {
        **_BOTH,
        "prompt": Text(Kind.USER),
        "suffix": Text(Kind.USER),
        "system": Text(Kind.SYSTEM),
        "template": Text(Kind.SYSTEM),
        "images[*]": Media("image"),
        "context[*]": Text(tokens=True),
    }
)
EMBED = table({**_BOTH, "input": Text(Kind.USER), "input[*]": Text(Kind.USER), "prompt": Text(Kind.USER)})
CREATE = table(
    {
        **_BOTH,
        **_message("messages[*]"),
        "messages[*]": Anchor(_ROLES, Kind.USER),
        "messages[*].role": ROLE,
        "system": Text(Kind.SYSTEM),
        "template": Text(Kind.SYSTEM),
        "modelfile": Text(Kind.SYSTEM),
        "files.*": _DIGEST,
        "adapters.*": _DIGEST,
    }
)
SAYS = table(
    {
        "model": MODEL,
        "remote_model": MODEL,
        "created_at": _TIME,
        "done_reason": ENUM,
        **_message("message"),
        "message.role": ROLE,
        "response": Text(join="content"),
        "thinking": Text(Kind.REASONING, "thinking"),
        "tool_calls[*]": Text(Kind.TOOL_CALL),
        "image": Media("image"),
        "context[*]": Text(tokens=True),
        "logprobs[*].token": Text(Kind.ASSISTANT, "logprobs"),
    }
)
"""An answer of chat or generate, whole or one line of a stream."""
ABOUT = table(
    {
        "models[*].digest": _DIGEST,
        "models[*].modified_at": _TIME,
        "models[*].expires_at": _TIME,
        "modified_at": _TIME,
        "digest": _DIGEST,
    }
)
"""What is said of models: how they are made, listed and moved."""
