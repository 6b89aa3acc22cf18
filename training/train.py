"""The command: ``python -m training.train --data DIR [--out guardrail/local/model.npz]``.

Three models are trained, each without the sources of one fold, to score every row by a model that
never saw its source; calibration, operating points and figures come from those scores. One more is
trained without a fifth of the rows of every source: for the figures on known sources, and for the
categories that too few sources have. The model that ships is then trained on all rows.
Prints figures, never a row. Needs numpy only.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guardrail.local import linear, ngrams
from guardrail.local.categories import CATEGORIES, COMPOSED, OWN_CATEGORIES, TRAINED
from guardrail.local.minors import compose, refers_to_minor

from . import everyday, long_prose, near_misses, positives
from .data import FOLDS, NoData, Row, attributions, folds, read
from .figures import FLOORS, SHARES, Array, at_point, at_prior, auprc, auroc, platt, threshold
from .fit import EPOCHS, corpus, fit, scores

SEED = 20231
VERSION = "guardrail-local-1"

PRIOR = 0.05
"""Scores are calibrated for traffic in which at most this share of the texts is positive, by category."""

NEAR_MISS = 5.0
"""Weight of an own harmless row: there are few, and a false refusal is what users notice."""

FEW = 3
"""A category with fewer sources than this is calibrated and measured on known sources."""


def own_rows() -> list[Row]:
    """The texts written for this project: harmless near misses, long prose and filler, and mild positives."""
    clear = dict.fromkeys(TRAINED, 0)
    harmless = near_misses.sentences() + long_prose.texts() + everyday.fillers()
    misses = [Row(text, clear, "own near misses", "project-owned", NEAR_MISS) for text in harmless]
    wanted = [Row(text, labels, "own positives", "project-owned") for text, labels in positives.sentences()]
    return misses + wanted


def train(rows: Sequence[Row], *, seed: int = SEED, epochs: int = EPOCHS) -> tuple[linear.LinearModel, dict[str, Any]]:
    """The calibrated model and the figures of its cross-validation."""
    held = corpus(rows)
    say(f"{len(rows)} rows hashed, {len(held.start)} windows, {len(held.buckets)} n-grams")
    fold = np.array(folds(rows, seed))
    unseen = np.zeros((len(rows), len(TRAINED)))
    windows = np.ones((len(rows), 1), dtype=np.int64)
    for number in range(FOLDS):
        model = fit(held, np.flatnonzero(fold != number), seed, epochs)
        out = np.flatnonzero(fold == number)
        unseen[out], windows[out] = scores(model, [rows[at].text for at in out.tolist()])
        say(f"fold {number + 1} of {FOLDS}: {len(rows) - len(out)} rows learnt, {len(out)} scored")
    rng = np.random.default_rng(seed)
    apart = rng.random(len(rows)) < 0.2
    known = fit(held, np.flatnonzero(~apart), seed, epochs)
    out = np.flatnonzero(apart)
    seen = np.full((len(rows), len(TRAINED)), np.nan)
    seen[out], _ = scores(known, [rows[at].text for at in out.tolist()])
    say(f"known sources: {len(rows) - len(out)} rows learnt, {len(out)} scored")
    dev = unseen.copy()
    for at, name in enumerate(TRAINED):
        if len({row.source for row in rows if row.labels.get(name) == 1}) < FEW:
            dev[:, at] = seen[:, at]
    curves = [_curve(dev[:, at], held.labels[:, at], windows[:, 0]) for at in range(len(TRAINED))]
    final = replace(
        fit(held, np.arange(len(rows)), seed, epochs),
        slope=np.array([curve[0] for curve in curves]),
        shift=np.array([curve[1] for curve in curves]),
        version=VERSION,
    )
    say("final model: all rows learnt")
    found = [1.0 / (1.0 + np.exp(-final.calibrated(part, windows))) for part in (dev, unseen, seen)]
    points = operating_points(found[1][[row.benign for row in rows]])
    figures = evaluate(rows, found[0], found[1], found[2], held.labels, points)
    return replace(final, points=points), figures


def _curve(logits: Array, truth: NDArray[np.int8], windows: NDArray[np.int64]) -> tuple[float, float]:
    known = (truth >= 0) & ~np.isnan(logits)
    if not (truth[known] == 1).any():
        return 1.0, -10.0
    slope, shift = platt(logits[known], truth[known], linear.lowering(windows[known]))
    return slope, at_prior(shift, truth[known], PRIOR)


def operating_points(benign: Array) -> dict[str, dict[str, float]]:
    """Thresholds by point and category, from calibrated scores of the benign rows.

    ``sexual/minors`` is flagged at the points of ``sexual``: its composed score is the higher one
    wherever a minor is referred to, and near 0 elsewhere.
    """
    found = {}
    for point, share in SHARES.items():
        by = {name: threshold(benign[:, at], share, FLOORS[point]) for at, name in enumerate(TRAINED)}
        by[COMPOSED] = by["sexual"]
        found[point] = {name: by[name] for name in CATEGORIES}
    return found


def evaluate(
    rows: Sequence[Row],
    dev: Array,
    unseen: Array,
    seen: Array,
    labels: NDArray[np.int8],
    points: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """Figures by category, and how many harmless rows are flagged in any category, by point.

    ``dev`` are the scores the category was calibrated on: ``unseen``, or ``seen`` for those of few
    sources. NaN marks a row that was not scored.
    """
    by: dict[str, Any] = {}
    for at, name in enumerate(TRAINED):
        known = (labels[:, at] >= 0) & ~np.isnan(dev[:, at])
        truth, found = labels[known, at], dev[known, at]
        same = (labels[:, at] >= 0) & ~np.isnan(seen[:, at])
        by[name] = {
            "positives": int((truth == 1).sum()),
            "negatives": int((truth == 0).sum()),
            "sources": len({row.source for row in rows if row.labels.get(name) == 1}),
            "auprc": auprc(found, truth),
            "auroc": auroc(found, truth),
            "auprc_known_sources": auprc(seen[same, at], labels[same, at]),
            "points": {point: _at(found, truth, points[point][name]) for point in points},
        }
    sexual = unseen[:, TRAINED.index("sexual")]
    minors = np.array([compose(s, _reference(row.text)) for s, row in zip(sexual, rows, strict=True)])
    benign = np.array([row.benign for row in rows])
    own = {
        "near misses": frozenset(near_misses.sentences()),
        "long prose": frozenset(long_prose.texts()),
        "filler": frozenset(everyday.fillers()),
    }
    among = {kind: np.array([row.text in texts for row in rows]) for kind, texts in own.items()}
    flagged = {}
    for point, limits in points.items():
        over = unseen >= np.array([limits[name] for name in TRAINED])
        of_minors = minors >= limits[COMPOSED]
        of_openai = over[:, [name not in OWN_CATEGORIES for name in TRAINED]].any(axis=1) | of_minors
        flagged[point] = {
            "any": float((over.any(axis=1) | of_minors)[benign].mean()),
            "any of the 13": float(of_openai[benign].mean()),
            COMPOSED: float(of_minors[benign].mean()),
            **{
                f"any, {kind}": float((over.any(axis=1) | of_minors)[of].mean()) if of.any() else 0.0
                for kind, of in among.items()
            },
        }
    return {"categories": by, "benign_rows": int(benign.sum()), "benign_flagged": flagged}


def _reference(text: str) -> bool:
    return refers_to_minor(ngrams.words(ngrams.normalised(text)))


def _at(found: Array, truth: NDArray[np.int8], limit: float) -> dict[str, float]:
    at = at_point(found, truth, limit)
    return {"threshold": at.threshold, "precision": at.precision, "recall": at.recall, "fpr": at.fpr}


def table(figures: Mapping[str, Any]) -> str:
    """The figures as a Markdown table, for a person and for the model card."""
    heads = ["category", "positives / negatives (sources)", "AUPRC", "AUROC", "AUPRC, known sources", *SHARES]
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    for name, row in figures["categories"].items():
        cells = [
            name,
            f"{row['positives']} / {row['negatives']} ({row['sources']})",
            *(f"{row[figure]:.3f}" for figure in ("auprc", "auroc", "auprc_known_sources")),
            *(
                f"{at['threshold']:.3f}: {at['precision']:.2f} / {at['recall']:.2f} / {at['fpr']:.4f}"
                for at in row["points"].values()
            ),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"Benign rows: {figures['benign_rows']}. Share flagged:"]
    for point, shares in figures["benign_flagged"].items():
        lines.append(f"- {point}: " + ", ".join(f"{what} {share:.4f}" for what, share in shares.items()))
    return "\n".join(lines)


def say(text: str) -> None:
    print(f"[{time.process_time():6.0f} s] {text}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the artifact is written, 2 when there is no data."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description="Train the embedded model.")
    parser.add_argument("--data", type=Path, required=True, help="folder of moderation.jsonl.gz and the others")
    parser.add_argument("--out", type=Path, default=linear.ARTIFACT, help="where the artifact is written")
    options = parser.parse_args(arguments)
    try:
        rows = read(options.data) + own_rows()
    except NoData as error:
        print(error, file=sys.stderr)
        return 2
    model, figures = train(rows)
    about = {"seed": SEED, "epochs": EPOCHS, "figures": figures, "data": attributions(rows)}
    linear.save(options.out, model, about)
    print(table(figures))
    say(f"{options.out}: {options.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
