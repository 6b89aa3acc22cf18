"""Prometheus exposition of a guard's counters: by check and outcome, never by user."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ..core import Guard

_FAMILIES = {
    "outcomes": ("guardrail_decisions", "Decisions by outcome.", "outcome"),
    "actions": ("guardrail_actions", "Decisions by action (would-be where the policy observes).", "action"),
    "ended": ("guardrail_exchanges", "Exchanges by how they ended.", "ended"),
    "findings": ("guardrail_findings", "Decisions in which a check found something a rule is about.", "check"),
}


class _Collector:
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def collect(self) -> Iterator[Metric]:
        stats = self._guard.stats()
        for key, (name, text, label) in _FAMILIES.items():
            family = CounterMetricFamily(name, text, labels=[label])
            for value, count in stats[key].items():
                family.add_metric([value], count)
            yield family
        missed = CounterMetricFamily(
            "guardrail_not_evaluated", "Decisions with something not evaluated.", labels=["check", "reason"]
        )
        for value, count in stats["not_evaluated"].items():
            missed.add_metric(value.split(":", 1), count)
        yield missed
        yield CounterMetricFamily(
            "guardrail_log_errors", "Decisions that could not be stored.", value=stats["log_errors"]
        )
        asked = CounterMetricFamily(
            "guardrail_backend", "What a backend was asked and how that went.", labels=["check", "what"]
        )
        resting = GaugeMetricFamily("guardrail_backend_resting", "1: left alone after failures.", labels=["check"])
        for check, counts in stats["backends"].items():
            for what, count in counts.items():
                if isinstance(count, int):
                    asked.add_metric([check, what], count)
            resting.add_metric([check], float(counts["breaker"] != "closed"))
        yield asked
        yield resting
        info = GaugeMetricFamily("guardrail_policy", "The policy in force.", labels=["policy", "hash", "mode"])
        info.add_metric([stats["policy"], stats["policy_hash"][:12], stats["mode"]], 1)
        yield info


def exposition(guard: Guard) -> tuple[bytes, str]:
    """The text to answer a scrape with, and its media type."""
    registry = CollectorRegistry()
    registry.register(_Collector(guard))
    return generate_latest(registry), CONTENT_TYPE_LATEST
