"""People's own chat apps: a wire format described by JSON paths in the policy.

The paths say whose text stands where; every other string is read too, as text of its direction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..http import Head, Release
from ..text import Segment
from ..verdict import Kind
from . import generic, jsontext
from .document import Body
from .generic import EventStream, problem
from .protocol import Notice
from .routes import plain
from .table import Anchor, Entry, Node, Text, table

_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+|\*)\]|\['([^'\]]+)'\]")
_JSON = ("content-type", "application/json")
Pointers = Mapping[Kind, Sequence[str]]


def steps(pointer: str) -> tuple[str, ...]:
    """The steps of a JSON path such as ``$.messages[*].content``. A list index means any item.

    Raises ValueError for anything but names, indexes and ``[*]``.
    """
    if not pointer.startswith("$"):
        raise ValueError("a JSON path begins with $")
    out, at = [], 1
    while at < len(pointer):
        match = _STEP.match(pointer, at)
        if match is None:
            raise ValueError(f"cannot be read from character {at + 1} on; use names, [0], [*] and ['name']")
        name, index, quoted = match.groups()
        out.append(name or quoted or ("[*]" if index else ""))
        at = match.end()
    return tuple(out)


def _table(pointers: Pointers) -> Node:
    entries: dict[str, Entry] = {}
    root = table(entries)
    for kind, paths in pointers.items():
        for pointer in paths:
            node = root
            for step in steps(pointer):
                node = node.child(step)
                if step == "[*]" and node.entry is None:
                    node.entry = Anchor()
            node.entry = Text(kind, f"{kind} {pointer}")
    return root


class Custom:
    """One route of an app of the user's own: JSON in; JSON or text out."""

    def __init__(self, path: str, request: Pointers, response: Pointers) -> None:
        self._path = plain(path)
        self.name = f"custom:{path}"
        self._asks, self._says = _table(request), _table(response)
        first = next((p for kind in (Kind.ASSISTANT, *response) for p in response.get(kind, ())), None)
        self._reply = steps(first) if first is not None else None

    def claims(self, method: str, path: str) -> bool:
        return method in ("POST", "PUT", "PATCH") and plain(path) == self._path

    def request(self, body: bytes, media: str) -> Body:
        return generic.body(body, "" if media == "text/plain" else media, self._asks, Kind.USER)

    def response(self, body: bytes, media: str) -> Body:
        return generic.answer(body, media, self._says)

    def stream(self, asked: Body | None) -> EventStream:
        return EventStream(self._says)

    def render(self, asked: Body | None, notice: Notice) -> Release:
        if not notice.answer:
            return Release(problem(notice), Head(notice.status, (_JSON, *notice.headers())), end=True)
        if self._reply is None:
            head = Head(200, (("content-type", "text/plain; charset=utf-8"), *notice.headers()))
            return Release(notice.text.encode(), head, end=True)
        tree: Any = notice.text
        for step in reversed(self._reply):
            tree = [tree] if step == "[*]" else {step: tree}
        return Release(jsontext.encode(tree), Head(200, (_JSON, *notice.headers())), end=True)

    def messages(self, asked: Body) -> int:
        return 0

    def limit_output(self, asked: Body, tokens: int) -> None:
        """The policy names no field for it."""

    def forward(self, asked: Body, name: str, user: str | None) -> None:
        """Nor for an id."""

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Nothing is known to be repeated."""
