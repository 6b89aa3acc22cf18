"""Assistants, threads, messages, runs and their steps; vector stores beside them.

Whose text stands where in what is sent and kept (API reference, "Assistants"). The events of a run
are in ``threads_stream``. What a run adds to its thread is read whenever it is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import BadRequest
from ...http import Head, Request, media_type
from ...text import Segment
from ...verdict import Kind
from .. import generic, silent
from ..document import Document
from ..operation import Operation
from ..protocol import Body, Codec
from ..table import Anchor, Entry, Media, Node, Text, table
from .rest import FORM, Rest, resource
from .threads_stream import ThreadStream, refusal, unmarked

_ROLES = {"user": Kind.USER, "assistant": Kind.ASSISTANT}
_DEFINITION = Text(Kind.DEFINITION)
_RESULT = Text(Kind.TOOL_RESULT)
_CALL = Text(Kind.TOOL_CALL, nested=True)


def _content(at: str, kind: Kind | None = None) -> dict[str, Entry]:
    """A message's parts, as they are sent and as they are kept; its text joins over them."""
    text = Text(kind, "content")
    dot = f"{at}." if at else ""
    return {
        f"{dot}role": silent.ROLE,
        f"{dot}content": text,
        f"{dot}content[*]": text,
        f"{dot}content[*].type": silent.ENUM,
        f"{dot}content[*].text": text,
        f"{dot}content[*].text.value": text,
        f"{dot}content[*].text.annotations[*].type": silent.ENUM,
        f"{dot}content[*].text.annotations[*].file_citation.quote": _RESULT,
        f"{dot}content[*].refusal": text,
        f"{dot}content[*].image_url.url": Media("image"),
        f"{dot}content[*].image_url.detail": silent.ENUM,
        f"{dot}content[*].image_file.detail": silent.ENUM,
        f"{dot}attachments[*].tools[*].type": silent.ENUM,
    }


def _setting(at: str) -> dict[str, Entry]:
    """What is said to a model beside its messages; in assistants, runs and what makes them."""
    return {
        f"{at}model": silent.MODEL,
        f"{at}instructions": Text(Kind.SYSTEM),
        f"{at}additional_instructions": Text(Kind.SYSTEM),
        f"{at}tools": _DEFINITION,
        f"{at}tools[*].type": silent.ENUM,
        f"{at}tool_choice": _DEFINITION,
        f"{at}response_format": _DEFINITION,
        f"{at}required_action.submit_tool_outputs.tool_calls[*].function.arguments": _CALL,
    }


def _step(at: str) -> dict[str, Entry]:
    calls = f"{at}step_details.tool_calls[*]"
    return {
        calls: Anchor(),
        f"{calls}.type": silent.ENUM,
        f"{calls}.function.name": Text(Kind.TOOL_CALL),
        f"{calls}.function.arguments": _CALL,
        f"{calls}.function.output": _RESULT,
        f"{calls}.code_interpreter.input": Text(Kind.TOOL_CALL),
        f"{calls}.code_interpreter.outputs": _RESULT,
        f"{calls}.code_interpreter.outputs[*].type": silent.ENUM,
        f"{calls}.file_search": _RESULT,
    }


_IDS = ("id", "object", "thread_id", "run_id", "assistant_id", "message_id", "step_id", "status")


def _objects(at: str) -> dict[str, Entry]:
    """Any of the kept objects: a thread, a message, a run, a step, an assistant."""
    return {**{f"{at}{name}": silent.ID for name in _IDS}, **_setting(at), **_step(at)}


_MESSAGES = ("messages[*]", "thread.messages[*]", "additional_messages[*]")
REQUEST = table(
    {
        "assistant_id": silent.ID,
        **_setting(""),
        **{name: entry for at in _MESSAGES for name, entry in _content(at).items()},
        **{at: Anchor(_ROLES, Kind.USER) for at in _MESSAGES},
        "tool_outputs[*].tool_call_id": silent.ID,
        "tool_outputs[*].output": _RESULT,
    }
)
_MESSAGE = {role: table(_content("", kind)) for role, kind in _ROLES.items()}
KEPT = {
    role: table(
        {
            **_objects(""),
            **_content("", kind),
            **_objects("data[*]."),
            **_content("data[*]"),
            "data[*]": Anchor(_ROLES),
            "first_id": silent.ID,
            "last_id": silent.ID,
        }
    )
    for role, kind in _ROLES.items()
}
SEARCH = table({"query": Text(Kind.USER), "query[*]": Text(Kind.USER), "name": Text(Kind.USER)})
FOUND = table(
    {
        **{f"{at}{name}": silent.ID for at in ("", "data[*].") for name in ("id", "object", "file_id", "status")},
        "search_query": Text(Kind.USER),
        "search_query[*]": Text(Kind.USER),
        "data[*]": Anchor(),
        "data[*].text": _RESULT,
        "data[*].attributes": _RESULT,
        "data[*].content": _RESULT,
        "data[*].content[*].type": silent.ENUM,
    }
)


def _within(at: str, entries: dict[str, Entry]) -> dict[str, Entry]:
    return {f"{at}{name}": entry for name, entry in entries.items()}


DELTA = table({"id": silent.ID, "object": silent.ENUM, **_within("delta.", {**_content(""), **_step("")})})
"""The deltas of messages and of steps, which have their fields one step down."""


def kept(tree: Any) -> Node:
    """The table of an answer, by whose message it is, if it is one."""
    role = tree.get("role") if isinstance(tree, dict) else None
    return KEPT["user" if role == "user" else "assistant"]


class Kept(Rest):
    """One of these operations whose answer may be whole or the events of a run."""

    def response(self, body: bytes, media: str) -> Body:
        if generic.looks_like_json(body):
            try:
                return Document(body, kept, Kind.ASSISTANT)
            except BadRequest as error:
                if error.code != "invalid_json":
                    raise
        return generic.answer(body, media, KEPT["assistant"])

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != "text/event-stream":
            return super().stream(asked, head)
        return ThreadStream(DELTA, KEPT["assistant"])

    def incident(self, status: int, answer: Body) -> str | None:
        return super().incident(status, answer) or refusal(answer.tree)

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Annotations count characters of a text that is no longer the same."""
        data = body.tree.get("data") if isinstance(body.tree, dict) else None
        rows = enumerate(data) if isinstance(data, list) else [(-1, body.tree)]
        for n, row in rows:
            at = ("data", n) if n >= 0 else ()
            if any(s.edits and s.path[: len(at)] == at for s in segments):
                unmarked(row.get("content") if isinstance(row, dict) else None)


class Messages(Kept):
    """``v/threads/{id}/messages``: the request is a message itself, by its ``role``."""

    def request(self, body: bytes, asked: Request) -> Body:
        if not body or asked.media == FORM:
            return super().request(body, asked)
        return Document(body, _by_role, Kind.OTHER)


def _by_role(tree: Any) -> Node:
    role = tree.get("role") if isinstance(tree, dict) else None
    return _MESSAGE["assistant" if role == "assistant" else "user"]


def operations() -> tuple[Operation, ...]:
    stores = [
        *resource("v/vector_stores", "POST search", "GET search", "GET files", "POST files", "POST file_batches"),
        *(f"{method} v/vector_stores/{{id}}/files/{{id}}" for method in ("GET", "POST", "DELETE")),
        "GET v/vector_stores/{id}/files/{id}/content",
        "GET v/vector_stores/{id}/file_batches/{id}",
        "POST v/vector_stores/{id}/file_batches/{id}/cancel",
        "GET v/vector_stores/{id}/file_batches/{id}/files",
    ]
    messages = ["GET v/threads/{id}/messages", "POST v/threads/{id}/messages"]
    messages += [f"{method} v/threads/{{id}}/messages/{{id}}" for method in ("GET", "POST", "DELETE")]
    runs = [
        "POST v/threads/runs",
        "GET v/threads/{id}/runs",
        "POST v/threads/{id}/runs",
        "GET v/threads/{id}/runs/{id}",
        "POST v/threads/{id}/runs/{id}",
        "POST v/threads/{id}/runs/{id}/cancel",
        "POST v/threads/{id}/runs/{id}/submit_tool_outputs",
        "GET v/threads/{id}/runs/{id}/steps",
        "GET v/threads/{id}/runs/{id}/steps/{id}",
    ]
    return (
        Kept("openai.assistants", resource("v/assistants"), asks=REQUEST),
        Kept("openai.threads", resource("v/threads", methods="POST GET DELETE"), asks=REQUEST),
        Messages("openai.messages", messages),
        Kept("openai.runs", runs, asks=REQUEST),
        Rest("openai.vector_stores", stores, asks=SEARCH, says=FOUND),
    )
