"""YAML text as a tree of plain values in which each knows its file and line.

Reads YAML 1.2 with the core schema (so ``on`` and ``no`` are words), one document, no tags, each key
once, bounded in depth and in size after aliases. It knows YAML; it must never know what a policy is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from ..errors import PolicyError, Problem

MAX_DEPTH = 32
MAX_NODES = 100_000
"""Values in one file, those repeated by aliases counted each time."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands: the line of its key or, in a list, its own.

    ``size`` counts this value and all below it, ``height`` the levels.
    """

    value: Scalar | Mapping[str, Node] | Sequence[Node]
    file: str
    line: int
    size: int = 1
    height: int = 1

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def entries(self) -> Mapping[str, Node]:
        """The children by key; empty where this is no mapping."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> Sequence[Node]:
        """The children in order; empty where this is no list."""
        return self.value if isinstance(self.value, Sequence) and not isinstance(self.value, str) else ()

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, Mapping)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, Sequence) and not isinstance(self.value, str)

    @property
    def kind(self) -> str:
        """What it is, in a reader's words."""
        if self.is_mapping:
            return "a mapping"
        if self.is_list:
            return "a list"
        if self.value is None:
            return "nothing"
        if isinstance(self.value, bool):
            return "true or false"
        return "text" if isinstance(self.value, str) else "a number"

    def plain(self) -> object:
        """The same without places, as JSON would give it."""
        if self.is_mapping:
            return {key: node.plain() for key, node in self.entries.items()}
        if self.is_list:
            return [node.plain() for node in self.items]
        return self.value

    def at(self, path: Sequence[str | int]) -> Node:
        """The node at a path or, where there is none, its nearest ancestor that there is."""
        node = self
        for step in path:
            below: Node | None = None
            if isinstance(step, str):
                below = node.entries.get(step)
            elif 0 <= step < len(node.items):
                below = node.items[step]
            if below is None:
                break
            node = below
        return node


def read(text: str, file: str) -> Node | None:
    """The tree of one YAML document; None where there is nothing in it. Raises PolicyError."""
    builder = _Builder(file)
    for event in _events(_SLOT.sub(_hide, text), file):
        builder.take(event)
    if builder.problems:
        raise PolicyError(builder.problems)
    return builder.root


_SLOT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*(?::-[^{}\n]*)?)\}")
_HIDDEN = str.maketrans({"\ue000": "{", "\ue001": "}"})


def _hide(slot: re.Match[str]) -> str:
    """``${NAME}`` with other braces of the same length: YAML has it end an unquoted text in {} or []."""
    return f"$\ue000{slot[1]}\ue001"


def _events(text: str, file: str) -> Iterator[events.Event]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}" if mark is not None else file
        what = printable(" ".join((error.problem or error.context or "it cannot be read").split()), 200)
        remedy = "Correct the file at or just before this line."
    except ReaderError as error:
        where = f"{file}:{text.count(chr(10), 0, error.position) + 1}"
        what, remedy = "a character that YAML does not allow", "Remove it, or write it as an escape in quotes."
    except (YAMLError, AssertionError, ValueError, IndexError, TypeError, AttributeError, OverflowError) as error:
        # The library answers some malformed input with plain errors of its own.
        where, what, remedy = file, type(error).__name__, "Correct the file."
    else:
        return
    raise PolicyError([Problem(where, f"this is not valid YAML: {what}", remedy)])


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    line: int
    anchor: str | None
    mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    key: tuple[str, int] | None = None
    bad_key: bool = False  # a key that is no word: its value is read past


@dataclass(slots=True)
class _Builder:
    """Puts the parser's events together, without recursion."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    root: Node | None = None
    _stack: list[_Open] = field(default_factory=list)
    _anchors: dict[str, Node] = field(default_factory=dict)
    _documents: int = 0
    _nodes: int = 0

    def add(self, where: str, what: str, remedy: str) -> None:
        self.problems.append(Problem(where, what, remedy))

    def take(self, event: events.Event) -> None:
        line = event.start_mark.line + 1
        where = f"{self.file}:{line}"
        match event:
            case events.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._stop(where, "a second document begins here", "Keep one policy a file; remove the ---.")
            case events.AliasEvent():
                name = printable(event.anchor)
                node = self._anchors.get(event.anchor)
                if node is None:
                    raise self._stop(where, f"*{name} has no anchor before it", f"Write &{name} above it.")
                self._put(replace(node, line=line), node.size)
            case events.ScalarEvent():
                self._tag(event, where)
                text = event.value.translate(_HIDDEN)
                node = Node(text if event.style else resolve(text), self.file, line)
                self._keep(event.anchor, node)
                self._put(node, 1, text)
            case events.SequenceStartEvent() | events.MappingStartEvent():
                self._tag(event, where)
                if len(self._stack) >= MAX_DEPTH:
                    raise self._stop(
                        where, f"more than {MAX_DEPTH} levels inside one another", "Make the file flatter."
                    )
                self._stack.append(_Open(line, event.anchor, isinstance(event, events.MappingStartEvent)))
            case events.SequenceEndEvent() | events.MappingEndEvent():
                done = self._stack.pop()
                children = list(done.entries.values()) if done.mapping else done.items
                size = 1 + sum(child.size for child in children)
                height = 1 + max((child.height for child in children), default=0)
                node = Node(done.entries if done.mapping else done.items, self.file, done.line, size, height)
                self._keep(done.anchor, node)
                self._put(node, 1)
            case _:
                pass

    def _keep(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _tag(self, event: events.Event, where: str) -> None:
        if getattr(event, "ctag", None) is not None:
            self.add(where, "a tag (a word after !) stands here", "Remove it; a policy is plain data.")

    def _stop(self, where: str, what: str, remedy: str) -> PolicyError:
        self.add(where, what, remedy)
        return PolicyError(self.problems)

    def _put(self, node: Node, more: int, text: str | None = None) -> None:
        """Hand a finished value to what contains it; it brings ``more`` values with it."""
        self._nodes += more
        if self._nodes > MAX_NODES:
            raise self._stop(node.where, f"more than {MAX_NODES} values", "Use fewer aliases, or a words file.")
        if node.height > MAX_DEPTH:
            raise self._stop(node.where, f"more than {MAX_DEPTH} levels inside one another", "Make the file flatter.")
        if not self._stack:
            self.root = node
        elif not self._stack[-1].mapping:
            self._stack[-1].items.append(node)
        else:
            self._pair(self._stack[-1], node, text)

    def _pair(self, top: _Open, node: Node, text: str | None) -> None:
        if top.bad_key:
            top.bad_key = False
        elif top.key is not None:
            (key, line), top.key = top.key, None
            if key in top.entries:
                what = f"the key `{printable(key)}` is here a second time (first on line {top.entries[key].line})"
                self.add(f"{self.file}:{line}", what, "Keep one of them.")
            else:
                top.entries[key] = replace(node, line=line)
        elif text is not None or isinstance(node.value, str):
            top.key = (text if text is not None else str(node.value), node.line)
        else:
            top.bad_key = True
            self.add(node.where, f"{node.kind} stands where a key has to be", "Write a word as the key.")


_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_OCTAL = re.compile(r"0o[0-7]{1,20}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,50}|[0-9]{1,50}(\.[0-9]{0,50})?)([eE][-+]?[0-9]{1,3})?")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def resolve(text: str) -> Scalar:
    """A plain scalar by the core schema (YAML 1.2.2, section 10.3.2); what is longer stays text."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text[0] in "tT"
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    if _HEX.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    special = _SPECIAL.fullmatch(text)
    if special is None:
        return text
    return float(special.group(1) + "inf") if special.group(2) else float("nan")


def printable(text: str, longest: int = 60) -> str:
    """A name from a file, safe and short enough for a message."""
    short = text if len(text) <= longest else text[: longest - 3] + "..."
    return "".join(c if c.isprintable() else "?" for c in short)
