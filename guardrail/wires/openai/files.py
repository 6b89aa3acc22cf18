"""Files: uploads, what is in them, and the batches that are made of them.

A batch file is read as the requests it holds, each by the table of its operation (threat T35); a
file of examples as chats; any other as text, or as a medium where it is none. What is fetched is
read in the same way, whatever it calls itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ...errors import BadRequest
from ...http import Head, Request
from ...text import Segment
from ...verdict import Kind
from .. import generic
from ..document import Document, Opaque, Plain
from ..lines import Lines
from ..magic import is_binary, modality_of
from ..multipart import Chooser, Parser
from ..operation import Operation
from ..protocol import Body, Codec
from .batches import Find, Rows
from .rest import FORM, Rest, resource

_EXAMPLES = frozenset({"fine-tune", "evals"})
_SILENT = frozenset({"purpose", "expires_after[anchor]", "expires_after[seconds]", "visibility", "sample_type"})
ANYTHING = frozenset({"file", "image", "audio", "video"})


class Files(Rest):
    """``v/files``: upload, list, look up and delete. What a file is for says how it is read."""

    def __init__(self, rows: Rows) -> None:
        routes = [*resource("v/files"), "GET v/files/{id}/url", "GET v/files/{id}/public-url"]
        super().__init__("openai.files", routes, silent=_SILENT, shared=True)
        self._rows = rows

    def chooser(self) -> Chooser:
        return self._reader

    def _reader(self, name: str, fields: Mapping[str, str]) -> Parser | None:
        if name != "file":
            return None
        purpose = fields.get("purpose", "")
        if purpose == "batch":
            return partial(Lines, root_of=self._rows.request, kind=Kind.OTHER)
        return self._examples if purpose in _EXAMPLES else None

    def _examples(self, raw: bytes) -> Body:
        """Mistral's files to learn from may be something else than lines of JSON."""
        if is_binary(raw):
            return Opaque(raw, modality_of(raw, ""))
        if not generic.looks_like_json(raw):
            return Plain(raw, Kind.OTHER)
        return Lines(raw, self._rows.example, Kind.OTHER)


class Content(Rest):
    """``GET v/files/{id}/content`` and its like: the bytes of a file, of which any kind may come."""

    def __init__(self, rows: Rows) -> None:
        routes = [
            "GET v/files/{id}/content",
            "GET v/containers/{id}/files/{id}/content",
            "GET v/skills/{id}/content",
            "GET v/skills/{id}/versions/{version}/content",
            "GET v/videos/{id}/content",
            "GET v/agents/sessions/{id}/artifacts/{id}/content",
        ]
        super().__init__("openai.content", routes, modalities=ANYTHING, shared=True)
        self._rows = rows

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        """A file is judged when it is complete, whatever it is."""
        return None

    def response(self, body: bytes, media: str) -> Body:
        if is_binary(body):
            return Opaque(body, modality_of(body, media))
        if generic.looks_like_json(body):
            try:
                return Lines(body, self._rows.kept, Kind.ASSISTANT)
            except BadRequest as error:
                if error.code != "invalid_json":
                    raise
        try:
            return generic.answer(body, "", self.says)
        except BadRequest as error:
            if error.code != "invalid_text":
                raise
            return Opaque(body, modality_of(body, media))

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Log-probabilities repeat the text: an edited line loses them."""
        for row in body.rows if isinstance(body, Lines) else ():
            if row.edited():
                _forget(row.tree)


class Batches(Rest):
    """``v/batches``, Mistral's ``batch/jobs`` and xAI's batches, which hold their requests themselves."""

    def __init__(self, rows: Rows) -> None:
        routes = [
            *resource("v/batches", "POST requests", "GET requests", "GET results", "POST cancel"),
            "POST v/batches/{id}:cancel",
            *resource("v/batch/jobs", "POST cancel", "DELETE cancel"),
        ]
        super().__init__("openai.batches", routes, shared=True)
        self._rows = rows

    def request(self, body: bytes, asked: Request) -> Body:
        if not body or asked.media == FORM:
            return super().request(body, asked)
        return Document(body, self._rows.asked, self._asks_kind)

    def response(self, body: bytes, media: str) -> Body:
        return generic.answer(body, media, self._rows.said(None))

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        if body.edited():
            _forget(body.tree)


def _forget(tree: Any) -> None:
    """Take the log-probabilities out of every answer in a tree."""
    todo = [tree]
    while todo:
        value = todo.pop()
        if type(value) is list:
            todo += value
        elif type(value) is dict:
            if isinstance(value.get("logprobs"), dict):
                value["logprobs"] = None
            elif "logprobs" in value:
                value["logprobs"] = []
            todo += [item for item in value.values() if type(item) in (dict, list)]


def operations(find: Find) -> tuple[Operation, ...]:
    """``find``: whatever knows all operations; asked when a file comes, not before."""
    rows = Rows(find)
    uploads = [
        "POST v/uploads",
        "POST v/uploads/{id}/parts",
        "POST v/uploads/{id}/complete",
        "POST v/uploads/{id}/cancel",
    ]
    containers = [
        *resource("v/containers", "GET files", "POST files"),
        "GET v/containers/{id}/files/{id}",
        "DELETE v/containers/{id}/files/{id}",
    ]
    skills = [
        *resource("v/skills", "GET versions", "POST versions"),
        "GET v/skills/{id}/versions/{version}",
        "DELETE v/skills/{id}/versions/{version}",
    ]
    return (
        Files(rows),
        Content(rows),
        Batches(rows),
        Rest("openai.uploads", uploads, silent=_SILENT),
        Rest("openai.containers", containers),
        Rest("openai.skills", skills, repeatable=frozenset({"files"}), shared=True),
    )
