"""The tables of the decision log, and the way between a ``Decision`` and its row.

Knows columns and how text is kept exact. Must never know where the log lies, nor who writes it.
The same schema serves SQLite and PostgreSQL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ..errors import LogError
from ..verdict import Action, Decision, Finding, Gap, Outcome, Spent

VERSION = 3  # of the table ``decisions``; raise it with every change of a column's name or meaning

metadata = sa.MetaData()

versions = sa.Table(
    "guardrail_schema",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("time", sa.Double, nullable=False, index=True),  # seconds since the epoch
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("would", sa.Text),
    sa.Column("text", sa.Text),
    sa.Column("findings", sa.Text, nullable=False),  # JSON
    sa.Column("not_evaluated", sa.Text, nullable=False),  # JSON
    sa.Column("skipped", sa.Text, nullable=False),  # JSON
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("policy_hash", sa.Text, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("door", sa.Text, nullable=False),
    sa.Column("wire", sa.Text, nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("ended", sa.Text, nullable=False),
    sa.Column("user", sa.Text, index=True),
    sa.Column("review", sa.Text),
    sa.Column("spent", sa.Text),  # JSON
    sa.Column("models", sa.Text),  # JSON
)

UPGRADES: Mapping[int, str] = {
    1: "ALTER TABLE decisions ADD COLUMN spent TEXT",
    2: "ALTER TABLE decisions ADD COLUMN models TEXT",
}
"""By a version that a log may have, what makes it the next one. Only additions: older programs still read it."""

# PostgreSQL's text has no NUL, and no UTF-8 has a lone surrogate, yet JSON from a caller may bring
# both. They are kept as SUBSTITUTE and four hex digits, and SUBSTITUTE itself likewise.
_ESCAPE = "\x1a"
_UNSTORABLE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_words = {action: action.word for action in Action}
_actions = {word: action for action, word in _words.items()}


def storable(text: str) -> str:
    """``text`` as every supported database can keep it; the same string in nearly all cases."""
    return text if _is_storable(text) else _UNSTORABLE.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", text)


def _is_storable(text: str) -> bool:
    if "\x00" in text or _ESCAPE in text:
        return False
    if not text.isascii():
        try:
            text.encode()  # far faster than a pattern over the text
        except UnicodeEncodeError:
            return False
    return True


def _restored(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if _ESCAPE in text else text


def to_row(decision: Decision) -> dict[str, Any]:
    """The row of ``decision``: column name to a str, int, float or None."""
    d = decision
    row: dict[str, Any] = {
        "id": d.id,
        "time": d.time,
        "action": _words[d.action],
        "outcome": d.outcome.value,
        "would": None if d.would is None else _words[d.would],
        "text": d.text,
        "findings": _findings(d.findings) if d.findings else "[]",
        "not_evaluated": _gaps(d.not_evaluated) if d.not_evaluated else "[]",
        "skipped": _json(d.skipped) if d.skipped else "[]",
        "policy": d.policy,
        "policy_hash": d.policy_hash,
        "seconds": d.seconds,
        "door": d.door,
        "wire": d.wire,
        "route": d.route,
        "status": d.status,
        "ended": d.ended,
        "user": d.user,
        "review": d.review,
        "spent": None if d.spent is None else _json({"seconds": d.spent.seconds, "bytes": d.spent.bytes}),
        "models": _json(d.models) if d.models else None,
    }
    if not _is_storable("".join([value for value in row.values() if isinstance(value, str)])):
        row = {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}
    return row


def _findings(findings: tuple[Finding, ...]) -> str:
    return _json(
        [
            {
                "category": f.category,
                "score": f.score,
                "start": f.start,
                "end": f.end,
                "check": f.check,
                "flagged": f.flagged,
                **({"notice": f.notice} if f.notice else {}),
                **({"by": f.by} if f.by else {}),
            }
            for f in findings
        ]
    )


def _finding(item: dict[str, Any]) -> Finding:
    return Finding(**{**item, "by": tuple((str(model), float(score)) for model, score in item.get("by", ()))})


def _gaps(gaps: tuple[Gap, ...]) -> str:
    return _json([{"check": g.check, "reason": g.reason, "where": g.where} for g in gaps])


def from_row(row: Mapping[str, Any]) -> Decision:
    """The decision that ``to_row`` made ``row`` of. Raises LogError where it did not make it."""
    plain = {name: _restored(value) if isinstance(value, str) else value for name, value in row.items()}
    try:
        return Decision(
            **plain
            | {
                "action": _actions[plain["action"]],
                "outcome": Outcome(plain["outcome"]),
                "would": None if plain["would"] is None else _actions[plain["would"]],
                "findings": tuple(_finding(item) for item in json.loads(plain["findings"])),
                "not_evaluated": tuple(Gap(**item) for item in json.loads(plain["not_evaluated"])),
                "skipped": tuple(json.loads(plain["skipped"])),
                "spent": None if plain["spent"] is None else Spent(**json.loads(plain["spent"])),
                "models": () if plain["models"] is None else tuple(json.loads(plain["models"])),
            }
        )
    except (KeyError, ValueError, TypeError):
        pass
    raise LogError(
        "a row of the decision log does not have the form this version writes: it was damaged, or written"
        " by another version or program. Read it with the version that wrote it, or restore a backup"
    )
