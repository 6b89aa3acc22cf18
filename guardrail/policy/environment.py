"""``${NAME}`` in the texts of a policy, replaced by environment variables, once and literally.

Values go in and are never shown: messages and the policy's hash carry names only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..errors import Problem
from .tree import Node

_SLOT = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<fallback>:-[^}]*)?\}|(?P<broken>\$\{)")


def fill(node: Node, env: Mapping[str, str], problems: list[Problem]) -> Node:
    """The tree with variables replaced. ``$${`` stands for ``${``.

    ``${NAME:-fallback}`` takes the fallback where the variable is unset or empty, as a shell does.
    """
    if node.is_mapping:
        return replace(node, value={key: fill(child, env, problems) for key, child in node.entries.items()})
    if node.is_list:
        return replace(node, value=[fill(child, env, problems) for child in node.items])
    if not isinstance(node.value, str) or "${" not in node.value:
        return node

    def one(slot: re.Match[str]) -> str:
        name, fallback = slot["name"], slot["fallback"]
        if slot["broken"]:
            remedy = "Write ${NAME} or ${NAME:-fallback}; for a literal ${ write $${."
            problems.append(Problem(node.where, "a ${ without a variable's name and } after it", remedy))
            return ""
        if name is None:
            return "${"
        value = env.get(name)
        if fallback is not None:
            return value or fallback[2:]
        if value is None:
            what = f"the environment variable {name} is not set"
            problems.append(Problem(node.where, what, f"Set {name} in the environment of this process."))
            return ""
        return value

    return replace(node, value=_SLOT.sub(one, node.value))


def uses(node: Node) -> list[str]:
    """The names of the variables in a text."""
    if not isinstance(node.value, str):
        return []
    return [slot["name"] for slot in _SLOT.finditer(node.value) if slot["name"]]
