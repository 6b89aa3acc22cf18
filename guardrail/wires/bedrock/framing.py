"""Bedrock's two ways to use the binary event stream: events as they are, and chunks of base64.

``InvokeModelWithResponseStream`` puts a model's own JSON, as base64, into ``{"bytes": ...}``; here it
is unpacked, so that a codec sees the model's events, and packed again where it was changed. Knows no
model.
"""

from __future__ import annotations

import base64
import binascii
import string
from collections.abc import Iterable, Iterator
from typing import Any

from ...errors import NotEvaluated
from .. import jsontext
from ..aws import AwsEvents
from ..framing import Event

_ALPHABET = string.ascii_lowercase + string.ascii_uppercase + string.digits


class Events(AwsEvents):
    """Events and, where the name is one's, exceptions."""

    def write(self, data: bytes, name: str = "") -> bytes:
        return self.exception(data, name) if name.endswith("Exception") else super().write(data, name)


class Chunks:
    """See ``framing.Framing``. An event's data is what a chunk holds; other events stay as they are."""

    media = AwsEvents.media

    def __init__(self) -> None:
        self._outer = Events()

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Raises NotEvaluated (``framing``) where a chunk's bytes are no base64."""
        return map(_unpacked, self._outer.feed(chunk))

    def finish(self) -> Iterable[Event]:
        return map(_unpacked, self._outer.finish())

    def left(self, event: Event) -> None:
        """Messages follow each other with nothing between them."""

    def rewrite(self, event: Event, data: bytes) -> bytes:
        outer, form = event.form
        whole = Event(event.raw, event.name, event.data, event.aside, form)
        return self._outer.rewrite(whole, data if outer is None else _packed(outer, data))

    def write(self, data: bytes, name: str = "") -> bytes:
        if name.endswith("Exception"):
            return self._outer.write(data, name)
        return self._outer.write(_packed({}, data), "chunk")

    def comment(self) -> bytes:
        return b""

    def end(self) -> bytes:
        return b""


def _packed(outer: dict[str, Any], data: bytes) -> bytes:
    return jsontext.encode({**outer, "bytes": base64.b64encode(data).decode()})


def _unpacked(event: Event) -> Event:
    outer = jsontext.decode(event.data) if event.name == "chunk" and event.data else None
    if not isinstance(outer, dict) or not isinstance(outer.get("bytes"), str):
        return Event(event.raw, event.name, event.data, event.aside, (None, event.form))
    jsontext.unique(event.data, _pairs(outer))
    data = _decoded(outer["bytes"])
    if data is None:
        return Event(event.raw, "", event.data, event.aside, (None, event.form))
    beside = {key: value for key, value in outer.items() if key != "bytes" and not _is_padding(key, value)}
    aside = "\n".join(filter(None, (event.aside, jsontext.encode(beside).decode() if beside else "")))
    return Event(event.raw, "", data, aside, (outer, event.form))


def _decoded(text: str) -> bytes | None:
    """What base64 stands for; None where no reader takes the text for base64: then it is read itself."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    try:
        forgiven = base64.b64decode(text.encode())  # as SDKs do it: what does not belong there is dropped
    except (binascii.Error, ValueError):
        return None
    if forgiven.lstrip()[:1] in (b"{", b"["):
        raise NotEvaluated("framing", "a chunk's bytes are no base64")
    return None


def _is_padding(key: str, value: Any) -> bool:
    """What evens out the length of chunks: the alphabet, as far as it is needed. Anything else is read."""
    return key == "p" and isinstance(value, str) and _ALPHABET.startswith(value)


def _pairs(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_pairs, value.values()))
    return sum(map(_pairs, value)) if isinstance(value, list) else 0
