"""The plain operations of OpenAI's HTTP API: JSON or a form in, JSON out, every string read.

What most of the API's routes share stands here, and the routes that need no table of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...http import Request, header
from ...verdict import Kind
from .. import references
from ..multipart import Chooser, Multipart
from ..operation import Operation
from ..protocol import Body, Reference
from ..table import EMPTY, Node
from .errors import SAFETY_WORDS, error

FORM = "multipart/form-data"


class Rest(Operation):
    """An operation that takes JSON, or a form with files. ``fields`` says whose text a form's field is;
    ``silent`` fields of a form are not read where they look like identifiers."""

    words = SAFETY_WORDS

    def __init__(
        self,
        name: str,
        routes: Sequence[str],
        *,
        asks: Node = EMPTY,
        says: Node = EMPTY,
        asks_kind: Kind = Kind.OTHER,
        modalities: frozenset[str] = frozenset(),
        fields: Mapping[str, Kind] | None = None,
        silent: frozenset[str] = frozenset(),
        repeatable: frozenset[str] = frozenset(),
        shared: bool = False,
    ) -> None:
        super().__init__(name, routes, asks=asks, says=says, errors=error, asks_kind=asks_kind, modalities=modalities)
        self._fields, self._silent, self._repeatable, self._shared = fields or {}, silent, repeatable, shared

    def mine(self, request: Request) -> bool:
        """Anthropic's API has some of the same paths; its clients always name their version."""
        return not self._shared or header(request.headers, "anthropic-version") is None

    def request(self, body: bytes, asked: Request) -> Body:
        if asked.media != FORM:
            return super().request(body, asked)
        return Multipart(
            body,
            header(asked.headers, "content-type") or "",
            self._asks_kind,
            kinds=self._fields,
            silent=self._silent,
            repeatable=self._repeatable,
            chosen=self.chooser(),
        )

    def chooser(self) -> Chooser | None:
        """What picks a reader for a part of a form; None for the common way."""
        return None

    def forward(self, asked: Body, name: str, user: str | None) -> None:
        if isinstance(asked, Multipart) and self.user:
            if user is None:
                asked.drop(self.user[-1])
            else:
                asked.set(self.user[-1], user)
            return
        super().forward(asked, name, user)

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        tree = asked.fields if isinstance(asked, Multipart) else asked.tree if asked is not None else None
        return [*references.path_references(request.path, self.routes), *references.body_references(tree)]

    def issued(self, answer: Body) -> list[Reference]:
        return references.made(answer.tree)


def asked_fields(asked: Body | None) -> Mapping[str, object]:
    """The top-level fields of a request, by whichever way they were sent; those of a form are text."""
    if isinstance(asked, Multipart):
        return asked.fields
    return asked.tree if asked is not None and isinstance(asked.tree, dict) else {}


def streams(asked: Body | None) -> bool:
    """Does the request ask for a stream?"""
    return asked_fields(asked).get("stream") in (True, "true", "True", "1")


def resource(at: str, *more: str, methods: str = "GET POST DELETE") -> list[str]:
    """The routes of a collection and of its items. ``more``: ``METHOD path`` below an item."""
    every = set(methods.split())
    routes = [f"{method} {at}" for method in ("GET", "POST") if method in every]
    routes += [f"{method} {at}/{{id}}" for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if method in every]
    return [*routes, *(f"{method} {at}/{{id}}/{path}" for method, path in (route.split(" ") for route in more))]


EVALS = [
    *resource("v/evals", "GET runs", "POST runs"),
    "GET v/evals/{id}/runs/{id}",
    "POST v/evals/{id}/runs/{id}",
    "DELETE v/evals/{id}/runs/{id}",
    "POST v/evals/{id}/runs/{id}/cancel",
    "GET v/evals/{id}/runs/{id}/output_items",
    "GET v/evals/{id}/runs/{id}/output_items/{id}",
]
FINE_TUNING = [
    "GET fine_tuning/jobs",
    "POST fine_tuning/jobs",
    "GET fine_tuning/jobs/{id}",
    "POST fine_tuning/jobs/{id}/cancel",
    "POST fine_tuning/jobs/{id}/pause",
    "POST fine_tuning/jobs/{id}/resume",
    "POST fine_tuning/jobs/{id}/start",
    "GET fine_tuning/jobs/{id}/events",
    "GET fine_tuning/jobs/{id}/checkpoints",
    "GET fine_tuning/checkpoints/{model*}/permissions",
    "POST fine_tuning/checkpoints/{model*}/permissions",
    "DELETE fine_tuning/checkpoints/{model*}/permissions/{id}",
    "POST fine_tuning/alpha/graders/run",
    "POST fine_tuning/alpha/graders/validate",
    "PATCH fine_tuning/models/{model}",
    "POST fine_tuning/models/{model}/archive",
    "DELETE fine_tuning/models/{model}/archive",
]
ADMIN = [
    f"{method} {at}"
    for at in ("v/organization/{rest*}", "v/projects/{rest*}", "v/workspaces/{rest*}")
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
]
AGENTS = [
    f"{method} {at}" for at in ("v/agents/{rest*}", "v/vaults/{rest*}") for method in ("GET", "POST", "PATCH", "DELETE")
] + ["GET v/agents", "POST v/agents", "GET v/vaults", "POST v/vaults"]
LIBRARIES = [
    *resource("v/libraries", "GET documents", "POST documents", "GET share", "PUT share", "DELETE share"),
    "PUT v/libraries/{id}",
    *(f"{method} v/libraries/{{id}}/documents/{{id}}" for method in ("GET", "PUT", "DELETE")),
    *(f"GET v/libraries/{{id}}/documents/{{id}}/{what}" for what in ("text_content", "status", "signed-url")),
    "GET v/libraries/{id}/documents/{id}/extracted-text-signed-url",
    "POST v/libraries/{id}/documents/{id}/reprocess",
]
CHATKIT = [
    "POST chatkit/sessions",
    "POST chatkit/sessions/{id}/cancel",
    *resource("chatkit/threads", "GET items", methods="GET DELETE"),
]
OTHER = [
    "GET v/models",
    "GET v/models/{model*}",
    "DELETE v/models/{model*}",
    "POST v/content_provenance_checks",
    "POST v/decisions",
    "GET v/safety/alerts/{id}",
    "GET v/safety/cases/{id}",
    *resource("v/webhook_endpoints", "POST rotate_secret", "POST test"),
    "GET v/webhook_event_types",
    "POST v/tokenize",
    "POST v/tokenize-text",
    "POST v/detokenize",
]


def plain() -> tuple[Operation, ...]:
    """The operations whose bodies are read with an empty table: every string of them."""
    return (
        Rest("openai.evals", EVALS),
        Rest("openai.fine_tuning", FINE_TUNING),
        Rest("openai.admin", ADMIN),
        Rest("openai.agents", AGENTS),
        Rest("openai.chatkit", CHATKIT),
        Rest("mistral.libraries", LIBRARIES),
        Rest("openai.other", OTHER, shared=True),
    )
