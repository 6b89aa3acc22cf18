"""Items: what Responses inputs, outputs and conversations are lists of, and whose text each place holds.

From the API reference ("Responses", "Conversations") and the fields that Azure, Bedrock, xAI, DeepSeek
and OpenRouter add. Of requests, events and refusals it must never know.
"""

from __future__ import annotations

from ...verdict import Kind
from ..silent import ENUM, ID, MODEL, ROLE, SIGNATURE
from ..table import Anchor, Entry, Media, Silent, Text

ROLES = {
    "user": Kind.USER,
    "system": Kind.SYSTEM,
    "developer": Kind.SYSTEM,
    "assistant": Kind.ASSISTANT,
    "tool": Kind.TOOL_RESULT,
}
_CALLS = (
    "function_call",
    "custom_tool_call",
    "computer_call",
    "web_search_call",
    "x_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
    "mcp_call",
    "mcp_approval_request",
    "tool_search_call",
    "program",
)
_RESULTS = (
    "function_call_output",
    "custom_tool_call_output",
    "computer_call_output",
    "local_shell_call_output",
    "shell_call_output",
    "apply_patch_call_output",
    "program_output",
)
TYPES = {
    **dict.fromkeys(_CALLS, Kind.TOOL_CALL),
    **dict.fromkeys(_RESULTS, Kind.TOOL_RESULT),
    "reasoning": Kind.REASONING,
    "mcp_list_tools": Kind.DEFINITION,
    "tool_search_output": Kind.DEFINITION,
    "additional_tools": Kind.DEFINITION,
    "configuration_update": Kind.DEFINITION,
    "mcp_approval_response": Kind.USER,
}
PARTS = {"reasoning_text": Kind.REASONING, "summary_text": Kind.REASONING}
"""Content parts that say by their type whose text they hold; others are of their item's kind."""

DEFINITION = Text(Kind.DEFINITION)
CONTENT = Text(join="content")
SUMMARY = Text(Kind.REASONING, "summary")
ARGUMENTS = Text(Kind.TOOL_CALL, "arguments", nested=True)
_CREDENTIAL = Silent("credential the caller sends for a tool's server", 4096)
_IMAGE = Media("image", frozenset({"text", "program_output"}))  # a program's ``result`` is text


def part(at: str) -> dict[str, Entry]:
    """One content part: text, refusal, image, file, audio, reasoning, with its annotations and log-probabilities."""
    return {
        at: CONTENT,  # a plain string in a list of parts
        f"{at}.text": CONTENT,
        f"{at}.refusal": CONTENT,
        f"{at}.type": ENUM,
        f"{at}.detail": ENUM,
        f"{at}.image_url": Media("image"),
        f"{at}.image_url.url": Media("image"),
        f"{at}.image_url.detail": ENUM,
        f"{at}.file_id": ID,
        f"{at}.file_data": Media("file"),
        f"{at}.file_url": Media("file"),
        f"{at}.input_audio.data": Media("audio"),
        f"{at}.input_audio.format": ENUM,
        f"{at}.audio": Media("audio"),
        f"{at}.encrypted_content": Media("encrypted"),
        f"{at}.prompt_cache_breakpoint.mode": ENUM,
        f"{at}.prompt_cache_breakpoint.ttl": ENUM,
        **annotation(f"{at}.annotations[*]"),
        f"{at}.logprobs[*].token": Text(join="logprobs"),
    }


def annotation(at: str) -> dict[str, Entry]:
    """A citation; its title, address and file name are read."""
    return {f"{at}.type": ENUM, f"{at}.file_id": ID, f"{at}.container_id": ID}


def item(at: str) -> dict[str, Entry]:
    """One item of any type, whose kind the entry at ``at`` itself says."""
    return {
        f"{at}.type": ENUM,
        f"{at}.id": ID,
        f"{at}.item_id": ID,
        f"{at}.call_id": ID,
        f"{at}.object": ENUM,
        f"{at}.status": ENUM,
        f"{at}.role": ROLE,
        f"{at}.phase": ENUM,
        f"{at}.execution": ENUM,
        f"{at}.caller.type": ENUM,
        f"{at}.caller.caller_id": ID,
        f"{at}.created_by": ID,
        f"{at}.format": ENUM,
        f"{at}.model": MODEL,
        f"{at}.signature": SIGNATURE,
        f"{at}.content": CONTENT,
        **part(f"{at}.content[*]"),
        f"{at}.summary[*].type": ENUM,
        f"{at}.summary[*].text": SUMMARY,
        f"{at}.reasoning_content": Text(Kind.REASONING, "reasoning"),
        f"{at}.encrypted_content": Media("encrypted"),
        **_calls(at),
        **_results(at),
        f"{at}.tools": DEFINITION,
        f"{at}.tools[*].type": ENUM,
    }


def _calls(at: str) -> dict[str, Entry]:
    """What tools are called with."""
    return {
        f"{at}.arguments": ARGUMENTS,
        f"{at}.input": Text(Kind.TOOL_CALL, "input"),
        f"{at}.code": Text(Kind.TOOL_CALL, "code"),
        f"{at}.fingerprint": SIGNATURE,
        f"{at}.queries": Text(Kind.TOOL_CALL),
        f"{at}.action": Text(Kind.TOOL_CALL),
        f"{at}.action.type": ENUM,
        f"{at}.action.button": ENUM,
        f"{at}.action.sources": Text(Kind.TOOL_RESULT),
        f"{at}.action.sources[*].type": ENUM,
        f"{at}.action.commands[*]": Text(Kind.TOOL_CALL),
        f"{at}.actions": Text(Kind.TOOL_CALL),
        f"{at}.actions[*].type": ENUM,
        f"{at}.actions[*].button": ENUM,
        f"{at}.operation": Text(Kind.TOOL_CALL),
        f"{at}.operation.type": ENUM,
        f"{at}.operation.diff": Text(Kind.TOOL_CALL, "diff"),
        f"{at}.environment.type": ENUM,
        f"{at}.environment.container_id": ID,
        f"{at}.container_id": ID,
        f"{at}.approval_request_id": ID,
        f"{at}.background": ENUM,
        f"{at}.output_format": ENUM,
        f"{at}.quality": ENUM,
        f"{at}.size": ENUM,
        f"{at}.svg_usage.model": MODEL,
    }


def _results(at: str) -> dict[str, Entry]:
    """What tools gave, and what the safety checks of a computer call say."""
    output: dict[str, Entry] = {
        f"{at}.output": Text(Kind.TOOL_RESULT, "output"),
        **part(f"{at}.output[*]"),
        f"{at}.output[*]": Text(Kind.TOOL_RESULT, "output"),
        f"{at}.output[*].outcome.type": ENUM,
        f"{at}.output[*].created_by": ID,
        f"{at}.output.type": ENUM,
        f"{at}.output.file_id": ID,
        f"{at}.output.image_url": Media("image"),
    }
    return {
        **output,
        f"{at}.outputs": Text(Kind.TOOL_RESULT),
        f"{at}.outputs[*].type": ENUM,
        f"{at}.outputs[*].url": Media("image"),
        f"{at}.results": Text(Kind.TOOL_RESULT),
        f"{at}.results[*].file_id": ID,
        f"{at}.result": _IMAGE,
        f"{at}.error": Text(Kind.TOOL_RESULT),
        f"{at}.error.type": ENUM,
        f"{at}.error.code": ENUM,
        f"{at}.error.moderation_details.moderation_stage": ENUM,
        f"{at}.pending_safety_checks[*].id": ID,
        f"{at}.acknowledged_safety_checks[*].id": ID,
    }


def tools(at: str) -> dict[str, Entry]:
    """The tools a model may use, and which it must."""
    return {
        f"{at}tools": DEFINITION,
        f"{at}tools[*].type": ENUM,
        f"{at}tools[*].model": MODEL,
        f"{at}tools[*].authorization": _CREDENTIAL,
        f"{at}tools[*].container": ID,
        f"{at}tools[*].container.type": ENUM,
        f"{at}tools[*].container.file_ids[*]": ID,
        f"{at}tools[*].vector_store_ids[*]": ID,
        f"{at}tools[*].search_context_size": ENUM,
        f"{at}tools[*].input_image_mask.image_url": Media("image"),
        f"{at}tools[*].input_image_mask.file_id": ID,
        f"{at}tool_choice": DEFINITION,
        f"{at}tool_choice.type": ENUM,
        f"{at}tool_choice.mode": ENUM,
        f"{at}tool_choice.tools[*].type": ENUM,
    }


def anchored(at: str, kind: Kind | None = None) -> dict[str, Entry]:
    """Items of a list, each of its own kind."""
    return {**item(at), at: Anchor(ROLES, kind, TYPES)}
