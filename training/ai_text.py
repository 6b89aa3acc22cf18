"""The command: ``python -m training.ai_text --data DIR [--out guardrail/local/ai_text.npz]``.

A logistic model on three numbers of repetition (``guardrail.local.style``). Every figure is of texts whose source
was not learnt: the model is fitted once without each source, and its scale is set on yet other sources. The model
that ships is then fitted on all of them. Prints figures, never a row. Needs numpy only.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guardrail.local import ai_model, prose, style
from guardrail.local.ai_text import EDGES, LABELS

from . import prose as gates
from .data import NoData, Row, attributions
from .figures import Array, Truth, auroc

FILE = "ai_text.jsonl.gz"
VERSION = "guardrail-ai-text-1"
SEED = 20231

RIDGE = 30.0
"""How strongly weights are drawn to 0. So strongly, each number counts by how far it tells the labels apart alone."""

SHORTEST, LONGEST = 1_000, 1_800
"""Characters of a text that is learnt or measured."""

ENOUGH = 50
"""A source with so many long texts is used without its short ones; those of others are joined."""

GRID = np.arange(1, 200) / 200
"""The scores for which scale and rates are kept: 0.005 to 0.995."""

TOGETHER = {
    "yizhongw/self-instruct human outputs": "yizhongw/self-instruct",
    "yizhongw/self-instruct model predictions": "yizhongw/self-instruct",
}
"""Sources that answer the same requests: never one learnt and the other measured."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One text of 1,000 characters or more, whole or joined from short ones of the same source."""

    text: str
    ai: int
    source: str
    joined: bool

    @property
    def family(self) -> str:
        return TOGETHER.get(self.source, self.source)

    @property
    def group(self) -> tuple[str, int]:
        return self.source, self.ai


def read(folder: Path) -> list[Row]:
    """The rows of the plain file. Raises NoData where there is none."""
    path = folder / FILE
    if not path.is_file():
        raise NoData(f"{folder}: no {FILE} there. Give the folder of the training data with --data.")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        held = [json.loads(line) for line in lines]
    return [Row(h["text"], h["labels"], h["source"], h["license"]) for h in held if h["split"] == "train"]


def samples(rows: Sequence[Row]) -> list[Sample]:
    """Texts of ``SHORTEST`` to ``LONGEST`` characters that would be judged at all.

    Longer ones are cut, for in this data length alone tells the labels apart. Where a source has fewer than
    ``ENOUGH``, its shorter ones are joined, in an order that depends on the texts alone.
    """
    groups: dict[tuple[str, int], list[str]] = {}
    for row in rows:
        groups.setdefault((row.source, row.labels["ai_text"]), []).append(row.text.strip())
    found = []
    for (source, ai), texts in sorted(groups.items()):
        whole = [text for text in sorted(texts) if len(text) >= SHORTEST]
        short = [] if len(whole) >= ENOUGH else [text for text in texts if len(text) < SHORTEST]
        found += [Sample(text[:LONGEST], ai, source, False) for text in whole]
        begun = ""
        for text in sorted(short, key=lambda text: (zlib.crc32(text.encode()), text)):
            begun = f"{begun}\n{text}" if begun else text
            if len(begun) >= SHORTEST:
                found.append(Sample(begun[:LONGEST], ai, source, True))
                begun = ""
    return [sample for sample in found if _judged(sample.text)]


def _judged(text: str) -> bool:
    left, code = prose.without_code(text)
    return not code and len(left) >= SHORTEST and prose.is_english(left) and not prose.is_repetitive(left)


@dataclass(frozen=True, slots=True)
class Fit:
    mean: Array
    spread: Array
    weights: Array

    def logits(self, rates: Array) -> Array:
        scaled = np.clip((rates - self.mean) / self.spread, -ai_model.Model.CLIP, ai_model.Model.CLIP)
        found: Array = scaled @ self.weights
        return found


def fit(rates: Array, truth: Truth, groups: Sequence[tuple[str, int]], steps: int = 30) -> Fit:
    """Ridge logistic regression by Newton's method; labels count alike, and in each the root of a source's size.

    There is no constant: the scale says where a logit lies among human-written texts.
    """
    weight = _shares(groups, 0.5) / 2
    mean = weight @ rates
    spread = np.sqrt(weight @ (rates - mean) ** 2) + 1e-6
    scaled = np.clip((rates - mean) / spread, -ai_model.Model.CLIP, ai_model.Model.CLIP)
    design = np.hstack([scaled, np.ones((len(scaled), 1))])
    ridge = np.append(np.full(rates.shape[1], RIDGE), 1e-9)
    at = np.zeros(design.shape[1])
    for _ in range(steps):
        chance = 1.0 / (1.0 + np.exp(-design @ at))
        slope = design.T @ (weight * (chance - truth)) + ridge * at
        curve = (design * (weight * chance * (1 - chance))[:, None]).T @ design + np.diag(ridge)
        move = np.linalg.solve(curve, slope)
        at = at - move
        if np.abs(move).max() < 1e-9:
            break
    return Fit(mean, spread, at[:-1])


def _shares(groups: Sequence[tuple[str, int]], power: float) -> Array:
    """A weight for each text; those of one label add up to 1, and a source's to its size to the ``power``."""
    sizes: dict[tuple[str, int], int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    total = {ai: sum(n**power for (_, of), n in sizes.items() if of == ai) for ai in (0, 1)}
    return np.array([sizes[g] ** power / total[g[1]] / sizes[g] for g in groups], dtype=np.float64)


def scale(logits: Array, weight: Array) -> Array:
    """The logits that shares ``GRID`` of human-written texts stay below: rising, so that they can be read back."""
    order = np.argsort(logits, kind="stable")
    below = np.cumsum(weight[order]) / weight.sum()
    at = np.minimum(np.searchsorted(below, GRID - 1e-12), len(order) - 1)
    rising: Array = np.maximum.accumulate(logits[order][at]) + 1e-9 * np.arange(len(GRID))
    return rising


def train(rows: Sequence[Row], seed: int = SEED) -> tuple[ai_model.Model, dict[str, Any]]:
    """The model and its figures. Raises NoData where sources are too few to hold one out."""
    held = samples(rows)
    truth = np.array([sample.ai for sample in held], dtype=np.int8)
    groups, families = [sample.group for sample in held], np.array([sample.family for sample in held])
    if min((len({g for g in groups if g[1] == ai}) for ai in (0, 1)), default=0) < 3:
        raise NoData(f"{FILE}: fewer than three sources of a label have long English texts")
    rates = np.array([style.measured(sample.text) for sample in held])
    unseen = np.zeros(len(held))
    for family in sorted(set(families.tolist())):
        out = families == family
        learnt = np.flatnonzero(~out)
        unseen[out] = fit(rates[learnt], truth[learnt], _of(groups, learnt)).logits(rates[out])
    reached = _reached(unseen, truth, groups, families)
    found, wrong = (np.mean([curve for g, curve in reached.items() if g[1] == ai], axis=0) for ai in (1, 0))
    human = np.flatnonzero(truth == 0)
    final = fit(rates, truth, groups)
    of_human = scale(unseen[human], _shares(_of(groups, human), 0.0))
    model = ai_model.Model(final.mean, final.spread, final.weights, GRID, of_human, found, wrong, VERSION)
    rng = np.random.default_rng(seed)
    known = _known(rates, truth, groups, rng)
    figures = {
        "auroc_unseen": auroc(unseen, truth),
        "auroc_unseen_by_pair": float(np.mean(list(_pairs(unseen, groups).values()))),
        "auroc_same_source": {f: auroc(unseen[families == f], truth[families == f]) for f in _mixed(families, truth)},
        "auroc_known": known,
        "edges": _edges(reached, rng),
        "sources": _sources(held, reached),
    }
    return model, figures


def _of(groups: Sequence[tuple[str, int]], chosen: NDArray[np.int64]) -> list[tuple[str, int]]:
    return [groups[at] for at in chosen.tolist()]


def _reached(
    unseen: Array, truth: Truth, groups: Sequence[tuple[str, int]], families: NDArray[np.str_]
) -> dict[tuple[str, int], Array]:
    """By source: the share of its texts with at least each score of ``GRID``, on a scale of the other sources."""
    out = {}
    for group in sorted(set(groups)):
        own = np.array([g == group for g in groups])
        others = np.flatnonzero((truth == 0) & (families != TOGETHER.get(group[0], group[0])))
        of = scale(unseen[others], _shares(_of(groups, others), 0.0))
        scores = np.interp(unseen[own], of, GRID)
        out[group] = np.array([(scores >= score - 1e-12).mean() for score in GRID])
    return out


def _known(rates: Array, truth: Truth, groups: Sequence[tuple[str, int]], rng: np.random.Generator) -> float:
    """AUROC on a random fifth of the texts, the others of their sources learnt."""
    apart = rng.random(len(truth)) < 0.2
    learnt = np.flatnonzero(~apart)
    return auroc(fit(rates[learnt], truth[learnt], _of(groups, learnt)).logits(rates[apart]), truth[apart])


def _pairs(logits: Array, groups: Sequence[tuple[str, int]]) -> dict[str, float]:
    """AUROC of each source by AI against each by people."""
    by = {group: logits[[g == group for g in groups]] for group in sorted(set(groups))}
    found = {}
    for one, high in by.items():
        for other, low in by.items():
            if one[1] == 1 and other[1] == 0:
                truth = np.repeat(np.array([1, 0], dtype=np.int8), [len(high), len(low)])
                found[f"{one[0]} / {other[0]}"] = auroc(np.concatenate([high, low]), truth)
    return found


def _mixed(families: NDArray[np.str_], truth: Truth) -> list[str]:
    """Sources with texts of both labels."""
    return [f for f in sorted(set(families.tolist())) if len(set(truth[families == f].tolist())) == 2]


def _edges(reached: Mapping[tuple[str, int], Array], rng: np.random.Generator) -> dict[str, Any]:
    """True and false positives at each edge: the mean over sources, and 95 % of 10,000 draws of sources."""
    out: dict[str, Any] = {}
    for edge in EDGES:
        at = int(np.argmin(np.abs(GRID - edge)))
        row = {}
        for name, ai in (("true_positive", 1), ("false_positive", 0)):
            shares = np.array([curve[at] for g, curve in reached.items() if g[1] == ai])
            drawn = rng.choice(shares, (10_000, len(shares))).mean(axis=1)
            low, high = np.quantile(drawn, [0.025, 0.975])
            row[name] = [float(shares.mean()), float(low), float(high)]
        out[f"{edge:.2f}"] = row
    return out


def _sources(held: Sequence[Sample], reached: Mapping[tuple[str, int], Array]) -> list[dict[str, Any]]:
    rows = []
    for (source, ai), curve in reached.items():
        own = [sample for sample in held if sample.group == (source, ai)]
        shares = {f"{edge:.2f}": float(curve[int(np.argmin(np.abs(GRID - edge)))]) for edge in EDGES}
        joined = sum(sample.joined for sample in own)
        rows.append({"source": source, "ai": ai, "texts": len(own), "joined": joined, "reached": shares})
    return rows


def table(figures: Mapping[str, Any]) -> str:
    """The figures as Markdown, for a person and for docs/ai-text.md."""
    same = ", ".join(f"{name} {value:.3f}" for name, value in figures["auroc_same_source"].items())
    lines = [
        f"AUROC, unseen sources, all texts: {figures['auroc_unseen']:.3f}.",
        f"AUROC, unseen sources, mean over pairs (one by AI, one by people): {figures['auroc_unseen_by_pair']:.3f}.",
        f"AUROC, unseen sources that have both: {same}.",
        f"AUROC, known sources: {figures['auroc_known']:.3f}.",
        "",
        "| label, from score | of texts by AI (true positives) | of texts by people (false positives) |",
        "| --- | --- | --- |",
    ]
    for label, (edge, row) in zip(LABELS[1:], figures["edges"].items(), strict=True):
        cells = (f"{mean:.3f} ({low:.3f} to {high:.3f})" for mean, low, high in row.values())
        lines.append(f"| {label} or higher, {edge} | " + " | ".join(cells) + " |")
    heads = ["source", "written by", "texts (joined)", *(f"{edge:.2f}" for edge in EDGES)]
    lines += ["", "| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    for row in figures["sources"]:
        cells_ = [row["source"], "AI" if row["ai"] else "people", f"{row['texts']} ({row['joined']})"]
        lines.append("| " + " | ".join([*cells_, *(f"{share:.3f}" for share in row["reached"].values())]) + " |")
    return "\n".join(lines)


def _gates(folder: Path) -> str:
    """What is taken for English prose: by language, and of code."""
    by = gates.languages(folder)
    shares = ", ".join(f"{name} {share:.3f} of {n}" for name, (n, share, _) in by.items())
    wrong = f"{by['en'][2]:.3f}" if "en" in by else "-"
    pieces, called, judged = gates.code()
    return (
        f"\nCalled English, by language: {shares}.\nEnglish texts called code: {wrong}.\n"
        f"Python's library, {pieces} pieces: {called:.3f} called code, {judged:.3f} would be judged."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the artifact is written, 2 when there is no data."""
    parser = argparse.ArgumentParser(prog="python -m training.ai_text", description="Train the AI-text signal.")
    parser.add_argument("--data", type=Path, required=True, help=f"folder of {FILE}")
    parser.add_argument("--out", type=Path, default=ai_model.ARTIFACT, help="where the artifact is written")
    options = parser.parse_args(arguments)
    try:
        rows = read(options.data)
        model, figures = train(rows)
    except NoData as error:
        print(error, file=sys.stderr)
        return 2
    about = {"seed": SEED, "ridge": RIDGE, "figures": figures, "data": attributions(rows)}
    ai_model.save(options.out, model, about)
    print(table(figures))
    print(_gates(options.data))
    print(f"{options.out}: {options.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
