"""The routes the fuzzer calls and the bodies their public references describe.

In a body ``"~"`` stands for text an upstream reads, ``"~json"`` for JSON written as a string.
Knows the APIs only: nothing here is taken from the guard's own tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TEXT, NESTED, B64 = "~", "~json", "@b64"
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_SCHEMA = {
    "type": "object", "required": ["city"], "additionalProperties": False,
    "properties": {"city": {"type": "string", "description": TEXT, "enum": ["Bern", TEXT], "default": TEXT},
                   "days": {"type": "array", "items": {"type": "integer"}, "title": TEXT}},
}  # fmt: skip


@dataclass(frozen=True)
class Api:
    """One route. ``form``: json, multipart or none; ``speaks``: which family of answers follows."""

    name: str
    paths: tuple[str, ...]
    bodies: tuple[Any, ...] = ()
    method: str = "POST"
    form: str = "json"
    speaks: str = "app"


_FUNCTION = {"name": "get_weather", "description": TEXT, "parameters": _SCHEMA, "strict": True}
_CHAT = (
    {"model": "gpt-5-mini", "messages": [{"role": "user", "content": TEXT}]},
    {
        "model": "gpt-5-mini",
        "stream": True,
        "n": 2,
        "temperature": 0.70,
        "messages": [
            {"role": "system", "content": TEXT, "name": "operator"},
            {"role": "user", "content": [{"type": "text", "text": TEXT}, {"type": "text", "text": TEXT}]},
            {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "reasoning_content": TEXT,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": NESTED}}
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": TEXT},
        ],
        "tools": [{"type": "function", "function": _FUNCTION}],
        "stop": [TEXT],
        "metadata": {"topic": TEXT},
    },
    {
        "model": "m",
        "messages": [{"role": "developer", "content": TEXT}, {"role": "assistant", "content": TEXT, "refusal": TEXT}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "s", "description": TEXT, "schema": _SCHEMA},
        },
        "prediction": {"type": "content", "content": TEXT},
        "web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": TEXT}}},
        "functions": [{"name": "f", "description": TEXT, "parameters": {"type": "object", "properties": {}}}],
    },
    {
        "model": "m",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": TEXT},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PNG}", "detail": "low"}},
                    {
                        "type": "file",
                        "file": {"filename": TEXT, "file_data": "data:application/pdf;base64,JVBERi0xLjQK"},
                    },
                ],
            }
        ],
    },
)
_RESPONSES = (
    {"model": "gpt-5-mini", "input": TEXT, "instructions": TEXT},
    {
        "model": "gpt-5-mini",
        "stream": True,
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": TEXT}]},
            {
                "type": "message",
                "role": "assistant",
                "content": [
                    {
                        "type": "output_text",
                        "text": TEXT,
                        "annotations": [{"type": "url_citation", "url": "https://a.test/x", "title": TEXT}],
                    }
                ],
            },
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": TEXT}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": NESTED},
            {"type": "function_call_output", "call_id": "c1", "output": TEXT},
            {
                "type": "local_shell_call",
                "id": "l1",
                "call_id": "c2",
                "status": "completed",
                "action": {"type": "exec", "command": ["echo", TEXT], "env": {}},
            },
            {
                "type": "code_interpreter_call",
                "id": "ci",
                "code": TEXT,
                "container_id": "x",
                "outputs": [{"type": "logs", "logs": TEXT}],
            },
            {"type": "mcp_call", "id": "m1", "name": "t", "server_label": "s", "arguments": NESTED, "output": TEXT},
        ],
        "tools": [
            {"type": "function", **_FUNCTION},
            {"type": "mcp", "server_label": "s", "server_description": TEXT, "server_url": "https://a.test/"},
        ],
        "text": {"format": {"type": "json_schema", "name": "s", "schema": _SCHEMA}},
        "prompt": {"id": "pmpt_1", "variables": {"city": TEXT}},
    },
)
_ANTHROPIC = (
    {"model": "claude-x", "max_tokens": 64, "system": TEXT, "messages": [{"role": "user", "content": TEXT}]},
    {
        "model": "claude-x",
        "max_tokens": 64,
        "stream": True,
        "system": [{"type": "text", "text": TEXT, "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": TEXT},
                    {
                        "type": "document",
                        "title": TEXT,
                        "context": TEXT,
                        "source": {"type": "text", "media_type": "text/plain", "data": TEXT},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": TEXT, "signature": "EqQBCgIYAhIM"},
                    {
                        "type": "tool_use",
                        "id": "toolu_1",
                        "name": "get_weather",
                        "input": {"city": TEXT, "n": [1, TEXT]},
                    },
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": TEXT}]},
                    {
                        "type": "search_result",
                        "source": "https://a.test/",
                        "title": TEXT,
                        "content": [{"type": "text", "text": TEXT}],
                        "citations": {"enabled": True},
                    },
                ],
            },
        ],
        "tools": [{"name": "get_weather", "description": TEXT, "input_schema": _SCHEMA}],
        "stop_sequences": [TEXT],
        "metadata": {"user_id": "u-1"},
    },
)
_GEMINI = (
    {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]},
    {
        "systemInstruction": {"parts": [{"text": TEXT}]},
        "contents": [
            {"role": "user", "parts": [{"text": TEXT}, {"inlineData": {"mimeType": "image/png", "data": _PNG}}]},
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"name": "f", "args": {"city": TEXT}}},
                    {"executableCode": {"language": "PYTHON", "code": TEXT}},
                ],
            },
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": TEXT}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "description": TEXT, "parameters": _SCHEMA}]}],
        "generationConfig": {"temperature": 0.2, "stopSequences": [TEXT], "responseSchema": _SCHEMA},
    },
)
_CONVERSE = (
    {"messages": [{"role": "user", "content": [{"text": TEXT}]}], "system": [{"text": TEXT}]},
    {
        "messages": [
            {"role": "user", "content": [{"text": TEXT}, {"guardContent": {"text": {"text": TEXT}}}]},
            {
                "role": "assistant",
                "content": [
                    {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"city": TEXT}}},
                    {"reasoningContent": {"reasoningText": {"text": TEXT, "signature": "abc"}}},
                ],
            },
            {
                "role": "user",
                "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": TEXT}, {"json": {"a": TEXT}}]}}],
            },
        ],
        "toolConfig": {"tools": [{"toolSpec": {"name": "f", "description": TEXT, "inputSchema": {"json": _SCHEMA}}}]},
        "inferenceConfig": {"maxTokens": 64, "stopSequences": [TEXT]},
        "promptVariables": {"city": {"text": TEXT}},
    },
)
_INVOKE = (
    {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": TEXT}]},
    {"inputText": TEXT, "textGenerationConfig": {"stopSequences": [TEXT]}},
    {"prompt": TEXT, "max_gen_len": 9},
    {"message": TEXT, "chat_history": [{"role": "USER", "message": TEXT}], "preamble": TEXT},
)
_OLLAMA = (
    {"model": "llama3", "messages": [{"role": "user", "content": TEXT}], "stream": False},
    {
        "model": "llama3",
        "messages": [
            {"role": "system", "content": TEXT},
            {
                "role": "assistant",
                "content": TEXT,
                "thinking": TEXT,
                "tool_calls": [{"function": {"name": "f", "arguments": {"city": TEXT}}}],
            },
            {"role": "tool", "tool_name": "f", "content": TEXT},
        ],
        "tools": [{"type": "function", "function": _FUNCTION}],
        "options": {"stop": [TEXT]},
    },
)
_COHERE = (
    {"model": "command-a", "messages": [{"role": "user", "content": TEXT}]},
    {
        "model": "command-a",
        "stream": True,
        "messages": [
            {"role": "system", "content": TEXT},
            {
                "role": "assistant",
                "tool_plan": TEXT,
                "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": NESTED}}],
            },
            {"role": "tool", "tool_call_id": "t1", "content": [{"type": "document", "document": {"data": TEXT}}]},
        ],
        "documents": [TEXT, {"id": "d", "data": {"title": TEXT, "text": TEXT}}],
        "tools": [{"type": "function", "function": _FUNCTION}],
        "stop_sequences": [TEXT],
    },
)
_FILE = {"@file": ("notes.txt", "text/plain", TEXT)}
_SOUND = {"@file": ("a.wav", "audio/wav", "RIFF\x00\x00WAVE")}
_ROW = {"custom_id": "r1", "method": "POST", "url": "/v1/chat/completions", "body": _CHAT[0]}
_ROWS = {"@rows": ("batch.jsonl", "application/jsonl", _ROW)}
FILES: dict[str, tuple[Any, ...]] = {
    "chat": tuple({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": TEXT}, part]}]} for part in (
        {"type": "file", "file": {"filename": "a.txt", "file_data": f"data:text/plain;base64,{B64}"}},
        {"type": "image_url", "image_url": {"url": f"data:image/svg+xml;base64,{B64}"}})),
    "responses": ({"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": TEXT},
        {"type": "input_file", "filename": "a.txt", "file_data": f"data:text/markdown;base64,{B64}"}]}]},),
    "messages": ({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "text", "text": TEXT},
        {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": B64}}]}]},),
    "gemini": ({"contents": [{"role": "user", "parts": [{"text": TEXT}, {"inlineData": {"mimeType": "text/plain", "data": B64}}]}]},),
    "converse": ({"messages": [{"role": "user", "content": [{"text": TEXT},
        {"document": {"format": "txt", "name": "notes", "source": {"bytes": B64}}}]}]},),
}  # fmt: skip
"""Bodies with a file of text in base64 at ``"@b64"``, where the API takes one."""
_DEPLOYED = "/openai/deployments/d1"
_VERTEX = "/v1/projects/p/locations/l/publishers/google/models/g"

APIS: tuple[Api, ...] = (
    Api("chat", ("/v1/chat/completions", f"{_DEPLOYED}/chat/completions?api-version=2024-10-21", "/openai/v1/chat/completions",
                 "/api/v1/chat/completions", "/chat/completions"), _CHAT, speaks="chat"),
    Api("responses", ("/v1/responses", "/openai/v1/responses"), _RESPONSES, speaks="responses"),
    Api("responses.input_tokens", ("/v1/responses/input_tokens",), _RESPONSES),
    Api("completions", ("/v1/completions", f"{_DEPLOYED}/completions?api-version=2024-10-21"), (
        {"model": "m", "prompt": TEXT, "suffix": TEXT, "stop": TEXT}, {"model": "m", "prompt": [TEXT, TEXT], "echo": True}),
        speaks="completions"),
    Api("embeddings", ("/v1/embeddings", f"{_DEPLOYED}/embeddings"), (
        {"model": "e", "input": TEXT}, {"model": "e", "input": [TEXT, TEXT], "encoding_format": "float"}), speaks="data"),
    Api("images", ("/v1/images/generations",), ({"model": "gpt-image-1", "prompt": TEXT, "size": "1024x1024"},), speaks="image"),
    Api("images.edits", ("/v1/images/edits",), (
        {"prompt": TEXT, "model": "gpt-image-1", "image": {"@file": ("a.png", "image/png", "\x89PNG\r\n")}},),
        form="multipart", speaks="image"),
    Api("speech", ("/v1/audio/speech",), ({"model": "tts-1", "input": TEXT, "voice": "alloy", "instructions": TEXT},), speaks="sound"),
    Api("transcriptions", ("/v1/audio/transcriptions",), ({"model": "whisper-1", "prompt": TEXT, "file": _SOUND},),
        form="multipart", speaks="text"),
    Api("translations", ("/v1/audio/translations",), ({"model": "whisper-1", "prompt": TEXT, "file": _SOUND},),
        form="multipart", speaks="text"),
    Api("moderations", ("/v1/moderations",), (
        {"input": TEXT}, {"model": "o", "input": [{"type": "text", "text": TEXT}]}), speaks="data"),
    Api("files", ("/v1/files",), ({"purpose": "batch", "file": _ROWS}, {"purpose": "assistants", "file": _FILE}), form="multipart"),
    Api("batches", ("/v1/batches",), (
        {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": {"d": TEXT}},)),
    Api("threads", ("/v1/threads",), ({"messages": [{"role": "user", "content": TEXT}], "metadata": {"a": TEXT}},)),
    Api("threads.messages", ("/v1/threads/thread_1/messages",), (
        {"role": "user", "content": TEXT}, {"role": "user", "content": [{"type": "text", "text": TEXT}]})),
    Api("threads.runs", ("/v1/threads/thread_1/runs",), (
        {"assistant_id": "asst_1", "instructions": TEXT, "additional_instructions": TEXT,
         "additional_messages": [{"role": "user", "content": TEXT}]},)),
    Api("assistants", ("/v1/assistants",), ({"model": "m", "name": TEXT, "description": TEXT, "instructions": TEXT},)),
    Api("conversations", ("/v1/conversations", "/v1/conversations/conv_1/items"), (
        {"items": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": TEXT}]}],
         "metadata": {"topic": TEXT}},)),
    Api("messages", ("/v1/messages", "/anthropic/v1/messages"), _ANTHROPIC, speaks="messages"),
    Api("messages.count", ("/v1/messages/count_tokens",), _ANTHROPIC),
    Api("messages.batches", ("/v1/messages/batches",), ({"requests": [{"custom_id": "a", "params": _ANTHROPIC[0]}]},)),
    Api("gemini", ("/v1beta/models/g:generateContent", "/v1/models/g:generateContent?key=k", f"{_VERTEX}:generateContent"), _GEMINI,
        speaks="gemini"),
    Api("gemini.stream", ("/v1beta/models/g:streamGenerateContent?alt=sse", f"{_VERTEX}:streamGenerateContent"), _GEMINI,
        speaks="gemini.stream"),
    Api("gemini.embed", ("/v1beta/models/g:embedContent",), ({"content": {"parts": [{"text": TEXT}]}, "title": TEXT},), speaks="data"),
    Api("gemini.count", ("/v1beta/models/g:countTokens",), (_GEMINI[0], {"generateContentRequest": _GEMINI[1]})),
    Api("gemini.cached", ("/v1beta/cachedContents",), ({"model": "models/g", "displayName": TEXT, **_GEMINI[1]},)),
    Api("converse", ("/model/m.x-v1:0/converse", "/model/m.x-v1%3A0/converse"), _CONVERSE, speaks="converse"),
    Api("converse.stream", ("/model/m.x-v1%3A0/converse-stream",), _CONVERSE, speaks="converse.stream"),
    Api("invoke", ("/model/anthropic.c-v1%3A0/invoke", "/model/m/invoke"), _INVOKE),
    Api("ollama.chat", ("/api/chat",), _OLLAMA, speaks="ollama"),
    Api("ollama.generate", ("/api/generate",), (
        {"model": "l", "prompt": TEXT, "suffix": TEXT, "system": TEXT, "template": TEXT, "format": _SCHEMA},), speaks="ollama"),
    Api("ollama.embed", ("/api/embed", "/api/embeddings"), ({"model": "l", "input": [TEXT, TEXT]},), speaks="data"),
    Api("cohere.chat", ("/v2/chat",), _COHERE, speaks="cohere"),
    Api("cohere.embed", ("/v2/embed",), ({"model": "e", "input_type": "search_query", "texts": [TEXT, TEXT]},), speaks="data"),
    Api("cohere.rerank", ("/v2/rerank",), ({"model": "r", "query": TEXT, "documents": [TEXT, TEXT]},), speaks="data"),
    Api("fim", ("/v1/fim/completions",), ({"model": "codestral", "prompt": TEXT, "suffix": TEXT},), speaks="chat"),
    Api("app.ask", ("/ask", "/api/agent/run", "/"), (
        {"question": TEXT}, {"message": TEXT, "history": [TEXT, {"who": "me", "said": TEXT}]}, [TEXT], [[{"t": TEXT}]])),
    Api("app.form", ("/feedback",), ({"comment": TEXT, "page": TEXT},), form="urlencoded"),
    Api("app.note", ("/notes",), (TEXT,), form="text", speaks="text"),
    Api("app.rows", ("/import",), ({"text": TEXT, "n": 1},), form="rows"),
    Api("models", ("/v1/models", "/v1/models/gpt-5-mini"), method="GET", form="none", speaks="models"),
)  # fmt: skip
