"""What people embed today, on the same rows: a word model from a library, and a plain n-gram model.

The plain model is what an engineer makes in an hour: TF-IDF of words and characters and one logistic
regression a category, from the same rows. Knows texts and labels; nothing of this project's models.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from guardrail.local.categories import LEARNT

from .data import Row
from .figures import Array


def profanity(texts: Sequence[str]) -> Array:
    """One score a text by ``alt-profanity-check``: it has no categories."""
    from profanity_check import predict_prob

    found: Array = np.asarray(predict_prob(list(texts)), dtype=np.float64)
    return found


def profanity_name() -> str:
    return f"alt-profanity-check {version('alt-profanity-check')}"


def plain(learn: Sequence[Row], texts: Sequence[str], seed: int) -> Array:
    """Log-odds (texts, outputs) of the plain n-gram model."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.linear_model import SGDClassifier

    readers = (
        HashingVectorizer(ngram_range=(1, 2), n_features=1 << 18, alternate_sign=False),
        HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=1 << 18, alternate_sign=False),
    )
    of_learn = hstack([reader.transform([row.text[:4000] for row in learn]) for reader in readers]).tocsr()
    of_texts = hstack([reader.transform(texts) for reader in readers]).tocsr()
    weigh = TfidfTransformer().fit(of_learn)
    of_learn, of_texts = weigh.transform(of_learn), weigh.transform(of_texts)
    labels: NDArray[np.int8] = np.array([[row.labels.get(name, -1) for name in LEARNT] for row in learn], dtype=np.int8)
    found = np.full((len(texts), len(LEARNT)), -20.0)
    for at in range(len(LEARNT)):
        known = np.flatnonzero(labels[:, at] >= 0)
        if len(np.unique(labels[known, at])) < 2:
            continue
        model = SGDClassifier(loss="log_loss", alpha=2e-6, max_iter=8, tol=None, random_state=seed)
        model.fit(of_learn[known], labels[known, at])
        found[:, at] = model.decision_function(of_texts)
    return found
