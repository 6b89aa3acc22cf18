"""How a refused stream must end, by the API that it belongs to: as the API's own documents say an answer ends.

Takes the events that a caller has read; an ending that is missing or wrong is told in a few words.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Events = list[tuple[str, Any]]


def wrong_end(wire: str, events: Events, request: bytes) -> str:
    """What is wrong with the end of a refused stream; nothing where it is as the API ends one."""
    try:
        asked = json.loads(request)
    except ValueError:
        asked = {}
    asked = asked if isinstance(asked, dict) else {}
    check = next((check for name, check in _ENDS.items() if wire == name or wire.startswith(f"{name}.")), _told)
    if not events:
        return "nothing was said"
    return check(events, asked)


def _chat(events: Events, asked: dict[str, Any]) -> str:
    """Each choice has a finish reason, and ``[DONE]`` comes once, at the end."""
    if [tree for _, tree in events].count("[DONE]") != 1 or events[-1][1] != "[DONE]":
        return "no [DONE] at the end, or several"
    ended: dict[int, bool] = {}
    for _, tree in events:
        for n, choice in enumerate(tree.get("choices") or () if isinstance(tree, dict) else ()):
            index = choice.get("index", n)
            ended[index] = ended.get(index, False) or choice.get("finish_reason") is not None
    count = asked.get("n") if type(asked.get("n")) is int else 1
    if not all(ended.values()) or len(ended) < (count or 1):
        return "a choice has no finish reason"
    return ""


def _responses(events: Events, asked: dict[str, Any]) -> str:
    """One last lifecycle event, numbers that rise, and nothing left open but calls that the app would run."""
    last = events[-1][1]
    if not isinstance(last, dict) or last.get("type") not in ("response.incomplete", "response.failed", "error"):
        return "no lifecycle event at the end"
    trees = [tree for _, tree in events if isinstance(tree, dict)]
    numbers = [tree["sequence_number"] for tree in trees if type(tree.get("sequence_number")) is int]
    if numbers != sorted(numbers):
        return "numbers that do not rise"
    kinds = {t.get("output_index"): (t.get("item") or {}).get("type") for t in trees if _is(t, "output_item.added")}
    left: set[tuple[Any, ...]] = set()
    for tree in trees:
        word, _, step = str(tree.get("type")).rpartition(".")
        if step in ("added", "done") and word.endswith(("_part", "output_item")):
            at = (word, tree.get("output_index"), tree.get("content_index"), tree.get("summary_index"))
            (left.add if step == "added" else left.discard)(at)
    open_ones = {str(kinds.get(at[1])) for at in left}
    return "" if all(kind.endswith(_APPS) for kind in open_ones) else "a part or an item is left open"


_APPS = (
    "function_call",
    "tool_call",
    "tool_search_call",
    "shell_call",
    "shell_call_output",
    "patch_call",
    "approval_request",
)


def _is(tree: dict[str, Any], kind: str) -> bool:
    return tree.get("type") == f"response.{kind}"


def _messages(events: Events, asked: dict[str, Any]) -> str:
    """Each block is stopped, a stop reason is given, and ``message_stop`` comes last."""
    trees = [tree for _, tree in events if isinstance(tree, dict)]
    kinds = [tree.get("type") for tree in trees]
    if kinds[-1] != "message_stop" or kinds.count("message_stop") != 1:
        return "no message_stop at the end"
    if "message_start" not in kinds:
        return "no message_start"
    started = [tree.get("index") for tree in trees if tree.get("type") == "content_block_start"]
    stopped = [tree.get("index") for tree in trees if tree.get("type") == "content_block_stop"]
    if sorted(map(str, started)) != sorted(map(str, stopped)):
        return "a block is left open"
    ends = [tree for tree in trees if tree.get("type") == "message_delta"]
    return "" if ends and (ends[-1].get("delta") or {}).get("stop_reason") else "no stop reason"


def _converse(events: Events, asked: dict[str, Any]) -> str:
    """Each block is stopped, and the message too."""
    named = [next(iter(tree.items())) if not name and isinstance(tree, dict) else (name, tree) for name, tree in events]
    names = [name for name, _ in named]
    if "messageStop" not in names or names[-1] not in ("messageStop", "metadata"):
        return "no messageStop at the end"
    started = {
        tree.get("contentBlockIndex") for name, tree in named if name in ("contentBlockStart", "contentBlockDelta")
    }
    stopped = {tree.get("contentBlockIndex") for name, tree in named if name == "contentBlockStop"}
    return "" if started <= stopped else "a block is left open"


def _invoke(events: Events, asked: dict[str, Any]) -> str:
    """A model's own language, told by what it ends with; an exception where that is not known."""
    name, last = events[-1]
    if not isinstance(last, dict):
        return "the last event is no object"
    if last.get("type") == "message_stop":
        return _messages(events, asked)
    if "metadata" in last or "messageStop" in last:
        return _converse([("", tree) for _, tree in events], asked)
    told = json.dumps(last)
    reasons = ("finish_reason", "stop_reason", "completionReason")
    return "" if "exception" in name.lower() or any(f'"{word}": "' in told for word in reasons) else "no reason to stop"


def _generate(events: Events, asked: dict[str, Any]) -> str:
    """Each candidate has a finish reason."""
    ended: dict[int, bool] = {}
    for _, tree in events:
        for n, one in enumerate(tree.get("candidates") or () if isinstance(tree, dict) else ()):
            index = one.get("index", n)
            ended[index] = ended.get(index, False) or bool(one.get("finishReason") or one.get("finish_reason"))
    return "" if ended and all(ended.values()) else "a candidate has no finish reason"


def _cohere(events: Events, asked: dict[str, Any]) -> str:
    last = next((tree for _, tree in reversed(events) if isinstance(tree, dict)), {})
    if last.get("event_type"):
        return "" if last["event_type"] == "stream-end" and last.get("is_finished") is True else "no stream-end"
    return "" if last.get("type") == "message-end" and events[-1][1] == "[DONE]" else "no message-end and [DONE]"


def _last(wanted: Callable[[str, Any], bool]) -> Callable[[Events, dict[str, Any]], str]:
    def check(events: Events, asked: dict[str, Any]) -> str:
        return "" if wanted(*events[-1]) else "another event at the end"

    return check


def _told(events: Events, asked: dict[str, Any]) -> str:
    """No API's own: it says something at the end that is no half of an event."""
    return ""


_ENDS: dict[str, Callable[[Events, dict[str, Any]], str]] = {
    "openai.chat": _chat,
    "openai.completions": _chat,
    "mistral": _chat,
    "openai.responses": _responses,
    "openai.runs": _last(lambda name, tree: name == "done" and tree == "[DONE]"),
    "openai.images": _last(lambda name, tree: name == "error"),
    "openai.audio.speech": _last(lambda _, tree: tree.get("type") == "error"),
    "openai.audio.transcripts": _last(lambda _, tree: tree.get("type") in ("transcript.text.done", "error")),
    "anthropic.messages": _messages,
    "anthropic.complete": _last(lambda _, tree: bool(tree.get("stop_reason"))),
    "google.generate": _generate,
    "google.interactions": _last(lambda name, tree: name == "done" and tree == "[DONE]"),
    "bedrock.converse": _converse,
    "bedrock.invoke": _invoke,
    "cohere": _cohere,
    "ollama.create": _last(lambda _, tree: "error" in tree),
    "ollama": _last(lambda _, tree: tree.get("done") is True),
}
