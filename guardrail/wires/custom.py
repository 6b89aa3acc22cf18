"""People's own chat apps: a wire format described by JSON paths in the policy.

The paths say whose text stands where; every other string is read too, as text of its direction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..http import Head, Release, Request
from ..verdict import Kind
from . import generic
from .open_stream import open_stream
from .operation import Operation, reply
from .protocol import Body, Codec, Notice
from .table import Anchor, Entry, Node, Text, table

_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+|\*)\]|\['([^'\]]+)'\]")
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


class Custom(Operation):
    """One route of an app of the user's own: JSON in; JSON, text or a stream of either out."""

    def __init__(self, path: str, request: Pointers, response: Pointers) -> None:
        routes = [f"{method} {path}" for method in ("POST", "PUT", "PATCH")]
        super().__init__(f"custom:{path}", routes, asks=_table(request), says=_table(response), asks_kind=Kind.USER)
        first = next((p for kind in (Kind.ASSISTANT, *response) for p in response.get(kind, ())), None)
        self._reply = steps(first) if first is not None else None

    def request(self, body: bytes, asked: Request) -> Body:
        media = asked.media
        return generic.body(body, "" if media == "text/plain" else media, self.asks, Kind.USER)

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        return open_stream(head, self.says, text=True)

    def answer(self, asked: Body | None, notice: Notice) -> Release:
        if self._reply is None:
            head = Head(200, (("content-type", "text/plain; charset=utf-8"), *notice.headers()))
            return Release(notice.text.encode(), head, end=True)
        tree: Any = notice.text
        for step in reversed(self._reply):
            tree = [tree] if step == "[*]" else {step: tree}
        return reply(tree, notice)

    def messages(self, asked: Body) -> int:
        return 0
