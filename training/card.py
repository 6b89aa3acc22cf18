"""The model card's figures: ``python -m training.card --data DIR`` writes them into ``docs/model.md``.

The prose of the card is written by hand; what stands between the marks is written here, so that no
number in it is older than the models. Prints figures, never a row.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from guardrail.local import calibration, encoder, fast
from guardrail.local.categories import TRAINED

from . import peers
from .data import NoData
from .gather import SEED, gather
from .measure import CASCADE, measure

CARD = Path("docs/model.md")
FIGURES = Path("docs/model.json")
BEGIN, END = "<!-- figures: {} -->", "<!-- end of figures -->"


def cell(value: Sequence[float]) -> str:
    """A figure and its 95 % interval."""
    middle, low, high = value
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def compared(held: Mapping[str, Any]) -> str:
    names = list(held["models"])
    rows = [["any of the 13", *(cell(held["models"][name]["any"][0]) for name in names)]]
    for category in TRAINED:
        of = [held["models"][name]["categories"][category]["auprc"] for name in names]
        rows.append([category, *(cell(figure) for figure in of)])
    return table(["AUPRC", *names], rows)


def categories(held: Mapping[str, Any]) -> str:
    rows = []
    for name, of in held["models"][CASCADE]["categories"].items():
        points = [
            f"{p['threshold']:.2f}: {p['precision']:.2f} / {p['recall']:.2f} / {p['fpr']:.4f}"
            for p in of["points"].values()
        ]
        rows.append([name, f"{of['positives']} / {of['negatives']}", cell(of["auroc"]), *points])
    points = list(next(iter(held["models"][CASCADE]["categories"].values()))["points"])
    return table(["category", "positives / negatives", "AUROC", *points], rows)


def slices(held: Mapping[str, Any]) -> str:
    of = held["models"]
    rows = [
        [name, f"{some[0]} / {some[1]}", cell(some[2]), cell(of["fast"]["slices"][name][2])]
        for name, some in of[CASCADE]["slices"].items()
    ]
    return table(["slice", "positives / negatives", "AUPRC, cascade", "AUPRC, fast"], rows)


def refusals(held: Mapping[str, Any]) -> str:
    names = list(held["models"])
    recalls = list(held["models"][CASCADE]["twins"]["over-refusal"])
    rows = [[f"{float(r):.0%}", *(cell(held["models"][n]["twins"]["over-refusal"][r]) for n in names)] for r in recalls]
    return table(["of the harmful ones flagged", *(f"harmless flagged, {name}" for name in names)], rows)


def points(held: Mapping[str, Any]) -> str:
    rows = []
    for tier in (CASCADE, "fast"):
        of = held["models"][tier]
        for point, share in of["harmless flagged"].items():
            twins = of["twins"]
            rows.append(
                [
                    tier,
                    point,
                    cell(share),
                    cell(twins["harmless flagged"][point]),
                    cell(twins["harmful flagged"][point]),
                ]
            )
    heads = ["tier", "point", "harmless development rows flagged", "harmless twins flagged", "harmful twins flagged"]
    return table(heads, rows)


def long(held: Mapping[str, Any]) -> str:
    rows = [[f"{int(n):,} ({of[0]})", cell(of[1]), cell(of[2])] for n, of in held["long"].items()]
    return table(["characters (texts)", "harmless flagged", "with a harmful text in the midst"], rows)


def sizes(held: Mapping[str, Any]) -> str:
    files = [fast.ARTIFACT, encoder.GRAPH, encoder.TOKENIZER, calibration.FILE]
    rows = [[path.name, f"{path.stat().st_size / 1e6:.1f} MB"] for path in files]
    asked = held["models"][CASCADE]["encoder asked"]
    return (
        table(["file", "size"], rows) + f"\n\nOf the development rows the cascade asked the encoder about {asked:.0%}."
    )


def choices(_held: Mapping[str, Any]) -> str:
    return "```json\n" + json.dumps(calibration.metadata()["chosen"], indent=1) + "\n```"


PARTS = {
    "compared": compared,
    "categories": categories,
    "slices": slices,
    "over-refusal": refusals,
    "points": points,
    "long": long,
    "sizes": sizes,
    "choices": choices,
}


def filled(card: str, held: Mapping[str, Any]) -> str:
    """The card with each part between its marks. Raises ValueError where a mark is missing."""
    for name, part in PARTS.items():
        begin = BEGIN.format(name)
        start = card.find(begin)
        end = card.find(END, start)
        if start < 0 or end < 0:
            raise ValueError(f"{CARD}: no marks for `{name}`")
        card = f"{card[:start]}{begin}\n\n{part(held)}\n\n{card[end:]}"
    return card


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.card", description="Measure the shipped models.")
    parser.add_argument("--data", type=Path, required=True, help="folder of moderation.jsonl.gz and the others")
    options = parser.parse_args(arguments)
    try:
        rows = gather(options.data)
    except NoData as error:
        print(error, file=sys.stderr)
        return 2
    held = measure(rows.dev, partial(peers.plain, rows.learn, seed=SEED), peers.profanity)
    FIGURES.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
    CARD.write_text(filled(CARD.read_text(encoding="utf-8"), held), encoding="utf-8")
    for name in ("compared", "over-refusal", "points"):
        print(PARTS[name](held), end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
