"""Tables of the Responses API: the request, the response object, and the lists around them.

From the API reference ("Responses", "Conversations"), Azure's content filter results, and the fields
that Bedrock, xAI, DeepSeek and OpenRouter add. Of streams and refusals it must never know.
"""

from __future__ import annotations

from ...verdict import Kind
from ..silent import ENUM, ID, MODEL, judged
from ..table import Anchor, Entry, Text, table
from .responses_items import DEFINITION, anchored, item, part, tools


def _settings(at: str) -> dict[str, Entry]:
    """What a request sets and the response object repeats; ``at`` stands before each name."""
    return {
        f"{at}model": MODEL,
        f"{at}instructions": Text(Kind.SYSTEM),
        **item(f"{at}instructions[*]"),
        f"{at}instructions[*]": Anchor(kind=Kind.SYSTEM),
        f"{at}prompt.id": ID,
        f"{at}prompt.version": ENUM,
        f"{at}prompt.variables": Text(Kind.USER),
        **part(f"{at}prompt.variables.*"),
        f"{at}prompt.variables.*": Text(Kind.USER),
        f"{at}prompt.variables.*.text": Text(Kind.USER),
        f"{at}text.format": DEFINITION,
        f"{at}text.format.type": ENUM,
        f"{at}text.verbosity": ENUM,
        f"{at}reasoning.effort": ENUM,
        f"{at}reasoning.summary": ENUM,
        f"{at}reasoning.generate_summary": ENUM,
        f"{at}previous_response_id": ID,
        f"{at}conversation": ID,
        f"{at}conversation.id": ID,
        f"{at}truncation": ENUM,
        f"{at}service_tier": ENUM,
        f"{at}prompt_cache_key": ID,
        f"{at}prompt_cache_retention": ENUM,
        f"{at}prompt_cache_options.mode": ENUM,
        f"{at}prompt_cache_options.ttl": ENUM,
        f"{at}prompt_cache_options.comparison_response_id": ID,
        f"{at}access_programs.cyber": ENUM,
        f"{at}image.context_compression": ENUM,
        **tools(at),
    }


def response(at: str) -> dict[str, Entry]:
    """The response object; ``at`` stands before each name (empty, or ``response.``)."""
    return {
        **_settings(at),
        f"{at}id": ID,
        f"{at}object": ENUM,
        f"{at}status": ENUM,
        f"{at}output_text": Text(Kind.ASSISTANT),
        **anchored(f"{at}output[*]"),
        **anchored(f"{at}input[*]", Kind.USER),
        f"{at}incomplete_details.reason": ENUM,
        f"{at}error.type": ENUM,
        f"{at}error.code": ENUM,
        f"{at}error.misalignment.error_type": ENUM,
        f"{at}billing.payer": ENUM,
        f"{at}content_filters[*].source_type": ENUM,
        f"{at}input_transformations[*].id": ID,
        f"{at}input_transformations[*].action": ENUM,
        f"{at}input_transformations[*].reason": ENUM,
        f"{at}input_transformations[*].type": ENUM,
        f"{at}moderation.input.model": MODEL,
        f"{at}moderation.input.type": ENUM,
        f"{at}moderation.input.code": ENUM,
        **judged(f"{at}moderation.input"),
        f"{at}moderation.output.model": MODEL,
        f"{at}moderation.output.type": ENUM,
        f"{at}moderation.output.code": ENUM,
        **judged(f"{at}moderation.output"),
        f"{at}prompt_cache_diagnostics.type": ENUM,
        f"{at}prompt_cache_diagnostics.reason": ENUM,
    }


REQUEST = table(
    {
        **_settings(""),
        "input": Text(Kind.USER),
        **anchored("input[*]", Kind.USER),
        "include[*]": ENUM,
        "context_management[*].type": ENUM,
        "background_options.completion_window": ENUM,
        "background_options.continuation_id": ID,
        "moderation.model": MODEL,
        "moderation.policy.input.mode": ENUM,
        "moderation.policy.output.mode": ENUM,
        "tools[*].user_location.type": ENUM,
    }
)
"""A request of ``responses``, ``responses/compact`` and ``responses/input_tokens``."""

RESPONSE = table(response(""))
"""The response object; also a compaction, a count of tokens and an error."""

ITEMS = table(
    {
        **anchored("data[*]", Kind.USER),
        "object": ENUM,
        "first_id": ID,
        "last_id": ID,
        "error.type": ENUM,
        "error.code": ENUM,
    }
)
"""A page of items, and an error in its place."""
