"""How often ``guardrail.local.prose`` is right: about texts of known language, and about files of code.

Reads the plain files for languages and Python's own library for code. Prints shares, never a row.
"""

from __future__ import annotations

import gzip
import json
import sysconfig
from pathlib import Path

from guardrail.local import prose

FILES = ("moderation", "injection")
"""The plain files with texts in several languages."""

CHARS = 1_000
"""Characters of a text that is tried; shorter ones of the same source are joined."""

MODULES = 300
"""Files of Python's library that are tried, the first by name."""


def languages(folder: Path) -> dict[str, tuple[int, float, float]]:
    """By language: how many texts, the share called English, and the share called code.

    Files that are not there are left out.
    """
    begun: dict[tuple[str, str], str] = {}
    found: dict[str, list[tuple[bool, bool]]] = {}
    for name in FILES:
        path = folder / f"{name}.jsonl.gz"
        if not path.is_file():
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                held = json.loads(line)
                key = (held["lang"], held["source"])
                begun[key] = text = f"{begun.get(key, '')}\n{held['text']}"
                if len(text) >= CHARS:
                    found.setdefault(held["lang"], []).append((prose.is_english(text), prose.without_code(text)[1]))
                    begun[key] = ""
    return {
        name: (len(said), sum(english for english, _ in said) / len(said), sum(code for _, code in said) / len(said))
        for name, said in sorted(found.items())
    }


def code() -> tuple[int, float, float]:
    """Of files of Python's library, in pieces: how many, the share called code, and the share that would be judged."""
    library = Path(sysconfig.get_paths()["stdlib"])
    pieces = []
    for path in sorted(library.glob("*.py"))[:MODULES]:
        text = path.read_text(encoding="utf-8", errors="ignore")
        pieces += [text[at : at + CHARS] for at in range(0, len(text) - CHARS + 1, 10 * CHARS)]
    called = [prose.without_code(piece)[1] for piece in pieces]
    judged = [not is_code and prose.is_english(p) for p, is_code in zip(pieces, called, strict=True)]
    return len(pieces), sum(called) / len(pieces), sum(judged) / len(pieces)
