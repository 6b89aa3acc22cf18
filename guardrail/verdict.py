"""What checks find, what is decided, and what is remembered. Values only; nothing here acts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any


class Action(IntEnum):
    """Ordered: when several rules match, the strongest wins, and verdicts join by ``max``."""

    ALLOW = 0
    FLAG = 1
    REDACT = 2
    REVIEW = 3
    REFUSE = 4

    @property
    def word(self) -> str:
        return self.name.lower()


class Outcome(StrEnum):
    """Four, never two: what could not be judged is not the same as what was found clean."""

    ALLOWED = "allowed"
    CHANGED = "changed"
    REFUSED = "refused"
    NOT_EVALUATED = "not_evaluated"


class Kind(StrEnum):
    """Whose text a segment is. Policies name these words under ``on:``."""

    __hash__ = str.__hash__  # an enumeration's own is written in Python, and tables by kind are asked for every frame

    USER = "user"
    SYSTEM = "system"
    ASSISTANT = "assistant"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    DEFINITION = "definition"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found. ``start`` and ``end`` count characters of the segment's text.

    ``flagged`` is a moderation service's own yes or no, where it gives one. ``notice``: what must be told
    wherever the finding is shown. ``by``: the models that were heard about it, each with its own score.
    """

    category: str
    score: float
    start: int
    end: int
    check: str
    flagged: bool = True
    notice: str = ""
    by: tuple[tuple[str, float], ...] = ()

    def moved(self, by: int) -> Finding:
        return self.at(self.start + by, self.end + by)

    def at(self, start: int, end: int) -> Finding:
        """The same, elsewhere. Written out, for ``dataclasses.replace`` is slow."""
        return Finding(self.category, self.score, start, end, self.check, self.flagged, self.notice, self.by)

    def public(self) -> dict[str, Any]:
        """The published names, ready for JSON."""
        told: dict[str, Any] = {"notice": self.notice} if self.notice else {}
        if self.by:
            told["by"] = [{"model": model, "score": score} for model, score in self.by]
        span = {"start": self.start, "end": self.end}
        return {"category": self.category, "score": self.score, **span, "check": self.check, **told}


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was not evaluated: by which check, why (a short word), and where.

    ``aside``: by one that decides nothing, so that the outcome is what it would be without it.
    """

    check: str
    reason: str
    where: str = ""
    aside: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The strongest action of all findings, and the reason for it.

    ``look``: a person is to look at the exchange, and nothing waits for that. ``models``: which were heard, whatever
    they said, as ``check:model``. ``found``: something that was found asks for refusal, not a check that failed alone.
    """

    action: Action = Action.ALLOW
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    say: str = "default"  # which refusal text
    look: bool = False
    models: frozenset[str] = frozenset()
    found: bool = False

    def __or__(self, other: Verdict) -> Verdict:
        if other.action is Action.ALLOW and not other.findings and not other.gaps and other.say == "default":
            return self if other.models <= self.models else self.heard(other.models)
        lead = other if (other.action, other._words()) > (self.action, self._words()) else self
        findings, gaps = self.findings + other.findings, self.gaps + other.gaps
        return Verdict(
            lead.action,
            findings,
            gaps,
            lead.say,
            self.look or other.look,
            self.models | other.models,
            self.found or other.found,
        )

    def heard(self, models: frozenset[str]) -> Verdict:
        """The same, with these models heard too."""
        return Verdict(self.action, self.findings, self.gaps, self.say, self.look, self.models | models, self.found)

    def _words(self) -> int:
        """Of equals the one with words of its own leads: a crisis text is not lost to a plain refusal,
        and no refusal to a check that happened to be down."""
        return {"unavailable": 0, "default": 1}.get(self.say, 2)


@dataclass(frozen=True, slots=True)
class Spent:
    """What the model's server had done for a call by the time it was given up: seconds since it was
    asked, and bytes of its answer."""

    seconds: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What is remembered of one exchange, and what ``check()`` answers.

    The first block is the published part, with the same names in every output; ``text`` is what
    may be used (masks applied) for ``check``, and what the policy's ``record.text`` keeps in a log.
    ``would`` is the action that would have been taken where the policy only observes. ``spent``: where the
    model's server was asked and its answer not given in full. ``models``: which models were heard of its texts, as
    ``check:model``; a text that is known again is not asked about.
    """

    id: str
    action: Action
    outcome: Outcome
    text: str | None
    findings: tuple[Finding, ...]
    not_evaluated: tuple[Gap, ...]
    policy: str
    policy_hash: str
    would: Action | None = None

    time: float = 0.0  # seconds since the epoch, when the exchange began
    seconds: float = 0.0
    door: str = "check"
    wire: str = ""
    route: str = ""
    status: int = 0  # HTTP status the caller got; 0 where there was none
    ended: str = "complete"
    user: str | None = None  # keyed pseudonym, never the name itself
    review: str | None = None
    skipped: tuple[str, ...] = field(default=())  # "check:kind" pairs the policy left out
    spent: Spent | None = None
    models: tuple[str, ...] = ()

    def with_text(self, text: str | None) -> Decision:
        """The same decision with another text. Written out, for ``dataclasses.replace`` is slow."""
        return Decision(
            self.id,
            self.action,
            self.outcome,
            text,
            self.findings,
            self.not_evaluated,
            self.policy,
            self.policy_hash,
            self.would,
            self.time,
            self.seconds,
            self.door,
            self.wire,
            self.route,
            self.status,
            self.ended,
            self.user,
            self.review,
            self.skipped,
            self.spent,
            self.models,
        )

    def public(self) -> dict[str, Any]:
        """The published names, ready for JSON."""
        return {
            "id": self.id,
            "action": self.action.word,
            "outcome": str(self.outcome),
            "text": self.text,
            "findings": [finding.public() for finding in self.findings],
            "not_evaluated": [{"check": g.check, "reason": g.reason, "where": g.where} for g in self.not_evaluated],
            "policy": self.policy,
            "policy_hash": self.policy_hash,
            "would": None if self.would is None else self.would.word,
            "models": list(self.models),
        }
