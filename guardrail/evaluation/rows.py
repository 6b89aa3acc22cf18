"""Labelled texts from a file of JSON lines: one text a line, and what is known of it.

Knows the file's form and its label names. Must never put a text, or a value of the file, into a message.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from ..categories import OPENAI_MODERATION
from ..errors import GuardrailError
from .figures import Truth

ANY = "any"
"""Stands for "any of the 13 categories of the moderation API" among categories."""

UNKNOWN = -1

COLUMNS = {
    "S": "sexual",
    "H": "hate",
    "V": "violence",
    "HR": "harassment",
    "SH": "self-harm",
    "S3": "sexual/minors",
    "H2": "hate/threatening",
    "V2": "violence/graphic",
}
"""Label names of the form of 2022, in which ``prompt`` is the text: what each is called in the API today."""

Direction = Literal["input", "output"]


class DataError(GuardrailError):
    """A file of labelled texts cannot be read, or has nothing to measure. Names the line, never the text."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text. ``labels``: category to yes or no; an absent category is unknown, never a no."""

    text: str
    labels: Mapping[str, bool]
    source: str | None = None
    lang: str | None = None
    direction: Direction = "input"


@dataclass(frozen=True, slots=True)
class Data:
    """The rows of a file, in its order. ``duplicates``: rows whose very text stood in an earlier row.

    ``total``: rows in the file, of which ``rows`` may be a sample; ``sha256`` is that of the file, hex.
    """

    name: str
    rows: Sequence[Row]
    total: int
    duplicates: int
    sha256: str

    @property
    def labelled(self) -> tuple[str, ...]:
        """Categories of which at least one row has a label, in order of name; not ``any``."""
        return tuple(sorted({name for row in self.rows for name in row.labels} - {ANY}))

    def truth(self, category: str) -> Truth:
        """By row: 1, 0 or ``UNKNOWN``."""
        if category == ANY:
            return self._any()
        return np.array([row.labels.get(category, UNKNOWN) for row in self.rows], dtype=np.int8)

    def _any(self) -> Truth:
        """1 where any of the 13 is; 0 only where every one of them that this file labels at all is known to be 0.

        A row may say it itself, by a label of this name.
        """
        asked = [name for name in self.labelled if name in OPENAI_MODERATION]
        truth = np.full(len(self.rows), UNKNOWN, dtype=np.int8)
        for at, row in enumerate(self.rows):
            known = [row.labels[name] for name in asked if name in row.labels]
            if ANY in row.labels:
                truth[at] = row.labels[ANY]
            elif any(known):
                truth[at] = 1
            elif asked and len(known) == len(asked):
                truth[at] = 0
        return truth


def read(path: Path, *, limit: int | None = None, seed: int = 0) -> Data:
    """The rows of a ``.jsonl`` file, or of one packed with gzip. Blank lines are passed over.

    ``limit``: at most so many of them, drawn at random by ``seed``, for files are often sorted.
    Raises DataError with the line's number.
    """
    raw = _bytes(path)
    lines = enumerate(raw.split(b"\n"), start=1)
    rows = [_row(line, f"{path.name}:{number}") for number, line in lines if line.strip()]
    if not rows:
        raise DataError(f"{path.name} has no rows. Write one JSON object a line, with text and labels.")
    total, kept = len(rows), rows
    if limit is not None and limit < total:
        kept = [rows[at] for at in sorted(random.Random(seed).sample(range(total), limit))]
    repeated = len(kept) - len({row.text for row in kept})
    return Data(path.name, kept, total, repeated, hashlib.sha256(raw).hexdigest())


def _bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    except (OSError, EOFError, zlib.error) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it is not whole"
        raise DataError(f"{path} cannot be read: {why}. Check the path and its permissions.") from None


def _row(line: bytes, where: str) -> Row:
    try:
        held = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        held = None
    if not isinstance(held, dict):
        raise DataError(f"{where}: this is no JSON object. Write one on each line, in UTF-8.")
    text = held.get("text", held.get("prompt"))
    if not isinstance(text, str):
        raise DataError(f"{where}: no text. Give it as `text` (or `prompt`), a string.")
    direction = held.get("direction") or "input"
    if direction not in ("input", "output"):
        raise DataError(f"{where}: `direction` is neither input nor output.")
    return Row(
        text,
        dict(_labels(held, where)),
        _word(held.get("source"), f"{where}: `source`"),
        _word(held.get("lang"), f"{where}: `lang`"),
        cast("Direction", direction),
    )


def _labels(held: dict[str, Any], where: str) -> Iterator[tuple[str, bool]]:
    """The labels that are known. null is unknown, as a name that is absent is."""
    named = held.get("labels")
    if named is not None and not isinstance(named, dict):
        raise DataError(f"{where}: `labels` is no mapping. Write it as {{category: 0 or 1}}.")
    labels: dict[str, Any] = named if named is not None else {name: held[name] for name in COLUMNS if name in held}
    for number, (name, value) in enumerate(labels.items(), start=1):
        if value is None:
            continue
        if not isinstance(value, int | float) or value not in (0, 1):
            raise DataError(f"{where}: label {number} is neither 0 nor 1 nor null (unknown).")
        yield COLUMNS.get(name, name), bool(value)


def _word(value: object, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise DataError(f"{where} is no string.")
    return value or None
