"""What the guard says in a Responses answer: a message of its own, in a response that is not complete.

From the API reference ("The response object"): ``incomplete`` with the reason ``content_filter`` is how
the API itself ends an answer it will not finish. Of streams it must never know.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..operation import text_at, tree_of
from ..protocol import Body, Notice

INCOMPLETE = {"reason": "content_filter"}


def wants_json(asked: Body | None, begun: Mapping[str, Any] | None = None) -> bool:
    """Does the request ask for an answer in JSON? SDKs parse the text of one. What a stored response was asked
    for, only it says itself."""
    text = (tree_of(asked) if stored(asked) is None else begun or {}).get("text")
    form = text.get("format") if isinstance(text, dict) else None
    return isinstance(form, dict) and form.get("type") in ("json_schema", "json_object")


def part(text: str, *, json: bool) -> dict[str, Any]:
    """A content part with a notice: ``output_text``, which SDKs and user interfaces show; of an answer in
    ``json`` a ``refusal``, which none of them parses."""
    if json:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message(notice: Notice, content: Sequence[Mapping[str, Any]], status: str = "completed") -> dict[str, Any]:
    """The output item that carries a notice."""
    return {
        "id": f"msg_{notice.decision}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": list(content),
    }


def opening(asked: Body | None, notice: Notice) -> dict[str, Any]:
    """A response object that has only begun, as far as it repeats its request.

    ``asked`` may ask for a response by its id in the path: then it is that one.
    """
    tree = tree_of(asked)
    named = stored(asked)
    return {
        "id": named or f"resp_{notice.decision}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": tree.get("background") is True,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": text_at(tree, "model"),
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": {},
    }


def ended(begun: Mapping[str, Any], output: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The response object as it ends, with what the caller has seen of it and the notice."""
    repeats = {"output_text", "completed_at"}
    return {
        **{name: value for name, value in begun.items() if name not in repeats},
        "status": "incomplete",
        "error": None,
        "incomplete_details": INCOMPLETE,
        "output": list(output),
    }


def nothing_used() -> dict[str, Any]:
    """The usage of an answer for which no model was asked."""
    return {
        "input_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 0,
    }


def stored(asked: Body | None) -> str | None:
    """The id of the response that a request's path names (``.../responses/{id}``)."""
    if asked is None or asked.asked is None:
        return None
    steps = [step for step in asked.asked.path.split("/") if step]
    for before, step in pairwise(steps):
        if before.lower() == "responses" and step not in ("compact", "input_tokens"):
            return step
    return None
