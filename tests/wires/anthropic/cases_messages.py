"""Anthropic's messages, written from its API reference: every block, every event, at least once."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.wires.case import SSE, Case

PATH = "/v1/messages"
VERSION = (("anthropic-version", "2023-06-01"),)
_PDF = base64.b64encode(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3 not a real one").decode()
_PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR").decode()
_CACHE = {"type": "ephemeral", "ttl": "5m"}
_CITED = [
    {"type": "char_location", "cited_text": "The grass is green.", "document_index": 0, "document_title": "On lawns",
     "start_char_index": 0, "end_char_index": 19, "file_id": "file_01"},
    {"type": "page_location", "cited_text": "Water boils at noon.", "document_index": 1, "document_title": "On tea",
     "start_page_number": 1, "end_page_number": 2},
    {"type": "content_block_location", "cited_text": "Snow is cold to touch.", "document_index": 2,
     "document_title": "On snow", "start_block_index": 0, "end_block_index": 1},
    {"type": "web_search_result_location", "cited_text": "Rain will fall today.", "encrypted_index": "EqAB",
     "title": "The weather page", "url": "https://weather.example/today"},
    {"type": "search_result_location", "cited_text": "Our shop opens early.", "title": "Opening hours",
     "source": "https://shop.example/hours", "search_result_index": 0, "start_block_index": 0, "end_block_index": 1},
]  # fmt: skip
_CALLER = {"type": "code_execution_20250825", "tool_id": "srvtoolu_9"}
SAID: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "The user wants the weather.", "signature": "EqoBCkgIARAB"},
    {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix"},
    {"type": "text", "text": "Let me look at that.", "citations": _CITED},
    {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "caller": {"type": "direct"},
     "input": {"city": "New York City", "units": ["degrees celsius"]}},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "weather in new york"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "caller": _CALLER, "content": [
        {"type": "web_search_result", "title": "Weather for you", "url": "https://weather.example/ny",
         "encrypted_content": "EpABCioIBxgC", "page_age": "2 days ago"}]},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_2",
     "content": {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}},
    {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_3", "content": {
        "type": "web_fetch_result", "url": "https://weather.example/ny", "retrieved_at": "2026-01-02T03:04:05Z",
        "content": {"type": "document", "title": "A page on rain", "citations": {"enabled": True},
                    "source": {"type": "text", "media_type": "text/plain", "data": "It may well rain."}}}},
    {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_4", "content": {
        "type": "web_fetch_result", "url": "https://weather.example/pdf", "retrieved_at": None,
        "content": {"type": "document", "title": "A printed page",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": _PDF}}}},
    {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_5", "content": {
        "type": "code_execution_result", "stdout": "the sum is five", "stderr": "a warning was given",
        "return_code": 0, "content": [{"type": "code_execution_output", "file_id": "file_02"}]}},
    {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_5b", "content": {
        "type": "encrypted_code_execution_result", "encrypted_stdout": "EpABCioIBxgC", "stderr": "one more warning",
        "return_code": 0, "content": []}},
    {"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_6", "content": {
        "type": "bash_code_execution_result", "stdout": "total of ten files", "stderr": "no such file",
        "return_code": 1, "content": [{"type": "bash_code_execution_output", "file_id": "file_03"}]}},
    {"type": "text_editor_code_execution_tool_result", "tool_use_id": "srvtoolu_7", "content": {
        "type": "text_editor_code_execution_view_result", "file_type": "text", "content": "first line of it",
        "num_lines": 1, "start_line": 1, "total_lines": 1}},
    {"type": "text_editor_code_execution_tool_result", "tool_use_id": "srvtoolu_8", "content": {
        "type": "text_editor_code_execution_str_replace_result", "lines": ["- old words", "+ new words"],
        "old_start": 1, "old_lines": 1, "new_start": 1, "new_lines": 1}},
    {"type": "text_editor_code_execution_tool_result", "tool_use_id": "srvtoolu_8b", "content": {
        "type": "text_editor_code_execution_tool_result_error", "error_code": "file_not_found",
        "error_message": "There is no such file."}},
    {"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_10", "content": {
        "type": "tool_search_tool_search_result",
        "tool_references": [{"type": "tool_reference", "tool_name": "get_weather"}]}},
    {"type": "advisor_tool_result", "tool_use_id": "srvtoolu_11",
     "content": {"type": "advisor_result", "text": "Ask for the city first.", "stop_reason": "end_turn"}},
    {"type": "advisor_tool_result", "tool_use_id": "srvtoolu_12",
     "content": {"type": "advisor_redacted_result", "encrypted_content": "EpABCioIBxgC", "stop_reason": None}},
    {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "echo", "server_name": "echo server",
     "input": {"param": "hello to you"}},
    {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False,
     "content": [{"type": "text", "text": "hello from there"}]},
    {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_2", "is_error": True, "content": "it did not work"},
    {"type": "container_upload", "file_id": "file_04"},
    {"type": "compaction", "content": "We spoke of the weather.", "encrypted_content": "EpABCioIBxgC",
     "signature": "EqoBCkgIARAB", "tool_changes": [
         {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "a new tool"}},
         {"type": "tool_removal", "tool": {"type": "mcp_toolset_reference", "server_name": "an old server"}}]},
    {"type": "fallback", "from": {"model": "claude-a"}, "to": {"model": "claude-b"},
     "trigger": {"type": "refusal", "category": "cyber"}},
    {"type": "mcp_tool_listing", "mcp_server_name": "echo server",
     "tools": [{"name": "echo", "description": "Says it again.", "input_schema": {"type": "object"}}]},
    {"type": "of_a_later_day", "words": {"deep": ["some new words"]}},
]  # fmt: skip
_USER: list[dict[str, Any]] = [
    {"type": "text", "text": "What is in these?", "cache_control": _CACHE},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _PNG},
     "transformations": {"oversized_image": "downsize"}},
    {"type": "image", "source": {"type": "url", "url": "https://pictures.example/a.png"}},
    {"type": "image", "source": {"type": "file", "file_id": "file_05"}},
    {"type": "document", "title": "On lawns", "context": "A book on gardens", "citations": {"enabled": True},
     "source": {"type": "text", "media_type": "text/plain", "data": "The grass is green."}},
    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": _PDF}},
    {"type": "document", "source": {"type": "url", "url": "https://papers.example/a.pdf"}},
    {"type": "document", "source": {"type": "file", "file_id": "file_06"}},
    {"type": "document", "source": {"type": "content", "content": "A plain string of it"}},
    {"type": "document", "source": {"type": "content", "content": [
        {"type": "text", "text": "One chunk of text"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _PNG}}]}},
    {"type": "search_result", "source": "https://shop.example/hours", "title": "Opening hours",
     "citations": {"enabled": True}, "content": [{"type": "text", "text": "Our shop opens early."}]},
]  # fmt: skip
_RESULTS: list[dict[str, Any]] = [
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "It is raining there."},
    {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": True, "content": [
        {"type": "text", "text": "It is snowing there."},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _PNG}},
        {"type": "document", "title": "A report of it", "source": {
            "type": "text", "media_type": "text/plain", "data": "Fog in the morning"}},
        {"type": "search_result", "source": "https://a.example/b", "title": "Another page",
         "content": [{"type": "text", "text": "Nothing to see"}], "citations": {"enabled": False}},
        {"type": "tool_reference", "tool_name": "get_weather"}]},
]  # fmt: skip
REQUEST: dict[str, Any] = {
    "model": "claude-opus-4-8",
    "max_tokens": 1024,
    "system": [{"type": "text", "text": "You are a weather person.", "cache_control": _CACHE}],
    "messages": [
        {"role": "user", "content": _USER},
        {"role": "assistant", "content": SAID},
        {"role": "user", "content": _RESULTS},
        {"role": "system", "content": "Now be short.", "clear_at": "never", "output_config": {"effort": "low"}},
        {"role": "assistant", "content": "The answer is"},
    ],
    "tools": [
        {"type": "custom", "name": "get_weather", "description": "Tells the weather.", "cache_control": _CACHE,
         "allowed_callers": ["direct"], "input_examples": [{"city": "Old York"}],
         "input_schema": {"type": "object", "properties": {"city": {"type": "string", "description": "A big city"}}}},
        {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["weather.example"],
         "user_location": {"type": "approximate", "city": "New York City", "country": "US", "region": "New York"}},
        {"type": "mcp_toolset", "mcp_server_name": "echo server"},
        {"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-4-8"},
    ],
    "tool_choice": {"type": "tool", "name": "get_weather"},
    "stop_sequences": ["the very end", "\n\nHuman:"],
    "metadata": {"user_id": "user-123"},
    "mcp_servers": [{"type": "url", "url": "https://mcp.example/sse", "name": "echo server",
                     "authorization_token": "token-1", "tool_configuration": {"allowed_tools": ["echo"]}}],
    "container": {"id": "container_1", "skills": [{"type": "custom", "skill_id": "skill_1", "version": "latest"}]},
    "context_management": {"edits": [
        {"type": "clear_tool_uses_20250919", "trigger": {"type": "input_tokens", "value": 9},
         "keep": {"type": "tool_uses", "value": 3}, "clear_at_least": {"type": "input_tokens", "value": 5}},
        {"type": "clear_thinking_20251015", "keep": "all"},
        {"type": "compact_20260112", "instructions": "Keep only the weather."}]},
    "compaction": {"type": "summarize", "instructions": "Be brief about it."},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"title": "Some weather"}}},
    "output_format": {"type": "json_schema", "schema": {"type": "object", "description": "What to say"}},
    "thinking": {"type": "enabled", "budget_tokens": 2048, "display": "summarized"},
    "fallbacks": [{"model": "claude-haiku-4-5", "max_tokens": 900}],
    "fallback_credit_token": "fct_1",
    "diagnostics": {"previous_message_id": "msg_0"},
    "service_tier": "auto", "speed": "fast", "inference_geo": "global", "temperature": 1.0, "top_k": 5,
    "anthropic_beta": ["mcp-client-2025-11-20"], "anthropic_version": "vertex-2023-10-16",
}  # fmt: skip
ANSWER: dict[str, Any] = {
    "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-opus-4-8", "content": SAID,
    "stop_reason": "stop_sequence", "stop_sequence": "the very end",
    "container": {"id": "container_1", "expires_at": "2026-01-02T03:04:05Z",
                  "skills": [{"type": "custom", "skill_id": "skill_1", "version": "latest"}]},
    "context_management": {"applied_edits": [{"type": "clear_tool_uses_20250919", "cleared_tool_uses": 1}]},
    "usage": {"input_tokens": 10, "output_tokens": 20, "service_tier": "standard", "inference_geo": "global",
              "iterations": [{"type": "message", "model": "claude-opus-4-8", "input_tokens": 10}]},
}  # fmt: skip
REFUSED: dict[str, Any] = ANSWER | {
    "content": [{"type": "text", "text": "I cannot help with that."}],
    "stop_reason": "refusal",
    "stop_details": {"type": "refusal", "category": "bio", "explanation": "This was not allowed."},
}
ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Too busy now."}, "request_id": "req_1"}


def event(kind: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return kind, {"type": kind, **fields}


def streamed(blocks: list[dict[str, Any]], ending: dict[str, Any] | None = None) -> list[tuple[str, Any]]:
    """A message as its events: text, thinking and tool input in pieces, all else in the opening of its block."""
    begun = {**ANSWER, "content": [], "stop_reason": None, "stop_sequence": None}
    out = [event("message_start", message=begun), event("ping")]
    for n, block in enumerate(blocks):
        opened, deltas = _pieces(block)
        out.append(event("content_block_start", index=n, content_block=opened))
        out += [event("content_block_delta", index=n, delta=delta) for delta in deltas]
        out.append(event("content_block_stop", index=n))
    delta = ending or {
        "stop_reason": "stop_sequence",
        "stop_sequence": "the very end",
        "container": ANSWER["container"],
    }
    out.append(event("message_delta", delta=delta, usage={"output_tokens": 20}))
    return [*out, event("message_stop")]


def _pieces(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kind = block["type"]
    if kind == "text":
        cited = [{"type": "citations_delta", "citation": one} for one in block.get("citations", ())]
        deltas = [{"type": "text_delta", "text": part} for part in _halves(block["text"])]
        return {"type": "text", "text": ""}, deltas + cited
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": part} for part in _halves(block["thinking"])]
        return {"type": kind, "thinking": "", "signature": ""}, [
            *deltas,
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    if kind.endswith("tool_use"):
        parts = _halves(json.dumps(block["input"]))
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in ["", *parts]]
    if kind == "compaction":
        return {"type": kind, "content": None}, [
            {"type": "compaction_delta", "content": part} for part in _halves(block["content"])
        ]
    return block, []


def _halves(text: str) -> list[str]:
    return [text[: len(text) // 2], text[len(text) // 2 :]]


STREAM = {"model": "claude-opus-4-8", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi."}]}
_ODD = [
    *streamed([{"type": "text", "text": "Let us begin here."}])[:4],
    event("content_block_delta", index=0, delta={"type": "later_delta", "words": "of another sort"}),
    event("later_event", index=0, note="of another sort"),
    ("error", {"type": "error", "error": {"type": "overloaded_error", "message": "Too busy now."}}),
]
CASES = [
    Case("anthropic messages", PATH, REQUEST, ANSWER),
    Case("anthropic refusal", PATH, {**STREAM, "stream": False, "system": "Be a good one."}, REFUSED, query="beta=true"),
    Case("anthropic error", PATH, {**STREAM, "container": "container_1"}, ERROR, status=529),
    Case("anthropic stream", PATH, STREAM, events=streamed(SAID), answer_type=SSE),
    Case("anthropic odd events", PATH, STREAM, events=_ODD, answer_type=SSE),
    Case("anthropic on azure", "/anthropic/v1/messages", STREAM, events=streamed(SAID[:3]), answer_type=SSE),
    Case("anthropic on vertex", "/v1/projects/p/locations/l/publishers/anthropic/models/claude:streamRawPredict",
         {k: v for k, v in STREAM.items() if k != "model"}, events=streamed(SAID[:4]), answer_type=SSE),
    Case("anthropic counts", PATH + "/count_tokens", {k: v for k, v in REQUEST.items() if k != "metadata"},
         {"input_tokens": 5}),
]  # fmt: skip
