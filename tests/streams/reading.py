"""What a caller reads of a stream: every string of every event by the place it stands at, escapes undone.

Naive on purpose, and grows as bytes come. It knows how APIs number their blocks, so that the deltas of
one text join and those of two do not; of checks, plans and what may leave it knows nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from tests.streams.splitting import framing

_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|["\\/bfnrt])')
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NUMBERED = (
    "index",
    "item_id",
    "output_index",
    "content_index",
    "summary_index",
    "command_index",
    "contentBlockIndex",
    "jsonPath",
)
"""Fields by which an event, or an object in it, says which text it belongs to."""
_NAMED = ("type", "event_type", "thought")
_GROWS = re.compile(
    r"delta|\.choices\[\d+\]\.text$|\.parts\[\d+\].*\.text$|\.message\.(content|thinking)$|<text-generation>.*\.text$"
    r"|\.(response|generation|outputText|completion)$|\.outputs\[\d+\]\.text$|\.partialArgs\["
)
"""Places whose text goes on from event to event. At any other an event says something of its own."""


class Reader:
    """``texts``: what was read, by place. ``shadows``: places that repeat, token by token, what stands at
    another one. ``events``: (name, tree or text) of each. ``rest``: bytes that are no whole event yet."""

    def __init__(self, media: str) -> None:
        self.texts: dict[str, str] = {}
        self.shadows: set[str] = set()
        self.events: list[tuple[str, Any]] = []
        self.rest = b""
        self._grown: set[str] = set()
        self._keys: set[str] = set()
        self._frames = framing(media)

    def feed(self, data: bytes) -> set[str]:
        """Read on; returns the places at which there is more to read now."""
        self._grown = set()
        whole, self.rest = self._frames.split(self.rest + data)
        for name, text, aside in whole:
            self._event(name, text, aside)
        return self._grown

    def finish(self) -> Reader:
        """The last event may lack its end."""
        whole, _ = self._frames.split(self.rest + self._frames.end)
        self.rest = b""
        for name, text, aside in whole:
            self._event(name, text, aside)
        return self

    def _event(self, name: str, text: str, aside: str) -> None:
        if aside:
            self._add("aside", aside)
        try:
            tree = json.loads(text)
        except ValueError:
            tree = text
        if not text.strip() and not name:
            return
        tree = _unpacked(tree)
        self.events.append((name, tree))
        if isinstance(tree, str):
            self._add("text", tree)
        else:
            self._walk(tree, name)

    def _walk(self, value: Any, place: str) -> None:
        if isinstance(value, str):
            self._add(place, value)
        elif isinstance(value, dict):
            self._object(value, place)
        elif isinstance(value, list):
            for n, item in enumerate(value):
                at = item.get("index", n) if isinstance(item, dict) else n
                self._walk(item, f"{place}[{at}]")

    def _object(self, value: dict[str, Any], place: str) -> None:
        marks = [str(value[key]) for key in _NUMBERED if type(value.get(key)) in (int, str)]
        marks += [str(value[key]) for key in _NAMED if type(value.get(key)) in (bool, str)]
        place += f"<{','.join(marks)}>" if marks else ""
        token = value.get("token")
        for key, item in value.items():
            if key not in self._keys:
                self._keys.add(key)
                self._add("keys", key)
            if key in ("token", "bytes") and isinstance(token, str):
                self._shadow(f"{place}.{key}", item if isinstance(item, str) else _spelled(item))
            elif key == "top_logprobs" and isinstance(token, str) and isinstance(item, list):
                others = [one for one in item if not (isinstance(one, dict) and one.get("token") == token)]
                self._walk(others, f"{place}.{key}")
            else:
                self._walk(item, f"{place}.{key}")
        if "jsonPath" in value and value.get("willContinue") is not True:
            self._add(f"{place}.stringValue", "\n")  # the next argument of this name is another call's

    def _shadow(self, place: str, text: str) -> None:
        """Tokens stand in a list; those of one text join in the order in which they are told."""
        place = re.sub(r"\[\d+\](?=[^\[\]]*$)", "", place) + "~"
        self.shadows.add(place)
        self._add(place, text)

    def _add(self, place: str, text: str) -> None:
        if not text:
            return
        before = self.texts.get(place, "")
        apart = before and place[-1] != "~" and not _GROWS.search(place)
        self.texts[place] = f"{before}\n{text}" if apart else before + text
        self._grown.add(place)


def read(raw: bytes, media: str) -> Reader:
    """All of a stream."""
    reader = Reader(media)
    reader.feed(raw)
    return reader.finish()


def unescaped(text: str) -> str:
    r"""The text with what escapes spell (``\u0061``, ``\"``) put in, as a reader of JSON in JSON has it."""
    for _ in range(2):
        if "\\" not in text:
            break
        text = _ESCAPE.sub(lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "u" else _PLAIN.get(m[1], m[1]), text)
    return text


def _spelled(numbers: Any) -> str:
    """The text of a token that is told as a list of its bytes."""
    told = isinstance(numbers, list) and all(type(n) is int and 0 <= n < 256 for n in numbers)
    return bytes(numbers).decode("utf-8", "replace") if told else ""


def grows(place: str) -> bool:
    return _GROWS.search(place) is not None


def _unpacked(tree: Any) -> Any:
    """What a chunk of ``InvokeModelWithResponseStream`` holds."""
    if isinstance(tree, dict) and isinstance(tree.get("bytes"), str):
        try:
            return json.loads(base64.b64decode(tree["bytes"], validate=True))
        except (binascii.Error, ValueError):
            return tree
    return tree
