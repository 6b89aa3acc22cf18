"""Services that answer as their public documents say. A text about ``[category]`` gets that category flagged.

Each module has ``answer`` (a request to a reply), ``dialect`` (the dialect under test, asking ``base``) and ``MEANS``:
by category, as this project spells it, the service's own name for it, taken from its document and not from the code
under test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_MARK = re.compile(r"\[([a-z_/-]+)\]")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the server got it; header names in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply: ``body`` is bytes, or a value for JSON."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def marked(text: str) -> list[str]:
    """The categories that a text is about, in order, by this project's names."""
    return list(dict.fromkeys(_MARK.findall(text)))
