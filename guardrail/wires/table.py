"""Tables over JSON trees: which places carry whose text, and which never carry any.

A wire format is data: patterns such as ``messages[*].content[*].text`` and what stands there.
What a table does not mention is text all the same, of the kind of its surroundings. Leaves are
left out only by ``Silent`` entries, each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..verdict import Kind


@dataclass(frozen=True, slots=True)
class Text:
    """Text of a kind. Leaves under one anchor with the same ``join`` word read as one segment.

    Without ``kind`` it is that of the surroundings. ``nested``: the text is JSON itself. ``tokens``:
    numbers in a list here are token ids, which say a text that no check can read. ``fixed``: the text is
    signed or otherwise cannot be rewritten, so that a mask becomes a refusal. ``signed``: keys that stand
    beside a text which is, each with what its value begins with there.
    """

    kind: Kind | None = None
    join: str | None = None
    nested: bool = False
    tokens: bool = False
    fixed: bool = False
    signed: tuple[tuple[str, str], ...] = ()

    def is_signed(self, home: Any) -> bool:
        """Does the object in which this text stands say that it is signed?"""
        said = [(home.get(key), begins) for key, begins in self.signed] if type(home) is dict else []
        return any(type(word) is str and word and word.startswith(begins) for word, begins in said)


@dataclass(frozen=True, slots=True)
class Anchor:
    """An object that says itself whose text it holds: by its ``role``, else by its ``type``.

    ``stands``: as an item of a list it stands for itself (a message, a choice), so that its texts
    never join those of the next item; without, it is a part of what surrounds it. ``flags``: keys
    that say so by being true (``thought``), before all else.
    """

    roles: Mapping[str, Kind] | None = None
    kind: Kind | None = None
    types: Mapping[str, Kind] | None = None
    stands: bool = True
    flags: Mapping[str, Kind] | None = None

    def kind_of(self, item: Any, around: Kind) -> Kind:
        kind = self.kind or around
        if type(item) is dict:
            for flag, flagged in (self.flags or {}).items():
                if item.get(flag) is True:
                    return flagged
            if self.roles is not None and type(role := item.get("role")) is str:
                return self.roles.get(role, kind)
            if self.types is not None and type(name := item.get("type")) is str:
                return self.types.get(name, kind)
        return kind


@dataclass(frozen=True, slots=True)
class Silent:
    """A leaf that never carries free text, and why. A value that does not look like an
    identifier (white space, or longer than ``longest``) is read in spite of it, and where there
    are ``words``, any other than these."""

    reason: str
    longest: int = 128
    words: frozenset[str] | None = None

    def passes(self, text: str) -> bool:
        """Need this value not be read?"""
        if self.words is not None and text.lower() not in self.words:
            return False
        return len(text) <= self.longest and text.split(None, 1) == [text]


@dataclass(frozen=True, slots=True)
class Media:
    """Content no text check can read. A link is read as text and is a medium too; data that spell a
    text are read as that text. ``texts``: values of ``type`` beside it under which it is plain text.
    ``labels``: keys beside it that name its media type, which tells the modality where it is one of those."""

    modality: str
    texts: frozenset[str] = frozenset()
    labels: tuple[str, ...] = ()

    def of(self, home: Any) -> str:
        """The modality of the content in this object."""
        for name in self.labels if type(home) is dict else ():
            label = home.get(name)
            word = label.partition("/")[0].lower() if type(label) is str else ""
            if word in ("image", "audio", "video"):
                return word
        return self.modality


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


def grafted(path: str, branch: Node) -> Node:
    """A tree in which ``branch`` stands at a path of plain names: a table inside another body."""
    for name in reversed(path.split(".")):
        branch = Node(names={name: branch})
    return branch


EMPTY = Node()
"""Nothing known: every string is text."""
