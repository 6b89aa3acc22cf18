"""One-vs-rest logistic regression on hashed n-grams with a masked loss: minibatch Adagrad in numpy.

Knows arrays, not files. A label that is unknown for a row adds nothing to its loss. A row longer
than a window is learnt from the window that counts when it is scored: the worst one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guardrail.local import ngrams
from guardrail.local.categories import TRAINED
from guardrail.local.linear import DAMPING, LinearModel, pack

from .data import Row

Floats = NDArray[np.float32]

EPOCHS = 4
BATCH = 512  # windows
RATE = 0.3
DECAY = 2e-6  # L2, on the buckets a batch touches, per step
COMMON = 4.0
"""The most that a positive counts for being rare: (negatives / positives) ** 0.25, up to this."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Rows as arrays. Window ``w`` is ``buckets[start[w]:end[w]]`` and row ``r`` has windows
    ``first[r]`` up to ``first[r + 1]``. ``labels``: (rows, categories), 1, 0, or -1 for unknown.
    """

    buckets: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    first: NDArray[np.int64]
    labels: NDArray[np.int8]
    weight: Floats


def corpus(rows: Sequence[Row]) -> Corpus:
    """Hash every row once."""
    parts: list[NDArray[np.int32]] = []
    spans: list[tuple[int, int]] = []
    first = [0]
    labels = np.full((len(rows), len(TRAINED)), -1, dtype=np.int8)
    size = 0
    for at, row in enumerate(rows):
        for piece in ngrams.pieces(ngrams.normalised(row.text)):
            buckets, edges = ngrams.hashed(piece)
            parts.append(buckets)
            spans.extend((size + a, size + b) for a, b in ngrams.windows(edges))
            size += len(buckets)
        first.append(len(spans))
        for place, name in enumerate(TRAINED):
            labels[at, place] = row.labels.get(name, -1)
    ends = np.array(spans, dtype=np.int64).reshape(-1, 2)
    return Corpus(
        buckets=np.concatenate(parts),
        start=ends[:, 0].copy(),
        end=ends[:, 1].copy(),
        first=np.array(first, dtype=np.int64),
        labels=labels,
        weight=np.array([row.weight for row in rows], dtype=np.float32),
    )


class Linear:
    """Float weights (buckets, categories padded to 16) and biases, while they are being learnt."""

    def __init__(self) -> None:
        self.weights: Floats = np.zeros((ngrams.BUCKETS, 16), dtype=np.float32)
        self.bias: Floats = np.full(16, -3.0, dtype=np.float32)
        self._squares: Floats = np.full((ngrams.BUCKETS, 16), 1e-4, dtype=np.float32)
        self._bias_squares: Floats = np.full(16, 1.0, dtype=np.float32)

    def logits(self, held: Corpus, chosen: NDArray[np.int64]) -> Floats:
        """(windows, 16)"""
        out: Floats = np.zeros((len(chosen), 16), dtype=np.float32)
        for at in range(0, len(chosen), BATCH):
            part = chosen[at : at + BATCH]
            buckets, counts = _gather(held, part)
            out[at : at + BATCH] = self._forward(buckets, counts)
        return out

    def _forward(self, buckets: NDArray[np.int32], counts: NDArray[np.int64]) -> Floats:
        totals: Floats = np.zeros((len(counts), 16), dtype=np.float32)
        some = counts > 0
        if some.any():
            starts = np.concatenate(([0], np.cumsum(counts[some])[:-1]))
            totals[some] = np.add.reduceat(self.weights.take(buckets, axis=0), starts, axis=0)
        result: Floats = totals * _shrink(counts) + self.bias
        return result

    def step(self, held: Corpus, chosen: NDArray[np.int64], want: Floats, weight: Floats, rate: float) -> None:
        """One Adagrad step. ``want`` and ``weight`` are (windows, 16); weight 0 masks a label."""
        buckets, counts = _gather(held, chosen)
        logits = self._forward(buckets, counts)
        error: Floats = (np.float32(1.0) / (np.float32(1.0) + np.exp(-logits)) - want) * weight
        order = np.argsort(buckets, kind="stable")
        sorted_buckets = buckets[order]
        starts = np.flatnonzero(np.concatenate(([True], sorted_buckets[1:] != sorted_buckets[:-1])))
        owner = np.repeat(np.arange(len(counts)), counts)[order]
        slopes = np.add.reduceat((error * _shrink(counts)).take(owner, axis=0), starts, axis=0)
        touched = sorted_buckets[starts]
        now = self.weights.take(touched, axis=0)
        slopes += DECAY * len(counts) * now
        squares = self._squares.take(touched, axis=0) + slopes * slopes
        self._squares[touched] = squares
        self.weights[touched] = now - rate * slopes / np.sqrt(squares)
        pull = error.sum(axis=0)
        self._bias_squares += pull * pull
        self.bias -= rate * pull / np.sqrt(self._bias_squares)


def _shrink(counts: NDArray[np.int64]) -> Floats:
    shrink: Floats = (1.0 / np.sqrt(counts + DAMPING)).astype(np.float32)[:, None]
    return shrink


def _gather(held: Corpus, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    spans = zip(held.start[chosen].tolist(), held.end[chosen].tolist(), strict=True)
    return np.concatenate([held.buckets[a:b] for a, b in spans]), held.end[chosen] - held.start[chosen]


def fit(held: Corpus, rows: NDArray[np.int64], seed: int, epochs: int = EPOCHS) -> LinearModel:
    """Learn from the rows named. The result is packed to int8 and not yet calibrated."""
    model = Linear()
    labels = np.full((len(held.labels), 16), -1, dtype=np.int8)
    labels[:, : len(TRAINED)] = held.labels
    known = labels[rows]
    positives, negatives = (known == 1).sum(axis=0), (known == 0).sum(axis=0)
    boost = np.clip((negatives / np.maximum(positives, 1)) ** 0.25, 1.0, COMMON).astype(np.float32)
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        chosen = _windows_to_learn(model, held, rows, labels, rng, epoch)
        rng.shuffle(chosen)
        rate = RATE * (1.0 - 0.8 * epoch / max(epochs, 1))
        for at in range(0, len(chosen), BATCH):
            part = chosen[at : at + BATCH]
            owners = np.searchsorted(held.first, part, side="right") - 1
            want = labels[owners]
            weight = held.weight[owners][:, None] * (want >= 0) * np.where(want == 1, boost, 1.0)
            model.step(held, part, (want == 1).astype(np.float32), weight.astype(np.float32), rate)
    width = len(TRAINED)
    packed, scale = pack(model.weights[:, :width])
    return LinearModel(
        labels=TRAINED,
        weights=packed,
        scale=scale,
        bias=model.bias[:width].astype(np.float64),
        slope=np.ones(width),
        shift=np.zeros(width),
        points={},
        version="uncalibrated",
    )


def _windows_to_learn(
    model: Linear,
    held: Corpus,
    rows: NDArray[np.int64],
    labels: NDArray[np.int8],
    rng: np.random.Generator,
    epoch: int,
) -> NDArray[np.int64]:
    """One window a row; of long rows the worst so far (by its positive labels, where it has some).

    A long row without positives adds two more at random: all of its windows are negatives.
    """
    first, last = held.first[rows], held.first[rows + 1]
    single = first[last - first == 1]
    chosen = [single]
    for row in rows[last - first > 1]:
        span = np.arange(held.first[row], held.first[row + 1])
        positive = labels[row] == 1
        if epoch == 0:
            chosen.append(rng.choice(span, 1))
        else:
            wanted = positive if positive.any() else labels[row] == 0
            worst = model.logits(held, span)[:, wanted].max(axis=1).argmax()
            chosen.append(span[worst : worst + 1])
        if not positive.any():
            chosen.append(rng.choice(span, min(2, len(span)), replace=False))
    return np.concatenate(chosen)


def scores(model: LinearModel, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Uncalibrated logits (texts, categories) and numbers of windows (texts, 1), by the shipped arithmetic.

    Empty text is far below all.
    """
    out = np.full((len(texts), len(TRAINED)), -30.0)
    windows = np.ones((len(texts), 1), dtype=np.int64)
    for at, text in enumerate(texts):
        found = model.logits(ngrams.normalised(text))
        if found is not None:
            out[at], windows[at] = found
    return out, windows
