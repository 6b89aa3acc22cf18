"""The figures of the model card: the shipped models and their peers, on the development rows and the test twins.

Knows scores and labels; prints and returns numbers only, never a text.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guardrail.categories import OPENAI_MODERATION
from guardrail.evaluation.figures import Figure, Ranking, percentile, proportion
from guardrail.local.calibration import ACCURATE, FAST
from guardrail.local.categories import CATEGORIES, COMPOSED, INDIRECT, LEARNT, TRAINED
from guardrail.local.tiers import Tiers

from .data import Row
from .figures import Array, at_point
from .twins import DOCUMENT, TEST, Twin, twins

RESAMPLES = 400
RECALLS = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8)
LENGTHS = ((0, 60), (61, 200), (201, 600), (601, 1 << 30))
LONG = {1_000: 300, 4_000: 150, 32_000: 40}
"""Characters, and how many texts of each length are made."""
CASCADE = "cascade"
THIRTEEN = [CATEGORIES.index(name) for name in OPENAI_MODERATION]
ASKED = [*THIRTEEN, CATEGORIES.index("prompt_injection")]
"""What a refusal of a twin prompt rests on."""


def scores(tier: str | None, texts: Sequence[str], indirect: Sequence[bool]) -> tuple[Array, float]:
    """(texts, categories), and the share that the encoder was asked about."""
    by = {path: Tiers(tier, indirect=path) for path in set(indirect)}
    found = [by[path].score([text])[0] for text, path in zip(texts, indirect, strict=True)]
    asked = sum(one.tier == ACCURATE for one in found) / max(len(found), 1)
    return np.array([[one.scores[name] for name in CATEGORIES] for one in found]), asked


def truth_of(rows: Sequence[Row]) -> NDArray[np.int8]:
    """(rows, categories): the composed one is never known; an injection in a document counts as one."""

    def label(row: Row, name: str) -> int:
        if name == "prompt_injection" and is_document(row):
            return row.labels.get(INDIRECT, -1)
        return -1 if name == COMPOSED else row.labels.get(name, -1)

    return np.array([[label(row, name) for name in CATEGORIES] for row in rows], dtype=np.int8)


def is_document(row: Row) -> bool:
    """Whether the text came from a tool or a document, as far as this project's own rows say."""
    if row.source.startswith("own documents"):
        return True
    return row.source.startswith("own twins") and INDIRECT in row.labels and "prompt_injection" not in row.labels


def any_of(truth: NDArray[np.int8]) -> NDArray[np.int8]:
    """Whether any of the 13 is true: -1 where none is and fewer than half are known."""
    known = truth[:, [at for at in THIRTEEN if CATEGORIES[at] != COMPOSED]]
    clear = (known == 0).sum(axis=1) >= 6
    return np.where((known == 1).any(axis=1), 1, np.where(clear, 0, -1)).astype(np.int8)


def ranked(found: Array, truth: NDArray[np.int8], seed: int = 1) -> tuple[Figure, Figure]:
    """AUPRC and AUROC of the rows that are known, with intervals."""
    known = truth >= 0
    return Ranking(found[known], truth[known]).intervals(RESAMPLES, seed)


def by_category(found: Array, truth: NDArray[np.int8], points: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in TRAINED:
        at = CATEGORIES.index(name)
        known = truth[:, at] >= 0
        auprc, auroc = ranked(found[:, at], truth[:, at])
        out[name] = {
            "positives": int((truth[:, at] == 1).sum()),
            "negatives": int((truth[:, at] == 0).sum()),
            "auprc": written(auprc),
            "auroc": written(auroc),
            "points": {p: vars_of(at_point(found[known, at], truth[known, at], by[name])) for p, by in points.items()},
        }
    return out


def vars_of(at: Any) -> dict[str, float]:
    return {n: round(float(getattr(at, n)), 4) for n in ("threshold", "precision", "recall", "fpr")}


def written(figure: Figure) -> list[float]:
    return [round(float(x), 4) for x in (figure.value, figure.low, figure.high)]


def sliced(rows: Sequence[Row], top: Array, truth: NDArray[np.int8]) -> dict[str, Any]:
    """AUPRC of any of the 13 by length and by language, where there are 20 of either kind."""
    groups: dict[str, NDArray[np.bool_]] = {}
    sizes = np.array([len(row.text) for row in rows])
    for low, high in LENGTHS:
        name = f"{low} to {high} characters" if high < 1 << 30 else f"over {low - 1} characters"
        groups[name] = (sizes >= low) & (sizes <= high)
    for lang in sorted({row.lang for row in rows}):
        groups[f"language {lang}"] = np.array([row.lang == lang for row in rows])
    out = {}
    for name, chosen in groups.items():
        of = truth[chosen]
        if (of == 1).sum() >= 20 and (of == 0).sum() >= 20:
            out[name] = [int((of == 1).sum()), int((of == 0).sum()), *map(written, ranked(top[chosen], of))]
    return out


@dataclass(frozen=True, slots=True)
class Refusals:
    """Over-refusal on the test twins: the share of harmless ones flagged where this share of harmful ones is."""

    recall: float
    harmless: Figure


def over_refusal(top: Array, found: Sequence[Twin]) -> list[Refusals]:
    """By recall; intervals by a bootstrap over topics, for the prompts of a topic resemble each other."""
    harmful = np.array([bool(twin.labels) for twin in found])
    names = sorted({twin.topic for twin in found})
    topic = np.array([names.index(twin.topic) for twin in found])
    rng = np.random.default_rng(1)
    draws = [np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names)) for _ in range(RESAMPLES)]
    out = []
    for recall in RECALLS:
        drawn = np.array([flagged_at(top, harmful, recall, weights[topic]) for weights in draws])
        out.append(Refusals(recall, percentile(flagged_at(top, harmful, recall, np.ones(len(top))), drawn)))
    return out


def flagged_at(top: Array, harmful: NDArray[np.bool_], recall: float, weights: NDArray[Any]) -> float:
    order = np.argsort(-top, kind="stable")
    of = weights[order] * harmful[order]
    place = int(np.searchsorted(np.cumsum(of), recall * of.sum()))
    limit = top[order[min(place, len(order) - 1)]]
    clear = weights * ~harmful
    return float(clear[top >= limit].sum() / max(clear.sum(), 1))


def at_points(found: Array, points: Mapping[str, Mapping[str, float]], chosen: NDArray[np.bool_]) -> dict[str, Any]:
    """The share flagged in any category that a default policy refuses, by point, with a Wilson interval."""
    some = found[chosen]
    limits = {p: np.array([by[CATEGORIES[at]] for at in ASKED]) for p, by in points.items()}
    return {
        p: written(proportion(int((some[:, ASKED] >= limit).any(axis=1).sum()), len(some)))
        for p, limit in limits.items()
    }


def long_texts(dev: Sequence[Row], found: Array, points: Mapping[str, float]) -> dict[str, Any]:
    """By length: the share flagged of harmless texts joined, and of those with one flagged text in the midst."""
    rng = random.Random(1)
    limits = np.array([points[CATEGORIES[at]] for at in ASKED])
    over: list[bool] = np.greater_equal(found[:, ASKED], limits).any(axis=1).tolist()
    harmless = [row.text for row in dev if row.benign and len(row.text) < 2_000]
    harmful = [row.text for row, flag in zip(dev, over, strict=True) if flag and not row.benign and len(row.text) > 40]
    tiers = Tiers()
    out: dict[str, Any] = {}
    for length, many in LONG.items():
        hits = [0, 0]
        for _ in range(many):
            joined = ""
            while len(joined) < length:
                joined += rng.choice(harmless) + " "
            middle = joined.find(" ", length // 2)
            padded = f"{joined[:middle]} {rng.choice(harmful)}{joined[middle:]}"
            for at, text in enumerate((joined, padded)):
                scored = tiers.score([text])[0].scores
                hits[at] += any(scored[CATEGORIES[n]] >= points[CATEGORIES[n]] for n in ASKED)
        out[str(length)] = [many, *(written(proportion(hit, many)) for hit in hits)]
    return out


def measure(
    dev: Sequence[Row], plain: Callable[[Sequence[str]], Array], profanity: Callable[[Sequence[str]], Array]
) -> dict[str, Any]:
    """Everything the card shows. ``plain``: log-odds (texts, outputs); ``profanity``: a score a text."""
    texts, indirect = [row.text for row in dev], [is_document(row) for row in dev]
    truth = truth_of(dev)
    either = any_of(truth)
    benign = np.array([row.benign for row in dev])
    held = twins(TEST)
    prompts, documents = [twin.text for twin in held], [twin.topic.startswith(DOCUMENT) for twin in held]
    harmful = np.array([bool(twin.labels) for twin in held])
    out: dict[str, Any] = {"rows": len(dev), "benign rows": int(benign.sum()), "twins": len(held), "models": {}}
    for tier in (FAST, ACCURATE, None):
        found, asked = scores(tier, texts, indirect)
        of_twins, _ = scores(tier, prompts, documents)
        points = Tiers(tier).points
        out["models"][tier or CASCADE] = {
            "encoder asked": round(asked, 4),
            "any": list(map(written, ranked(found[:, THIRTEEN].max(axis=1), either))),
            "categories": by_category(found, truth, points),
            "slices": sliced(dev, found[:, THIRTEEN].max(axis=1), either),
            "harmless flagged": at_points(found, points, benign),
            "twins": {
                "over-refusal": {
                    str(r.recall): written(r.harmless) for r in over_refusal(of_twins[:, ASKED].max(axis=1), held)
                },
                "harmless flagged": at_points(of_twins, points, ~harmful),
                "harmful flagged": at_points(of_twins, points, harmful),
            },
        }
        if tier is None:
            out["long"] = long_texts(dev, found, points["balanced"])
    columns = [LEARNT.index(name) for name in OPENAI_MODERATION if name != COMPOSED]
    asked_columns = [*columns, LEARNT.index("prompt_injection")]
    odds = plain([*texts, *prompts])
    of_dev, of_prompts = odds[: len(texts)], odds[len(texts) :]
    out["models"]["plain n-grams"] = {
        "any": list(map(written, ranked(of_dev[:, columns].max(axis=1), either))),
        "categories": {
            name: {"auprc": written(ranked(of_dev[:, LEARNT.index(name)], truth[:, CATEGORIES.index(name)])[0])}
            for name in TRAINED
        },
        "twins": {
            "over-refusal": {
                str(r.recall): written(r.harmless) for r in over_refusal(of_prompts[:, asked_columns].max(axis=1), held)
            }
        },
    }
    words = profanity([*texts, *prompts])
    out["models"]["alt-profanity-check"] = {
        "any": list(map(written, ranked(words[: len(texts)], either))),
        "categories": {
            name: {"auprc": written(ranked(words[: len(texts)], truth[:, CATEGORIES.index(name)])[0])}
            for name in TRAINED
        },
        "twins": {
            "over-refusal": {str(r.recall): written(r.harmless) for r in over_refusal(words[len(texts) :], held)}
        },
    }
    return out
