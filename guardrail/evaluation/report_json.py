"""A report for programs: everything that was measured, as plain JSON values.

Knows the names under which figures are published. Must never hold a text of a row; what cannot be said is null.
"""

from __future__ import annotations

import math
from typing import Any

from .fairness import Fairness
from .figures import Figure
from .measures import Measured, Report, Result


def report(found: Report) -> dict[str, Any]:
    """Ready for ``json.dumps``."""
    return {
        "data": {
            "name": found.data.name,
            "sha256": found.data.sha256,
            "rows": len(found.data.rows),
            "of": found.data.total,
            "duplicates": found.data.duplicates,
            "labelled": list(found.data.labelled),
        },
        "seed": found.seed,
        "resamples": found.resamples,
        "results": [result(one) for one in found.results],
    }


def result(one: Result) -> dict[str, Any]:
    """One subject. Latencies are seconds."""
    return {
        "subject": one.subject,
        "ranks": one.ranks,
        "judged": one.judged,
        "unjudged": dict(one.unjudged),
        "unscored": list(one.unscored),
        "latency": {"p50": one.p50, "p95": one.p95},
        "any": measured(one.overall),
        "categories": {m.name: measured(m) for m in one.categories},
        "slices": [
            {
                "by": part.by,
                "value": part.value,
                "rows": part.rows,
                "any": measured(part.overall),
                "categories": {m.name: measured(m) for m in part.categories},
            }
            for part in one.parts
        ],
    }


def measured(one: Measured) -> dict[str, Any]:
    counts = one.counts
    return {
        "positives": one.positives,
        "negatives": one.negatives,
        "unknown": one.unknown,
        "threshold": one.threshold,
        "auprc": _figure(one.auprc),
        "auroc": _figure(one.auroc),
        "precision": _figure(counts.precision),
        "recall": _figure(counts.recall),
        "fpr": _figure(counts.fpr),
        "f1": _number(counts.f1),
        "confusion": {"tp": counts.tp, "fp": counts.fp, "fn": counts.fn, "tn": counts.tn},
    }


def fairness(found: Fairness) -> dict[str, Any]:
    return {
        "subject": found.subject,
        "max_gap": found.bar,
        "passed": found.passed,
        "unjudged": found.unjudged,
        "kinds": {
            gap.kind: {
                "gap": _figure(gap.gap),
                "groups": {
                    rate.group: {"blocked": rate.blocked, "sentences": rate.total, "rate": _figure(rate.share)}
                    for rate in gap.rates
                },
            }
            for gap in found.gaps
        },
    }


def _figure(figure: Figure) -> dict[str, float | None] | None:
    if math.isnan(figure.value):
        return None
    return {"value": figure.value, "low": _number(figure.low), "high": _number(figure.high)}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
