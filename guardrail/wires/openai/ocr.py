"""Mistral's ``POST ocr``: a document in, its pages as text out.

What a page says was said by the document, so it is read as a tool's result.
"""

from __future__ import annotations

from ...verdict import Kind
from .. import silent
from ..table import Media, Silent, Text, table
from .rest import Rest

_RESULT = Text(Kind.TOOL_RESULT)
_DEFINITION = Text(Kind.DEFINITION)
REQUEST = table(
    {
        "model": silent.MODEL,
        "document.type": silent.ENUM,
        "document.document_url": Media("file"),
        "document.image_url": Media("image"),
        "document.image_url.url": Media("image"),
        "document.file_id": silent.ID,
        "document_annotation_prompt": Text(Kind.USER),
        "document_annotation_format": _DEFINITION,
        "bbox_annotation_format": _DEFINITION,
    }
)
RESPONSE = table(
    {
        "model": silent.MODEL,
        "pages": _RESULT,
        "pages[*].images[*].id": Silent("file name of a picture, made by the API"),
        "pages[*].images[*].image_base64": Media("image"),
        "pages[*].blocks[*].type": silent.ENUM,
        "document_annotation": Text(Kind.ASSISTANT, nested=True),
        "pages[*].images[*].image_annotation": Text(Kind.ASSISTANT, nested=True),
    }
)


class Ocr(Rest):
    """The wire format of ``POST ocr``."""

    def __init__(self) -> None:
        super().__init__("mistral.ocr", ["POST v/ocr"], asks=REQUEST, says=RESPONSE)
