"""Turns a policy file into a ``Loaded``: checked, merged with its parents, with its word lists.

All problems are reported together. No value of a variable, and no secret, is in any message, in the
hash, or in what ``repr`` shows.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import PolicyError, Problem
from . import audit, environment, explain, merge, sources, spec
from .tree import Node

MAX_WORDS_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy that can be used.

    ``hash`` (sha256, hex) changes when the rules or the word lists change, not when a variable's value
    does. ``words`` has, for each check of words, those from the policy and from its file. ``origin``
    names the files that were read.
    """

    spec: spec.Policy
    name: str
    hash: str
    origin: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]] = field(repr=False)
    places: Node = field(repr=False, compare=False)
    rules: tuple[int, ...] = ()  # the number each rule has in the file
    problems: tuple[Problem, ...] = ()

    def locate(self, path: Sequence[str | int]) -> str:
        """The "file:line" of a path of keys as written, such as ``("checks", "harm", "url")``.

        Where there is no such key in a file, that of the nearest one above it.
        """
        return self.places.at(path).where


def load(source: str | Path, *, env: Mapping[str, str] = os.environ) -> Loaded:
    """Load a policy that ships (``default``) or a file. Raises PolicyError with every problem found."""
    loaded = read(source, env=env)
    if loaded.problems:
        raise PolicyError(loaded.problems)
    return loaded


def read(source: str | Path, *, env: Mapping[str, str] = os.environ) -> Loaded:
    """What of a policy can be read, with all that is wrong with it in ``problems``.

    Raises PolicyError only where there is nothing to go on with (no file, no YAML).
    """
    problems: list[Problem] = []
    chain = sources.chain(source, env, problems)
    written = _named(merge.merged(chain, problems))
    filled = environment.fill(written, env, problems)
    unset = len(problems)
    fitted = explain.fit(filled, written, problems)
    problems += audit.problems(fitted, written, chain[0].file)
    lists, files = _words(fitted, written, problems)
    found = tuple(in_order(_distinct(problems, unset), [root.file for root in chain]))
    digest = "" if found else hashlib.sha256(_canonical(written, lists)).hexdigest()
    origin = (*(root.file for root in chain), *files)
    return Loaded(fitted.policy, fitted.policy.name, digest, origin, lists, _blank(written), fitted.rules, found)


def _named(root: Node) -> Node:
    """A policy without a name is called by its file."""
    if "name" in root.entries:
        return root
    stem = "".join(c if c.isprintable() else "?" for c in Path(root.file).stem).strip()[:100] or "policy"
    return replace(root, value={**root.entries, "name": Node(stem, root.file, root.line)})


def _distinct(problems: list[Problem], first: int) -> list[Problem]:
    """Each problem once; a line whose variable is not set has no second problem."""
    unset = {p.where for p in problems[:first] if p.what.startswith("the environment variable")}
    kept = [p for i, p in enumerate(problems) if i < first or p.where not in unset]
    return list(dict.fromkeys(kept))


def in_order(problems: list[Problem], files: list[str]) -> list[Problem]:
    """By file, the policy's own first, and by line."""

    def place(problem: Problem) -> tuple[int, int]:
        file, _, line = problem.where.rpartition(":")
        return (files.index(file), int(line)) if file in files else (len(files), 0)

    return sorted(problems, key=place)


def _words(
    fitted: explain.Fitted, written: Node, problems: list[Problem]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The words of each check of words, and the files they came from."""
    lists: dict[str, tuple[str, ...]] = {}
    files: list[str] = []
    for name, check in fitted.policy.checks.items():
        if not isinstance(check, spec.WordsCheck):
            continue
        words = [word.strip() for word in check.words]
        if check.file is not None:
            node = written.at(["checks", name, "file"])
            path = Path(node.file).parent / check.file
            try:
                text = sources.text_of(path, MAX_WORDS_BYTES)
            except PolicyError as error:
                where = f"`{explain.dotted(['checks', name, 'file'])}`: the words file"
                remedy = "Correct the path; it is relative to the policy file."
                for problem in error.problems:
                    own = problem.remedy if "read" not in problem.what else remedy
                    problems.append(Problem(node.where, f"{where} {problem.what}", own))
                continue
            files.append(str(path))
            lines = (line.strip() for line in text.splitlines())
            words += [line for line in lines if line and not line.startswith("#")]
            if not words:
                problems.append(Problem(node.where, "the words file has no words", "Write one a line."))
        lists[name] = tuple(dict.fromkeys(words))
    return lists, files


def _canonical(written: Node, lists: Mapping[str, tuple[str, ...]]) -> bytes:
    """What the hash is taken of: the policy as written, with word lists for files and no secrets."""
    data = written.plain()
    assert isinstance(data, dict)
    data.pop("extends", None)
    if isinstance(data.get("identity"), dict) and "secret" in data["identity"]:
        data["identity"]["secret"] = environment.uses(written.at(["identity", "secret"]))
    for name, check in data.get("checks", {}).items():
        if "api_key" in check:
            check["api_key"] = environment.uses(written.at(["checks", name, "api_key"]))
        if name in lists:
            check.pop("file", None)
            check["words"] = sorted(lists[name])
    return json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()


def _blank(node: Node) -> Node:
    """The tree with its places and without its texts, some of which may be secrets."""
    if node.is_mapping:
        return replace(node, value={key: _blank(child) for key, child in node.entries.items()})
    if node.is_list:
        return replace(node, value=[_blank(child) for child in node.items])
    return replace(node, value=None)
