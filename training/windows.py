"""Rows as windows of word pieces, and which of a row's windows are learnt from.

Knows arrays and the shipped cutting of windows; nothing of torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guardrail.local.categories import LEARNT
from guardrail.local.pieces import WINDOW, cut

from .data import Row

Ints = NDArray[np.int64]

MOST = 7000
"""Rows of one source in an epoch; another draw each time."""

SURROUNDED = 0.25
"""Share of the short windows that are put in the midst of harmless text in an epoch; another draw each time."""

SHORT = 44
"""Pieces of a window that leave room for that."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Window ``w`` is ``ids[start[w]:end[w]]``; row ``r`` has windows ``first[r]`` up to ``first[r + 1]``.

    ``labels``: (rows, outputs), 1, 0 or -1 for unknown; ``weight``, ``benign``: (rows,).
    """

    ids: NDArray[np.int32]
    start: Ints
    end: Ints
    first: Ints
    labels: NDArray[np.int8]
    weight: NDArray[np.float32]
    benign: NDArray[np.bool_]


def corpus(tokenizer: Any, rows: Sequence[Row]) -> Corpus:
    """Every row, encoded and cut once."""
    parts: list[NDArray[np.int32]] = []
    spans: list[tuple[int, int]] = []
    first = [0]
    size = 0
    labels = np.full((len(rows), len(LEARNT)), -1, dtype=np.int8)
    for at in range(0, len(rows), 4096):
        for encoded in tokenizer.encode_batch([row.text for row in rows[at : at + 4096]], add_special_tokens=False):
            ids = np.array(encoded.ids, dtype=np.int32)
            parts.append(ids)
            spans.extend((size + a, size + b) for a, b in cut(encoded.word_ids))
            size += len(ids)
            first.append(len(spans))
    for at, row in enumerate(rows):
        for place, name in enumerate(LEARNT):
            labels[at, place] = row.labels.get(name, -1)
    ends = np.array(spans, dtype=np.int64).reshape(-1, 2)
    return Corpus(
        ids=np.concatenate(parts),
        start=ends[:, 0].copy(),
        end=ends[:, 1].copy(),
        first=np.array(first, dtype=np.int64),
        labels=labels,
        weight=np.array([row.weight for row in rows], dtype=np.float32),
        benign=np.array([row.benign for row in rows], dtype=np.bool_),
    )


def owners(first: Ints) -> Ints:
    """The row of each window."""
    return np.repeat(np.arange(len(first) - 1), np.diff(first))


def worst(first: Ints, logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The greatest logit of a row's windows, (rows, outputs), from those of all windows."""
    starts = first[:-1]
    found: NDArray[np.float32] = np.full((len(starts), logits.shape[1]), -30.0, dtype=np.float32)
    some = np.diff(first) > 0
    found[some] = np.maximum.reduceat(logits, starts[some], axis=0)
    return found


def long_positives(first: Ints, labels: NDArray[np.int8]) -> Ints:
    """The windows of rows that have something true of them and more than one window."""
    several = (np.diff(first) > 1) & (labels == 1).any(axis=1)
    return np.flatnonzero(several[owners(first)])


def surrounded(held: Corpus, chosen: Ints, rng: np.random.Generator) -> tuple[list[NDArray[np.int32]], Ints]:
    """The pieces of the chosen windows, and the places in ``chosen`` of those that were put in other text.

    Of the short windows, harmless or not, ``SURROUNDED`` get the end of one harmless window before them
    or the start of another behind, or both: harm in a paragraph of small talk is harm. Harmless ones are those of
    everyday material: near misses beside harm would teach nothing but doubt.
    """
    fillers = np.flatnonzero(held.benign[owners(held.first)])
    pieces = [held.ids[a:b] for a, b in zip(held.start[chosen].tolist(), held.end[chosen].tolist(), strict=True)]
    short = held.end[chosen] - held.start[chosen] <= SHORT
    drawn = np.flatnonzero(short & (rng.random(len(chosen)) < SURROUNDED)) if len(fillers) else np.zeros(0, np.int64)
    for at in drawn.tolist():
        room = int(rng.integers(1, WINDOW - len(pieces[at]) + 1))
        before = int(rng.integers(0, room + 1))
        first, last = (int(rng.choice(fillers)) for _ in range(2))
        pieces[at] = np.concatenate(
            (
                held.ids[max(held.start[first], held.end[first] - before) : held.end[first]],
                pieces[at],
                held.ids[held.start[last] : min(held.end[last], held.start[last] + room - before)],
            )
        )
    return pieces, drawn


def draw(
    first: Ints,
    labels: NDArray[np.int8],
    sources: Ints,
    rng: np.random.Generator,
    judged: tuple[Ints, NDArray[np.float32]] | None,
) -> Ints:
    """The windows of an epoch: of each source's rows at most ``MOST``, of each row one window.

    Of a long row that is clear of all it knows two at random, for all of its windows are negatives;
    of a long row that is not, the one that the model so far (``judged``: windows and their logits)
    finds worst by what is true of it.
    """
    score = np.full(int(first[-1]), -np.inf, dtype=np.float32)
    if judged is not None:
        truth = labels[owners(first)[judged[0]]] == 1
        score[judged[0]] = np.where(truth, judged[1], -np.inf).max(axis=1)
    chosen = []
    for source in np.unique(sources):
        of = np.flatnonzero(sources == source)
        chosen.append(of if len(of) <= MOST else rng.choice(of, MOST, replace=False))
    found: list[int] = []
    clear = ~(labels == 1).any(axis=1)
    for row in np.concatenate(chosen).tolist():
        begin, end = int(first[row]), int(first[row + 1])
        if end - begin == 1:
            found.append(begin)
        elif end > begin and (clear[row] or judged is None):
            found.extend(rng.choice(np.arange(begin, end), 2 if clear[row] else 1, replace=False).tolist())
        elif end > begin:
            found.append(begin + int(score[begin:end].argmax()))
    return np.array(found, dtype=np.int64)
