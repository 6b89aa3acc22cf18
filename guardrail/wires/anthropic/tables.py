"""The tables of message requests, answers and stream events.

Source: Anthropic API reference, "Messages" (also its beta, and the fields of Vertex and Bedrock).
"""

from __future__ import annotations

from ...verdict import Kind
from ..silent import ENUM, ID, MODEL, ROLE
from ..table import Anchor, Entry, Media, Node, Silent, Text, table
from .blocks import KINDS, OPAQUE, TIME, block, blocks, citation

_ROLES = {"user": Kind.USER, "assistant": Kind.ASSISTANT, "system": Kind.SYSTEM}
_DEFINITION = Text(Kind.DEFINITION)
_SYSTEM = Text(Kind.SYSTEM)

_REQUEST: dict[str, Entry] = {
    "model": MODEL,
    "system": Text(Kind.SYSTEM, "system"),
    "system[*]": Anchor(kind=Kind.SYSTEM, stands=False),
    **block("system[*]", "system"),
    "messages[*]": Anchor(_ROLES, Kind.USER),
    "messages[*].role": ROLE,
    "messages[*].clear_at": ENUM,
    "messages[*].output_config.effort": ENUM,
    **blocks("messages[*].content", "content"),
    "tools": _DEFINITION,
    "tools[*].type": ENUM,
    "tools[*].model": MODEL,
    "tools[*].cache_control.type": ENUM,
    "tools[*].cache_control.ttl": ENUM,
    "tools[*].allowed_callers[*]": ENUM,
    "tool_choice": _DEFINITION,
    "tool_choice.type": ENUM,
    "mcp_servers": _DEFINITION,
    "mcp_servers[*].type": ENUM,
    "mcp_servers[*].authorization_token": Silent("credential for the server of the tools", 1 << 13),
    "output_format": _DEFINITION,
    "output_format.type": ENUM,
    "output_config": _DEFINITION,
    "output_config.effort": ENUM,
    "output_config.format.type": ENUM,
    "output_config.task_budget.type": ENUM,
    "container": ID,
    "container.id": ID,
    "container.skills[*].skill_id": ID,
    "container.skills[*].type": ENUM,
    "container.skills[*].version": ENUM,
    "context_management": _SYSTEM,
    "context_management.edits[*].type": ENUM,
    "context_management.edits[*].keep": ENUM,
    "context_management.edits[*].keep.type": ENUM,
    "context_management.edits[*].trigger.type": ENUM,
    "context_management.edits[*].clear_at_least.type": ENUM,
    "compaction": _SYSTEM,
    "compaction.type": ENUM,
    "thinking.type": ENUM,
    "thinking.display": ENUM,
    "thinking.block_binding.prefix_mismatch_behavior": ENUM,
    "cache_control.type": ENUM,
    "cache_control.ttl": ENUM,
    "service_tier": ENUM,
    "speed": ENUM,
    "inference_geo": ENUM,
    "fallbacks[*].model": MODEL,
    "fallbacks[*].speed": ENUM,
    "fallbacks[*].thinking.type": ENUM,
    "fallbacks[*].output_config.effort": ENUM,
    "fallback_credit_token": OPAQUE,
    "fallback_credit_token.token": OPAQUE,
    "fallback_credit_token.mode": ENUM,
    "diagnostics.previous_message_id": ID,
    "thread.type": ENUM,
    "thread.previous_message_id": ID,
    "billing_policy.type": ENUM,
    "billing_policy.bill_to": ENUM,
    "anthropic_version": ENUM,
    "anthropic_beta[*]": ENUM,
}

_ENDING: dict[str, Entry] = {
    "stop_reason": ENUM,
    "stop_details.type": ENUM,
    "stop_details.category": ENUM,
    "stop_details.recommended_model": MODEL,
    "stop_details.fallback_credit_token": OPAQUE,
    "container.id": ID,
    "container.expires_at": TIME,
    "container.skills[*].skill_id": ID,
    "container.skills[*].type": ENUM,
    "container.skills[*].version": ENUM,
}
_AROUND: dict[str, Entry] = {
    "usage.service_tier": ENUM,
    "usage.inference_geo": ENUM,
    "usage.speed": ENUM,
    "usage.iterations[*].type": ENUM,
    "usage.iterations[*].model": MODEL,
    "usage.fallback_credit.status.type": ENUM,
    "usage.fallback_credit.status.reason": ENUM,
    "context_management.applied_edits[*].type": ENUM,
    "diagnostics.cache_miss_reason.type": ENUM,
    "input_transformations[*].type": ENUM,
    "input_transformations[*].reason": ENUM,
    "error.type": ENUM,
    "request_id": ID,
}
MESSAGE: dict[str, Entry] = {
    "id": ID,
    "type": ENUM,
    "role": ROLE,
    "model": MODEL,
    **blocks("content", "content"),
    **_ENDING,
    **_AROUND,
}

REQUEST = table(_REQUEST)
RESPONSE = table(MESSAGE)


def _event(entries: dict[str, Entry]) -> Node:
    return table({"type": ENUM, "error.type": ENUM, "request_id": ID, **_AROUND, **entries})


def _at(place: str, entries: dict[str, Entry]) -> dict[str, Entry]:
    return {f"{place}.{name}": entry for name, entry in entries.items()}


MESSAGE_START = _event(_at("message", MESSAGE))
BLOCK_START = _event({"content_block": Anchor(types=KINDS), **block("content_block", "text")})
BLOCK_DELTA = _event(
    {
        "delta.type": ENUM,
        "delta.text": Text(Kind.ASSISTANT, "text"),
        "delta.thinking": Text(Kind.REASONING, "thinking", fixed=True),
        "delta.signature": Silent("signature of the thinking", 1 << 20),
        "delta.partial_json": Text(Kind.TOOL_CALL, "input", nested=True),
        "delta.content": Text(Kind.ASSISTANT, "text 1"),
        "delta.encrypted_content": Media("encrypted"),
        **citation("delta.citation"),
    }
)
MESSAGE_DELTA = _event(_at("delta", _ENDING))
BATCH = table({"requests[*]": Anchor(), "requests[*].custom_id": ID})
(BATCH.names["requests"].items or BATCH).names["params"] = REQUEST
RESULT = table(
    {
        "custom_id": ID,
        "result.type": ENUM,
        "result.error.type": ENUM,
        "result.error.error.type": ENUM,
        "result.error.request_id": ID,
        **_at("result.message", MESSAGE),
    }
)
