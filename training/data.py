"""The training rows: which files, which labels, which are held out. Knows the data folder's form.

Must never print a row, read a file of unclear licence, or read the sealed evaluation sets.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from guardrail.local.categories import INDIRECT, TRAINED

FILES = ("moderation", "benign", "injection")
"""The plain files: stated licences only. ``ai_text`` and ``pii_train`` are for other models."""

OWN = "project-owned"

WEAK = 0.5
"""Weight of a row whose labels are derived, machine-made or noisy."""

DOCUMENTS = frozenset({"microsoft/BIPIA contexts"})
"""Sources of what tools and documents hold, though they are filed as prompts."""

DEV = frozenset(
    {
        "AI-secure/DecodingTrust (GPT toxic prompts, Perspective scores)",
        "OWASP AITG prompts (via VulcanForge)",
        "amandacurry/convabuse",
        "centerforaisafety/HarmBench (via AdversariaLLM)",
        "databricks-dolly-15k (via MobileAIBench)",
        "declare-lab/red-instruct CatQA",
        "f/prompts.chat",
        "meta-llama/PurpleLlama mitre_frr",
        "microsoft/TOXIGEN (demonstration statements)",
        "PolyAI restaurant8k",
        "Giskard-AI/prompt-injections",
        "surge-ai/toxicity",
        "verazuo/jailbreak_llms forbidden questions (via TrustAI)",
        "yizhongw/self-instruct seeds",
    }
)
"""Sources no model learns from: every choice is made on them, and every figure is of them."""


class NoData(Exception):
    """The data folder or a file in it is missing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text. ``labels``: category to 0 or 1; an absent category is unknown."""

    text: str
    labels: Mapping[str, int]
    source: str
    license: str
    weight: float = 1.0
    benign: bool = False  # from everyday material, clear of every category
    lang: str = "en"


def read(folder: Path) -> list[Row]:
    """All rows of the plain files in ``folder``. Raises NoData, naming what is missing."""
    missing = [f"{name}.jsonl.gz" for name in FILES if not (folder / f"{name}.jsonl.gz").is_file()]
    if missing:
        raise NoData(f"{folder}: no {', '.join(missing)} there. Give the folder of the training data with --data.")
    return [row for name in FILES for row in _rows(folder / f"{name}.jsonl.gz", benign=name == "benign")]


def _rows(path: Path, *, benign: bool) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            held = json.loads(line)
            labels = {name: int(value) for name, value in held["labels"].items() if name in TRAINED}
            if held.get("weak") and labels.get("toxicity") == 1 and labels.get("hate") == 0:
                del labels["hate"]  # "not hate" was only derived from "offensive": many such texts are hate
            if labels.get("prompt_injection") == 1:
                labels[INDIRECT] = 1
            elif held["direction"] != "prompt" or held["source"] in DOCUMENTS:
                labels[INDIRECT] = 0  # of what a person asks for it stays unknown: from a document that is an attack
            if held["split"] == "train" and labels:
                weight = WEAK if held.get("weak") else 1.0
                yield Row(held["text"], labels, held["source"], held["license"], weight, benign, held["lang"])


def split(rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """The rows to learn from and the development rows, which share no source and no text."""
    rows = list(rows)
    dev = [row for row in rows if row.source in DEV]
    held = {row.text for row in dev}
    return [row for row in rows if row.source not in DEV and row.text not in held], dev


def attributions(rows: Iterable[Row]) -> list[dict[str, str | int]]:
    """What must ship with the model: each source, its licence as found, and how many rows were used."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        counts[row.source, row.license] = counts.get((row.source, row.license), 0) + 1
    return [{"source": s, "license": lic, "rows": n} for (s, lic), n in sorted(counts.items())]
