"""Content blocks: whose text stands in which field of every type of block, in requests and answers.

Source: Anthropic API reference, "Messages" and its beta (types of content blocks). Knows tables
only; which body or event holds a block is told by whoever uses it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...verdict import Kind
from ..silent import ENUM, ID, MODEL, SIGNATURE
from ..table import Anchor, Entry, Media, Silent, Text

TIME = Silent("date or time")
OPAQUE = Silent("token that only the provider can read", 1 << 16)

_RESULTS = (
    "advisor",
    "bash_code_execution",
    "code_execution",
    "mcp",
    "text_editor_code_execution",
    "tool_search",
    "web_fetch",
    "web_search",
)
KINDS: Mapping[str, Kind] = {
    "thinking": Kind.REASONING,
    "redacted_thinking": Kind.REASONING,
    "tool_use": Kind.TOOL_CALL,
    "server_tool_use": Kind.TOOL_CALL,
    "mcp_tool_use": Kind.TOOL_CALL,
    "tool_result": Kind.TOOL_RESULT,
    "search_result": Kind.TOOL_RESULT,
    "mcp_tool_listing": Kind.DEFINITION,
    "tool_addition": Kind.DEFINITION,
    "tool_removal": Kind.DEFINITION,
    **{f"{name}_tool_result": Kind.TOOL_RESULT for name in _RESULTS},
}
"""Whose text a block of a type holds; of any other type, it is that of the message around it."""
_INNER = 3
"""Levels of content inside content: a tool's result, the page in it, the blocks of that page's source."""


def blocks(at: str, join: str) -> dict[str, Entry]:
    """A field that is a string or a list of blocks. Its plain texts read as one under ``join``."""
    return {at: Text(join=join), f"{at}[*]": Anchor(types=KINDS, stands=False), **block(f"{at}[*]", join)}


def block(at: str, join: str, inner: int = 0) -> dict[str, Entry]:
    """One block. ``inner``: how many blocks it stands in."""
    citation = Text(Kind.TOOL_RESULT)
    entries: dict[str, Entry] = {
        f"{at}.type": ENUM,
        f"{at}.text": Text(join=join),
        f"{at}.thinking": Text(Kind.REASONING, "thinking", fixed=True),
        f"{at}.signature": SIGNATURE,
        f"{at}.data": Media("encrypted"),
        f"{at}.encrypted_content": Media("encrypted"),
        f"{at}.encrypted_stdout": Media("encrypted"),
        f"{at}.id": ID,
        f"{at}.tool_use_id": ID,
        f"{at}.file_id": ID,
        f"{at}.input": Text(Kind.TOOL_CALL),
        f"{at}.caller.type": ENUM,
        f"{at}.caller.tool_id": ID,
        f"{at}.cache_control.type": ENUM,
        f"{at}.cache_control.ttl": ENUM,
        f"{at}.transformations.oversized_image": ENUM,
        f"{at}.error_code": ENUM,
        f"{at}.file_type": ENUM,
        f"{at}.retrieved_at": TIME,
        f"{at}.stop_reason": ENUM,
        f"{at}.source.type": ENUM,
        f"{at}.source.media_type": ENUM,
        f"{at}.source.file_id": ID,
        f"{at}.source.data": Media("file", frozenset({"text"})),
        f"{at}.source.url": Media("file"),
        f"{at}.tool_references[*].type": ENUM,
        f"{at}.tool_changes": Text(Kind.DEFINITION),
        f"{at}.tool_changes[*].type": ENUM,
        f"{at}.tool_changes[*].tool.type": ENUM,
        f"{at}.tool.type": ENUM,
        f"{at}.from.model": MODEL,
        f"{at}.to.model": MODEL,
        f"{at}.trigger.type": ENUM,
        f"{at}.trigger.category": ENUM,
        f"{at}.citations[*]": citation,
        **_citation(f"{at}.citations[*]"),
    }
    if inner < _INNER:
        below = f"{join} {inner + 1}"
        for content in (f"{at}.content", f"{at}.source.content"):
            entries |= {content: Text(join=below), f"{content}[*]": Anchor(types=KINDS, stands=False)}
            entries |= block(f"{content}[*]", below, inner + 1)
        entries |= block(f"{at}.content", below, _INNER)
        entries |= block(f"{at}.content.content", below, _INNER)
        entries |= {f"{at}.content": Text(join=below), f"{at}.content.content[*].file_id": ID}
        entries |= {
            f"{at}.content.content[*].type": ENUM,
            f"{at}.content.content.source.data": Media("file", frozenset({"text"})),
        }
    return entries


def _citation(at: str) -> dict[str, Entry]:
    return {f"{at}.type": ENUM, f"{at}.file_id": ID, f"{at}.encrypted_index": SIGNATURE}


def citation(at: str) -> dict[str, Entry]:
    """One place that an answer names as its source: text of what was read."""
    return {at: Text(Kind.TOOL_RESULT), **_citation(at)}
