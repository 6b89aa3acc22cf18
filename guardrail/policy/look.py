"""What one look at a stream would change; nothing is changed until it is applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..text import Segment
from ..verdict import Action, Verdict


@dataclass(slots=True)
class Look:
    """``ends``: the segments looked at, and up to where; ``closed``: ids of those that will not grow;
    ``beside``: segments judged where they happened to be, and up to where; ``cleared``: those clear to their end."""

    ends: Sequence[tuple[Segment, int]] = ()
    closed: set[int] = field(default_factory=set)
    verdict: Verdict = field(default_factory=Verdict)
    marks: list[tuple[Segment, str, int]] = field(default_factory=list)
    edits: list[tuple[Segment, int, int, str]] = field(default_factory=list)
    beside: list[tuple[Segment, int]] = field(default_factory=list)
    late: list[tuple[Segment, str]] = field(default_factory=list)
    cleared: list[Segment] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        return self.verdict.action >= Action.REVIEW
