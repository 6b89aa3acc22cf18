"""A policy laid over its parent. Knows which lists grow and how a check is taken out, and no more.

Mappings merge and the child wins; ``input``, ``output``, ``rules``, ``limits`` and ``custom`` are
appended, so that with "the strongest action wins" a child's rules can only tighten; other lists are
replaced. A check set to null is taken out, with its places in ``input`` and ``output``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

from ..errors import Problem
from .tree import Node, printable

_GROWING = ("input", "output", "rules", "limits", "custom")


def merged(chain: list[Node], problems: list[Problem]) -> Node:
    """One tree of a policy (first) and its parents."""
    removed, top = _without(chain[-1], {}, problems)
    top = _unlisted(top, removed)
    for child in reversed(chain[:-1]):
        top = _over(child, top, problems)
    return _listed_once(top)


def _over(child: Node, parent: Node, problems: list[Problem]) -> Node:
    inherited = parent.entries["checks"].entries if "checks" in parent.entries else {}
    removed, child = _without(child, inherited, problems)
    parent = _unlisted(_drop(parent, removed), removed)
    # A parent's name is its own: a child without one is called by its file.
    entries = {key: node for key, node in parent.entries.items() if key != "name"}
    for key, node in child.entries.items():
        below = entries.get(key)
        if below is None:
            entries[key] = node
        elif key in _GROWING and below.is_list and node.is_list:
            entries[key] = replace(node, value=[*below.items, *node.items])
        elif key == "checks":
            entries[key] = _checks(node, below)
        else:
            entries[key] = _deep(node, below)
    return replace(child, value=entries)


def _deep(child: Node, parent: Node) -> Node:
    if not (child.is_mapping and parent.is_mapping):
        return child
    entries = dict(parent.entries)
    for key, node in child.entries.items():
        entries[key] = _deep(node, entries[key]) if key in entries else node
    return replace(child, value=entries)


def _checks(child: Node, parent: Node) -> Node:
    """Checks merge key by key while ``use`` stays; one of another kind replaces the parent's whole."""
    if not (child.is_mapping and parent.is_mapping):
        return child
    entries = dict(parent.entries)
    for name, node in child.entries.items():
        below = entries.get(name)
        kind = node.entries.get("use")
        other = below is None or (kind is not None and kind.value != below.at(["use"]).value)
        entries[name] = node if below is None or other else _deep(node, below)
    return replace(child, value=entries)


def _without(top: Node, inherited: Mapping[str, Node], problems: list[Problem]) -> tuple[set[str], Node]:
    """The names of checks set to null, and the tree less those lines."""
    checks = top.entries.get("checks")
    if checks is None or not checks.is_mapping:
        return set(), top
    removed = {name for name, node in checks.entries.items() if node.value is None}
    for name in sorted(removed - set(inherited)):
        near = get_close_matches(name, inherited, 1)
        what = f"the check `{printable(name)}` is taken out, but no parent has it"
        remedy = f"Did you mean `{near[0]}`?" if near else "Give it a `use`, or remove the line."
        problems.append(Problem(checks.entries[name].where, what, remedy))
    return removed, _drop(top, removed)


def _drop(top: Node, names: set[str]) -> Node:
    checks = top.entries.get("checks")
    if checks is None or not names:
        return top
    kept = {name: node for name, node in checks.entries.items() if name not in names}
    return replace(top, value={**top.entries, "checks": replace(checks, value=kept)})


def _unlisted(top: Node, names: set[str]) -> Node:
    """The tree with these checks out of ``input`` and ``output``."""
    entries = dict(top.entries)
    for key in ("input", "output"):
        if names and key in entries and entries[key].is_list:
            entries[key] = replace(
                entries[key],
                value=[n for n in entries[key].items if not (isinstance(n.value, str) and n.value in names)],
            )
    return replace(top, value=entries)


def _listed_once(top: Node) -> Node:
    """The tree with every check at most once in each of ``input`` and ``output``."""
    entries = dict(top.entries)
    for key in ("input", "output"):
        if key in entries and entries[key].is_list:
            first: dict[object, Node] = {}
            for node in entries[key].items:
                first.setdefault(node.value if isinstance(node.value, str) else id(node), node)
            entries[key] = replace(entries[key], value=list(first.values()))
    return replace(top, value=entries)
