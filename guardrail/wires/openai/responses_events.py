"""Events of a Responses stream: where the texts of each type belong, and which repeat what has been said.

From the API reference ("Responses", "Streaming events"), and the types that Bedrock, xAI and others add.
Deltas of one item continue one text under ``("output", n)``; what is complete in itself is read whole.
Of what the caller has seen, and of endings, it must never know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...text import Path
from ...verdict import Kind
from ..silent import ENUM, ID, MODEL, SIGNATURE
from ..stream import Place, unknown
from ..table import Anchor, Entry, Media, Node, Silent, Text, table
from .responses_items import ARGUMENTS, CONTENT, PARTS, ROLES, SUMMARY, TYPES, annotation, item, part
from .responses_tables import response

LIFECYCLE = frozenset(
    f"response.{word}" for word in ("created", "queued", "in_progress", "completed", "incomplete", "failed")
)
ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
_GROW = ("content", "summary", "arguments", "input", "code", "operation")
"""Fields of an item to which deltas may add."""

_PLAIN: dict[str, Entry] = {
    "type": ENUM,
    "item_id": ID,
    "call_id": ID,
    "response_id": ID,
    "event_id": ID,
    "logprobs[*].token": Text(join="logprobs"),
    "obfuscation": Silent("random letters that even out the length of events"),
    "status": ENUM,
}
_PART: dict[str, Entry] = {**part("part"), "part": Anchor(types=PARTS)}
_ERROR: dict[str, Entry] = {"code": ENUM, "error.type": ENUM, "error.code": ENUM}
_CODE = Text(Kind.TOOL_CALL, "code")
_INPUT = Text(Kind.TOOL_CALL, "input")
_DIFF = Text(Kind.TOOL_CALL, "diff")
_COMMAND = Text(Kind.TOOL_CALL, "command")
_THOUGHT = Text(Kind.REASONING, "content")
_STREAMS = {"stdout": Text(Kind.TOOL_RESULT, "stdout"), "stderr": Text(Kind.TOOL_RESULT, "stderr")}

_DELTAS: Mapping[str, dict[str, Entry]] = {
    "response.output_text.delta": {"delta": CONTENT},
    "response.refusal.delta": {"delta": CONTENT},
    "response.reasoning_text.delta": {"delta": _THOUGHT},
    "response.reasoning_summary_text.delta": {"delta": SUMMARY},
    "response.function_call_arguments.delta": {"delta": ARGUMENTS},
    "response.mcp_call_arguments.delta": {"delta": ARGUMENTS},
    "response.custom_tool_call_input.delta": {"delta": _INPUT},
    "response.code_interpreter_call_code.delta": {"delta": _CODE},
    "response.apply_patch_call_operation_diff.delta": {"delta": _DIFF},
    "response.shell_call_command.added": {"command": _COMMAND},
    "response.shell_call_command.delta": {"delta": _COMMAND},
    "response.shell_call_output_content.delta": {f"delta.{name}": entry for name, entry in _STREAMS.items()},
    "response.audio.delta": {"delta": Media("audio")},
    "response.audio.transcript.delta": {"delta": Text(join="transcript")},
    "response.content_part.added": _PART,
    "response.reasoning_part.added": {**_PART, "part": Anchor(kind=Kind.REASONING)},
    "response.reasoning_summary_part.added": {"part.type": ENUM, "part.text": SUMMARY},
}
"""What adds to a text. An event that opens a part may bring its first words."""

_WHOLE: Mapping[str, dict[str, Entry]] = {
    "response.output_text.done": {"text": CONTENT},
    "response.refusal.done": {"refusal": CONTENT},
    "response.reasoning_text.done": {"text": _THOUGHT},
    "response.reasoning_summary_text.done": {"text": SUMMARY},
    "response.function_call_arguments.done": {"arguments": ARGUMENTS},
    "response.mcp_call_arguments.done": {"arguments": ARGUMENTS},
    "response.custom_tool_call_input.done": {"input": _INPUT},
    "response.code_interpreter_call_code.done": {"code": _CODE},
    "response.apply_patch_call_operation_diff.done": {"diff": _DIFF},
    "response.shell_call_command.done": {"command": _COMMAND},
    "response.shell_call_output_content.done": {
        "output": Text(Kind.TOOL_RESULT),
        "output[*].outcome.type": ENUM,
        **{f"output[*].{name}": Text(Kind.TOOL_RESULT) for name in _STREAMS},
    },
    "response.image_generation_call.partial_image": {
        "partial_image_b64": Media("image"),
        "background": ENUM,
        "output_format": ENUM,
        "quality": ENUM,
        "size": ENUM,
    },
    "response.content_part.done": _PART,
    "response.reasoning_part.done": {**_PART, "part": Anchor(kind=Kind.REASONING)},
    "response.reasoning_summary_part.done": {"part.type": ENUM, "part.text": SUMMARY},
    "response.output_text.annotation.added": annotation("annotation"),
    "error": _ERROR,
}
"""What is complete in itself, and what repeats."""

_ITEM: dict[str, Entry] = {**item("item"), "item": Anchor(ROLES, None, TYPES)}
_ITEMS = table({**_PLAIN, **_ITEM})
_RESPONSES = table({**_PLAIN, **response("response."), "copilot_usage.model": MODEL})
_OTHERS = table({**_PLAIN, **_ITEM, **_PART, **response("response."), "signature": SIGNATURE})


def _tables(rows: Mapping[str, dict[str, Entry]]) -> dict[str, Node]:
    return {name: table({**_PLAIN, **row}) for name, row in rows.items()}


_GROWING, _COMPLETE = _tables(_DELTAS), _tables(_WHOLE)
_CLOSED_BY = frozenset(name for name in _WHOLE if name.endswith((".arguments.done", "_arguments.done", "_input.done")))


def type_of(name: str, tree: Any) -> str:
    """An event's type: what its data say, else its name."""
    said = tree.get("type") if isinstance(tree, dict) else None
    return said if isinstance(said, str) else name


def place_of(name: str, tree: Any) -> Place:
    """Where the texts of an event belong. A type nobody has heard of is a delta if it ends in that word."""
    kind = type_of(name, tree)
    at = _at(tree)
    if (root := _GROWING.get(kind)) is not None:
        return Place(root, at)
    if (root := _COMPLETE.get(kind)) is not None:
        return Place(root, at, whole=True, closes=(at,) if kind in _CLOSED_BY else ())
    if kind in LIFECYCLE:
        return Place(_RESPONSES, whole=True)
    if kind == "response.output_item.added":
        return Place(_ITEMS, at, whole=not _begun(tree))
    if kind == "response.output_item.done":
        return Place(_ITEMS, at, whole=True, closes=(at,))
    if kind.endswith("delta"):
        return Place(_OTHERS, (*at, kind))
    return Place(_OTHERS, at, whole=True) if kind.startswith("response.") else unknown(_OTHERS, kind)


def _at(tree: Any) -> Path:
    """The item an event speaks of, and its command where it speaks of one."""
    if not isinstance(tree, dict):
        return ()
    index, command = tree.get("output_index"), tree.get("command_index")
    if type(index) is not int:
        named = tree.get("item_id")
        if not isinstance(named, str):
            return ()
        index = named
    return ("output", index) if type(command) is not int else ("output", index, command)


def _begun(tree: Any) -> bool:
    """Does an item come with text to which deltas may add?"""
    said = tree.get("item") if isinstance(tree, dict) else None
    return isinstance(said, dict) and any(said.get(name) for name in _GROW)
