"""Checks a tree against the spec and says in plain words what does not fit, and where.

What fits is kept, so that problems across keys can be found in the same run. It must never show a
value that came from the environment: names are quoted from the file as it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..errors import Problem
from . import spec
from .tree import Node, printable

_PARTS: dict[str, type[BaseModel]] = {
    "paths": spec.Paths,
    "rules": spec.Rule,
    "identity": spec.Identity,
    "limits": spec.Limit,
    "caps": spec.Caps,
    "streams": spec.Streams,
    "refusals": spec.Refusals,
    "record": spec.Record,
    "modalities": spec.Modalities,
    "references": spec.References,
    "custom": spec.CustomRoute,
}
_SINGLY = {"rules", "limits", "custom", "checks"}  # one bad entry does not spoil the others

_EXPECTED = (
    (("string",), "text", "Write text, in quotes where it looks like a number."),
    (("int", "float"), "a number", "Write a number."),
    (("bool",), "true or false", "Write true or false."),
    (("tuple", "list", "iterable"), "a list", "Write a list, such as [a, b]."),
    (("dict", "mapping", "model"), "a mapping", "Write `key: value` pairs."),
)
_MISSING = {
    "trusted": "Add trusted: [10.0.0.0/8] with the networks of your proxies; without it anyone could set the header.",
    "api_key": "Add api_key: ${OPENAI_API_KEY}.",
    "category": "Add a category such as custom/bad-words.",
    "use": f"Add `use` with one of {', '.join(spec.CHECKS)}.",
    "patterns": "Add patterns: [...].",
    "when": "Add `when` with a category such as harm.",
    "do": "Add `do` with flag, redact, review or refuse.",
    "take": "Add a rate such as take: 60 requests/minute.",
    "per": "Add `per` with user, key, address or global.",
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """What of a policy fits the spec, and what was left out of it.

    ``rules`` gives, for each rule of ``policy``, its number in the file's tree.
    """

    policy: spec.Policy
    rules: tuple[int, ...]
    lost: frozenset[str]  # top keys of which something was left out
    lost_checks: frozenset[str]


def fit(filled: Node, written: Node, problems: list[Problem]) -> Fitted:
    """Validate ``filled``; ``written`` is the same tree before variables were replaced."""
    data = filled.plain()
    assert isinstance(data, dict)
    lost: set[str] = set()
    lost_checks: set[str] = set()
    bad: set[tuple[str | int, ...]] = set()
    try:
        policy = spec.Policy.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        for detail in details:
            loc = detail["loc"]
            # The version is reported for each file; a list is "too short" also when its items do not fit.
            if loc != ("guardrail",) and not ("too_short" in detail["type"] and _inside(loc, details)):
                problems.append(_problem(detail, written))
            bad.add(tuple(loc[:2]) if loc[0] in _SINGLY and len(loc) > 1 else tuple(loc[:1]))
        lost = {str(path[0]) for path in bad}
        lost_checks = {str(path[1]) for path in bad if path[0] == "checks" and len(path) > 1}
        policy = spec.Policy.model_validate(_cut(data, bad))
    rules = data.get("rules")
    kept = (
        [i for i in range(len(rules)) if ("rules", i) not in bad]
        if isinstance(rules, list) and ("rules",) not in bad
        else []
    )
    return Fitted(policy, tuple(kept), frozenset(lost), frozenset(lost_checks))


def _inside(loc: tuple[str | int, ...], details: Sequence[ErrorDetails]) -> bool:
    """Is something else wrong with what stands there?"""
    return any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in details)


def _cut(data: dict[str, object], bad: set[tuple[str | int, ...]]) -> dict[str, object]:
    """The data less what does not fit."""
    kept: dict[str, object] = {}
    for key, value in data.items():
        if (key,) in bad:
            continue
        if key in _SINGLY and isinstance(value, dict):
            kept[key] = {name: entry for name, entry in value.items() if (key, name) not in bad}
        elif key in _SINGLY and isinstance(value, list):
            kept[key] = [entry for i, entry in enumerate(value) if (key, i) not in bad]
        else:
            kept[key] = value
    return {**kept, "guardrail": 1}


def dotted(path: Sequence[str | int]) -> str:
    """A path as people write it: ``rules[3].do``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{printable(step)}" if text else printable(step)
    return text


def _problem(detail: ErrorDetails, written: Node) -> Problem:
    path, node = _walk(detail["loc"], written)
    kind, name = detail["type"], dotted(path)
    context = detail.get("ctx", {})
    last = str(detail["loc"][-1])
    if kind == "extra_forbidden":
        keys = _keys(detail["loc"])
        near = get_close_matches(last, keys, 1)
        remedy = f"Did you mean `{near[0]}`?" if near else f"Possible here: {', '.join(keys)}."
        return Problem(node.where, f"unknown key `{name}`", remedy)
    if kind in {"missing", "union_tag_not_found"}:
        last = "use" if kind == "union_tag_not_found" else last
        return Problem(node.where, f"`{name}` has no `{last}`", _MISSING.get(last, f"Add `{last}`."))
    if kind in {"literal_error", "enum", "union_tag_invalid"}:
        options = _options(kind, context)
        if kind == "union_tag_invalid":
            node, name = node.at(["use"]), f"{name}.use"
        return Problem(node.where, f"`{name}` is {shown(node)}, which is not possible", _choice(node, options))
    if kind == "policy":
        return Problem(node.where, f"`{name}` {context['what']}" if name else str(context["what"]), context["remedy"])
    if kind == "model_attributes_type" and path[0] == "checks":
        return Problem(node.where, f"`{name}` is {node.kind}, not a mapping", "Write {use: words, ...}.")
    for prefixes, expected, remedy in _EXPECTED:
        if kind.endswith(("_type", "_parsing", "_from_float")) and kind.startswith(prefixes):
            empty = "is empty" if node.value is None else f"is {node.kind}"
            return Problem(node.where, f"`{name}` {empty}, not {expected}", remedy)
    if kind in {"too_short", "tuple_too_short"}:
        least = detail.get("ctx", {}).get("min_length", 1)
        if node.items:
            return Problem(node.where, f"`{name}` has too few items: it needs at least {least}", "Add what is missing.")
        return Problem(node.where, f"`{name}` is an empty list", "Put something in, or remove the key.")
    # What is left are the bounds of numbers and lengths; their messages name the bound, not the value.
    words = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return Problem(node.where, f"`{name}`: it {words}", "Choose another value.")


def _walk(loc: tuple[int | str, ...], root: Node) -> tuple[list[str | int], Node]:
    """The path and node of a validation error, without the steps that only name a type."""
    path: list[str | int] = []
    node = root
    if loc[0] == "checks":
        loc = loc[:2] + loc[3:]  # the third step is the word after `use`, which may also be a key
    for step in loc:
        below = node.at([step])
        if below is not node:
            path.append(step)
            node = below
    return path, node


def _keys(loc: tuple[int | str, ...]) -> tuple[str, ...]:
    top = loc[0]
    if len(loc) == 1:
        return spec.keys_of(spec.Policy)
    if top == "checks" and len(loc) > 2:
        return spec.keys_of(spec.CHECKS[str(loc[2])])
    if top == "identity" and len(loc) > 2:
        return spec.keys_of(spec.HeaderSource)
    return spec.keys_of(_PARTS[str(top)]) if top in _PARTS else ()


def _options(kind: str, context: dict[str, str]) -> list[str]:
    listed = str(context.get("expected_tags" if kind == "union_tag_invalid" else "expected", ""))
    return [word.strip().strip("'") for word in listed.replace(" or ", ", ").split(",") if word.strip()]


def shown(node: Node) -> str:
    """A value as it was written in the file; variables stay names."""
    return f"`{printable(node.value)}`" if isinstance(node.value, str) else node.kind


def _choice(node: Node, options: list[str]) -> str:
    near = get_close_matches(node.value, options, 1) if isinstance(node.value, str) else []
    return f"Did you mean `{near[0]}`?" if near else f"Write one of: {', '.join(options)}."
