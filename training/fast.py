"""The fast tier while it is learnt: n-gram weights and word vectors together, by Adagrad, from labels and the
encoder's own word.

Needs torch. Knows arrays; never a row's text. The word vectors begin as what the base encoder makes of each
word, so that words which no row holds are near those they resemble.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from guardrail.local import ngrams
from guardrail.local.categories import LEARNT
from guardrail.local.fast import DAMPING, WORD_DAMPING, FastModel, pack

from .data import Row
from .windows import Ints, draw, long_positives, owners

EPOCHS = 4
BATCH = 256
RATE = 0.15
VECTOR_RATE = 0.02
HIDDEN_RATE = 0.02
SIZE = 32
"""Numbers in a word vector."""
HIDDEN = 64
TAUGHT = 0.4
"""How much of a known label is the encoder's word for it; where nobody labelled it is all of it."""
SOFT = 0.4
"""What the encoder's word counts for where nobody labelled."""
COMMON = 4.0

Floats = NDArray[np.float32]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Grams:
    """Window ``w`` has n-grams ``buckets[start[w]:end[w]]`` and words ``words[word_start[w]:word_end[w]]``;
    row ``r`` has windows ``first[r]`` up to ``first[r + 1]``.
    """

    buckets: NDArray[np.int32]
    start: Ints
    end: Ints
    words: NDArray[np.int32]
    word_start: Ints
    word_end: Ints
    first: Ints


def grams(rows: Sequence[Row]) -> Grams:
    """Hash every row once; its windows are those of two blocks."""
    buckets: list[NDArray[np.int32]] = []
    words: list[NDArray[np.int32]] = []
    spans: list[tuple[int, int, int, int]] = []
    first, size, word_size = [0], 0, 0
    for row in rows:
        for _, piece in ngrams.pieces(ngrams.normalised(row.text)):
            held = ngrams.hashed(piece)
            buckets.append(held.buckets)
            words.append(held.words)
            for (a, b), (c, d) in zip(ngrams.windows(held.edges), ngrams.windows(held.word_edges), strict=True):
                spans.append((size + a, size + b, word_size + c, word_size + d))
            size, word_size = size + len(held.buckets), word_size + len(held.words)
        first.append(len(spans))
    ends = np.array(spans, dtype=np.int64).reshape(-1, 4)
    start, end, word_start, word_end = (ends[:, n].copy() for n in range(4))
    return Grams(
        np.concatenate(buckets),
        start,
        end,
        np.concatenate(words),
        word_start,
        word_end,
        np.array(first, dtype=np.int64),
    )


def vectors(texts: Iterable[str], embed: Callable[[list[str]], Floats]) -> Floats:
    """(word buckets, SIZE): the principal components of what the base encoder makes of each word.

    ``embed`` gives a vector for each word. Words that share a bucket are averaged by how often they occur.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(ngrams.words(ngrams.normalised(text)).split())
    known = [word for word, count in counts.items() if count > 1 or len(word) < 16]
    made = embed(known)
    made = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-6)
    made = made - made.mean(axis=0)
    _, _, axes = np.linalg.svd(made[:: max(1, len(made) // 20_000)], full_matrices=False)
    small = made @ axes[:SIZE].T
    small /= small.std()
    table = np.zeros((ngrams.WORDS, SIZE), dtype=np.float32)
    weight = np.zeros((ngrams.WORDS, 1), dtype=np.float32)
    for word, vector in zip(known, small, strict=True):
        bucket = int(ngrams.hashed(ngrams.normalised(word)).words[0])
        table[bucket] += vector * counts[word] ** 0.5
        weight[bucket] += counts[word] ** 0.5
    found: Floats = (table / np.maximum(weight, 1e-6)).astype(np.float32)
    return found


class Learner:
    """The model in float, while it is learnt."""

    def __init__(self, table: Floats, seed: int) -> None:
        torch.manual_seed(seed)
        outputs = len(LEARNT)
        self.weights = torch.zeros(ngrams.BUCKETS, outputs, requires_grad=True)
        self.vectors = torch.from_numpy(table).clone().requires_grad_()
        self.inner = (torch.randn(SIZE, HIDDEN) / SIZE**0.5).requires_grad_()
        self.inner_bias = torch.zeros(HIDDEN, requires_grad=True)
        self.outer = (torch.randn(HIDDEN, outputs) * 0.1).requires_grad_()
        self.bias = torch.full((outputs,), -3.0).requires_grad_()

    def logits(self, held: Grams, chosen: Ints) -> Any:
        sums, counts = _bags(self.weights, held.buckets, held.start, held.end, chosen)
        found, words = _bags(self.vectors, held.words, held.word_start, held.word_end, chosen)
        hidden = torch.tanh(found / (words + WORD_DAMPING) @ self.inner + self.inner_bias)
        return sums / torch.sqrt(counts + DAMPING) + hidden @ self.outer + self.bias

    def optimisers(self) -> list[Any]:
        return [
            torch.optim.Adagrad([self.weights], lr=RATE, initial_accumulator_value=1e-4, eps=1e-8),
            torch.optim.Adagrad([self.vectors], lr=VECTOR_RATE, initial_accumulator_value=1e-3, eps=1e-8),
            torch.optim.Adagrad(
                [self.inner, self.inner_bias, self.outer, self.bias], lr=HIDDEN_RATE, initial_accumulator_value=1e-2
            ),
        ]

    def packed(self) -> FastModel:
        weights, scale = pack(self.weights.detach().numpy())
        table = self.vectors.detach().numpy()
        unit = float(max(np.quantile(np.abs(table), 0.9999), 1e-6)) / 127.0
        wide = np.zeros((len(weights), 16), dtype=np.int8)
        wide[:, : weights.shape[1]] = weights
        return FastModel(
            wide,
            scale,
            np.clip(np.rint(table / unit), -127, 127).astype(np.int8),
            unit,
            *(part.detach().numpy() for part in (self.inner, self.inner_bias, self.outer, self.bias)),
        )


def _bags(table: Any, held: NDArray[np.int32], start: Ints, end: Ints, chosen: Ints) -> tuple[Any, Any]:
    counts = end[chosen] - start[chosen]
    parts = [held[a:b] for a, b in zip(start[chosen].tolist(), end[chosen].tolist(), strict=True)]
    offsets = torch.from_numpy(np.concatenate(([0], np.cumsum(counts)[:-1])))
    rows = torch.from_numpy(np.concatenate(parts).astype(np.int64))
    found = functional.embedding_bag(rows, table, offsets, mode="sum", sparse=True)
    return found, torch.from_numpy(counts.astype(np.float32))[:, None]


def learn(
    table: Floats,
    held: Grams,
    labels: NDArray[np.int8],
    weight: Floats,
    said: Floats,
    sources: Ints,
    *,
    seed: int,
    say: Say,
    epochs: int = EPOCHS,
) -> FastModel:
    """``labels``, ``said`` (the encoder's logits, NaN where it said nothing): (rows, outputs); ``weight``: (rows,)."""
    model = Learner(table, seed)
    optimisers = model.optimisers()
    bases = [group.param_groups[0]["lr"] for group in optimisers]
    rng = np.random.default_rng(seed)
    row_of = owners(held.first)
    taught = 1.0 / (1.0 + np.exp(-np.nan_to_num(said, nan=-30.0)))
    heard = ~np.isnan(said)
    positives, negatives = (labels == 1).sum(axis=0), (labels == 0).sum(axis=0)
    boost = np.clip((negatives / np.maximum(positives, 1)) ** 0.25, 1.0, COMMON).astype(np.float32)
    for epoch in range(epochs):
        judged = None
        if epoch:
            long = long_positives(held.first, labels)
            judged = (long, _scores(model, held, long))
        plan = rng.permutation(draw(held.first, labels, sources, rng, judged))
        for optimiser, base in zip(optimisers, bases, strict=True):
            optimiser.param_groups[0]["lr"] = base * (1.0 - 0.8 * epoch / epochs)
        total = 0.0
        for at in range(0, len(plan), BATCH):
            part = plan[at : at + BATCH]
            rows = row_of[part]
            known, hard = labels[rows] >= 0, (labels[rows] == 1).astype(np.float32)
            blend = np.where(heard[rows], (1 - TAUGHT) * hard + TAUGHT * taught[rows], hard)
            want = np.where(known, blend, taught[rows])
            counts = weight[rows][:, None] * np.where(known, np.where(hard == 1, boost, 1.0), SOFT * heard[rows])
            logits = model.logits(held, part)
            loss = functional.binary_cross_entropy_with_logits(
                logits,
                torch.from_numpy(want.astype(np.float32)),
                torch.from_numpy(counts.astype(np.float32)),
                reduction="sum",
            )
            for optimiser in optimisers:
                optimiser.zero_grad(set_to_none=True)
            loss.backward()
            for optimiser in optimisers:
                optimiser.step()
            total += loss.item()
        say(f"fast, epoch {epoch + 1} of {epochs}: {len(plan)} windows, loss {total / len(plan):.3f}")
    return model.packed()


def _scores(model: Learner, held: Grams, chosen: Ints) -> Floats:
    found = np.zeros((len(chosen), len(LEARNT)), dtype=np.float32)
    with torch.inference_mode():
        for at in range(0, len(chosen), BATCH):
            found[at : at + BATCH] = model.logits(held, chosen[at : at + BATCH]).numpy()
    return found
