"""Counters of decisions: by outcome, action, check and reason; never by user, never with text."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from .verdict import Decision


class Stats:
    """Counts decisions. Its labels come from the policy and from fixed words, so it stays small."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {
            name: Counter() for name in ("outcomes", "actions", "ended", "doors", "findings", "not_evaluated")
        }
        self.log_errors = 0
        self.log_failing = False  # was the last decision not stored?

    def count(self, decision: Decision) -> None:
        counts = self._counts
        action = decision.would if decision.would is not None else decision.action
        with self._lock:
            counts["outcomes"][str(decision.outcome)] += 1
            counts["actions"][action.word] += 1
            counts["ended"][decision.ended] += 1
            counts["doors"][decision.door] += 1
            for check in {finding.check for finding in decision.findings}:
                counts["findings"][check] += 1
            for check, reason in {(gap.check, gap.reason) for gap in decision.not_evaluated}:
                counts["not_evaluated"][f"{check}:{reason}"] += 1

    def logged(self, *, stored: bool) -> None:
        with self._lock:
            self.log_errors += not stored
            self.log_failing = not stored

    def snapshot(self) -> dict[str, Any]:
        """A copy: ``{"decisions": n, "outcomes": {...}, ...}``."""
        with self._lock:
            counts = {name: dict(counter) for name, counter in self._counts.items()}
            return {
                "decisions": sum(counts["outcomes"].values()),
                **counts,
                "log_errors": self.log_errors,
                "log_failing": self.log_failing,
            }
