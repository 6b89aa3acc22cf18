"""What a request of the Responses API may hold, and a response object that repeats it: by the API reference."""

from __future__ import annotations

from typing import Any

from tests.wires.openai.responses_samples import OUTPUT, PNG, SEALED, WAV

INPUT: list[dict[str, Any]] = [
    {"role": "developer", "content": "Speak as a pilot does"},
    {"role": "user", "content": "When does the tide turn?"},
    {
        "type": "message",
        "role": "user",
        "status": "completed",
        "content": [
            {"type": "input_text", "text": "Look at this harbour", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
            {"type": "input_image", "file_id": "file_3", "detail": "low"},
            {
                "type": "input_file",
                "filename": "log of may.pdf",
                "file_data": f"data:application/pdf;base64,{SEALED}",
                "detail": "high",
            },
            {"type": "input_file", "file_url": "https://example.org/log.pdf"},
            {"type": "input_file", "file_id": "file_4"},
            {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
        ],
    },
    *OUTPUT,
    {
        "type": "function_call_output",
        "id": "fco_1",
        "call_id": "call_1",
        "output": "it turns at noon",
        "status": "completed",
    },
    {
        "type": "function_call_output",
        "call_id": "call_1",
        "output": [
            {"type": "input_text", "text": "it turns at one"},
            {"type": "input_image", "image_url": "https://example.org/chart.png", "detail": "high"},
            {"type": "input_file", "file_id": "file_5", "filename": "chart of may.pdf"},
        ],
    },
    {"type": "custom_tool_call_output", "id": "ctco_1", "call_id": "call_2", "output": "it was said twice"},
    {
        "type": "computer_call_output",
        "id": "cuo_1",
        "call_id": "call_3",
        "output": {"type": "computer_screenshot", "image_url": f"data:image/png;base64,{PNG}", "file_id": "file_6"},
        "acknowledged_safety_checks": [{"id": "sc_1", "code": "malicious_instructions", "message": "it was looked at"}],
        "status": "completed",
    },
    {
        "type": "local_shell_call_output",
        "id": "lsho_1",
        "output": '{"stdout": "three boats lie there"}',
        "status": "completed",
    },
    {
        "type": "apply_patch_call_output",
        "call_id": "call_6",
        "status": "completed",
        "output": "one line was changed",
    },
    {
        "type": "mcp_approval_response",
        "id": "mcpa_1",
        "approval_request_id": "mcpr_1",
        "approve": False,
        "reason": "not on this day",
    },
    {
        "type": "additional_tools",
        "role": "developer",
        "tools": [{"type": "function", "name": "late", "description": "Comes in late", "parameters": {}}],
    },
    {
        "type": "configuration_update",
        "id": "cfg_1",
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", "name": "s", "schema": {"description": "a late form"}}},
    },
    {"type": "compaction_trigger", "id": "ct_1"},
    {"type": "item_reference", "id": "msg_0"},
    {"role": "assistant", "content": "As said", "reasoning_content": "thinking of deep water"},
]
"""What a request may hold."""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"when": {"type": "string", "description": "time of the turn"}},
    "required": ["when"],
    "additionalProperties": False,
}
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": "find_tide",
        "description": "Finds the next tide",
        "parameters": SCHEMA,
        "strict": True,
    },
    {
        "type": "custom",
        "name": "speak",
        "description": "Speaks out loud",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: WORD+ now"},
    },
    {
        "type": "file_search",
        "vector_store_ids": ["vs_1"],
        "max_num_results": 3,
        "filters": {"type": "eq", "key": "author", "value": "the pilot"},
        "ranking_options": {"ranker": "auto", "score_threshold": 0.1},
    },
    {
        "type": "web_search",
        "search_context_size": "low",
        "filters": {"allowed_domains": ["example.org"]},
        "user_location": {
            "type": "approximate",
            "country": "NO",
            "city": "Old Bergen",
            "region": "the west",
            "timezone": "Europe/Oslo",
        },
    },
    {"type": "computer_use_preview", "display_width": 10, "display_height": 10, "environment": "browser"},
    {
        "type": "mcp",
        "server_label": "the harbour office",
        "server_url": "https://mcp.example.org/sse",
        "server_description": "Knows all berths",
        "connector_id": "connector_gmail",
        "authorization": "token-of-the-app",
        "headers": {"X-Place": "old harbour"},
        "allowed_tools": {"tool_names": ["free berths"], "read_only": True},
        "require_approval": {"never": {"tool_names": ["free berths"]}},
    },
    {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file_1"], "memory_limit": "1g"}},
    {
        "type": "image_generation",
        "model": "gpt-image-1",
        "moderation": "low",
        "size": "auto",
        "quality": "low",
        "output_format": "png",
        "background": "auto",
        "input_fidelity": "high",
        "input_image_mask": {"image_url": f"data:image/png;base64,{PNG}", "file_id": "file_7"},
    },
    {"type": "local_shell"},
    {"type": "shell", "environment": {"type": "local"}},
    {"type": "apply_patch"},
    {
        "type": "namespace",
        "name": "harbour",
        "description": "All of the harbour",
        "tools": [{"type": "function", "name": "x"}],
    },
    {"type": "tool_search", "execution": "server", "description": "Searches for tools", "parameters": SCHEMA},
]


def response(**more: Any) -> dict[str, Any]:
    """A response object with every field that repeats a request's."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1760000000,
        "status": "completed",
        "background": False,
        "completed_at": 1760000001,
        "conversation": {"id": "conv_1"},
        "error": None,
        "incomplete_details": None,
        "instructions": "Be a good pilot",
        "max_output_tokens": 200,
        "max_tool_calls": 3,
        "model": "gpt-5-mini",
        "moderation": {
            "input": {
                "flagged": False,
                "categories": {"violence": False},
                "category_scores": {"violence": 0.01},
                "category_applied_input_types": {"violence": ["text"]},
                "model": "omni-moderation-2024-09-26",
                "type": "moderation_result",
            },
            "output": {"type": "error", "code": "server_error", "message": "It was not judged."},
        },
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": "resp_0",
        "prompt": {
            "id": "pmpt_1",
            "version": "2",
            "variables": {"who": "the young pilot", "file": {"type": "input_file", "file_id": "file_8"}},
        },
        "prompt_cache_key": "key-1",
        "prompt_cache_retention": "24h",
        "reasoning": {"effort": "low", "summary": "auto"},
        "safety_identifier": "some user 1",
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {
            "format": {"type": "json_schema", "name": "turn", "description": "a turn", "schema": SCHEMA},
            "verbosity": "low",
        },
        "tool_choice": {"type": "function", "name": "find_tide"},
        "tools": TOOLS,
        "top_logprobs": 1,
        "top_p": 1.0,
        "truncation": "auto",
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 9,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 18,
        },
        "user": "a user name",
        "metadata": {"trip": "round the bay"},
        **more,
    }
