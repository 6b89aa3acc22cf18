"""A report for people: one HTML file that needs nothing else, with precision-recall curves.

Knows how figures are laid out. Must never show a text of a row, and escapes every name it is given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from .figures import Figure
from .measures import Measured, Part, Report, Result

DRAWN = 4
"""Subjects drawn in one picture; more could not be told apart."""

_STYLE = """
:root { color-scheme: light dark; --page: #fcfcfb; --ink: #0b0b0b; --soft: #52514e; --line: #e1e0d9;
  --s0: #2a78d6; --s1: #eb6834; --s2: #1baf7a; --s3: #eda100; }
@media (prefers-color-scheme: dark) { :root { --page: #1a1a19; --ink: #ffffff; --soft: #c3c2b7; --line: #3a3a37;
  --s0: #3987e5; --s1: #d95926; --s2: #199e70; --s3: #c98500; } }
body { font: 15px/1.5 system-ui, sans-serif; background: var(--page); color: var(--ink); max-width: 76rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
p, caption, .soft { color: var(--soft); } caption { text-align: left; padding-bottom: .5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child, th.name, td.name { text-align: left; }
td small { color: var(--soft); }
.curves { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; } figcaption { font-size: .88rem; }
svg text { font: 10px system-ui, sans-serif; fill: var(--soft); }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .point { stroke: var(--page); stroke-width: 2; }
.legend { display: flex; flex-wrap: wrap; gap: 1.2rem; list-style: none; padding: 0; }
.legend svg { vertical-align: middle; margin-right: .4rem; }
"""

_NONE = "&ndash;"

_LEFT, _TOP, _WIDE, _HIGH = 34, 10, 200, 160
"""Where a picture's plane begins, and its size; the axes take the rest of 244 by 206."""


def page(found: Report) -> str:
    """The whole document."""
    data = found.data
    sample = "" if len(data.rows) == data.total else f" (a sample of {data.total:,})"
    doubled = f", {data.duplicates:,} of them repeats" if data.duplicates else ""
    about = (
        f"<p>{escape(data.name)}: {len(data.rows):,} rows{sample}{doubled}. sha256 <code>{data.sha256}</code>. "
        f"Intervals are 95 %: of AUPRC and AUROC by a bootstrap over rows ({found.resamples} resamples, seed "
        f"{found.seed}), of shares by Wilson's score. A row whose label is not known is in no figure of that "
        "category.</p>"
    )
    parts = [about, _curves(found.results), *(_result(one) for one in found.results)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Evaluation on {escape(data.name)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Evaluation on {escape(data.name)}</h1>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def _result(one: Result) -> str:
    unjudged = "".join(f", not judged for {escape(why)}: {count:,}" for why, count in one.unjudged.items())
    unscored = f" It cannot find: {escape(', '.join(one.unscored))}." if one.unscored else ""
    caption = (
        f"{one.judged:,} rows judged{unjudged}. Latency of a text: p50 {one.p50 * 1000:.2f} ms, "
        f"p95 {one.p95 * 1000:.2f} ms.{unscored}"
    )
    head = (
        "category",
        "positive",
        "negative",
        "unknown",
        "AUPRC",
        "AUROC",
        "threshold",
        "precision",
        "recall",
        "false-positive rate",
        "F1",
        "TP",
        "FP",
        "FN",
        "TN",
    )
    rows = [_row(m) for m in (one.overall, *one.categories)]
    slices = _slices(one.parts) if one.parts else ""
    return f"<h2>{escape(one.subject)}</h2>\n{_table(caption, head, rows)}\n{slices}"


def _row(m: Measured) -> list[str]:
    counts = m.counts
    return [
        escape(m.name),
        *(f"{n:,}" for n in (m.positives, m.negatives, m.unknown)),
        _cell(m.auprc),
        _cell(m.auroc),
        "own decision" if m.threshold is None else f"{m.threshold:.3f}",
        *(_cell(figure) for figure in (counts.precision, counts.recall)),
        _cell(counts.fpr, 4),
        _number(counts.f1),
        *(f"{n:,}" for n in (counts.tp, counts.fp, counts.fn, counts.tn)),
    ]


def _slices(parts: Sequence[Part]) -> str:
    head = ("slice", "rows", "category", "positive", "negative", "AUPRC", "precision", "recall", "false-positive rate")
    rows = []
    for part in parts:
        for m in (part.overall, *part.categories):
            if m.positives + m.negatives:
                counts = m.counts
                rows.append(
                    [
                        f"{escape(part.by)}: {escape(part.value)}",
                        f"{part.rows:,}",
                        escape(m.name),
                        f"{m.positives:,}",
                        f"{m.negatives:,}",
                        _cell(m.auprc),
                        _cell(counts.precision),
                        _cell(counts.recall),
                        _cell(counts.fpr, 4),
                    ]
                )
    return f"<details><summary>By slice</summary>\n{_table('', head, rows, names=(0, 2))}\n</details>"


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], names: Sequence[int] = (0,)) -> str:
    """Cells are HTML already."""

    def line(cells: Sequence[str], tag: str) -> str:
        marked = (f"<{tag}{' class=name' if n in names else ''}>{cell}</{tag}>" for n, cell in enumerate(cells))
        return f"<tr>{''.join(marked)}</tr>"

    said = f"<caption>{caption}</caption>" if caption else ""
    body = "\n".join(line(row, "td") for row in rows)
    top = line(head, "th")
    return f'<div class="wide"><table>{said}<thead>{top}</thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _cell(figure: Figure, digits: int = 3) -> str:
    if math.isnan(figure.value):
        return _NONE
    shown = f"{figure.value:.{digits}f}"
    if math.isnan(figure.low):
        return shown
    return f"{shown} <small>{figure.low:.{digits}f} to {figure.high:.{digits}f}</small>"


def _number(value: float) -> str:
    return _NONE if math.isnan(value) else f"{value:.3f}"


def _curves(results: Sequence[Result]) -> str:
    """A picture a category, in each a line a subject and a dot where it decides."""
    drawn = [one for one in results if one.ranks][:DRAWN]
    names = list(dict.fromkeys(m.name for one in drawn for m in (one.overall, *one.categories) if m.curve))
    if not names:
        return ""
    legend = "".join(
        f'<li><svg width="18" height="10" aria-hidden="true"><line x1="0" y1="5" x2="18" y2="5" stroke="var(--s{n})" '
        f'stroke-width="2"/></svg>{escape(one.subject)}</li>'
        for n, one in enumerate(drawn)
    )
    shown = f'<ul class="legend">{legend}</ul>' if len(drawn) > 1 else ""
    pictures = "\n".join(_picture(name, drawn) for name in names)
    return (
        '<h2>Precision and recall</h2>\n<p>Lines: every threshold. Dots: the operating point; that of "any" is the '
        f'categories\' own thresholds together.</p>\n{shown}\n<div class="curves">\n{pictures}\n</div>'
    )


def _picture(name: str, drawn: Sequence[Result]) -> str:
    lines, dots = [], []
    for n, one in enumerate(drawn):
        for m in (one.overall, *one.categories):
            if m.name == name and m.curve:
                lines.append(f'<path class="curve" stroke="var(--s{n})" d="{_path(m.curve)}"/>')
                dots.append(_dot(n, one.subject, m))
    grid = "".join(
        f'<line class="grid" x1="{_x(v):.0f}" x2="{_x(v):.0f}" y1="{_y(0):.0f}" y2="{_y(1):.0f}"/>'
        f'<line class="grid" x1="{_x(0):.0f}" x2="{_x(1):.0f}" y1="{_y(v):.0f}" y2="{_y(v):.0f}"/>'
        f'<text x="{_x(v):.0f}" y="{_y(0) + 14:.0f}" text-anchor="middle">{v:g}</text>'
        f'<text x="{_LEFT - 6}" y="{_y(v) + 3:.0f}" text-anchor="end">{v:g}</text>'
        for v in (0, 0.5, 1)
    )
    middle = f'<text x="{_x(0.5):.0f}" y="{_y(0) + 30:.0f}" text-anchor="middle">recall</text>'
    side = f'<text transform="translate(10 {_y(0.5):.0f}) rotate(-90)" text-anchor="middle">precision</text>'
    label = escape(f"Precision and recall of {name}", quote=True)
    return (
        f'<figure><figcaption>{escape(name)}</figcaption><svg width="244" height="206" viewBox="0 0 244 206" '
        f'role="img" aria-label="{label}">{grid}{middle}{side}{"".join(lines)}{"".join(dots)}</svg></figure>'
    )


def _path(curve: Sequence[tuple[float, float]]) -> str:
    """Steps: the precision at a threshold is that of all the recall gained there."""
    steps = [f"M{_x(0):.1f} {_y(curve[0][1]):.1f}"]
    for recall, precision in curve:
        steps.append(f"V{_y(precision):.1f}H{_x(recall):.1f}")
    return "".join(steps)


def _dot(n: int, subject: str, m: Measured) -> str:
    recall, precision = m.counts.recall.value, m.counts.precision.value
    if math.isnan(recall) or math.isnan(precision):
        return ""
    said = escape(f"{subject}: precision {precision:.3f}, recall {recall:.3f}")
    return (
        f'<circle class="point" cx="{_x(recall):.1f}" cy="{_y(precision):.1f}" r="5" fill="var(--s{n})">'
        f"<title>{said}</title></circle>"
    )


def _x(share: float) -> float:
    return _LEFT + share * _WIDE


def _y(share: float) -> float:
    return _TOP + (1 - share) * _HIGH
