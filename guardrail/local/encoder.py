"""The accurate tier: an int8 encoder in ONNX and its tokenizer, read once and shared.

Needs the extra ``local`` (onnxruntime, tokenizers); imported on first use only. Knows word pieces,
windows and logits, never what is done with a score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks.runs import sound
from .judged import Judged, Span, Worst, chunks, nfkc
from .pieces import cut
from .turns import TURNS

GRAPH = Path(__file__).with_name("encoder.onnx")
TOKENIZER = Path(__file__).with_name("encoder.json")

BATCH = 8
"""Windows in one run: more gain nothing on one thread, and hold the thread longer."""
_SLOWER = ["SkipLayerNormFusion"]
"""Of the runtime's optimisations: this one makes a window take a fifth longer (onnxruntime 1.32, one thread)."""


def installed() -> bool:
    """Whether the extra ``local`` is there. Imports nothing."""
    return all(find_spec(name) is not None for name in ("onnxruntime", "tokenizers"))


class Encoder:
    """The model of a graph and a tokenizer file. Safe to share between threads; each call uses one.

    Raises OSError where a file is missing, ValueError where it cannot be read, ImportError without the extra.
    """

    def __init__(self, graph: Path = GRAPH, tokenizer: Path = TOKENIZER) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        for path in (graph, tokenizer):
            if not path.is_file():
                raise FileNotFoundError(f"{path}: not there. Install the package again, or train the model.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False  # what a large batch took is given back
        try:
            self._session = onnxruntime.InferenceSession(
                str(graph), options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOWER
            )
            self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # noqa: BLE001 - both raise what they like for a damaged file
            raise ValueError(f"{graph.name} or {tokenizer.name} cannot be read: {type(error).__name__}") from None
        opening, closing = (self._tokenizer.token_to_id(mark) for mark in ("[CLS]", "[SEP]"))
        if opening is None or closing is None:
            raise ValueError(f"{tokenizer.name}: no [CLS] or [SEP] in it")
        self._marks = (opening, closing)

    def judge(self, text: str, stretches: Sequence[Span] | None = None, most: int | None = None) -> Judged | None:
        """The worst of all windows of a text of any length, or of these stretches of it, in their order, of which no
        more than about ``most`` windows are read; None for no word piece.
        """
        worst = Worst()
        batches = self._batches(text, [(0, len(text))] if stretches is None else stretches)
        while most is None or worst.count < most:
            with TURNS:
                batch = next(batches, None)
                if batch is None:
                    break
                worst.add(self._run(batch[0]), batch[1])
        return worst.judged()

    def _batches(self, text: str, stretches: Sequence[Span]) -> Iterator[tuple[list[list[int]], list[tuple[int, int]]]]:
        """Word pieces of up to ``BATCH`` windows, and the characters each spans."""
        ids: list[list[int]] = []
        places: list[tuple[int, int]] = []
        for start, end in chain.from_iterable(chunks(text, *stretch) for stretch in stretches):
            part = text[start:end]
            read = part if part.isascii() else nfkc(sound(part))
            encoded = self._tokenizer.encode(read, add_special_tokens=False)
            pieces, offsets, moved = encoded.ids, encoded.offsets, len(read) != len(part)
            for low, high in cut(encoded.word_ids):
                ids.append(pieces[low:high])
                # Where folding changed the length, places do not tell: the whole chunk is named.
                span = (0, end - start) if moved else (offsets[low][0], offsets[high - 1][1])
                places.append((start + span[0], start + span[1]))
                if len(ids) == BATCH:
                    yield ids, places
                    ids, places = [], []
        if ids:
            yield ids, places

    def _run(self, windows: list[list[int]]) -> NDArray[np.float32]:
        longest = max(map(len, windows)) + 2
        ids = np.zeros((len(windows), longest), dtype=np.int64)
        mask = np.zeros((len(windows), longest), dtype=np.int64)
        for row, pieces in enumerate(windows):
            end = len(pieces) + 1
            ids[row, 0], ids[row, end] = self._marks
            ids[row, 1:end] = pieces
            mask[row, : end + 1] = 1
        (found,) = self._session.run(["logits"], {"ids": ids, "mask": mask})
        logits: NDArray[np.float32] = found
        return logits
