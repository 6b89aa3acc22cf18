"""Rules: what is done about a finding. The strongest action of all rules that match wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..verdict import Action, Finding
from .taxonomy import matches
from .vault import Reversible

_MASKS = {"email": "[email]", "phone": "[phone]", "card": "[card]", "iban": "[iban]", "ip": "[ip]"}


@dataclass(frozen=True, slots=True)
class Rule:
    """``at_least`` is a score in (0, 1]; ``point`` a named operating point of the check's backend;
    with neither, any finding of an exact check counts, and a model's at its point ``balanced``."""

    when: tuple[str, ...]
    do: Action
    at_least: float | None = None
    point: str | None = None
    say: str | None = None
    mask: str | None = None
    restore: bool = False  # the mask is reversible: what it covers is put back into the answer


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to be done about one finding, and with which words."""

    action: Action
    say: str = "default"
    mask: str = "[redacted]"


NOTHING = Ruling(Action.ALLOW)


@dataclass(frozen=True, slots=True)
class _Bar:
    """How high a finding must be for a rule to count; None: the service's own flag decides."""

    score: float | None
    ruling: Ruling


class Rules:
    """``points`` maps a model check's name to its operating points; a check that is absent is exact."""

    def __init__(self, rules: Sequence[Rule], points: Mapping[str, Mapping[str, Mapping[str, float]] | None]) -> None:
        self._rules, self._points = tuple(rules), points
        self._bars = lru_cache(4096)(self._compile)

    def decide(self, finding: Finding) -> Ruling:
        best = NOTHING
        for bar in self._bars(finding.check, finding.category):
            met = finding.flagged if bar.score is None else finding.score >= bar.score
            if met and (bar.ruling.action, bar.ruling.say != "default") > (best.action, best.say != "default"):
                best = bar.ruling
        return best

    def floor(self, check: str, category: str) -> float:
        """The lowest score of this check and category that any rule looks at; above 1: none does."""
        bars = self._compile(check, category)
        return min((bar.score for bar in bars if bar.score is not None), default=1.1)

    def acts(self, check: str, category: str) -> bool:
        """Whether any rule would do something about a sure finding of this check and category."""
        return self.decide(Finding(category, 1.0, 0, 0, check)).action > Action.ALLOW

    def _compile(self, check: str, category: str) -> tuple[_Bar, ...]:
        bars = []
        for rule in self._rules:
            if any(matches(when, category) for when in rule.when):
                mask = rule.mask or mask_for(category)
                ruling = Ruling(rule.do, rule.say or "default", Reversible(mask) if rule.restore else mask)
                bars.append(_Bar(self._bar(rule, check, category), ruling))
        return tuple(bars)

    def _bar(self, rule: Rule, check: str, category: str) -> float | None:
        if rule.at_least is not None:
            return rule.at_least
        if check not in self._points:
            return 0.0
        points = self._points[check]
        if points is None:
            return None
        return points[rule.point or "balanced"].get(category, 1.1)


def mask_for(category: str) -> str:
    """The mask where the policy names none: says what stood there, never how long it was."""
    top, _, below = category.partition("/")
    if top == "personal":
        return _MASKS.get(below, "[personal]")
    return "[secret]" if top == "secret" else "[redacted]"
