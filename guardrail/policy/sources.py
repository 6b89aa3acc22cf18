"""Finds policy files: the ones that ship, by name, and others, by path; and the chain of parents.

It reads files and knows ``extends`` and the version; it must never know the other keys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from ..errors import PolicyError, Problem
from . import environment, tree
from .tree import Node, printable

VERSION = 1
MAX_BYTES = 2 * 2**20
MAX_PARENTS = 10

_ENDINGS = (".yaml", ".yml", ".json")


def shipped() -> dict[str, Path]:
    """The policies that come with the package, by name."""
    package = Path(str(files("guardrail")))
    for folder in (package / "_policies", package.parent / "policies"):
        found = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
        if found:
            return found
    return {}


def find(source: str | Path, folder: Path | None = None) -> Path:
    """The file behind a name or path. Relative paths start at ``folder``. Raises PolicyError."""
    if isinstance(source, Path):
        return source
    ours = shipped()
    if source in ours:
        return ours[source]
    path = Path(source)
    looks = "/" in source or os.sep in source or source.lower().endswith(_ENDINGS)
    if folder is not None and not path.is_absolute():
        path = folder / path
    if looks or ("\0" not in source and path.is_file()):
        return path
    near = get_close_matches(source, ours, 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    remedy = f"{hint}Name one of {', '.join(ours)}, or give a path such as ./policy.yaml."
    raise PolicyError([Problem(printable(source) or "policy", "no policy of this name ships", remedy)])


def text_of(path: Path, limit: int) -> str:
    """The UTF-8 text of a file of at most ``limit`` bytes. Raises PolicyError."""
    where = printable(str(path), 300)
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "not a usable path"
        raise PolicyError([Problem(where, f"cannot be read: {why}", "Check the path and its permissions.")]) from None
    if len(data) > limit:
        raise PolicyError([Problem(where, f"is larger than {limit} bytes", "Make it smaller, or split it.")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PolicyError([Problem(f"{where}:{line}", "is not UTF-8", "Save the file as UTF-8.")]) from None


def chain(source: str | Path, env: Mapping[str, str], problems: list[Problem]) -> list[Node]:
    """The trees of a policy and its parents, the policy first. Raises PolicyError where one cannot be read.

    What is wrong with version and ``extends`` is added to ``problems``.
    """
    path = find(source)
    trees: list[Node] = []
    seen: list[Path] = []
    while True:
        seen.append(_real(path))
        root = _root(path, problems)
        trees.append(root)
        parent = root.entries.get("extends")
        if parent is None or parent.value is None:
            return trees
        named = environment.fill(parent, env, problems)
        if not isinstance(named.value, str) or not named.value.strip():
            return trees
        try:
            following = find(named.value, path.parent)
        except PolicyError as error:
            problems += [Problem(parent.where, f"`extends`: {p.what}", p.remedy) for p in error.problems]
            return trees
        if _real(following) in seen:
            remedy = "A policy has one parent, and the chain of parents ends. Remove this line."
            problems.append(Problem(parent.where, "`extends` goes round in a circle", remedy))
            return trees
        if len(seen) > MAX_PARENTS:
            problems.append(Problem(parent.where, f"more than {MAX_PARENTS} parents", "Shorten the chain."))
            return trees
        if not following.is_file():
            what = f"`extends` names {printable(str(parent.value))}, which is not there"
            problems.append(Problem(parent.where, what, "Correct the path; it is relative to this file."))
            return trees
        path = following


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):
        return path


def _root(path: Path, problems: list[Problem]) -> Node:
    file = printable(str(path), 300)
    root = tree.read(text_of(path, MAX_BYTES), file)
    start = f"Start it with: guardrail: {VERSION}"
    if root is None or root.value is None:
        raise PolicyError([*problems, Problem(file, "the file is empty", f"{start}.")])
    if not root.is_mapping:
        raise PolicyError([*problems, Problem(root.where, f"this is {root.kind}, not a mapping", f"{start}.")])
    version = root.entries.get("guardrail")
    if version is None:
        problems.append(Problem(f"{file}:1", "`guardrail` is missing, the version of the format", f"{start}."))
    elif type(version.value) is not int or version.value != VERSION:
        what = "`guardrail` names a version that this release does not read"
        problems.append(
            Problem(version.where, what, f"Write guardrail: {VERSION}, or install a release that reads it.")
        )
    return root
