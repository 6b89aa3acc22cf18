"""One item of each type that a response may hold, by the API reference, with all fields set."""

from __future__ import annotations

import base64
from typing import Any

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(200))).decode()
WAV = base64.b64encode(b"RIFF\x00\x01WAVEfmt " + bytes(range(128, 255))).decode()
SEALED = base64.b64encode(b"\x80\x00\x00" + bytes(range(255, 100, -1))).decode()

CITATIONS = [
    {
        "type": "url_citation",
        "url": "https://example.org/tides",
        "title": "Tides of the coast",
        "start_index": 4,
        "end_index": 9,
    },
    {"type": "file_citation", "file_id": "file_1", "filename": "tide table.pdf", "index": 3},
    {
        "type": "container_file_citation",
        "container_id": "cntr_1",
        "file_id": "cfile_1",
        "filename": "a plot of it.png",
        "start_index": 0,
        "end_index": 3,
    },
    {"type": "file_path", "file_id": "file_2", "index": 12},
]
LOGPROBS = [
    {
        "token": token,
        "bytes": list(token.encode()),
        "logprob": -0.1,
        "top_logprobs": [{"token": token, "bytes": list(token.encode()), "logprob": -0.1}],
    }
    for token in ("The", " tide", " turns", " at", " noon")
]
TEXT: dict[str, Any] = {
    "type": "output_text",
    "text": "The tide turns at noon",
    "annotations": CITATIONS,
    "logprobs": LOGPROBS,
}
REFUSAL: dict[str, Any] = {"type": "refusal", "refusal": "I cannot help with this wish"}
MESSAGE: dict[str, Any] = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "assistant",
    "phase": "final_answer",
    "content": [TEXT, REFUSAL],
}
REASONING: dict[str, Any] = {
    "type": "reasoning",
    "id": "rs_1",
    "status": "completed",
    "summary": [{"type": "summary_text", "text": "Looking for the harbour"}],
    "content": [{"type": "reasoning_text", "text": "First the moon is looked at"}],
    "encrypted_content": SEALED,
}
CALL: dict[str, Any] = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "find_tide",
    "namespace": "harbour tools",
    "arguments": '{"place": "the old harbour", "days": 2}',
    "status": "completed",
    "caller": {"type": "program", "caller_id": "prog_1"},
}
CUSTOM: dict[str, Any] = {
    "type": "custom_tool_call",
    "id": "ctc_1",
    "call_id": "call_2",
    "name": "speak",
    "namespace": "voices",
    "input": "say it loud and clear",
}
SEARCH: dict[str, Any] = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {
        "type": "search",
        "query": "tide tables for today",
        "queries": ["tide tables for today", "moon phases now"],
        "sources": [{"type": "url", "url": "https://example.org/tides today"}],
    },
}
OPENED: dict[str, Any] = {
    "type": "web_search_call",
    "id": "ws_2",
    "status": "completed",
    "action": {"type": "find_in_page", "url": "https://example.org/tides", "pattern": "high water"},
}
FILES: dict[str, Any] = {
    "type": "file_search_call",
    "id": "fs_1",
    "status": "completed",
    "queries": ["depth of the bay"],
    "results": [
        {
            "file_id": "file_1",
            "filename": "bay of whales.txt",
            "score": 0.9,
            "text": "The bay is nine fathoms deep",
            "attributes": {"author": "the old pilot", "year": 1901},
        }
    ],
}
COMPUTER: dict[str, Any] = {
    "type": "computer_call",
    "id": "cu_1",
    "call_id": "call_3",
    "status": "completed",
    "action": {"type": "type", "text": "hello to the harbour"},
    "actions": [
        {"type": "click", "button": "left", "x": 1, "y": 2, "keys": ["SHIFT"]},
        {"type": "type", "text": "and once more"},
    ],
    "pending_safety_checks": [{"id": "sc_1", "code": "malicious_instructions", "message": "look at this page twice"}],
}
CODE: dict[str, Any] = {
    "type": "code_interpreter_call",
    "id": "ci_1",
    "status": "completed",
    "container_id": "cntr_1",
    "code": "print('nine fathoms deep')",
    "outputs": [
        {"type": "logs", "logs": "nine fathoms deep"},
        {"type": "image", "url": f"data:image/png;base64,{PNG}"},
    ],
}
IMAGE: dict[str, Any] = {
    "type": "image_generation_call",
    "id": "ig_1",
    "status": "completed",
    "action": "generate",
    "background": "opaque",
    "output_format": "png",
    "quality": "high",
    "size": "1024x1024",
    "result": PNG,
    "revised_prompt": "a harbour at night",
    "error": {
        "type": "image_generation_user_error",
        "code": "bad_size",
        "message": "the size is odd",
        "param": "size",
        "moderation_details": {"moderation_stage": "output", "categories": ["water"]},
    },
    "svg_usage": {
        "model": "gpt-image-1",
        "input_tokens": 1,
        "output_tokens": 1,
        "reasoning_tokens": 0,
        "total_tokens": 2,
    },
}
LOCAL_SHELL: dict[str, Any] = {
    "type": "local_shell_call",
    "id": "lsh_1",
    "call_id": "call_4",
    "status": "completed",
    "action": {
        "type": "exec",
        "command": ["ls", "-l", "the bay"],
        "env": {"PLACE": "old harbour"},
        "timeout_ms": 10,
        "user": "pilot one",
        "working_directory": "/home/the pilot",
    },
}
SHELL: dict[str, Any] = {
    "type": "shell_call",
    "id": "sh_1",
    "call_id": "call_5",
    "status": "completed",
    "action": {"commands": ["cat tides of may", "date -u now"], "timeout_ms": 10, "max_output_length": 100},
    "environment": {"type": "container_reference", "container_id": "cntr_1"},
    "caller": {"type": "direct"},
    "created_by": "user_1",
}
SHELL_OUTPUT: dict[str, Any] = {
    "type": "shell_call_output",
    "id": "sho_1",
    "call_id": "call_5",
    "status": "completed",
    "max_output_length": 100,
    "output": [
        {
            "stdout": "high water at noon",
            "stderr": "no such bay here",
            "outcome": {"type": "exit", "exit_code": 0},
            "created_by": "user_1",
        }
    ],
}
PATCH: dict[str, Any] = {
    "type": "apply_patch_call",
    "id": "ap_1",
    "call_id": "call_6",
    "status": "completed",
    "operation": {"type": "update_file", "path": "notes of may.txt", "diff": "-ebb at one\n+ebb at two"},
}
MCP_TOOLS: dict[str, Any] = {
    "type": "mcp_list_tools",
    "id": "mcpl_1",
    "server_label": "the harbour office",
    "tools": [
        {
            "name": "berths",
            "description": "Lists the free berths",
            "input_schema": {"type": "object", "properties": {"day": {"type": "string", "description": "which day"}}},
            "annotations": {"title": "Free berths now"},
        }
    ],
    "error": "one tool was left out",
}
MCP_CALL: dict[str, Any] = {
    "type": "mcp_call",
    "id": "mcp_1",
    "server_label": "the harbour office",
    "name": "berths",
    "arguments": '{"day": "this very day"}',
    "output": "two berths are free",
    "error": {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": "one berth was lost"}]},
    "approval_request_id": "mcpr_1",
    "status": "completed",
}
MCP_ASK: dict[str, Any] = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "server_label": "the harbour office",
    "name": "berths",
    "arguments": '{"day": "another fine day"}',
}
TOOL_SEARCH: dict[str, Any] = {
    "type": "tool_search_call",
    "id": "ts_1",
    "call_id": "call_7",
    "execution": "server",
    "status": "completed",
    "arguments": {"paths": ["harbour of old"]},
}
FOUND_TOOLS: dict[str, Any] = {
    "type": "tool_search_output",
    "id": "tso_1",
    "call_id": "call_7",
    "execution": "server",
    "status": "completed",
    "tools": [
        {"type": "function", "name": "berth", "description": "Finds one berth", "parameters": {"type": "object"}}
    ],
}
COMPACTION: dict[str, Any] = {"type": "compaction", "id": "cmp_1", "encrypted_content": SEALED, "created_by": "user_1"}
PROGRAM: dict[str, Any] = {
    "type": "program",
    "id": "prog_1",
    "call_id": "call_8",
    "code": "tide(at='noon time')",
    "fingerprint": "fp_1",
}
RESULT: dict[str, Any] = {
    "type": "program_output",
    "id": "po_1",
    "call_id": "call_8",
    "result": "the tide is high",
    "status": "completed",
}
X_SEARCH: dict[str, Any] = {
    "type": "x_search_call",
    "id": "xs_1",
    "call_id": "call_9",
    "name": "x_keyword_search",
    "arguments": '{"query": "ships seen today"}',
    "status": "completed",
}
OUTPUT: list[dict[str, Any]] = [
    REASONING,
    MESSAGE,
    CALL,
    CUSTOM,
    SEARCH,
    OPENED,
    FILES,
    COMPUTER,
    CODE,
    IMAGE,
    LOCAL_SHELL,
    SHELL,
    SHELL_OUTPUT,
    PATCH,
    MCP_TOOLS,
    MCP_CALL,
    MCP_ASK,
    TOOL_SEARCH,
    FOUND_TOOLS,
    COMPACTION,
    PROGRAM,
    RESULT,
    X_SEARCH,
]
"""What a response may hold."""
