"""``guardrail backends``: which moderation backends there are, and what each can and cannot judge."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..backends.catalogue import Entry
    from .options import Commands


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "backends",
        help="which backends there are",
        description="Moderation backends by the word after `use:` in a policy, with what each of them can judge. "
        "verified: asked for real in this project's tests (real), against a server that answers as the public document "
        "says (document), or neither (unverified).",
    )
    parser.add_argument("--json", action="store_true", help="all of it, as one JSON list")
    parser.add_argument("name", nargs="?", help="one of them, with its categories")
    parser.set_defaults(run=backends)


def backends(arguments: argparse.Namespace) -> int:
    """Raises GuardrailError for a name that no backend has."""
    from ..backends.catalogue import entries
    from ..errors import GuardrailError

    found = entries()
    if arguments.name is not None:
        found = [entry for entry in found if entry.word == arguments.name]
        if not found:
            raise GuardrailError(f"no backend is called {arguments.name}: see guardrail backends")
    if arguments.json:
        print(json.dumps([public(entry) for entry in found], indent=1))
    elif arguments.name is not None:
        print("\n".join(_sheet(found[0])))
    else:
        print("\n".join(_table(found)))
    return 0


def public(entry: Entry) -> dict[str, Any]:
    """An entry, ready for JSON."""
    card = {} if entry.card is None else entry.card.public()
    return {**card, "use": entry.word, "installed": entry.installed}


def _table(entries: list[Entry]) -> list[str]:
    rows = [("use", "extra", "installed", "judges", "categories", "scores", "needs", "verified")]
    for entry in entries:
        card = entry.card
        if card is None:
            rows.append((entry.word, "-", "yes", "?", "?", "?", "?", "unverified"))
            continue
        judged = str(len(card.categories)) if card.categories else "your own"
        modalities = ", ".join(sorted(card.modalities, reverse=True))
        extra, here = card.extra or "-", "yes" if entry.installed else "no"
        rows.append((entry.word, extra, here, modalities, judged, card.scores, card.needs, card.verified))
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _sheet(entry: Entry) -> list[str]:
    from .terminal import safe

    lines = []
    for name, value in public(entry).items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        lines.append(f"{name + ':':12} {safe(shown)}")
    return lines
