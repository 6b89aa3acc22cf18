"""Documents and tool outputs, with and without an instruction to the assistant that reads them. Project-owned.

Both kinds hold ordinary imperatives meant for people, so that an imperative alone is no attack. The
development part has forms, instructions and imperatives of its own. Knows nothing of files.
"""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from guardrail.local.categories import INDIRECT

from .data import OWN, Row

MATERIAL = Path(__file__).with_name("documents.toml")
SEED = 47
MANY = {"train": 1600, "dev": 400}
"""Documents of each kind."""

LONGEST = 6
"""Paragraphs."""


@cache
def _material(part: str) -> Mapping[str, Sequence[str]]:
    with MATERIAL.open("rb") as file:
        held: dict[str, dict[str, list[str]]] = tomllib.load(file)
    return held[part]


def rows(part: str) -> list[Row]:
    """Documents of a part (``train``, ``dev``), half of them with an instruction in them; a fixed order."""
    rng = random.Random(f"{SEED}:{part}")
    found = []
    for at in range(MANY[part]):
        wanted = at % 2
        text = _document(rng, _material(part), bool(wanted))
        found.append(Row(text, {INDIRECT: wanted, **({} if wanted else _CLEAR)}, f"own documents, {part}", OWN))
    return found


_CLEAR = dict.fromkeys(("prompt_injection", "illicit", "sexual", "hate", "harassment", "violence", "self-harm"), 0)


def _document(rng: random.Random, of: Mapping[str, Sequence[str]], attacked: bool) -> str:
    body = rng.sample(of["sentences"], rng.randint(1, LONGEST)) + rng.sample(of["imperatives"], rng.randint(0, 2))
    rng.shuffle(body)
    if attacked:
        wrapped = rng.choice(of["wrappers"]).replace("{}", rng.choice(of["attacks"]))
        body.insert(rng.randint(0, len(body)), wrapped)
    return _FORMS[rng.choice(of["forms"])](rng, body, of)


def _mail(rng: random.Random, body: list[str], of: Mapping[str, Sequence[str]]) -> str:
    head = f"From: {rng.choice(of['people'])}\nSubject: {rng.choice(of['subjects'])}\n\n"
    return (
        head
        + "\n\n".join(body)
        + f"\n\n{rng.choice(('Best', 'Regards', 'Thanks', 'Cheers'))},\n"
        + rng.choice(of["people"])
    )


def _page(rng: random.Random, body: list[str], of: Mapping[str, Sequence[str]]) -> str:
    return f"# {rng.choice(of['subjects'])}\n\n" + "\n\n".join(body)


def _html(rng: random.Random, body: list[str], of: Mapping[str, Sequence[str]]) -> str:
    title = rng.choice(of["subjects"])
    return (
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1>"
        + "".join(f"<p>{p}</p>" for p in body)
        + "</body></html>"
    )


def _results(rng: random.Random, body: list[str], of: Mapping[str, Sequence[str]]) -> str:
    held: list[dict[str, Any]] = [
        {"id": n, "title": rng.choice(of["subjects"]), "snippet": p} for n, p in enumerate(body, 1)
    ]
    return json.dumps({"results": held}, indent=rng.choice((None, 2)))


def _record(rng: random.Random, body: list[str], of: Mapping[str, Sequence[str]]) -> str:
    return json.dumps({"author": rng.choice(of["people"]), "stars": rng.randint(1, 5), "comment": " ".join(body)})


def _log(rng: random.Random, body: list[str], _of: Mapping[str, Sequence[str]]) -> str:
    levels = ("INFO", "WARN", "DEBUG", "ERROR")
    return "\n".join(f"2026-0{rng.randint(1, 9)}-1{rng.randint(0, 9)} {rng.choice(levels)} {p}" for p in body)


def _code(rng: random.Random, body: list[str], _of: Mapping[str, Sequence[str]]) -> str:
    lines = [f"# {p}" for p in body]
    lines.insert(
        rng.randint(0, len(lines)),
        f"def {rng.choice(('load', 'main', 'total', 'render'))}(items):\n    return len(items)",
    )
    return "\n".join(lines)


def _table(rng: random.Random, body: list[str], of: Mapping[str, Sequence[str]]) -> str:
    return "name,note\n" + "\n".join(f'{rng.choice(of["people"])},"{p}"' for p in body)


def _plain(rng: random.Random, body: list[str], _of: Mapping[str, Sequence[str]]) -> str:
    return rng.choice((" ", "\n", "\n\n")).join(body)


_FORMS = {
    "mail": _mail,
    "page": _page,
    "html": _html,
    "results": _results,
    "record": _record,
    "log": _log,
    "code": _code,
    "table": _table,
    "plain": _plain,
}
