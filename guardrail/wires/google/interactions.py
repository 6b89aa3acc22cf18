"""Gemini's interactions: steps in, steps out, whole or as a stream of events (API reference, Interactions).

Knows where a step's text stands, and what a caller has seen opened of one answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...http import Head, Release, Request, media_type
from ...verdict import Kind
from ..operation import Operation, reply, streamed, text_at, tree_of
from ..protocol import Body, Codec, Notice, Reference
from ..silent import ENUM, ID, MODEL, ROLE, SIGNATURE
from ..sse import ServerSent
from ..stream import JsonStream, Place, unknown
from ..table import Anchor, Entry, Media, Text, table
from .errors import SAFETY_WORDS, error, error_tree
from .tables import DEFINITION, RESULT, TIME

EVENTS = "text/event-stream"
_ROLES = {"user": Kind.USER, "model": Kind.ASSISTANT, "system": Kind.SYSTEM}
_TYPES = {
    "user_input": Kind.USER,
    "model_output": Kind.ASSISTANT,
    "thought": Kind.REASONING,
    "thought_summary": Kind.REASONING,
    "function_call": Kind.TOOL_CALL,
    "function_result": Kind.TOOL_RESULT,
}


def _content(at: str) -> dict[str, Entry]:
    """A content, a step or the delta of one: which it is, its ``type`` says."""
    return {
        f"{at}.type": ENUM,
        f"{at}.id": ID,
        f"{at}.call_id": ID,
        f"{at}.role": ROLE,
        f"{at}.signature": SIGNATURE,
        f"{at}.mime_type": ENUM,
        f"{at}.data": Media("file", labels=("mime_type",)),
        f"{at}.uri": Media("file", labels=("mime_type",)),
        f"{at}.search_type": ENUM,
        f"{at}.arguments": Text(Kind.TOOL_CALL, nested=True),
        f"{at}.partial_arguments": Text(Kind.TOOL_CALL, nested=True),
        f"{at}.result": RESULT,
        f"{at}.annotations": RESULT,
        f"{at}.annotations[*].type": ENUM,
    }


def _step(at: str) -> dict[str, Entry]:
    thought = {f"{at}.summary{items}.type": ENUM for items in ("", "[*]")}
    return {
        **_content(at),
        **_content(f"{at}.content"),
        **_content(f"{at}.content[*]"),
        **thought,
        f"{at}.content[*].text": Text(join="text"),
    }


def _interaction(at: str) -> dict[str, Entry]:
    before = f"{at}." if at else ""
    words = ("object", "status", "service_tier", "usage.input_tokens_by_modality[*].modality")
    return {
        **_step(f"{before}steps[*]"),
        f"{before}steps[*]": Anchor(_ROLES, types=_TYPES),
        **_step(f"{before}outputs[*]"),
        f"{before}outputs[*]": Anchor(_ROLES, types=_TYPES),
        f"{before}id": ID,
        f"{before}previous_interaction_id": ID,
        f"{before}model": MODEL,
        f"{before}agent": MODEL,
        f"{before}created": TIME,
        f"{before}updated": TIME,
        **{f"{before}{word}": ENUM for word in words},
    }


ASKS = table(
    {
        "model": MODEL,
        "agent": MODEL,
        "input": Text(Kind.USER),
        **_step("input"),
        **_step("input[*]"),
        "input[*]": Anchor(_ROLES, Kind.USER, _TYPES),
        "system_instruction": Text(Kind.SYSTEM),
        "tools": DEFINITION,
        "response_format": DEFINITION,
        "generation_config": DEFINITION,
        "response_modalities[*]": ENUM,
        "previous_interaction_id": ID,
    }
)
SAYS = table(_interaction(""))
EVENT = table(
    {
        "event_type": ENUM,
        "event_id": ID,
        "interaction_id": ID,
        "status": ENUM,
        **_interaction("interaction"),
        **_step("step"),
        "step": Anchor(types=_TYPES),
        **_step("delta"),
        "delta": Anchor(types={**_TYPES, "thought_signature": Kind.REASONING}),
    }
)


class InteractionStream(JsonStream):
    """Codec of one streamed interaction."""

    def __init__(self, model: str = "") -> None:
        super().__init__(ServerSent(), EVENT)
        self._model, self._id = model, ""
        self._open: dict[int, None] = {}
        self._next = 0

    def place(self, name: str, tree: Any) -> Place:
        word, index = _event(name, tree)
        if word == "step.stop":
            return Place(EVENT, at=("step", index), closes=(("step", index),))
        if word in ("step.start", "step.delta"):
            kind = tree.get("delta", {}).get("type") if isinstance(tree.get("delta"), dict) else ""
            return Place(EVENT, at=("step", index, str(kind)), whole=word == "step.start")
        if word.startswith("interaction") or word == "error":
            return Place(EVENT, at=(word,), whole=True)
        return unknown(EVENT, word)

    def terminal(self, name: str, tree: Any) -> bool:
        return _event(name, tree)[0] in ("interaction.completed", "interaction.complete", "error")

    def note(self, name: str, tree: Any) -> None:
        word, index = _event(name, tree)
        if isinstance(tree, dict) and isinstance(about := tree.get("interaction"), dict):
            self._id, self._model = text_at(about, "id", self._id), text_at(about, "model", self._model)
        if word == "step.start":
            self._open[index] = None
            self._next = max(self._next, index + 1)
        elif word == "step.stop":
            self._open.pop(index, None)

    def made(self, name: str, tree: Any) -> Iterable[Reference]:
        about = tree.get("interaction") if isinstance(tree, dict) else None
        if isinstance(about, dict) and isinstance(about.get("id"), str):
            yield Reference("interaction", about["id"], "interaction.id")

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        about = {"id": self._id or notice.decision, "object": "interaction", "model": self._model}
        if not self._id:
            yield _named("interaction.created", {"interaction": {**about, "status": "in_progress"}})
        for index in self._open:
            yield _named("step.stop", {"index": index})
        index = self._next
        yield _named("step.start", {"index": index, "step": {"type": "model_output"}})
        yield _named("step.delta", {"index": index, "delta": {"type": "text", "text": notice.text}})
        yield _named("step.stop", {"index": index})
        yield _named("interaction.completed", {"interaction": {**about, "status": "incomplete"}})
        yield "done", self.done

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        error = error_tree(notice)["error"]
        yield _named("error", {"error": {"code": error["status"], "message": notice.text}})


class Interactions(Operation):
    """The wire format of ``POST v1beta/interactions`` and of what is kept under their ids."""

    caps = (("generation_config", "max_output_tokens"),)
    turns = "input"
    words = SAFETY_WORDS

    def __init__(self) -> None:
        super().__init__(
            "google.interactions",
            [
                "POST v/interactions",
                "GET v/interactions/{interaction}",
                "DELETE v/interactions/{interaction}",
                "POST v/interactions/{interaction}/cancel",
                "POST v/interactions/{interaction}:cancel",
            ],
            asks=ASKS,
            says=SAYS,
            errors=error,
            refers={"previous_interaction_id": "interaction"},
            issues={"id": "interaction"},
        )

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        _, found, rest = request.path.rpartition("/interactions/")
        name = rest.partition("/")[0].partition(":")[0]
        kept = [Reference("interaction", name, "path")] if found and name else []
        return kept + super().refers(request, asked)

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != EVENTS:
            return super().stream(asked, head)
        return InteractionStream(text_at(tree_of(asked), "model"))

    def answer(self, asked: Body | None, notice: Notice) -> Release | None:
        request = asked.asked if asked is not None else None
        if request is not None and request.method != "POST":
            return None
        tree = tree_of(asked)
        if tree.get("stream") is True:
            stream = InteractionStream(text_at(tree, "model"))
            return streamed(stream.refuse(notice), stream.framing.media, notice)
        about = {
            "id": notice.decision,
            "object": "interaction",
            "status": "incomplete",
            "model": text_at(tree, "model"),
        }
        content = [{"type": "text", "text": notice.text}]
        return reply({**about, "steps": [{"type": "model_output", "content": content}]}, notice)


def _event(name: str, tree: Any) -> tuple[str, int]:
    word = tree.get("event_type") if isinstance(tree, dict) else None
    index = tree.get("index") if isinstance(tree, dict) else None
    return (word if isinstance(word, str) else name)[:60], index if type(index) is int else 0


def _named(word: str, more: dict[str, Any]) -> tuple[str, Any]:
    return word, {"event_type": word, **more}
