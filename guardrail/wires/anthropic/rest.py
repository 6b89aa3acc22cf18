"""The rest of Anthropic's API: batches of messages, files, skills, models.

Source: Anthropic API reference, "Message batches", "Files", "Skills", "Models". What stands in a
message is in ``tables``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from ...http import Head, Request, header, media_type
from ...verdict import Kind
from .. import generic
from ..lines import Lines
from ..multipart import Multipart
from ..operation import Operation, named, tree_of
from ..protocol import Body, Codec, Reference
from ..silent import ENUM, ID, MODEL
from ..table import Entry, table
from .blocks import TIME
from .errors import error
from .media import refined
from .messages import REFERS
from .tables import BATCH, RESULT

_OBJECT: dict[str, Entry] = {
    "id": ID,
    "type": ENUM,
    "created_at": TIME,
    "updated_at": TIME,
    "expires_at": TIME,
    "ended_at": TIME,
    "cancel_initiated_at": TIME,
    "archived_at": TIME,
    "processing_status": ENUM,
    "mime_type": ENUM,
    "skill_id": ID,
    "version": ENUM,
    "latest_version": ENUM,
    "first_id": ID,
    "last_id": ID,
    "error.type": ENUM,
    "request_id": ID,
}
SAYS = table({**_OBJECT, **{f"data[*].{name}": entry for name, entry in _OBJECT.items()}})
MODELS = table({"data[*].id": MODEL, "data[*].type": ENUM, "id": MODEL, "type": ENUM, "error.type": ENUM})


class Shared(Operation):
    """An operation of a path that other APIs have too: Anthropic's clients name their version.

    ``kind`` is the API's word for the objects it keeps, and ``step`` the one before their ids in a path.
    """

    kind = step = ""

    def __init__(self, name: str, routes: Sequence[str], modalities: frozenset[str] = frozenset()) -> None:
        super().__init__(name, routes, says=SAYS, errors=error, modalities=modalities)

    def mine(self, request: Request) -> bool:
        return header(request.headers, "anthropic-version") is not None

    def request(self, body: bytes, asked: Request) -> Body:
        if asked.media != generic.MULTIPART:
            return super().request(body, asked)
        return Multipart(body, header(asked.headers, "content-type") or "", Kind.USER)

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        return [*super().refers(request, asked), *_in_path(request.path, self.step, self.kind)]

    def issued(self, answer: Body) -> list[Reference]:
        return named(answer.tree, "id", self.kind)


class Files(Shared):
    kind, step = "file", "files"

    def __init__(self) -> None:
        routes = ["POST v/files", "GET v/files", "GET v/files/{id}", "DELETE v/files/{id}", "GET v/files/{id}/content"]
        super().__init__("anthropic.files", routes, frozenset({"file", "image"}))


class Skills(Shared):
    kind, step = "skill", "skills"

    def __init__(self) -> None:
        at = "v/skills/{id}"
        version = f"{at}/versions/{{version}}"
        routes = ["POST v/skills", "GET v/skills", f"GET {at}", f"DELETE {at}"]
        routes += [f"POST {at}/versions", f"GET {at}/versions", f"GET {version}", f"DELETE {version}"]
        super().__init__("anthropic.skills", routes, frozenset({"file"}))


class Models(Shared):
    """The list of models. It carries no text of a user's or a model's."""

    kind, step = "model", ""

    def __init__(self) -> None:
        super().__init__("anthropic.models", ["GET v/models", "GET v/models/{id}"])
        self.says = MODELS

    def issued(self, answer: Body) -> list[Reference]:
        return []


class Batches(Operation):
    """Batches of message requests. Every request in one is held to the same caps and names the same user."""

    turns = "requests"
    caps = (("max_tokens",),)
    user = ("metadata", "user_id")

    def __init__(self) -> None:
        at = "v/messages/batches"
        one = f"{at}/{{id}}"
        routes = [f"POST {at}", f"GET {at}", f"GET {one}", f"DELETE {one}", f"POST {one}/cancel"]
        super().__init__("anthropic.batches", routes, asks=BATCH, says=SAYS, errors=error, issues={"id": "batch"})

    def request(self, body: bytes, asked: Request) -> Body:
        read = super().request(body, asked)
        read.media = refined(read.media, read.tree)
        return read

    def limit_output(self, asked: Body, tokens: int) -> None:
        for one in _requests(asked):
            super().limit_output(one, tokens)
            asked.touched |= one.touched

    def forward(self, asked: Body, name: str, user: str | None) -> None:
        for one in _requests(asked):
            super().forward(one, name, user)
            asked.touched |= one.touched

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        tree = asked.tree if asked is not None else None
        inside = [found for at, kind in REFERS.items() for found in named(tree, f"requests[].params.{at}", kind)]
        return [*_in_path(request.path, "batches", "batch"), *inside]


class Results(Operation):
    """The answers of a batch, one a line."""

    def __init__(self) -> None:
        super().__init__("anthropic.results", ["GET v/messages/batches/{id}/results"], says=SAYS, errors=error)

    def response(self, body: bytes, media: str) -> Body:
        if not body or generic.is_json(media):
            return super().response(body, media)
        return Lines(body, lambda _: RESULT, Kind.ASSISTANT)

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        return super().stream(asked, head) if media_type(head.headers)[0] == "text/event-stream" else None

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        return _in_path(request.path, "batches", "batch")


class _Part:
    """One request of a batch, for what is put into requests: its tree, and whether it was changed."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.tree, self.touched = tree, False


def _requests(asked: Body) -> Iterator[Any]:
    requests = tree_of(asked).get("requests")
    for request in requests if isinstance(requests, list) else ():
        params = request.get("params") if isinstance(request, dict) else None
        if isinstance(params, dict):
            yield _Part(params)


def _in_path(path: str, step: str, kind: str) -> list[Reference]:
    """The id that follows a step of a path, as it is written."""
    steps = [part for part in path.split("/") if part]
    after = [b for a, b in pairwise(steps) if a.lower() == step]
    return [Reference(kind, id_, "path") for id_ in after[:1]]
