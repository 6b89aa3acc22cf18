"""Which kept objects a request names, by the words of its path and body; and which an answer made.

Knows how ids are written into paths (``threads/{thread_id}/messages``) and bodies (``file_ids``).
Of a store, of users and of what may be read by whom it must never know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from .protocol import Reference

KINDS: Mapping[str, str] = {
    "assistants": "assistant",
    "automations": "automation",
    "batches": "batch",
    "characters": "character",
    "containers": "container",
    "conversations": "conversation",
    "credentials": "credential",
    "documents": "document",
    "environments": "environment",
    "evals": "eval",
    "file_batches": "file_batch",
    "files": "file",
    "items": "item",
    "jobs": "job",
    "libraries": "library",
    "messages": "message",
    "responses": "response",
    "runs": "run",
    "sessions": "session",
    "skills": "skill",
    "steps": "step",
    "threads": "thread",
    "uploads": "upload",
    "vaults": "vault",
    "vector_stores": "vector_store",
    "videos": "video",
    "voice_consents": "voice_consent",
    "voices": "voice",
}
"""The word before an id in a path -> the kind of what it names. Other words name nothing that is kept for a user."""

FIELDS: Mapping[str, str] = {
    **{f"{kind}_id": kind for kind in KINDS.values()},
    **{f"{kind}_ids": kind for kind in KINDS.values()},
    "input_file_id": "file",
    "output_file_id": "file",
    "error_file_id": "file",
    "input_files": "file",
    "training_file": "file",
    "validation_file": "file",
    "conversation": "conversation",
    "previous_response_id": "response",
}
"""Names of fields whose value is an id, or a list of ids, wherever they stand in a body."""

OBJECTS: Mapping[str, str] = {
    **{kind: kind for kind in KINDS.values()},
    "chatkit.session": "session",
    "chatkit.thread": "thread",
    "container.file": "file",
    "eval.run": "run",
    "fine_tuning.job": "job",
    "thread.message": "message",
    "thread.run": "run",
    "thread.run.step": "step",
    "vector_store.file_batch": "file_batch",
    "vector_store.files_batch": "file_batch",
}
"""The word in ``object`` by which an answer says what it is -> the kind."""

_ALONGSIDE: Mapping[str, tuple[str, ...]] = {
    "batch": ("output_file_id", "error_file_id"),
    "thread.run": ("thread_id",),
    "upload": ("file",),
}
"""Objects that the API makes with another: results of a batch, the thread that a run began."""

_SPLIT = re.compile(r"[/\\]+")


def steps(path: str) -> tuple[str, ...]:
    """The steps of a path with percent-coding undone, their case kept (ids have one)."""
    for _ in range(2):
        if "%" not in path:
            break
        path = unquote(path)
    out: list[str] = []
    for step in _SPLIT.split(path):
        name = re.split(r"[;?#]", step, maxsplit=1)[0]
        if name == "..":
            del out[-1:]
        elif name not in ("", "."):
            out.append(name)
    return tuple(out)


def path_references(path: str, routes: Iterable[str], kinds: Mapping[str, str] = KINDS) -> list[Reference]:
    """The objects that a path names, read by the route that says most of it (``METHOD a/{id}/b``)."""
    given = steps(path)
    best: tuple[int, list[Reference]] = (0, [])
    for route in routes:
        pattern = [step for step in route.partition(" ")[2].split("/") if step != "v"]
        if len(pattern) > len(given) or any("*" in step for step in pattern):
            continue
        literal, found, before = 0, list[Reference](), ""
        for step, word in zip(pattern, given[len(given) - len(pattern) :], strict=True):
            if step.startswith("{"):
                if (kind := kinds.get(before)) is not None:
                    found.append(Reference(kind, word, step[1:-1]))
            elif step.lower() == word.lower():
                literal += 1
            else:
                break
            before = step
        else:
            if literal > best[0]:
                best = (literal, found)
    return best[1]


def body_references(tree: Any, fields: Mapping[str, str] = FIELDS) -> list[Reference]:
    """The ids that stand anywhere in a body under the names of such fields."""
    found: dict[Reference, None] = {}
    todo = [tree]
    while todo:
        value = todo.pop()
        if type(value) is list:
            todo += value
        elif type(value) is dict:
            for name, item in value.items():
                if (kind := fields.get(name)) is not None:
                    said = item if type(item) is list else [item]
                    found |= {Reference(kind, word, name): None for word in said if type(word) is str and word}
                if type(item) is dict or type(item) is list:
                    todo.append(item)
    return list(found)


def made(tree: Any, objects: Mapping[str, str] = OBJECTS) -> list[Reference]:
    """The object that an answer is, and those made with it. What a list holds was made before."""
    if type(tree) is not dict:
        return []
    word = tree.get("object")
    if not isinstance(word, str) or (kind := objects.get(word)) is None or tree.get("deleted") is True:
        return []
    found = [Reference(kind, tree["id"], "id")] if isinstance(tree.get("id"), str) else []
    for name in _ALONGSIDE.get(word, ()):
        value = tree.get(name)
        if isinstance(value, dict):
            found += made(value, objects)
        elif isinstance(value, str) and value:
            found.append(Reference(FIELDS[name], value, name))
    return found
