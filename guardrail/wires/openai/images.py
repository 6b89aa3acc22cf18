"""Pictures and films: generations, edits and variations, OpenAI's and xAI's; videos.

Prompts are read, pictures are media either way, and a stream of partial pictures ends in an error
event where it is refused, for there is no word in it to say anything with.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...http import Head, media_type
from ...verdict import Kind
from .. import silent
from ..operation import Operation
from ..protocol import Body, Codec, Notice
from ..sse import ServerSent
from ..stream import JsonStream, Place, unknown
from ..table import Entry, Media, Text, table
from .errors import SAFETY_WORDS, error_tree
from .rest import Rest, asked_fields, resource

_IMAGE = Media("image")
_ENUMS = (
    "aspect_ratio",
    "background",
    "input_fidelity",
    "moderation",
    "output_format",
    "quality",
    "resolution",
    "response_format",
    "seconds",
    "size",
    "style",
)
_PROMPT = Text(Kind.USER)


def _pictures(*names: str) -> dict[str, Entry]:
    """A picture as a link, as data, or as an object that holds either; one, or a list of them."""
    out: dict[str, Entry] = {}
    for name in names:
        for at in (name, f"{name}[*]"):
            out |= {at: _IMAGE, f"{at}.url": _IMAGE, f"{at}.image_url": _IMAGE, f"{at}.type": silent.ENUM}
            out |= {f"{at}.file_id": silent.ID, f"{at}.b64_json": _IMAGE, f"{at}.data": _IMAGE}
    return out


REQUEST = table(
    {
        "model": silent.MODEL,
        "prompt": _PROMPT,
        "negative_prompt": _PROMPT,
        **dict.fromkeys(_ENUMS, silent.ENUM),
        **_pictures("image", "images", "mask", "input_reference", "reference_images"),
        "video.url": Media("video"),
        "video_url": Media("video"),
    }
)
RESPONSE = table(
    {
        **dict.fromkeys(_ENUMS, silent.ENUM),
        "model": silent.MODEL,
        "data[*].b64_json": _IMAGE,
        "data[*].url": _IMAGE,
        "data[*].mime_type": silent.ENUM,
        "data[*].revised_prompt": Text(Kind.ASSISTANT),
        "error.type": silent.ENUM,
        "error.code": silent.ENUM,
    }
)
EVENT = table({"type": silent.ENUM, **dict.fromkeys(_ENUMS, silent.ENUM), "b64_json": _IMAGE, "url": _IMAGE})
VIDEO = table(
    {
        "id": silent.ID,
        "object": silent.ENUM,
        "model": silent.MODEL,
        "status": silent.ENUM,
        **dict.fromkeys(_ENUMS, silent.ENUM),
        "video.url": Media("video"),
        "url": Media("video"),
    }
)
_FIELDS = {"prompt": Kind.USER}
_SILENT = frozenset({*_ENUMS, "model", "n", "stream", "partial_images", "output_compression"})


class Images(Rest):
    """``POST images/generations``, ``images/edits``, ``images/variations``: JSON or a form in."""

    user = ("user",)

    def __init__(self) -> None:
        super().__init__(
            "openai.images",
            ["POST images/generations", "POST images/edits", "POST images/variations"],
            asks=REQUEST,
            says=RESPONSE,
            fields=_FIELDS,
            silent=_SILENT,
            repeatable=frozenset({"image"}),
        )

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != "text/event-stream":
            return super().stream(asked, head)
        count = str(asked_fields(asked).get("n") or 1)
        return ImageStream(int(count) if count.isdecimal() and len(count) < 4 else 1)


class ImageStream(JsonStream):
    """Codec of partial and complete pictures. ``count``: how many complete ones were asked for."""

    def __init__(self, count: int = 1) -> None:
        super().__init__(ServerSent(), EVENT)
        self._left = count

    def place(self, name: str, tree: Any) -> Place:
        word = tree.get("type") if isinstance(tree, dict) else None
        known = isinstance(word, str) and word.startswith(("image_generation.", "image_edit."))
        return Place(EVENT, whole=True) if known else unknown(EVENT)

    def terminal(self, name: str, tree: Any) -> bool:
        if isinstance(tree, dict) and str(tree.get("type", name)).endswith(".completed"):
            self._left -= 1
            return self._left == 0
        return False

    def refused(self, name: str, tree: Any) -> str | None:
        said = tree.get("error") if isinstance(tree, dict) else None
        words = (said.get("code"), said.get("type")) if isinstance(said, dict) else ()
        return next((word for word in words if isinstance(word, str) and word in SAFETY_WORDS), None)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """The API's own end of a refused picture: an error event (image guide, "Content moderation")."""
        tree: dict[str, Any] = error_tree(notice)
        tree["error"]["type"] = "image_generation_user_error"
        yield "error", {"type": "error", **tree}

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "error", {"type": "error", **error_tree(notice)}


def operations() -> tuple[Operation, ...]:
    videos = [
        *resource("v/videos", "POST remix"),
        *(f"POST v/videos/{what}" for what in ("characters", "edits", "extensions", "generations")),
        "GET v/videos/characters/{id}",
    ]
    films = Rest("openai.videos", videos, asks=REQUEST, says=VIDEO, fields=_FIELDS, silent=_SILENT)
    return (Images(), films)
