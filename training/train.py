"""The command that makes the shipped models: ``python -m training.train --data DIR [--work DIR] [--out DIR]``.

Learns the encoder (an hour or more on two cores; kept in the work folder and not learnt again where it
is there), then the fast tier from labels and the encoder's word, makes the int8 graph, and makes every
choice on the development rows, which are of sources that neither has seen. Prints figures, never a row.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from guardrail.local import calibration, fast
from guardrail.local.categories import LEARNT
from guardrail.local.encoder import Encoder
from guardrail.local.tiers import _refers_to_minor

from . import choose, encoder, export, teach
from . import fast as learning
from .data import NoData, Row, attributions
from .gather import SEED, Rows, gather
from .teach import say
from .vocabulary import NoBase, base

GRAPH, TOKENIZER, FAST, FILE = "encoder.onnx", "encoder.json", "fast.npz", "model.json"


def labels_of(rows: Sequence[Row]) -> NDArray[np.int8]:
    """(rows, outputs): 1, 0, or -1 where unknown."""
    return np.array([[row.labels.get(name, -1) for name in LEARNT] for row in rows], dtype=np.int8)


def learn_fast(rows: Sequence[Row], said: NDArray[np.float32]) -> fast.FastModel:
    """The fast tier, taught by labels and by what the encoder said of the same rows."""
    table = learning.vectors((row.text for row in rows), embed)
    held = learning.grams(rows)
    say(f"fast: {len(held.start)} windows, {len(held.buckets)} n-grams")
    weight = np.array([row.weight for row in rows], dtype=np.float32)
    sources = teach.numbered(rows)
    return learning.learn(table, held, labels_of(rows), weight, said, sources, seed=SEED, say=say)


def embed(words: list[str]) -> NDArray[np.float32]:
    """What the base encoder makes of each word, (words, 384)."""
    from transformers import AutoTokenizer, BertModel

    tokenizer = AutoTokenizer.from_pretrained(str(base()), local_files_only=True)
    body = BertModel.from_pretrained(str(base()), local_files_only=True).eval()
    found = []
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for at in range(0, len(words), 512):
            held = tokenizer(words[at : at + 512], padding=True, truncation=True, max_length=12, return_tensors="pt")
            mask = held["attention_mask"].unsqueeze(-1)
            hidden = body(**held).last_hidden_state.float()
            found.append(((hidden * mask).sum(1) / mask.sum(1)).numpy())
    return np.concatenate(found)


def judge(rows: Sequence[Row], out: Path) -> choose.Dev:
    """The development rows as the files in ``out`` judge them: the very arithmetic that ships."""
    quick, slow = fast.load(out / FAST), Encoder(out / GRAPH, out / TOKENIZER)
    return choose.Dev(
        labels=labels_of(rows),
        benign=np.array([row.benign or row.labels == CLEAR for row in rows]),
        minors=np.array([_refers_to_minor(row.text) for row in rows]),
        fast=choose.Logits.of([quick.judge(row.text) for row in rows]),
        encoder=choose.Logits.of([slow.judge(row.text) for row in rows]),
    )


CLEAR = {name: 0 for name in LEARNT if name != "prompt_injection/indirect"}
"""The labels of a person's text that is harmless by everyone's word."""


def make(rows: Rows, work: Path, out: Path) -> dict[str, Any]:
    """Everything after the encoder is learnt. Returns what was chosen and why."""
    described = json.loads((work / "tokenizer.json").read_text(encoding="utf-8"))
    held = torch.load(work / "encoder.pt", weights_only=True)
    model = encoder.fresh(list(range(len(described["model"]["vocab"]))), SEED)
    model.body.load_state_dict(held["body"])
    model.head.load_state_dict(held["head"])
    export.export(model, out / GRAPH)
    (out / TOKENIZER).write_text(json.dumps(described, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    fast.save(out / FAST, learn_fast(rows.learn, np.load(work / "said.npy")), len(LEARNT))
    return settle(rows, out)


def settle(rows: Rows, out: Path) -> dict[str, Any]:
    """Make every choice for the models in ``out``, and write it there. Returns what was chosen and why."""
    dev = judge(rows.dev, out)
    chosen, about = choose.choose(dev)
    calibration.save(
        out / FILE,
        chosen,
        {
            "seed": SEED,
            "epochs": {"encoder": encoder.EPOCHS, "fast": learning.EPOCHS},
            "chosen": about,
            "learnt from": attributions(rows.learn),
            "developed on": attributions(rows.dev),
        },
    )
    return about


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the files are written, 2 when there is no data or no base encoder."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description="Make the embedded models.")
    parser.add_argument("--data", type=Path, required=True, help="folder of moderation.jsonl.gz and the others")
    parser.add_argument("--work", type=Path, default=Path("build/train"), help="where the learnt encoder is kept")
    parser.add_argument("--out", type=Path, default=calibration.FILE.parent, help="where the models are written")
    options = parser.parse_args(arguments)
    try:
        rows = gather(options.data)
        base()
    except (NoData, NoBase) as error:
        print(error, file=sys.stderr)
        return 2
    if not (options.work / "said.npy").is_file():
        teach.teach(rows, options.work)
    print(json.dumps(make(rows, options.work, options.out), indent=1))
    for name in (GRAPH, TOKENIZER, FAST, FILE):
        say(f"{options.out / name}: {(options.out / name).stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
