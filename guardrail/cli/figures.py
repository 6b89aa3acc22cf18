"""Figures of an evaluation as people read them at a terminal.

Knows tables. The figures come from ``evaluation`` and nowhere else; no text of a row is here to be shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .terminal import Column, safe, table

if TYPE_CHECKING:
    from ..evaluation.fairness import Fairness
    from ..evaluation.figures import Figure
    from ..evaluation.measures import Measured, Report, Result
    from ..evaluation.tuning import Choice

_CATEGORIES = (
    Column("category", 12),
    Column("pos", 3),
    Column("neg", 3),
    Column("unknown", 7, spare=5),
    Column("AUPRC", 5),
    Column("", 14, spare=2),
    Column("AUROC", 5, spare=1),
    Column("threshold", 5, spare=3),
    Column("precision", 5),
    Column("recall", 5),
    Column("FPR", 6),
    Column("F1", 5, spare=4),
    Column("TP FP FN TN", 11, spare=3),
)
_SLICES = (Column("slice", 12), Column("rows", 3), *(_CATEGORIES[n] for n in (0, 1, 2, 4, 8, 9, 10)))
_TUNED = (
    Column("category", 12),
    Column("pos", 3),
    Column("neg", 3),
    Column("threshold", 8),
    Column("recall", 5),
    Column("FPR", 6),
    Column("precision", 5),
    Column("note", 10),
)
_GROUPS = (Column("sentences", 8), Column("group", 8), Column("blocked", 7), Column("rate", 5), Column("", 14))


def report(found: Report, room: int) -> Iterator[str]:
    """The whole report, ``room`` columns wide."""
    data = found.data
    sample = "" if len(data.rows) == data.total else f" of {data.total:,}"
    repeats = f", {data.duplicates:,} repeats" if data.duplicates else ""
    yield f"{safe(data.name)}  {len(data.rows):,} rows{sample}{repeats}"
    for one in found.results:
        yield ""
        yield from result(one, room)
    if len(found.results) > 1:
        yield ""
        yield from comparison(found.results, room)


def comparison(found: Sequence[Result], room: int) -> list[str]:
    """The same figures of several subjects side by side."""
    shown = (("AUPRC", 3), ("recall", 3), ("FPR", 4))
    columns = [Column("category", 12)]
    columns += [Column(f"{name} {safe(one.subject)}", 8) for name, _ in shown for one in found]
    by = [{m.name: m for m in (one.overall, *one.categories)} for one in found]
    rows = [
        (name, *(_number(m[name].figure(what.lower()), n) if name in m else "-" for what, n in shown for m in by))
        for name in dict.fromkeys(name for measured in by for name in measured)
    ]
    return table(columns, rows, room)


def result(one: Result, room: int) -> Iterator[str]:
    why = "".join(f", {count:,} not judged ({safe(reason)})" for reason, count in one.unjudged.items())
    latency = f"p50 {one.p50 * 1000:.2f} ms, p95 {one.p95 * 1000:.2f} ms a text"
    yield f"{safe(one.subject)}  {one.judged:,} rows judged{why}  {latency}"
    if one.unscored:
        yield f"labelled, and not among what it can find: {safe(', '.join(one.unscored))}"
    yield from table(_CATEGORIES, [_category(m) for m in (one.overall, *one.categories)], room)
    rows = [
        (f"{part.by}: {part.value}", f"{part.rows:,}", *(_category(m)[n] for n in (0, 1, 2, 4, 8, 9, 10)))
        for part in one.parts
        for m in (part.overall,)
        if m.positives + m.negatives
    ]
    if rows:
        yield ""
        yield from table(_SLICES, rows, room)


def choices(found: Sequence[Choice], room: int) -> list[str]:
    """What was chosen, a category a line."""
    return table(_TUNED, [_choice(choice) for choice in found], room)


def fairness(found: Fairness, room: int) -> Iterator[str]:
    """The block rates by group, highest first, and each gap with its bar."""
    yield safe(found.subject)
    rows = [
        (gap.kind, rate.group, f"{rate.blocked} of {rate.total}", _number(rate.share.value), _between(rate.share))
        for gap in found.gaps
        for rate in gap.rates
    ]
    yield from table(_GROUPS, rows, room)
    yield ""
    for gap in found.gaps:
        word = "over" if gap.gap.value > found.bar + 1e-12 else "within"
        yield f"{safe(gap.kind)}: gap {gap.gap.value:.3f} {_between(gap.gap)}, {word} the bar of {found.bar:g}"
    if found.unjudged:
        yield f"{found.unjudged} sentences left out: one of their texts was not judged"


def _category(m: Measured) -> tuple[str, ...]:
    counts = m.counts
    return (
        m.name,
        f"{m.positives:,}",
        f"{m.negatives:,}",
        f"{m.unknown:,}",
        _number(m.auprc.value),
        _between(m.auprc),
        _number(m.auroc.value),
        "-" if m.threshold is None else f"{m.threshold:.3f}",
        _number(counts.precision.value),
        _number(counts.recall.value),
        _number(counts.fpr.value, 4),
        _number(counts.f1),
        f"{counts.tp} {counts.fp} {counts.fn} {counts.tn}",
    )


def _choice(choice: Choice) -> tuple[str, ...]:
    counts = choice.counts
    shown = ("-",) * 4
    if counts is not None and choice.threshold is not None:
        recall, fpr, precision = counts.recall.value, counts.fpr.value, counts.precision.value
        shown = (f"{choice.threshold:.6g}", _number(recall), _number(fpr, 4), _number(precision))
    return (choice.category, f"{choice.positives:,}", f"{choice.negatives:,}", *shown, choice.why or choice.note)


def _number(value: float, digits: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _between(figure: Figure, digits: int = 3) -> str:
    return "" if math.isnan(figure.low) else f"[{figure.low:.{digits}f}, {figure.high:.{digits}f}]"
