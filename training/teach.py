"""The first step of training: learn the encoder, and keep it in the work folder. Prints figures, never a row."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from guardrail.evaluation.figures import auprc, auroc
from guardrail.local.categories import LEARNT

from . import encoder, vocabulary, windows
from .data import Row
from .gather import SEED, Rows


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def numbered(rows: Sequence[Row]) -> windows.Ints:
    """A number for the source of each row."""
    names = {name: at for at, name in enumerate(sorted({row.source for row in rows}))}
    return np.array([names[row.source] for row in rows], dtype=np.int64)


def marks(described: dict[str, Any]) -> tuple[int, int]:
    vocabulary_ = described["model"]["vocab"]
    return vocabulary_["[CLS]"], vocabulary_["[SEP]"]


def brief(truth: NDArray[np.int8], logits: NDArray[np.float32]) -> str:
    """AUPRC and AUROC by label, for a person who waits."""
    lines = []
    for at, name in enumerate(LEARNT):
        known = truth[:, at] >= 0
        score, of = logits[known, at].astype(np.float64), truth[known, at]
        lines.append(
            f"  {name:26} {(of == 1).sum():6} {(of == 0).sum():6} {auprc(score, of):.3f} {auroc(score, of):.3f}"
        )
    return "\n".join(lines)


def teach(rows: Rows, work: Path) -> None:
    """Leave in ``work``: ``tokenizer.json``, ``encoder.pt`` (weights) and ``said.npy`` (what it said of the rows).

    Where it was stopped between two epochs it goes on from there.
    """
    work.mkdir(parents=True, exist_ok=True)
    described, kept = vocabulary.pruned(row.text for row in rows.learn)
    (work / "tokenizer.json").write_text(json.dumps(described), encoding="utf-8")
    tokenizer = Tokenizer.from_str(json.dumps(described))
    held, dev = windows.corpus(tokenizer, rows.learn), windows.corpus(tokenizer, rows.dev)
    say(f"{len(rows.learn)} rows, {len(held.start)} windows; development: {len(rows.dev)} rows")
    model = encoder.fresh(kept, SEED)
    ends = marks(described)
    torch.save(encoder.state(model), work / "epoch-0.pt")

    def after(epoch: int) -> None:
        torch.save(encoder.state(model), work / f"epoch-{epoch + 1}.pt")
        found = encoder.rows_logits(model, dev, ends)
        say(f"epoch {epoch + 1}: development rows (positives, negatives, AUPRC, AUROC)\n{brief(dev.labels, found)}")

    progress = work / "progress.pt"
    said = encoder.learn(model, held, numbered(rows.learn), ends, seed=SEED, say=say, after=after, kept=progress)
    states = [torch.load(work / f"epoch-{n}.pt", weights_only=True) for n in range(encoder.EPOCHS + 1)]
    torch.save(encoder.averaged(states), work / "encoder.pt")
    np.save(work / "said.npy", said)
