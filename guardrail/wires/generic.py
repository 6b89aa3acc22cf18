"""Bodies read as what they are, whatever they call themselves: JSON, lines of JSON, forms, plain text.

Serves every wire format where an answer is not what its API documents, and those of no API at all.
"""

from __future__ import annotations

from ..errors import BadRequest
from ..verdict import Kind
from . import jsontext
from .document import Document, Form, Opaque, Plain
from .lines import Lines
from .magic import is_binary, modality_of
from .multipart import Multipart
from .protocol import Body, Notice
from .table import Node

_OPENS = (b"{", b"[", b'"')
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})


def body(raw: bytes, media: str, root: Node, kind: Kind, content_type: str = "") -> Body:
    """Read a body that calls itself JSON as that; any other as JSON if it is that, else as what it is.

    Many apps parse JSON whatever the media type says, so it does not decide alone. Bytes that call
    themselves a file, and are no text, are a medium.
    """
    if not raw:
        return Plain(raw, kind)
    if media == MULTIPART:
        return Multipart(raw, content_type, kind)
    if is_json(media):
        return Document(raw, root, kind)
    if media in LINES:
        return Lines(raw, lambda _: root, kind)
    if media and not media.startswith("text/") and media != FORM and is_binary(raw):
        return Opaque(raw, modality_of(raw, media))
    opens = raw.lstrip()[:1] in _OPENS
    if media == FORM and not opens:
        return Form(raw, kind)
    if not opens:
        return Plain(raw, kind)
    try:
        return Document(raw, root, kind)
    except BadRequest as error:
        if error.code != "invalid_json":
            raise
        return Plain(raw, kind)


def answer(raw: bytes, media: str, root: Node) -> Body:
    """An answer; one that calls itself JSON and is not is read as text, which is what is left to do."""
    try:
        return body(raw, "" if media == MULTIPART else media, root, Kind.ASSISTANT)
    except BadRequest as error:
        if error.code != "invalid_json":
            raise
        return Plain(raw, Kind.ASSISTANT)


def is_json(media: str) -> bool:
    return media == "application/json" or media.endswith("+json")


def is_text(media: str) -> bool:
    """Media that are text to read as a whole: JSON by any name, lines of JSON, plain text of all kinds but HTML."""
    return "json" in media or (media.startswith("text/") and media != "text/html")


def looks_like_json(raw: bytes) -> bool:
    """Does a body begin as JSON does, whatever it calls itself?"""
    return raw.lstrip()[:1] in _OPENS


def problem(notice: Notice) -> bytes:
    """A plain error object any client can read."""
    return jsontext.encode({"error": {"code": notice.code, "message": notice.text, "decision_id": notice.decision}})
