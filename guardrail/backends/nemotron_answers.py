"""What NVIDIA's content safety models say of a conversation: two verdicts and the names of categories.

Knows the forms of their answers, and refuses whatever is not one of them. Must never know what was asked, nor what a
category is to this project. Sources: see ``nemotron``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .dialect import malformed


@dataclass(frozen=True, slots=True)
class Form:
    """One form of an answer. ``json``: an object, else lines. ``user``, ``reply``: what it calls the verdicts, in
    small letters; ``categories``: the list of names, or "". ``words``: what a verdict may be, and whether that is bad.
    """

    json: bool
    user: str
    reply: str
    categories: str
    words: Mapping[str, bool | None]


@dataclass(frozen=True, slots=True)
class Told:
    """Whether each turn is bad, None where nothing is said of it, and the names of what is bad about either."""

    user: bool | None
    reply: bool | None
    names: tuple[str, ...]


_SAFE: Mapping[str, bool | None] = {"safe": False, "unsafe": True}
GUARD = Form(True, "user safety", "response safety", "safety categories", _SAFE)
CONTENT = Form(False, "user safety", "response safety", "safety categories", _SAFE)
REASONING = Form(False, "prompt harm", "response harm", "", {"unharmful": False, "harmful": True, "none": None})


def told(text: str, form: Form) -> Told:
    """What an answer says. Raises NotEvaluated ``malformed``."""
    text = _concluded(text)
    fields = _pairs(text) if form.json else _lines(text)
    listed = fields.pop(form.categories, "") if form.categories else ""
    names = tuple(name.strip() for name in listed.split(",") if name.strip())
    verdicts: dict[str, bool | None] = {}
    for name, value in fields.items():
        word = value.strip().lower()
        if name not in {form.user, form.reply} or word not in form.words:
            raise malformed("the model's answer has a field or a verdict that is not documented")
        verdicts[name] = form.words[word]
    if names and not any(verdicts.values()):
        raise malformed("the model names categories of what it calls safe")
    return Told(verdicts.get(form.user), verdicts.get(form.reply), names)


def _concluded(text: str) -> str:
    """The answer without the reasoning before it, which servers leave in it that do not know it as such."""
    text = text.strip()
    if text.startswith("<think>"):
        text = text.partition("</think>")[2].strip()
    if not text or "<think>" in text:
        raise malformed("the model's reasoning has no end")
    return text


def _pairs(text: str) -> dict[str, str]:
    try:
        held = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        held = None
    return _once(held)


def _lines(text: str) -> dict[str, str]:
    # The reasoning model is shown its form in quotes, and may keep them.
    lines = [line.strip(' "\t') for line in text.splitlines()]
    return _once([tuple(line.split(":", 1)) for line in lines if line])


def _once(pairs: Any) -> dict[str, str]:
    """Pairs as a dict. A name that stands there twice says two things, of which neither can be trusted."""
    fields: dict[str, str] = {}
    for pair in pairs if isinstance(pairs, Sequence) and pairs else [None]:
        if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[1], str):
            raise malformed("the model's answer is not of the documented form")
        name = pair[0].strip().lower()
        if name in fields:
            raise malformed("the model's answer says the same thing twice")
        fields[name] = pair[1]
    return fields
