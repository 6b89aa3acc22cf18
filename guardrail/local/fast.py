"""The fast tier: int8 weights of hashed n-grams, and small word vectors with one hidden layer. Numpy only.

Imports numpy, so it is imported on first use only. Knows buckets and numbers, never what is done
with a score.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import ngrams
from .judged import CHUNK, Judged, Span, Worst, chunks

ARTIFACT = Path(__file__).with_name("fast.npz")
FORM = 3
"""The artifact's form; a model written for another reading of text is refused."""

DAMPING = 8.0
"""Added to the count of n-grams, so that a text of one short word is not judged by two n-grams."""
WORD_DAMPING = 2.0
"""Added to the count of words, for the same reason."""

AT_ONCE: AbstractContextManager[None] = nullcontext()
"""The turn of a caller that waits for nobody."""

_ONES = np.ones(ngrams.PIECE * 8, dtype=np.float32)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FastModel:
    """Weights by bucket and output, and the second reading by word vectors.

    Of a window with ``n`` n-grams whose rows of ``weights`` (int8, (buckets, width)) add up to ``s`` and ``m``
    words whose ``vectors`` (int8, (word buckets, size)) add up to ``v``, the logits are
    ``scale * s / sqrt(n + DAMPING) + tanh(v * unit / (m + WORD_DAMPING) @ inner + inner_bias) @ outer + bias``.
    """

    weights: NDArray[np.int8]
    scale: Floats
    vectors: NDArray[np.int8]
    unit: float
    inner: Floats
    inner_bias: Floats
    outer: Floats
    bias: Floats

    def judge(self, text: str, turn: AbstractContextManager[None] = AT_ONCE) -> Judged | None:
        """The worst of all windows and half windows of a text of any length; None where it holds no word.

        ``turn``: entered for each stretch of the text, by threads that take turns.
        """
        worst = Worst(keep=len(text) > CHUNK)
        for start, end in chunks(text):
            with turn:
                self._read(text[start:end], start, worst)
        return worst.judged()

    def _read(self, part: str, start: int, worst: Worst) -> None:
        codes = ngrams.normalised(part)
        if len(codes) < 3:
            return
        places = None if len(codes) <= ngrams.BLOCK else ngrams.places(part)
        for begin, piece in ngrams.pieces(codes):
            found = self.windows(ngrams.hashed(piece))
            worst.add(found, _spans(len(found), begin, places, start, start + len(part)))

    def windows(self, held: ngrams.Hashed) -> Floats:
        """Logits (windows, outputs) of a piece's blocks, then of its windows of two. Sums are whole numbers: exact."""
        sums, counts = _blocks(self.weights, held.buckets, held.edges)
        vectors, words = _blocks(self.vectors, held.words, held.word_edges)
        hidden = np.tanh(
            (vectors * np.float32(self.unit) / (words + WORD_DAMPING)[:, None]) @ self.inner + self.inner_bias
        )
        logits: Floats = sums[:, : len(self.scale)] * self.scale / np.sqrt(counts + DAMPING)[:, None]
        logits += hidden @ self.outer + self.bias
        return logits


def _blocks(table: NDArray[np.int8], buckets: ngrams.Buckets, edges: list[int]) -> tuple[Floats, Floats]:
    """Sums of rows and counts, of each block and then of each two neighbours: a short threat in long filler is
    thinned out by half as much in a block alone.
    """
    numbers = table.take(buckets, axis=0).astype(np.float32)
    sums = np.stack([_ONES[: b - a] @ numbers[a:b] for a, b in pairwise(edges)])
    counts = np.diff(edges).astype(np.float32)
    if len(edges) > 2:
        sums = np.concatenate((sums, sums[:-1] + sums[1:]))
        counts = np.concatenate((counts, counts[:-1] + counts[1:]))
    return sums, counts


def _spans(windows: int, begin: int, places: NDArray[np.intp] | None, start: int, end: int) -> list[Span]:
    """Where each row of ``FastModel.windows`` is in the whole text, of which the piece's chunk is ``start:end``."""
    if places is None or windows == 1:
        return [(start, end)] * windows
    blocks = (windows + 1) // 2
    size, length = ngrams.BLOCK, end - start

    def span(first: int, blocks_: int) -> Span:
        low, high = begin + first * size, begin + (first + blocks_) * size
        return (
            start + max(int(places[min(low, len(places) - 1)]), 0),
            start + (int(places[high]) if high < len(places) else length),
        )

    return [span(at, 1) for at in range(blocks)] + [span(at, 2) for at in range(blocks - 1)]


def pack(table: Floats) -> tuple[NDArray[np.int8], Floats]:
    """A float table (buckets, columns) as int8, and what one unit is worth by column."""
    scale = np.maximum(np.abs(table).max(axis=0), 1e-9) / np.float32(127.0)
    return np.rint(table / scale).astype(np.int8), scale.astype(np.float32)


def save(path: Path, model: FastModel, outputs: int) -> None:
    """Write the artifact, columns first: they compress better so."""
    np.savez_compressed(
        path,
        form=np.array([FORM]),
        weights=np.ascontiguousarray(model.weights[:, :outputs].T),
        scale=model.scale,
        vectors=np.ascontiguousarray(model.vectors.T),
        unit=np.array([model.unit]),
        inner=model.inner,
        inner_bias=model.inner_bias,
        outer=model.outer,
        bias=model.bias,
    )


def load(path: Path = ARTIFACT) -> FastModel:
    """Read an artifact. Raises OSError where there is none, ValueError where it has another form."""
    with np.load(path, allow_pickle=False) as held:
        form = int(held["form"][0]) if "form" in held else 0
        if form != FORM:
            raise ValueError(f"{path.name}: form {form}, this release reads form {FORM}. Train it again.")
        used = held["weights"].T
        weights = np.zeros((ngrams.BUCKETS, 16), dtype=np.int8)  # rows of 16 are read faster
        weights[:, : used.shape[1]] = used
        vectors = np.ascontiguousarray(held["vectors"].T)
        for table in (weights, vectors):
            table.flags.writeable = False
        return FastModel(
            weights=weights,
            scale=held["scale"],
            vectors=vectors,
            unit=float(held["unit"][0]),
            inner=held["inner"],
            inner_bias=held["inner_bias"],
            outer=held["outer"],
            bias=held["bias"],
        )
