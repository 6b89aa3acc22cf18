"""Assistants, threads, runs and vector stores, written from the API's reference."""

from __future__ import annotations

from typing import Any

from tests.wires.case import SSE, Case

_TOOLS = [
    {"type": "code_interpreter"},
    {"type": "file_search", "file_search": {"max_num_results": 5}},
    {"type": "function", "function": {"name": "weather", "description": "Tells the weather", "parameters": {}}},
]
_METADATA = {"customer": "one of ours"}
_ASSISTANT = {
    "id": "asst_1",
    "object": "assistant",
    "created_at": 1700000000,
    "name": "Math tutor",
    "description": "Helps with sums",
    "model": "gpt-4o",
    "instructions": "You are a kind tutor",
    "tools": _TOOLS,
    "tool_resources": {"code_interpreter": {"file_ids": ["file-1"]}, "file_search": {"vector_store_ids": ["vs_1"]}},
    "metadata": _METADATA,
    "response_format": "auto",
}
_ASKED = {
    "role": "user",
    "content": [
        {"type": "text", "text": "What is in this picture?"},
        {"type": "image_file", "image_file": {"file_id": "file-1", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "high"}},
    ],
    "attachments": [{"file_id": "file-2", "tools": [{"type": "file_search"}]}],
    "metadata": _METADATA,
}
_CITED = {
    "type": "file_citation",
    "text": "[4:0 source]",
    "start_index": 5,
    "end_index": 12,
    "file_citation": {"file_id": "file-2", "quote": "words of the file"},
}


def message(status: str = "completed", text: str = "It is a tree.", role: str = "assistant") -> dict[str, Any]:
    part = {"type": "text", "text": {"value": text, "annotations": [_CITED] if role == "assistant" else []}}
    return {
        "id": "msg_1" if role == "assistant" else "msg_0",
        "object": "thread.message",
        "created_at": 1700000000,
        "assistant_id": "asst_1",
        "thread_id": "thread_1",
        "run_id": "run_1",
        "status": status,
        "incomplete_details": None,
        "incomplete_at": None,
        "completed_at": None,
        "role": role,
        "content": [part] if text else [],
        "attachments": [],
        "metadata": {},
    }


def run(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "run_1",
        "object": "thread.run",
        "created_at": 1700000000,
        "assistant_id": "asst_1",
        "thread_id": "thread_1",
        "status": status,
        "required_action": None,
        "last_error": None,
        "model": "gpt-4o",
        "instructions": "You are a kind tutor",
        "tools": _TOOLS,
        "metadata": _METADATA,
        "usage": None,
        "response_format": "auto",
        "tool_choice": "auto",
        **more,
    }


def step(status: str, kind: str = "tool_calls", calls: Any = ()) -> dict[str, Any]:
    details = {"type": "message_creation", "message_creation": {"message_id": "msg_1"}}
    if kind == "tool_calls":
        details = {"type": "tool_calls", "tool_calls": list(calls)}
    return {
        "id": "step_1" if kind == "tool_calls" else "step_2",
        "object": "thread.run.step",
        "created_at": 1700000000,
        "run_id": "run_1",
        "assistant_id": "asst_1",
        "thread_id": "thread_1",
        "type": kind,
        "status": status,
        "step_details": details,
        "last_error": None,
        "usage": None,
    }


_CALLS = [
    {"id": "call_1", "type": "code_interpreter",
     "code_interpreter": {"input": "print(1 + 1)", "outputs": [{"type": "logs", "logs": "the sum is 2"},
                          {"type": "image", "image": {"file_id": "file-3"}}]}},
    {"id": "call_2", "type": "function",
     "function": {"name": "weather", "arguments": '{"place": "the north"}', "output": "it snows"}},
    {"id": "call_3", "type": "file_search",
     "file_search": {"ranking_options": {"ranker": "auto", "score_threshold": 0},
                     "results": [{"file_id": "file-2", "file_name": "my file", "score": 0.5,
                                  "content": [{"type": "text", "text": "words of the file"}]}]}},
]  # fmt: skip
_WANTED = {
    "type": "submit_tool_outputs",
    "submit_tool_outputs": {
        "tool_calls": [
            {"id": "call_2", "type": "function", "function": {"name": "weather", "arguments": '{"place": "the north"}'}}
        ]
    },
}


def delta(text: str, index: int = 0, annotations: Any = ()) -> tuple[str, Any]:
    part = {"index": index, "type": "text", "text": {"value": text, "annotations": list(annotations)}}
    return "thread.message.delta", {
        "id": "msg_1",
        "object": "thread.message.delta",
        "delta": {"role": "assistant", "content": [part]},
    }


def step_delta(**call: Any) -> tuple[str, Any]:
    details = {"type": "tool_calls", "tool_calls": [call]}
    return "thread.run.step.delta", {
        "id": "step_1",
        "object": "thread.run.step.delta",
        "delta": {"step_details": details},
    }


EVENTS: list[Any] = [
    ("thread.created", {"id": "thread_1", "object": "thread", "created_at": 1, "metadata": _METADATA}),
    ("thread.run.created", run("queued")),
    ("thread.run.queued", run("queued")),
    ("thread.run.in_progress", run("in_progress")),
    ("thread.run.step.created", step("in_progress")),
    ("thread.run.step.in_progress", step("in_progress")),
    step_delta(index=0, id="call_1", type="code_interpreter", code_interpreter={"input": "print(1", "outputs": []}),
    step_delta(index=0, type="code_interpreter", code_interpreter={"input": " + 1)"}),
    step_delta(index=0, type="code_interpreter",
               code_interpreter={"outputs": [{"index": 0, "type": "logs", "logs": "the sum is 2"}]}),
    step_delta(index=1, id="call_2", type="function", function={"name": "weather", "arguments": '{"place": "the'}),
    step_delta(index=1, type="function", function={"arguments": ' north"}'}),
    ("thread.run.step.completed", step("completed", calls=_CALLS)),
    ("thread.run.step.created", step("in_progress", "message_creation")),
    ("thread.message.created", message("in_progress", "")),
    ("thread.message.in_progress", message("in_progress", "")),
    delta("It is"),
    delta(" a tree.", annotations=[{"index": 0, **_CITED}]),
    ("thread.message.completed", message()),
    ("thread.run.step.completed", step("completed", "message_creation")),
    ("thread.run.completed", run("completed", usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3})),
]  # fmt: skip
STOPS: list[Any] = [
    ("thread.run.created", run("queued")),
    ("thread.run.step.created", step("in_progress")),
    step_delta(index=0, id="call_2", type="function", function={"name": "weather", "arguments": '{"place": "the'}),
    step_delta(index=0, type="function", function={"arguments": ' north"}'}),
    ("thread.run.requires_action", run("requires_action", required_action=_WANTED)),
]
_RUN = {
    "assistant_id": "asst_1",
    "model": "gpt-4o",
    "instructions": "You are a kind tutor",
    "additional_instructions": "Speak of trees only",
    "additional_messages": [_ASKED, {"role": "assistant", "content": "I said this before"}],
    "tools": _TOOLS,
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "metadata": _METADATA,
    "temperature": 1,
    "max_prompt_tokens": 256,
    "max_completion_tokens": 256,
    "truncation_strategy": {"type": "auto"},
}


def _list(*objects: Any) -> dict[str, Any]:
    return {"object": "list", "data": list(objects), "first_id": "a", "last_id": "b", "has_more": False}


_THREAD = {"id": "thread_1", "object": "thread", "created_at": 1, "metadata": _METADATA, "tool_resources": {}}
_FOUND = {"file_id": "file-2", "filename": "my file", "score": 0.9, "attributes": {"author": "one of us"},
          "content": [{"type": "text", "text": "words of the file"}]}  # fmt: skip
_STORE = {"id": "vs_1", "object": "vector_store", "name": "My own store", "status": "completed", "metadata": _METADATA,
          "file_counts": {"total": 1}}  # fmt: skip

CASES = [
    Case("assistants", "/v1/assistants", {k: v for k, v in _ASSISTANT.items() if k not in ("id", "object")}, _ASSISTANT),
    Case("assistants: list", "/v1/assistants", None, _list(_ASSISTANT), method="GET"),
    Case("assistants: delete", "/openai/assistants/asst_1", None,
         {"id": "asst_1", "object": "assistant.deleted", "deleted": True}, method="DELETE"),
    Case("threads", "/v1/threads", {"messages": [_ASKED], "metadata": _METADATA}, _THREAD),
    Case("threads: change", "/v1/threads/thread_1", {"metadata": _METADATA}, _THREAD),
    Case("messages", "/v1/threads/thread_1/messages", _ASKED, message(role="user", text="What is in it?")),
    Case("messages: said before", "/v1/threads/thread_1/messages", {"role": "assistant", "content": "It is so"},
         message()),
    Case("messages: list", "/v1/threads/thread_1/messages", None,
         _list(message(), message(role="user", text="What is in it?")), method="GET"),
    Case("runs", "/v1/threads/thread_1/runs", _RUN, run("queued")),
    Case("runs: with a thread", "/v1/threads/runs", {"assistant_id": "asst_1", "thread": {"messages": [_ASKED]}},
         run("queued")),
    Case("runs streamed", "/v1/threads/thread_1/runs", {**_RUN, "stream": True}, events=EVENTS, answer_type=SSE, done="[DONE]"),
    Case("runs streamed, wanting an action", "/v1/threads/runs",
         {"assistant_id": "asst_1", "thread": {"messages": [_ASKED]}, "stream": True}, events=STOPS, answer_type=SSE, done="[DONE]"),
    Case("runs: outputs", "/v1/threads/thread_1/runs/run_1/submit_tool_outputs",
         {"tool_outputs": [{"tool_call_id": "call_2", "output": "it snows there"}], "stream": True},
         events=EVENTS[3:4] + EVENTS[13:], answer_type=SSE, done="[DONE]"),
    Case("runs: look up", "/v1/threads/thread_1/runs/run_1", None, run("requires_action", required_action=_WANTED),
         method="GET"),
    Case("steps: list", "/v1/threads/thread_1/runs/run_1/steps", None, _list(step("completed", calls=_CALLS)),
         method="GET"),
    Case("steps: look up", "/v1/threads/thread_1/runs/run_1/steps/step_1", None, step("completed", calls=_CALLS),
         method="GET"),
    Case("vector stores", "/v1/vector_stores", {"name": "My own store", "file_ids": ["file-1"], "metadata": _METADATA},
         _STORE),
    Case("vector stores: search", "/v1/vector_stores/vs_1/search",
         {"query": ["where are the trees", "and the words"], "filters": {"key": "author", "type": "eq", "value": "a b"},
          "rewrite_query": True},
         {"object": "vector_store.search_results.page", "search_query": ["where trees are"], "data": [_FOUND],
          "has_more": False}),
    Case("vector stores: content", "/v1/vector_stores/vs_1/files/file-2/content", None,
         {"object": "vector_store.file_content.page", "data": [{"type": "text", "text": "words of the file"}]},
         method="GET"),
    Case("vector stores: batch", "/v1/vector_stores/vs_1/file_batches",
         {"file_ids": ["file-1"], "attributes": {"author": "one of us"}},
         {"id": "vsfb_1", "object": "vector_store.files_batch", "vector_store_id": "vs_1", "status": "in_progress"}),
]  # fmt: skip
