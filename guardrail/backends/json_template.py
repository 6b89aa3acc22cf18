"""A JSON value with holes for texts, as policies write the request of a service nobody else knows.

Knows JSON values only. Texts are put in as values, never as JSON source: no text can break out of its string,
and what a text holds is never taken for a hole.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_HOLE = re.compile(r"\{(texts?|side)\}")
_TEXTS = "{texts}"


@dataclass(frozen=True, slots=True)
class JsonTemplate:
    """``{text}`` and ``{side}`` are replaced in strings, the whole string ``{texts}`` by a list. Names of members
    stay as they are. ``several``: it takes a list of texts.
    """

    body: Any
    several: bool

    @classmethod
    def parse(cls, body: Any) -> JsonTemplate:
        """Raises ValueError for what is no JSON, or has not exactly one kind of hole for texts."""
        holes = _holes(body)
        if ("text" in holes) == ("texts" in holes):
            raise ValueError("body: it must hold either {text} or {texts}")
        return cls(body, "texts" in holes)

    def filled(self, texts: Sequence[str], side: str) -> Any:
        """The value with its holes filled; with ``{text}``, by the first of ``texts``."""
        return _filled(self.body, {"side": side, "text": texts[0] if texts else ""}, list(texts))


def _holes(body: Any) -> set[str]:
    if isinstance(body, str):
        found = set(_HOLE.findall(body))
        if "texts" in found and body != _TEXTS:
            raise ValueError("body: {texts} stands for a list, so it must be the whole string")
        return found
    if isinstance(body, Mapping):
        if not all(isinstance(name, str) for name in body):
            raise ValueError("body: the names in an object are strings")
        return set().union(*map(_holes, body.values()))
    if isinstance(body, list | tuple):
        return set().union(*map(_holes, body))
    if body is None or isinstance(body, bool | int) or (isinstance(body, float) and math.isfinite(body)):
        return set()
    raise ValueError("body: it must be JSON")


def _filled(body: Any, words: Mapping[str, str], texts: list[str]) -> Any:
    if isinstance(body, str):
        # One pass: what a text holds is never looked at for holes.
        return texts if body == _TEXTS else _HOLE.sub(lambda found: words[found[1]], body)
    if isinstance(body, Mapping):
        return {name: _filled(value, words, texts) for name, value in body.items()}
    if isinstance(body, list | tuple):
        return [_filled(value, words, texts) for value in body]
    return body
