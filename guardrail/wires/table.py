"""Tables over JSON trees: which places carry whose text, and which never carry any.

A wire format is data: patterns such as ``messages[*].content[*].text`` and what stands there.
What a table does not mention is text all the same, of the kind of its surroundings. Leaves are
left out only by ``Silent`` entries, each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..verdict import Kind


@dataclass(frozen=True, slots=True)
class Text:
    """Text of a kind. Leaves under one anchor with the same ``join`` word read as one segment.

    Without ``kind`` it is that of the surroundings. ``nested``: the text is JSON itself.
    """

    kind: Kind | None = None
    join: str | None = None
    nested: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """Each item of this list stands for itself (a message, a choice). ``roles`` maps the item's
    ``role`` to the kind of its text."""

    roles: Mapping[str, Kind] | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Silent:
    """A leaf that never carries free text, and why. A value that does not look like an
    identifier (white space, or longer than ``longest``) is read in spite of it."""

    reason: str
    longest: int = 128


@dataclass(frozen=True, slots=True)
class Media:
    """Content no text check can read. A link is read as text; data is recorded as not evaluated."""

    modality: str


Entry = Text | Anchor | Silent | Media


@dataclass(slots=True)
class Node:
    """One place in the tree of patterns; ``items`` stands for list items, ``any`` for other keys."""

    names: dict[str, Node] = field(default_factory=dict)
    items: Node | None = None
    any: Node | None = None
    entry: Entry | None = None

    def child(self, name: str) -> Node:
        if name == "[*]":
            self.items = self.items or Node()
            return self.items
        if name == "*":
            self.any = self.any or Node()
            return self.any
        return self.names.setdefault(name, Node())


_STEP = re.compile(r"\[\*\]|[^.\[\]]+")


def table(entries: Mapping[str, Entry]) -> Node:
    """Compile patterns into one tree. ``""`` stands for the root."""
    root = Node()
    for pattern, entry in entries.items():
        node = root
        for step in _STEP.findall(pattern):
            node = node.child(step)
        node.entry = entry
    return root


EMPTY = Node()
"""Nothing known: every string is text."""
