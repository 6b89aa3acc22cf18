"""The string leaves of a JSON tree, each by its path: for planting a canary in every one of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """(path, string) for each string that is a value."""
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from leaves(item, (*path, key))
    elif isinstance(tree, list):
        for n, item in enumerate(tree):
            yield from leaves(item, (*path, n))


def objects(tree: Any, path: Path = ()) -> Iterator[Path]:
    """The path of each object."""
    if isinstance(tree, dict):
        yield path
    for key, item in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from objects(item, (*path, key))


def at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def planted(tree: Any, path: Path, value: Any) -> Any:
    """A copy of the tree with another value at a path."""
    if not path:
        return value
    out = copy.deepcopy(tree)
    at(out, path[:-1])[path[-1]] = value
    return out


def with_key(tree: Any, path: Path, key: str, value: Any) -> Any:
    """A copy of the tree in which the object at a path has one more key."""
    out = copy.deepcopy(tree)
    at(out, path)[key] = value
    return out


def pattern(path: Path) -> str:
    """The path as the tables spell it, list positions as ``[*]``."""
    out = ""
    for step in path:
        out += "[*]" if isinstance(step, int) else f".{step}" if out else step
    return out


def bare(value: Any) -> Any:
    """The tree less every string that has white space: keys, names and ids."""
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [bare(item) for item in value]
    return "" if isinstance(value, str) and " " in value.strip() else value
