"""The ledger of one exchange: everything that was found, and the one Decision made of it.

The decision is built from the object that drives the wire, so what is remembered is what was done.
Observe mode is handled here and nowhere else in the judging: the action becomes ``would``.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from .policy.lane import MAX_FINDINGS
from .policy.plan import Plan
from .text import Segment
from .verdict import Action, Decision, Finding, Gap, Outcome, Spent, Verdict

MAX_TEXT = 100_000
"""Characters of text kept in one row."""


class Ledger:
    """Collects verdicts; ``decision()`` may be asked for once all is known."""

    def __init__(self, plan: Plan, id: str, time: float, *, door: str, wire: str, route: str) -> None:
        self.plan, self.id, self.time = plan, id, time
        self.door, self.wire, self.route = door, wire, route
        self.verdict = Verdict()
        self.changed = False
        self.denied = False  # refused for another reason than content (a limit, a bad request)
        self.status = 0
        self.user: str | None = None
        self.skipped: set[str] = set()
        self.models: frozenset[str] = frozenset()
        self.spent: Spent | None = None
        self._look = False  # a person is to look at it
        self.found = False  # something that was found asks for refusal
        self._texts: list[str] = []
        self._room = MAX_TEXT

    def add(self, verdict: Verdict) -> None:
        self.models |= verdict.models
        if verdict.action is Action.ALLOW and not verdict.gaps:
            return
        self._look = self._look or verdict.look
        room = MAX_FINDINGS - len(self.verdict.findings)
        if len(verdict.findings) > room:
            verdict = Verdict(verdict.action, verdict.findings[: max(0, room)], verdict.gaps, verdict.say)
        room = MAX_FINDINGS - len(self.verdict.gaps)
        if len(verdict.gaps) > room:
            verdict = Verdict(verdict.action, verdict.findings, verdict.gaps[: max(0, room)], verdict.say)
        self.found = self.found or verdict.found or (verdict.action >= Action.REVIEW and verdict.say != "unavailable")
        self.verdict |= verdict

    def gap(self, check: str, reason: str, where: str = "", action: Action = Action.ALLOW) -> None:
        self.verdict |= Verdict(action, (), (Gap(check, reason, where),), "unavailable")

    def gaps(self, gaps: Iterable[Gap]) -> None:
        """Note what was not evaluated; of very many, the first and how many more."""
        found = tuple(gaps)
        if not found:
            return
        room = max(0, MAX_FINDINGS - len(self.verdict.gaps))
        more = (Gap("*", "more", str(len(found) - room)),) if len(found) > room else ()
        self.verdict |= Verdict(gaps=found[:room] + more)

    def unseen(self, verdict: Verdict) -> None:
        """Note what no check can read, and what the policy says to that."""
        self.found = self.found or verdict.action >= Action.REVIEW
        self.verdict |= Verdict(verdict.action, say=verdict.say)
        self.gaps(verdict.gaps)

    def incident(self, word: str) -> None:
        """The provider itself refused, in its own word."""
        self.add(Verdict(Action.FLAG, (Finding(f"provider/{word}", 1.0, 0, 0, "provider"),)))

    def deny(self) -> None:
        self.denied = True
        self.verdict |= Verdict(Action.REFUSE)

    def keep(self, segments: Iterable[Segment]) -> None:
        """Remember texts, as far as the policy's word allows."""
        word = self.plan.recording.text
        if word == "none":
            return
        for segment in segments:
            text = segment.text if word == "full" else segment.written(segment.base, segment.text, restored=False)
            self.keep_text(text)

    def keep_text(self, text: str) -> None:
        if self._room > 0 and self.plan.recording.text != "none":
            self._texts.append(text[: self._room])
            self._room -= len(text)

    def _text(self) -> str | None:
        recording = self.plan.recording
        if recording.text == "none" or not self._texts:
            return None
        text = "\n".join(self._texts)
        if recording.text == "hash":
            return hmac.new(recording.key or b"", text.encode(), hashlib.sha256).hexdigest()
        return text

    def outcome(self) -> Outcome:
        if self.verdict.action >= Action.REVIEW and (self.found or self.denied):
            return Outcome.REFUSED
        if self._missed():
            return Outcome.NOT_EVALUATED
        return Outcome.CHANGED if self.changed else Outcome.ALLOWED

    def _missed(self) -> bool:
        """Was anything not evaluated that could have counted?"""
        return any(not gap.aside for gap in self.verdict.gaps)

    def decision(self, now: float, ended: str) -> Decision:
        observe, verdict = self.plan.observe, self.verdict
        outcome = self.outcome()
        if observe:
            outcome = Outcome.NOT_EVALUATED if self._missed() else Outcome.ALLOWED
        review = "pending" if (verdict.action is Action.REVIEW or self._look) and not observe else None
        return Decision(
            id=self.id,
            action=Action.ALLOW if observe else verdict.action,
            outcome=outcome,
            text=self._text(),
            findings=verdict.findings,
            not_evaluated=verdict.gaps,
            policy=self.plan.name,
            policy_hash=self.plan.hash,
            would=verdict.action if observe else None,
            time=self.time,
            seconds=now - self.time,
            door=self.door,
            wire=self.wire,
            route=self.route,
            status=self.status,
            ended=ended,
            user=self.user,
            review=review,
            skipped=tuple(sorted(self.skipped)),
            spent=self.spent,
            models=tuple(sorted(self.models)[:MAX_FINDINGS]),
        )


def named(findings: Iterable[Finding]) -> list[str]:
    """The categories found, each once, strongest first: for counters."""
    return list(dict.fromkeys(f.category for f in findings))
